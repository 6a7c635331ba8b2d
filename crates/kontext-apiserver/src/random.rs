//! The server's randomness: uids, name suffixes, tokens. Repeatable where a seed is given.

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Letters of generated names: no vowels and nothing that reads like another letter.
const SUFFIX_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A shared random number generator.
pub(crate) struct Random(Mutex<StdRng>);

impl Random {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(Mutex::new(match seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => StdRng::from_os_rng(),
        }))
    }

    /// A version 4 UUID.
    pub(crate) fn uid(&self) -> String {
        let bits: u128 = self.0.lock().random();
        let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
        let hex = format!("{bits:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// The five characters that `generateName` appends.
    pub(crate) fn suffix(&self) -> String {
        let mut rng = self.0.lock();
        (0..5).map(|_| char::from(SUFFIX_ALPHABET[rng.random_range(0..SUFFIX_ALPHABET.len())])).collect()
    }

    /// A bearer token of 128 random bits.
    pub(crate) fn token(&self) -> String {
        format!("{:032x}", self.0.lock().random::<u128>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_uids_and_suffixes() {
        let (a, b) = (Random::new(Some(7)), Random::new(Some(7)));
        assert_eq!((a.uid(), a.suffix()), (b.uid(), b.suffix()));
    }

    #[test]
    fn a_uid_is_a_version_4_uuid() {
        let uid = Random::new(Some(1)).uid();
        assert_eq!(uid.len(), 36);
        assert_eq!(&uid[14..15], "4");
        assert!("89ab".contains(&uid[19..20]));
    }
}
