//! The tree-sitter grammar of the model files of dcmc.

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_dcm() -> *const ();
}

/// The language, for `tree_sitter::Parser::set_language`.
// SAFETY: the function is the one that tree-sitter generated.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_dcm) };

/// The highlighting query.
pub const HIGHLIGHTS: &str = include_str!("../../queries/highlights.scm");
/// The query for languages inside others.
pub const INJECTIONS: &str = include_str!("../../queries/injections.scm");
/// The query for definitions and references.
pub const LOCALS: &str = include_str!("../../queries/locals.scm");
/// The query for what can be folded.
pub const FOLDS: &str = include_str!("../../queries/folds.scm");
