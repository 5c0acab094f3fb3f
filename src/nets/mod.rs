//! Mechanisms and critics: tables and Candle networks, and the files they are kept in.

pub mod file;
pub mod table;
