//! Models to begin with: none needs a file.

/// A model of the menu.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Under which heading it stands.
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The model file.
    pub text: &'static str,
}

macro_rules! example {
    ($group:literal, $path:literal, $name:literal) => {
        Example { group: $group, name: $name, text: include_str!(concat!("../", $path, $name, ".scm")) }
    };
}

/// In the order of the menu; the page opens with the first.
pub const EXAMPLES: [Example; 13] = [
    example!("Effects from observations", "examples/", "front_door"),
    example!("Effects from observations", "examples/", "simpson"),
    example!("Effects from observations", "examples/", "m_bias"),
    example!("Effects from observations", "examples/", "berkson"),
    example!("Effects from observations", "examples/", "napkin"),
    example!("Effects from observations", "examples/", "wage"),
    example!("Where there is no formula", "examples/", "bow"),
    example!("Where there is no formula", "examples/", "lot"),
    example!("What would have been", "../../examples/", "mediation"),
    example!("What would have been", "../../examples/", "twins"),
    example!("Several data sets, larger graphs", "../../examples/", "synthetic7"),
    example!("Several data sets, larger graphs", "../../examples/", "asia"),
    example!("Several data sets, larger graphs", "../../examples/", "digits_table"),
];
