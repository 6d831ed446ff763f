//! Distribution points over HTTP and HTTPS.
//!
//! ```text
//! HttpTransport  list, read, open
//!   parallel     a large range over one or several connections
//!   fetch        one range: If-Range, Content-Range, lengths
//!   site         doors (virtual directories), connections, the login
//!     talk         one request over one connection
//!       auth, ntlm logging in
//!     agent        ureq: certificates, time limits
//!     proxy        the proxy of the environment
//!     wire         waiting that can be cancelled
//!     slow         bodies that trickle
//!     address      addresses and their encoding
//!   answers      what statuses and silences mean
//! ```
//!
//! Not confirmed about real distribution points: what they answer to PROPFIND, whether their links
//! are encoded, how ranges behave (they are taken to be those of IIS). Each has its second way here:
//! the page before PROPFIND, both readings of links, a whole file in place of a range.
//!
//! Left out: Kerberos (NTLM is spoken under `Negotiate` too), channel bindings (see `ntlm`), and
//! TLS renegotiation, by which IIS asks for client certificates unless told otherwise: rustls does
//! not do it, so an account by way of `NOCERT_SMS_DP_SMSPKG$` is tried before a certificate.

mod address;
mod agent;
mod answers;
mod auth;
mod fetch;
mod ntlm;
mod parallel;
mod proxy;
mod site;
mod slow;
mod talk;
mod wire;

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use media_model::HttpLocation;
use ureq::http::header;

use crate::access::options::AccessOptions;
use crate::access::{AccessError, AccessKind, NamesBy, Transport, TransportEntry};
use crate::library::signature_tar::{self, SignatureError};
use crate::listing;
use crate::listing::link::Page;
use crate::listing::multistatus;
use crate::path::ContentPath;

use self::address::Holds;
use self::fetch::Fetcher;
use self::parallel::{Adaptive, Pace};
use self::site::{Answer, Ask, Site};
use self::slow::Watched;

/// A distribution point's web server. Paths are those below `SMS_DP_SMSPKG$`.
///
/// Asks anonymously first and logs in where that is refused, with one attempt for the whole location
/// unless it is known to work. Follows no redirect but one that puts `/` behind a folder. The proxy
/// is that of the environment (`http_proxy` or `https_proxy`, else `all_proxy`; `no_proxy`).
pub struct HttpTransport {
    site: Arc<Site>,
    fetcher: Arc<Fetcher>,
    pace: Arc<Pace>,
    /// Whether the server wants `/` behind folders.
    slash: AtomicBool,
}

impl HttpTransport {
    /// Prepares; nothing is asked yet.
    ///
    /// # Errors
    /// [`AccessKind::Unusable`]: a file of certificates cannot be used, or the system has none; the
    /// environment names a proxy that cannot be used.
    pub fn new(location: &HttpLocation, options: &AccessOptions) -> Result<Self, AccessError> {
        let site = Arc::new(Site::new(location, options)?);
        Ok(Self {
            fetcher: Arc::new(Fetcher::new(Arc::clone(&site))),
            site,
            pace: Arc::default(),
            slash: AtomicBool::new(false),
        })
    }

    /// Asks for a folder, with `/` behind it where the server wants that.
    fn folder(&self, mut ask: Ask<'_>) -> Result<Answer, AccessError> {
        ask.slash = self.slash.load(Ordering::Relaxed);
        let answer = self.site.ask(&ask)?;
        let target = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let slashed = |target| self.site.address().is_slashed(&answer.url, target);
        if ask.slash || !(300..400).contains(&answer.status) || !target.is_some_and(slashed) {
            return self.site.expect(&ask, answer, &[200, 207]);
        }
        self.site.put_back(answer);
        ask.slash = true;
        let answer = self.site.ask(&ask)?;
        let answer = self.site.expect(&ask, answer, &[200, 207])?;
        self.slash.store(true, Ordering::Relaxed);
        Ok(answer)
    }

    /// The folder as the server shows it to people.
    fn page(&self, folder: &ContentPath) -> Result<Vec<TransportEntry>, AccessError> {
        let ask = Ask::get(Holds::Packages, folder);
        let answer = self.folder(ask)?;
        let (url, base) = (answer.url.clone(), answer.base.clone());
        let html = self.site.small(answer, listing::MAX_BYTES)?;
        listing::parse(&html, &Page::new(&base, folder))
            .map_err(|error| AccessError::new(url, AccessKind::Malformed(error.to_string())))
    }

    /// The folder as WebDAV has it.
    fn propfind(&self, folder: &ContentPath) -> Result<Vec<TransportEntry>, AccessError> {
        let mut ask = Ask::get(Holds::Packages, folder);
        ask.method = "PROPFIND";
        // No body asks for all properties (RFC 4918, section 9.1).
        ask.headers = vec![("Depth", "1".to_owned())];
        let answer = self.folder(ask)?;
        let (url, base) = (answer.url.clone(), answer.base.clone());
        let xml = self.site.small(answer, multistatus::MAX_BYTES)?;
        multistatus::parse(&xml, &Page::new(&base, folder))
            .map_err(|error| AccessError::new(url, AccessKind::Malformed(error.to_string())))
    }
}

impl Transport for HttpTransport {
    fn describe(&self) -> String {
        self.site.name().to_owned()
    }

    /// By the page that the server shows, which is what is known of distribution points; by PROPFIND
    /// where there is none, or it is not understood.
    fn list(&self, folder: &ContentPath) -> Result<Vec<TransportEntry>, AccessError> {
        let error = match self.page(folder) {
            Ok(entries) => return Ok(entries),
            Err(error) => error,
        };
        let other = match error.kind() {
            // A list may be forbidden where all else is open.
            AccessKind::Denied(_)
            | AccessKind::NeedsCertificate
            | AccessKind::Redirected { .. }
            | AccessKind::Malformed(_) => true,
            AccessKind::Server { transient, .. } => !transient,
            _ => false,
        };
        if !other {
            return Err(error);
        }
        // What the page came to says more than what this does.
        self.propfind(folder).map_err(|second| if second.is_transient() { second } else { error })
    }

    fn read(&self, path: &ContentPath, limit: usize) -> Result<Vec<u8>, AccessError> {
        let ask = Ask::get(Holds::Packages, path);
        let answer = self.site.ask(&ask)?;
        let answer = self.site.expect(&ask, answer, &[200])?;
        self.site.small(answer, limit)
    }

    fn open(
        &self,
        path: &ContentPath,
        range: Range<u64>,
        len: u64,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let range = range.start..range.end.min(len);
        if range.is_empty() {
            return Ok(Box::new(io::empty()));
        }
        Ok(Box::new(Adaptive::open(&self.fetcher, &self.pace, path, range, len)?))
    }

    fn names_by(&self) -> NamesBy {
        NamesBy::Content
    }

    fn signature_names(&self, content_id: &str) -> Result<Vec<ContentPath>, AccessError> {
        let malformed = |why: String| {
            let what = format!("the signature of {content_id} at {}", self.site.name());
            AccessError::new(what, AccessKind::Malformed(why))
        };
        let path = ContentPath::ROOT
            .join(&format!("{content_id}.tar"))
            .map_err(|error| malformed(error.to_string()))?;
        let ask = Ask::get(Holds::Signatures, &path);
        let answer = self.site.ask(&ask)?;
        let answer = self.site.expect(&ask, answer, &[200])?;
        // It may be large and ends before the body does: the connection is not kept.
        let Answer { url, headers, body, connection, .. } = answer;
        self.site.give_back(connection.broken());
        fetch::declared(&headers).map_err(|kind| AccessError::new(url.clone(), kind))?;
        let body = Watched::new(&self.site, url, body).take(signature_tar::MAX_BYTES);
        signature_tar::names(body).map_err(|error| match error {
            SignatureError::Read(error) => AccessError::of_io(path.as_str(), &error),
            error => malformed(error.to_string()),
        })
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpTransport").field(&self.site.name()).finish()
    }
}
