//! Did-you-mean.

/// The candidate closest to `name`: equal but for case, else at an edit distance of at most a third of its length.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    let scored = candidates.into_iter().filter(|c| *c != name).map(|candidate| {
        let distance = match candidate.to_lowercase() == lower {
            true => 0,
            false => strsim::damerau_levenshtein(name, candidate),
        };
        (distance, candidate)
    });
    scored.min_by_key(|&(distance, _)| distance).filter(|&(distance, _)| distance <= limit).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn case_comes_before_spelling() {
        assert_eq!(closest("tar", ["tax", "Tar"]), Some("Tar"));
        assert_eq!(closest("smokr", ["smoke", "cancer"]), Some("smoke"));
        assert_eq!(closest("X", ["Treatment"]), None);
    }
}
