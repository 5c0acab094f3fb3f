//! The table of codes: what each diagnostic is called, and its page.

/// A code with its title and its page (Markdown).
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code, e.g. `E0301`; codes are told apart by the whole of it.
    pub code: &'static str,
    /// What it says, in a few words.
    pub title: &'static str,
    /// What it means, an example, the reason and the repair.
    pub page: &'static str,
}

/// The entry of a code, in upper or lower case.
pub fn entry(code: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.code.eq_ignore_ascii_case(code))
}

macro_rules! catalogue {
    ($($code:literal $title:literal)*) => {
        /// All codes, in their order.
        pub const CATALOGUE: &[Entry] = &[$(Entry {
            code: $code,
            title: $title,
            page: include_str!(concat!("../../docs/diagnostics/", $code, ".md")),
        }),*];
    };
}

catalogue! {
    "E0101" "unexpected token"
    "E0102" "foreign arrow"
    "E0103" "unfinished statement"
    "E0104" "unclosed bracket"
    "E0105" "invalid name"
    "E0106" "unterminated string"
    "E0107" "unknown edition"
    "E0108" "unknown key in a block"
    "N0109" "graph of another program changed"
    "E0201" "unknown variable"
    "E0202" "declared twice"
    "W0203" "repeated edge"
    "W0204" "probable typo"
    "E0205" "import not found or cyclic"
    "E0301" "directed cycle"
    "E0302" "edge to itself"
    "E0303" "latent with a cause"
    "E0304" "latent with data or mechanism"
    "E0305" "truth block departs from the graph"
    "W0305" "latent with three or more effects is projected for identification"
    "W0306" "unconnected variable"
    "E0401" "unknown type"
    "E0402" "wrong type arguments"
    "E0403" "empty range"
    "E0404" "value outside the domain"
    "E0405" "duplicate label"
    "E0406" "type needed"
    "N0407" "types taken from data"
    "E0501" "cannot read data"
    "E0502" "column missing"
    "E0503" "bad cell"
    "E0504" "intervened column varies"
    "E0505" "no data set covers a module"
    "W0506" "column not in the graph"
    "W0507" "combination never seen"
    "W0508" "rows dropped"
    "W0509" "column not loaded"
    "E0510" "images of another shape"
    "E0511" "image cannot be read"
    "E0512" "images and rows differ in number"
    "E0601" "pretrained on a confounded variable"
    "E0602" "diffusion on a confounded variable"
    "E0603" "pretrained inputs are not the parents"
    "E0604" "pretrained file gives other values"
    "E0605" "pretrained file cannot be used"
    "E0606" "another pretrained file than the model says"
    "W0608" "image enters a critic without an encoder"
    "W0609" "pretrained file is not there"
    "N0610" "modules merged"
    "W0611" "the paper's order is not sound"
    "E0612" "likelihood engine not applicable"
    "N0613" "experiment teaches nothing about a module"
    "E0701" "effect not identifiable"
    "E0702" "counterfactual not identifiable"
    "E0703" "variable both set and asked"
    "E0704" "contradictory evidence"
    "W0705" "effect is zero by the graph"
    "E0706" "latent in a query"
    "E0707" "probability of an image"
    "E0708" "answer too large"
    "E0709" "output file of another kind"
    "W0710" "answer rests on few samples"
    "W0711" "picture of a question is not there"
    "E0801" "assertion fails"
    "E0802" "expectation fails"
    "E0901" "device unavailable"
    "E0902" "loss not finite"
    "E0904" "not supported by this version"
}
