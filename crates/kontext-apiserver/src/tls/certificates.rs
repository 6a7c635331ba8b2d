//! A certificate authority of one server's life, and the server's certificate.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The object identifier of an organization in a certificate's subject.
const ORGANIZATION: [u64; 4] = [2, 5, 4, 10];

/// How many groups a certificate of a user holds.
pub(super) const MOST_GROUPS: usize = 2;

/// What TLS needs.
pub(super) struct Certificates {
    pub(super) ca_pem: String,
    pub(super) ca: CertificateDer<'static>,
    pub(super) authority: Authority,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Certificates {
    /// Makes an authority and a certificate for these names and addresses.
    pub(super) fn new(names: &[String]) -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "kontext-apiserver-ca");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);

        let mut server = CertificateParams::new(names.to_vec())?;
        server.distinguished_name.push(DnType::CommonName, "kontext-apiserver");
        server.use_authority_key_identifier_extension = true;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_key = KeyPair::generate()?;
        let certificate = server.signed_by(&server_key, &issuer)?;
        Ok(Self {
            ca_pem: authority_certificate.pem(),
            ca: authority_certificate.der().clone(),
            authority: Authority(issuer),
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der())),
        })
    }
}

/// The authority, which signs the certificates of users too.
pub(super) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// A certificate of a user and its key, both PEM.
    pub(super) fn user(&self, name: &str, groups: &[&str]) -> Result<(String, String), rcgen::Error> {
        let mut user = CertificateParams::default();
        user.distinguished_name = DistinguishedName::new();
        user.distinguished_name.push(DnType::CommonName, name);
        // A name holds one value a kind, and the organization can be spelled in two.
        let kinds = [DnType::OrganizationName, DnType::CustomDnType(ORGANIZATION.to_vec())];
        for (kind, group) in kinds.into_iter().zip(groups) {
            user.distinguished_name.push(kind, *group);
        }
        user.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = user.signed_by(&key, &self.0)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}
