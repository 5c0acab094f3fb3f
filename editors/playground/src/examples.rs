//! Models to begin with: none needs a file.

macro_rules! example {
    ($name:literal, $path:literal) => {
        ($name, include_str!(concat!("../", $path, $name, ".scm")))
    };
}

/// Names and texts; the page opens with the first.
pub const EXAMPLES: [(&str, &str); 9] = [
    example!("front_door", "examples/"),
    example!("bow", "examples/"),
    example!("lot", "examples/"),
    example!("simpson", "examples/"),
    example!("asia", "../../examples/"),
    example!("mediation", "../../examples/"),
    example!("synthetic7", "../../examples/"),
    example!("digits_table", "../../examples/"),
    example!("twins", "../../examples/"),
];
