//! Algorithms on acyclic directed mixed graphs (ADMGs). Nodes are numbers; nothing here knows of
//! names, files or tensors.

mod admg;

pub use admg::Admg;
