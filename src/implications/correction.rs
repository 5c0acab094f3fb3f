//! What p-values of many tests amount to.

/// How the number of tests is accounted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correction {
    /// The probability of any false alarm stays below the level (Holm 1979).
    #[default]
    Holm,
    /// The expected share of false alarms among the alarms stays below it (Benjamini & Hochberg 1995).
    Fdr,
    /// Each test on its own.
    None,
}

/// The p-values adjusted so that a test fails where its own is at most the level; in the given order.
pub fn adjusted(p: &[f64], correction: Correction) -> Vec<f64> {
    let count = p.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = p.to_vec();
    match correction {
        Correction::None => {}
        Correction::Holm => {
            let mut least: f64 = 0.0;
            for (rank, &at) in order.iter().enumerate() {
                least = least.max(((count - rank) as f64 * p[at]).min(1.0));
                adjusted[at] = least;
            }
        }
        Correction::Fdr => {
            let mut most: f64 = 1.0;
            for (rank, &at) in order.iter().enumerate().rev() {
                most = most.min(count as f64 / (rank + 1) as f64 * p[at]);
                adjusted[at] = most;
            }
        }
    }
    adjusted
}
