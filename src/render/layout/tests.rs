//! What holds for every layout.
