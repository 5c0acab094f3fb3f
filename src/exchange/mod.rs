//! Graphs of other programs, read into model files: one format a file.
