//! Answers from trained modules.

pub mod answer;
pub mod exact;
