//! "Did you mean": names that are like a name.

/// The candidate most like `name`, itself left out; see [`similar()`].
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    similar(name, candidates.into_iter().filter(|c| *c != name), 1).pop()
}

/// At most `limit` of `candidates` that are like `name`, the most alike first: the same but for case
/// and punctuation, the same stem, or a few letters apart (Damerau–Levenshtein).
pub fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let wanted = bare(name);
    let mut found: Vec<(usize, &str)> = candidates
        .filter_map(|candidate| {
            let other = bare(candidate);
            let distance = match () {
                () if other == wanted => Some(0),
                () if is_data_file(candidate) && stem(candidate) == stem(name) => Some(1),
                () => Some(strsim::damerau_levenshtein(&wanted, &other)).filter(|d| *d <= wanted.chars().count() / 3),
            };
            distance.map(|d| (d, candidate))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, candidate)| candidate).take(limit).collect()
}

fn bare(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

fn is_data_file(name: &str) -> bool {
    [".csv", ".tsv", ".parquet"].iter().any(|extension| name.to_lowercase().ends_with(extension))
}

/// The name up to its last dot, in lower case.
fn stem(name: &str) -> String {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{closest, similar};

    #[test]
    fn the_closest_is_never_the_name_itself() {
        assert_eq!(closest("tar", ["tax", "tar", "Tar"]), Some("Tar"));
        assert_eq!(closest("smokr", ["smoke", "cancer"]), Some("smoke"));
        assert_eq!(closest("X", ["Treatment", "Y"]), None);
        assert_eq!(closest("c.smoker", ["c.tar"]), None);
    }

    #[test]
    fn case_comes_before_spelling() {
        let names = ["PKB", "pka", "Mek", "p_ka"];
        assert_eq!(similar("PKA", names.into_iter(), 9), ["p_ka", "pka", "PKB"]);
        assert_eq!(similar("Erk", names.into_iter(), 9), [""; 0]);
        assert_eq!(similar("D", ["A", "d"].into_iter(), 9), ["d"]);
        assert_eq!(
            similar("obs.csv", ["obs.parquet", "other.csv", "osb.csv"].into_iter(), 9),
            ["obs.parquet", "osb.csv"]
        );
    }
}
