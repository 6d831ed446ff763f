//! What `ureq` is told: certificates, time limits, no redirects, one connection for each agent.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use ureq::Proxy;
use ureq::config::Config;
use ureq::tls::parse_pem;
use ureq::tls::{Certificate, ClientCert, PemItem, RootCerts, TlsConfig, TlsProvider};

use crate::access::options::AccessOptions;
use crate::access::{AccessError, AccessKind};

/// A bundle of all public authorities is a quarter of a MiB.
const LARGEST_PEM: u64 = 16 << 20;

/// IIS keeps idle connections for two minutes, nginx for 75 s; after this long nobody counts on one.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// The configuration of every agent of a location.
pub(super) fn config(
    options: &AccessOptions,
    tls: bool,
    proxy: Option<Proxy>,
    crypto: &Arc<CryptoProvider>,
) -> Result<Config, AccessError> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        // A login is one of a connection: an agent must not have a second one to pick.
        .max_idle_connections(1)
        .max_idle_connections_per_host(1)
        .max_idle_age(MAX_IDLE)
        .proxy(proxy)
        .user_agent(options.user_agent())
        .accept_encoding("identity")
        .timeout_connect(Some(options.connect_timeout()))
        .timeout_resolve(Some(options.connect_timeout()))
        // Else a header could come byte by byte.
        .timeout_recv_response(Some(options.read_timeout()))
        .timeout_per_read(Some(options.read_timeout()))
        .timeout_per_write(Some(options.read_timeout()));
    let config = if tls { config.tls_config(tls_config(options, crypto)?) } else { config };
    Ok(config.build())
}

fn tls_config(
    options: &AccessOptions,
    crypto: &Arc<CryptoProvider>,
) -> Result<TlsConfig, AccessError> {
    let roots = match options.ca_file() {
        Some(file) => authorities(file)?,
        None => system_authorities()?,
    };
    let client = options.client_certificate().map(client_certificate).transpose()?;
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::clone(crypto))
        .root_certs(RootCerts::new_with_certs(&roots))
        .client_cert(client)
        .build())
}

/// What the operating system trusts: there an enterprise puts the authority of its distribution
/// points. Certificates that cannot be read are passed over, as the system does.
fn system_authorities() -> Result<Vec<Certificate<'static>>, AccessError> {
    let found = rustls_native_certs::load_native_certs();
    let certificates: Vec<_> =
        found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if certificates.is_empty() {
        let why = "none can be found; name them with --ca-file".to_owned();
        let what = "the system's trusted certificates";
        return Err(AccessError::new(what, AccessKind::Unusable(why)));
    }
    Ok(certificates)
}

fn authorities(file: &Path) -> Result<Vec<Certificate<'static>>, AccessError> {
    let unusable = |why: &str| unusable("--ca-file", file, why);
    let certificates: Vec<_> = items(file)
        .map_err(|why| unusable(&why))?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(unusable("it holds no certificate in PEM form"));
    }
    Ok(certificates)
}

fn client_certificate(file: &Path) -> Result<ClientCert, AccessError> {
    let unusable = |why: &str| unusable("--client-certificate", file, why);
    let mut chain = Vec::new();
    let mut key = None;
    for item in items(file).map_err(|why| unusable(&why))? {
        match item {
            PemItem::Certificate(certificate) => chain.push(certificate),
            PemItem::PrivateKey(found) => key = key.or(Some(found)),
            _ => {}
        }
    }
    match key {
        _ if chain.is_empty() => Err(unusable(
            "it holds no certificate in PEM form; `openssl pkcs12 -in FILE -nodes` makes that of a \
             PFX file",
        )),
        Some(key) => Ok(ClientCert::new_with_certs(&chain, key)),
        None => Err(unusable(
            "it holds no private key that can be read; the key must be in the same file, not \
             encrypted",
        )),
    }
}

fn items(file: &Path) -> Result<Vec<PemItem<'static>>, String> {
    let of_io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => error.to_string(),
    };
    let mut pem = Vec::new();
    File::open(file).and_then(|f| f.take(LARGEST_PEM).read_to_end(&mut pem)).map_err(of_io)?;
    // The parser's error may show a line of the file, which may be of a key: it is not repeated.
    parse_pem(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| "it is not a well-formed PEM file".to_owned())
}

fn unusable(option: &str, file: &Path, why: &str) -> AccessError {
    let what = format!("{option} {}", file.display());
    AccessError::new(what, AccessKind::Unusable(why.to_owned()))
}
