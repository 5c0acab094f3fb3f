//! Answers from trained modules.

pub mod answer;
