use super::Template;

/// Safe in names and labels, and without vowels, so that no words come out.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const LENGTH: usize = 10;

/// The value of the label `pod-template-hash`: ten characters that follow from the template and from how often a name
/// was already taken.
///
/// Equal templates give equal names, which is what makes creating a ReplicaSet idempotent under a stale cache. The value
/// differs from upstream's, which hashes the memory layout of a Go struct, changes between minor versions and is not
/// compared by anybody: ReplicaSets made by upstream are found by their template.
#[must_use]
pub fn pod_template_hash(template: &Template, collision_count: Option<i32>) -> String {
    let mut hash = fnv1a(0xcbf2_9ce4_8422_2325, template.canonical().as_bytes());
    if let Some(count) = collision_count {
        hash = fnv1a(hash, b"/collision/");
        hash = fnv1a(hash, &count.to_le_bytes());
    }
    let mut rest = avalanche(hash);
    (0..LENGTH)
        .map(|_| {
            let letter = ALPHABET[usize::try_from(rest % 27).expect("invariant: below 27")];
            rest /= 27;
            char::from(letter)
        })
        .collect()
}

fn fnv1a(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Spreads the last bytes over all bits (the finaliser of MurmurHash3), since only 47 bits end up in the name.
fn avalanche(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    fn version(n: u32) -> Template {
        Template::new(&json!({"spec": {"containers": [{"image": format!("registry.example/web:{n}")}]}}))
    }

    #[test]
    fn a_template_always_gives_the_same_ten_safe_characters() {
        expect_test::expect!["snh8nlc8ww"].assert_eq(&pod_template_hash(&version(1), None));
        let hash = pod_template_hash(&version(1), None);
        assert_eq!(hash, pod_template_hash(&version(1), None));
        assert!(hash.len() == LENGTH && hash.bytes().all(|c| ALPHABET.contains(&c)), "{hash}");
    }

    #[test]
    fn each_collision_count_gives_another_name() {
        let counts = [None, Some(0), Some(1), Some(2), Some(i32::MAX)];
        let names: HashSet<_> = counts.map(|count| pod_template_hash(&version(1), count)).into();
        assert_eq!(names.len(), counts.len());
    }

    #[test]
    fn ten_thousand_versions_of_an_image_do_not_collide() {
        let names: HashSet<_> = (0..10_000).map(|n| pod_template_hash(&version(n), None)).collect();
        assert_eq!(names.len(), 10_000);
    }
}
