//! What the answers and silences of a web server mean to an administrator (reference 2.5).

use std::error::Error;
use std::io;
use std::time::Duration;

use ureq::Timeout;

use crate::access::AccessKind;
use crate::access::options::AccessOptions;

/// What to do where TLS is not spoken as it should be.
const SEE_BINDING: &str =
    "see the https binding of its web site and whether the port is that, or give http://";

/// How a server is reached, as far as it explains why it is not.
#[derive(Debug, Clone)]
pub(super) struct Way {
    options: AccessOptions,
    /// `host:port` of the proxy.
    proxy: Option<String>,
}

impl Way {
    pub(super) fn new(options: AccessOptions, proxy: Option<String>) -> Self {
        Self { options, proxy }
    }

    pub(super) fn options(&self) -> &AccessOptions {
        &self.options
    }

    fn unreachable(&self, why: &str) -> AccessKind {
        AccessKind::Unreachable(match &self.proxy {
            Some(proxy) => format!("{why}, by way of the proxy {proxy}"),
            None => why.to_owned(),
        })
    }

    /// What a proxy means that opens no tunnel, by what `ureq` says of it. It is asked for one for
    /// `http://` too: `ureq` has no other way, and NTLM needs it, being of one connection, which a
    /// proxy that passes requests on shares out as it likes.
    fn without_tunnel(&self, why: &str) -> AccessKind {
        let status = why.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        match status {
            "407" => self.proxy_login(),
            // It would, but does not reach the server itself.
            "" => self.unreachable("no tunnel"),
            _ if status.starts_with('5') => self.unreachable(&format!("HTTP {status} to CONNECT")),
            _ => AccessKind::Denied(format!(
                "the proxy {} answers {status} to CONNECT, which it is asked for http:// too; have it \
                 allow that to this server and port, list the server in no_proxy, or name its share \
                 (\\\\server)",
                self.proxy.as_deref().unwrap_or("before the server")
            )),
        }
    }

    /// What a proxy that wants a login means.
    fn proxy_login(&self) -> AccessKind {
        let proxy = self.proxy.as_deref().unwrap_or("before the server");
        AccessKind::Denied(format!(
            "the proxy {proxy} wants a login: write NAME:PASSWORD@ before its host in the \
             environment, or list the server in no_proxy"
        ))
    }
}

/// What is known of an answer that is not the one wanted.
pub(super) struct Refusal<'a> {
    pub(super) status: u16,
    pub(super) method: &'a str,
    /// Whether it may be for want of a client certificate: over HTTPS, as long as no directory has
    /// opened and no login worked.
    pub(super) closed: bool,
    /// Whether we have a client certificate.
    pub(super) certificate: bool,
    /// The start of its page, where IIS may name the sub-status.
    pub(super) page: &'a str,
    /// Where it redirects to.
    pub(super) target: Option<&'a str>,
    pub(super) way: &'a Way,
}

impl Refusal<'_> {
    pub(super) fn kind(&self) -> AccessKind {
        let server = |hint: &str, transient| AccessKind::Server {
            status: self.status.to_string(),
            hint: hint.to_owned(),
            transient,
        };
        match self.status {
            300..=399 => {
                let target = self.target.unwrap_or("nowhere").chars().take(200).collect();
                AccessKind::Redirected { status: self.status, target }
            }
            401 => AccessKind::NeedsCredentials,
            403 => self.forbidden(),
            404 | 410 => AccessKind::NotFound,
            405 if self.method == "PROPFIND" => {
                server("PROPFIND is not allowed: WebDAV Publishing may be installed on it", false)
            }
            407 => self.way.proxy_login(),
            408 => server("request timeout", true),
            416 => AccessKind::Malformed(
                "the server refuses the range: the file is shorter there than it must be; \
                 redistribute the content"
                    .to_owned(),
            ),
            429 => server("too many requests", true),
            500 if self.names("500.19") => {
                server("500.19: the configuration of IIS is broken", false)
            }
            503 => server("busy, or the application pool is stopped", true),
            500..=599 => server("", true),
            _ => server("", false),
        }
    }

    fn forbidden(&self) -> AccessKind {
        if self.names("403.18") {
            let hint = "403.18: IIS runs the package directory in the wrong application pool";
            return AccessKind::Server {
                status: "403".into(),
                hint: hint.into(),
                transient: false,
            };
        }
        if self.certificate && ["403.7", "403.13", "403.16", "403.17"].iter().any(|s| self.names(s))
        {
            return AccessKind::Denied(
                "the client certificate is not accepted; give another with --client-certificate"
                    .to_owned(),
            );
        }
        // Most servers show no sub-status; later, lists that are off, permissions and filters give
        // 403 too.
        if !self.certificate && (self.closed || self.names("403.7")) {
            return AccessKind::NeedsCertificate;
        }
        AccessKind::Denied(
            "HTTP 403; see the permissions and request filtering of the directory in IIS, for a \
             list also directory browsing"
                .to_owned(),
        )
    }

    /// Whether the page names a sub-status of IIS.
    fn names(&self, status: &str) -> bool {
        names(self.page, status)
    }
}

/// Whether a page names this sub-status of IIS, and not one that only starts with it.
pub(super) fn names(page: &str, status: &str) -> bool {
    page.match_indices(status).any(|(at, _)| {
        let next = page.get(at + status.len()..).and_then(|rest| rest.chars().next());
        !next.is_some_and(|c| c.is_ascii_digit())
    })
}

/// What went wrong where no answer came. Nothing of `ureq` is repeated that may hold an address,
/// since that of a proxy may hold a password.
pub(super) fn silence(error: &ureq::Error, way: &Way) -> AccessKind {
    if way.options.cancel().is_cancelled() {
        return AccessKind::Cancelled;
    }
    match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            let seconds = whole_seconds(way.options.connect_timeout());
            way.unreachable(&format!("no answer for {seconds} s"))
        }
        ureq::Error::Timeout(_) => stalled(way.options.read_timeout()),
        ureq::Error::HostNotFound => way.unreachable("no such host is known"),
        ureq::Error::ConnectProxyFailed(why) => way.without_tunnel(why),
        ureq::Error::ConnectionFailed => way.unreachable("no connection"),
        ureq::Error::Tls(why) => AccessKind::Tls(format!("{why}; {SEE_BINDING}")),
        ureq::Error::Rustls(error) => tls(error, &way.options),
        ureq::Error::Protocol(error) => AccessKind::Malformed(format!(
            "what the server says is not HTTP ({error}); see whether the port is that of a web \
                 server, and whether it is https://"
        )),
        ureq::Error::LargeResponseHeader(found, allowed) => AccessKind::Malformed(format!(
            "the server's answer starts with {found} bytes of header where {allowed} are allowed; is \
             it a distribution point?"
        )),
        ureq::Error::Io(error) => of_io(error, way),
        _ => AccessKind::Lost("no answer".to_owned()),
    }
}

/// What went wrong while a body was read.
pub(super) fn of_io(error: &io::Error, way: &Way) -> AccessKind {
    if way.options.cancel().is_cancelled() {
        return AccessKind::Cancelled;
    }
    if let Some(inside) = error.get_ref() {
        if let Some(error) = inside.downcast_ref::<ureq::Error>() {
            return silence(error, way);
        }
        if let Some(error) = tls_inside(inside) {
            return tls(error, &way.options);
        }
    }
    match error.kind() {
        io::ErrorKind::TimedOut => stalled(way.options.read_timeout()),
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => way.unreachable(&error.to_string()),
        _ => AccessKind::Lost(error.to_string()),
    }
}

/// Whether a request that got no answer found its kept connection closed.
pub(super) fn is_break(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(error) if matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
    ))
}

fn tls_inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        at = error.source();
    }
    None
}

fn tls(error: &rustls::Error, options: &AccessOptions) -> AccessKind {
    use rustls::{AlertDescription, CertificateError};
    let hint = match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
            if options.ca_file().is_some() =>
        {
            "; it is not from an authority in the file of --ca-file"
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "; name its authority with --ca-file"
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "; name the distribution point as its certificate does",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "; see whether the clock of this machine is right",
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "; the server's certificate must be renewed, unless the clock here is wrong",
        rustls::Error::InvalidCertificate(_) => "; see the certificate of the server's web site",
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::HandshakeFailure
            | AlertDescription::NoRenegotiation,
        ) => "; it may want a client certificate in a way that is not known here: use --user",
        _ => return AccessKind::Tls(format!("{error}; {SEE_BINDING}")),
    };
    AccessKind::Tls(format!("{error}{hint}"))
}

/// Rounded up: "0 s" would say that nobody waited.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

pub(super) fn stalled(timeout: Duration) -> AccessKind {
    AccessKind::Stalled { seconds: whole_seconds(timeout) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(proxy: Option<&str>) -> Way {
        Way::new(AccessOptions::new(), proxy.map(str::to_owned))
    }

    fn kind(status: u16, closed: bool, certificate: bool, page: &str) -> AccessKind {
        let way = way(Some("proxy:3128"));
        Refusal { status, method: "GET", closed, certificate, page, target: None, way: &way }.kind()
    }

    #[test]
    fn sub_statuses_count_where_they_are_named() {
        assert_eq!(kind(403, false, false, "403.7 - Forbidden"), AccessKind::NeedsCertificate);
        assert_eq!(kind(403, true, false, ""), AccessKind::NeedsCertificate);
        assert!(matches!(kind(403, false, false, ""), AccessKind::Denied(_)));
        assert!(matches!(kind(403, false, false, "403.71"), AccessKind::Denied(_)));
        assert!(matches!(kind(403, true, true, "403.16"), AccessKind::Denied(_)));
        assert!(matches!(
            kind(403, true, false, "HTTP Error 403.18"),
            AccessKind::Server { transient: false, .. }
        ));
        assert!(matches!(kind(500, false, false, ""), AccessKind::Server { transient: true, .. }));
        assert!(matches!(
            kind(500, false, false, "500.19"),
            AccessKind::Server { transient: false, .. }
        ));
        for status in [408, 429, 502, 503, 504] {
            let transient = matches!(
                kind(status, false, false, ""),
                AccessKind::Server { transient: true, .. }
            );
            assert!(transient, "{status}");
        }
        assert_eq!(kind(404, false, false, "404.8"), AccessKind::NotFound);
    }

    #[test]
    fn each_fault_of_a_certificate_has_its_way_out() {
        use rustls::CertificateError::{Expired, NotValidForName, NotValidYet, UnknownIssuer};
        let with_file = AccessOptions::new().with_ca_file("ca.pem");
        for (error, options, way_out) in [
            (NotValidForName, AccessOptions::new(), "as its certificate does"),
            (NotValidYet, AccessOptions::new(), "clock"),
            (Expired, AccessOptions::new(), "renewed"),
            (UnknownIssuer, AccessOptions::new(), "with --ca-file"),
            (UnknownIssuer, with_file, "in the file of --ca-file"),
        ] {
            let kind = tls(&rustls::Error::InvalidCertificate(error), &options).to_string();
            assert!(kind.contains(way_out), "{kind}");
            assert_eq!(kind.contains("renewed"), way_out == "renewed", "{kind}");
        }
    }

    #[test]
    fn a_proxy_is_named() {
        let refused = || ureq::Error::Io(io::ErrorKind::ConnectionRefused.into());
        let text = silence(&refused(), &way(Some("proxy:3128"))).to_string();
        assert!(text.ends_with("by way of the proxy proxy:3128"), "{text}");
        assert!(!silence(&refused(), &way(None)).to_string().contains("proxy"));
        let login = ureq::Error::ConnectProxyFailed("proxy server responded 407/407".to_owned());
        assert_eq!(silence(&login, &way(Some("proxy:3128"))), kind(407, false, false, ""));
        assert!(matches!(kind(407, false, false, ""), AccessKind::Denied(_)));
    }

    #[test]
    fn a_proxy_that_opens_no_tunnel() {
        let silence = |status: &str| {
            let why = match status {
                "" => "proxy server did not respond".to_owned(),
                status => format!("proxy server responded {status}/{status}"),
            };
            silence(&ureq::Error::ConnectProxyFailed(why), &way(Some("proxy:3128")))
        };
        for status in ["403", "405"] {
            let text = silence(status).to_string();
            let told = format!("the proxy proxy:3128 answers {status} to CONNECT");
            assert!(text.contains(&told) && text.contains("no_proxy"), "{text}");
        }
        // It may reach the server later.
        for (status, told) in [("502", "HTTP 502 to CONNECT"), ("", "no tunnel")] {
            let kind = silence(status);
            let text = format!("cannot be reached: {told}, by way of the proxy proxy:3128");
            assert_eq!(kind.to_string(), text);
        }
    }

    #[test]
    fn what_is_cancelled_is_no_fault() {
        let way = Way::new(AccessOptions::new().with_cancelled(|| true), None);
        assert_eq!(of_io(&io::Error::other("x"), &way), AccessKind::Cancelled);
    }
}
