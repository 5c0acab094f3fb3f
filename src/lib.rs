//! `dcmc` compiles causal graphs written in a small declarative language and runs them.
//!
//! The pipeline, one folder a step; each step only imports from the ones before it:
//!
//! 1. [`syntax`] turns text into an `Ast` and never fails: mistakes become diagnostics.
//! 2. [`model`] gives names, types and domains a meaning and builds the causal graph.
//! 3. [`data`] reads what the data sets offer (their schema), later their rows.
//! 4. [`plan`] compiles the graph and the regimes to modules of mechanisms and an order to train them in.
//! 5. [`train`] fits each module with its engine ([`nets`] holds the mechanisms).
//! 6. [`query`] answers observational and interventional questions from trained modules.
//! 7. [`report`] writes answers as text, JSON and HTML.
//!
//! Beside the pipeline: [`causal`] (graph theory on numbered nodes), [`factor`] (discrete tables and
//! variable elimination), [`truth`] (the ground-truth model a file may declare), [`diag`] (diagnostics)
//! and [`seed`] (named random streams).

#![warn(missing_docs)]

pub mod causal;
pub mod check;
pub mod cli;
pub mod data;
#[cfg(feature = "run")]
pub mod device;
pub mod diag;
pub mod exchange;
pub mod factor;
pub mod ide;
pub mod identification;
pub mod implications;
pub mod lsp;
pub mod model;
#[cfg(feature = "run")]
pub mod nets;
pub mod plan;
pub mod pretrained;
#[cfg(feature = "run")]
pub mod query;
pub mod render;
#[cfg(feature = "run")]
pub mod report;
pub mod seed;
pub mod syntax;
#[cfg(feature = "run")]
pub mod train;
pub mod truth;
