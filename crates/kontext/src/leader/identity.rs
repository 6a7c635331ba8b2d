//! Who a candidate says it is.

use rand::Rng;

/// `host_uuid`, as Kubernetes' own components name themselves: two processes on one host, or one that was restarted,
/// are two candidates.
pub fn unique_identity(host: &str) -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    // RFC 9562: version 4, variant 10.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{host}_{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_the_host_and_a_random_uuid() {
        let identity = unique_identity("host-a");
        let uuid = identity.strip_prefix("host-a_").expect("begins with the host");
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "4");
        assert_ne!(identity, unique_identity("host-a"));
    }
}
