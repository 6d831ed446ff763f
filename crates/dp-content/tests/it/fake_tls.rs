//! TLS for the fake distribution point, with certificates made on the spot: an authority of its own,
//! the server's certificate, and one for a client.
//!
//! Apart from `fake_dp`, which other crates' tests include without rustls.

#![allow(dead_code, reason = "tests use parts of it")]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::fake_dp::{Connection, Wrap};

/// Signs the certificates of servers and clients.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    /// Its certificate, as `--ca-file` takes it.
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", self.issuer.der())
    }

    /// A certificate for these names and addresses; for a client any will do.
    pub(crate) fn identity(&self, names: &[&str]) -> Identity {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
    }

    /// TLS for [`Options::tls`](crate::fake_dp::Options::tls), with a certificate for 127.0.0.1 and
    /// localhost.
    pub(crate) fn server(&self) -> Arc<Wrap> {
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        self.wrap(builder.with_no_client_auth())
    }

    /// The same, for clients with a certificate of this authority only.
    pub(crate) fn server_with_clients(&self) -> Arc<Wrap> {
        let roots = Arc::new(self.roots());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        self.wrap(builder.with_client_cert_verifier(verifier.build().unwrap()))
    }

    /// What a client trusts that trusts this authority alone.
    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        roots
    }

    fn wrap(
        &self,
        builder: rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert>,
    ) -> Arc<Wrap> {
        let Identity { certificate, key } = self.identity(&["127.0.0.1", "localhost"]);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        let config = Arc::new(builder.with_single_cert(vec![certificate], key).unwrap());
        Arc::new(move |mut socket: TcpStream| {
            let mut tls = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            let done = tls.complete_io(&mut socket);
            // The alert that says why not.
            tls.write_tls(&mut socket)?;
            done?;
            Ok(Box::new(Tls(StreamOwned::new(tls, socket))) as Box<dyn Connection>)
        })
    }
}

impl Identity {
    /// Certificate and key, as `--client-certificate` takes them.
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate) + &pem("PRIVATE KEY", &self.key)
    }

    /// Certificate and key, as rustls takes them.
    pub(crate) fn into_der(self) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        (self.certificate, PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key)))
    }
}

/// The one the library has too.
pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(str::from_utf8(line).unwrap());
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}

/// Says that it closes, so that bodies without a length have an end.
struct Tls(StreamOwned<ServerConnection, TcpStream>);

impl Read for Tls {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Tls {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.0.conn.send_close_notify();
        // The client may be gone.
        let _ = self.0.flush();
    }
}

mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::Arc;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, StreamOwned};

    use super::{Authority, Identity, provider};
    use crate::fake_dp::{FakeDp, Options};
    use crate::library_fixture::LibraryFixture;

    /// The whole answer to GET.
    fn get(
        dp: &FakeDp,
        trusted: &Authority,
        client: Option<Identity>,
        path: &str,
    ) -> std::io::Result<String> {
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(trusted.roots());
        let config = match client.map(Identity::into_der) {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(tls, TcpStream::connect(dp.authority()).unwrap());
        write!(stream, "GET {path} HTTP/1.1\r\nHost: dp\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn pages_of_https_have_links_of_http() {
        let folder = tempfile::tempdir().unwrap();
        let fixture = LibraryFixture::new(folder.path()).package("PS100001", 2, &[("a", b"1")]);
        let authority = Authority::new();
        let options = Options { tls: Some(authority.server()), ..Options::new(fixture.root()) };
        let dp = FakeDp::new(options);
        assert!(dp.url().starts_with("https://127.0.0.1:"));
        let page = get(&dp, &authority, None, "/SMS_DP_SMSPKG$/PS100001.2").unwrap();
        assert!(page.contains("href=\"http://dp/SMS_DP_SMSPKG$/PS100001.2/a\""), "{page}");
        assert!(get(&dp, &Authority::new(), None, "/").is_err());
    }

    #[test]
    fn clients_need_a_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let fixture = LibraryFixture::new(folder.path()).package("PS100001", 2, &[("a", b"1")]);
        let authority = Authority::new();
        let tls = Some(authority.server_with_clients());
        let dp = FakeDp::new(Options { tls, ..Options::new(fixture.root()) });
        let path = "/SMS_DP_SMSPKG$/PS100001.2/a";
        assert!(get(&dp, &authority, None, path).is_err());
        let other = Authority::new().identity(&["client"]);
        assert!(get(&dp, &authority, Some(other), path).is_err());
        let client = authority.identity(&["client"]);
        assert!(client.pem().starts_with("-----BEGIN CERTIFICATE-----\nMII"));
        assert!(get(&dp, &authority, Some(client), path).unwrap().ends_with("\r\n\r\n1"));
        assert!(authority.pem().ends_with("-----END CERTIFICATE-----\n"));
    }
}
