//! Random streams: every draw of the program comes from a named stream of the run's seed.
//!
//! The same seed and name give the same numbers on every machine, and a new stream never shifts
//! the numbers of another.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of the stream `name` of `seed`, e.g. `stream(1, "train/H2/restart/3")`.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(derive(seed, name))
}

/// A seed of its own for the stream `name` of `seed` (FNV-1a, finished with SplitMix64's mixer).
pub fn derive(seed: u64, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.to_le_bytes().iter().chain(name.as_bytes()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn streams_differ_by_name_and_seed_and_repeat() {
        let draw = |seed, name: &str| stream(seed, name).random::<u64>();
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }
}
