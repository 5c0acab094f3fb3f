//! Files that fit and files that do not.
