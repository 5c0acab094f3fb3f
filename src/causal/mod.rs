//! Algorithms on acyclic directed mixed graphs (ADMGs), one a file. Nodes are numbers; nothing here
//! knows of names, files or tensors. Sets of nodes are slices in ascending order.

mod admg;
mod ancestors;
pub mod bounds;
mod c_components;
mod closure;
pub mod counterfactual;
mod h_graph;
pub mod identify;
pub mod implied;
mod paper_h_graph;
mod random;
mod separation;
mod surgery;

pub use admg::Admg;
pub use ancestors::{ancestors, ancestors_within, descendants};
pub use c_components::{c_components, c_components_of};
pub use closure::{Closure, Reason};
pub use h_graph::{HGraph, HNode, Merge, Need, h_graph};
pub use identify::q_identifiable;
pub use paper_h_graph::paper_h_graph;
pub use random::random_admg;
pub use separation::{Step, m_separated, open_path};
