//! Users by client certificate: the common name is the user, the organisations are the groups.

use std::sync::Arc;

use axum_server::tls::TlsInfo;
use http::Extensions;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::auth::User;

/// The user of the certificate that the connection was made with. TLS has checked that the server's own authority
/// signed it.
pub(super) fn user(extensions: &Extensions) -> Option<User> {
    let der = extensions.get::<Arc<TlsInfo>>()?.peer_certificates.first()?;
    user_of(der)
}

fn user_of(der: &[u8]) -> Option<User> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?;
    let groups = subject.iter_organization().filter_map(|group| group.as_str().ok());
    (!name.is_empty()).then(|| User::named(name).in_groups(groups))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn the_subject_names_user_and_groups() {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, "alice");
        parameters.distinguished_name.push(DnType::OrganizationName, "writers");
        let certificate = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let user = user_of(certificate.der()).unwrap();
        assert_eq!((user.name.as_str(), user.groups), ("alice", vec!["writers".to_owned()]));
        assert!(user_of(b"nonsense").is_none());
    }
}
