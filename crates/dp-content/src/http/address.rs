//! The addresses of a location, and how paths are written in them (RFC 3986, section 2).

use media_model::HttpLocation;

use crate::path::ContentPath;

/// Where a web server's virtual directories are.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// `https://dp:8443`, without a path.
    origin: String,
    /// `/names` before the virtual directory, or empty; ready for an address.
    path: String,
    tls: bool,
}

/// What a virtual directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// The content library.
    Packages,
    /// The signature files.
    Signatures,
}

/// Which of the virtual directories for the same thing: they differ in how one logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// `SMS_DP_SMSPKG$`: anonymous, Windows login, or over HTTPS a client certificate.
    Usual,
    /// `NOCERT_SMS_DP_SMSPKG$`: a Windows login, no certificate.
    NoCertificate,
}

impl Address {
    pub(super) fn new(location: &HttpLocation) -> Self {
        let scheme = if location.tls() { "https" } else { "http" };
        let port = location.port().map(|port| format!(":{port}")).unwrap_or_default();
        let mut path = String::new();
        // What a person gave may be encoded already.
        encode(location.path(), "/%", &mut path);
        Self { origin: format!("{scheme}://{}{port}", location.host()), path, tls: location.tls() }
    }

    pub(super) fn tls(&self) -> bool {
        self.tls
    }

    /// The address of `path` in a virtual directory.
    pub(super) fn url(&self, holds: Holds, door: Door, path: &ContentPath) -> String {
        let mut url = format!("{}{}/{}", self.origin, self.path, directory(holds, door));
        for name in path.names() {
            url.push('/');
            encode(name, "", &mut url);
        }
        url
    }

    /// The path of a virtual directory, without encoding or a `/` before it, as links are compared
    /// with it.
    pub(super) fn base(&self, holds: Holds, door: Door) -> String {
        let path = String::from_utf8_lossy(&decode(&self.path)).into_owned();
        format!("{}/{}", path, directory(holds, door)).trim_start_matches('/').to_owned()
    }

    /// Whether `target` of a redirect is the address itself with `/` behind it, as servers answer
    /// that want folders so.
    pub(super) fn is_slashed(&self, url: &str, target: &str) -> bool {
        let path = |text: &str| text.strip_prefix(&self.origin).unwrap_or(text).to_owned();
        path(target).strip_suffix('/').is_some_and(|target| same(target, &path(url)))
    }
}

fn directory(holds: Holds, door: Door) -> String {
    let door = match door {
        Door::Usual => "",
        Door::NoCertificate => "NOCERT_",
    };
    let holds = match holds {
        Holds::Packages => "SMS_DP_SMSPKG$",
        Holds::Signatures => "SMS_DP_SMSSIG$",
    };
    format!("{door}{holds}")
}

/// Equal but for how characters are encoded.
fn same(a: &str, b: &str) -> bool {
    decode(a) == decode(b)
}

fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().and_then(|pair| str::from_utf8(pair).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) if byte == b'%' => {
                out.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

/// Everything but unreserved characters, `$` (which stands in the names of virtual directories and
/// is allowed in paths) and `also` becomes `%XX` of its UTF-8.
fn encode(text: &str, also: &str, out: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '$') || also.contains(c)
        {
            out.push(c);
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].iter().filter_map(|half| DIGITS.get(usize::from(*half))),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_model::ContentLocation;

    fn address(text: &str) -> Address {
        match ContentLocation::new(text).unwrap() {
            ContentLocation::Http(location) => Address::new(&location),
            _ => panic!("{text}"),
        }
    }

    #[test]
    fn names_are_encoded() {
        let address = address("https://dp:8443/a%20b/SMS_DP_SMSPKG$");
        let path = ContentPath::new("PS100001.2/x64/a b#c%+ä&'?.txt").unwrap();
        assert_eq!(
            address.url(Holds::Packages, Door::Usual, &path),
            "https://dp:8443/a%20b/SMS_DP_SMSPKG$/PS100001.2/x64/a%20b%23c%25%2B%C3%A4%26%27%3F.txt"
        );
        assert_eq!(
            address.url(Holds::Signatures, Door::NoCertificate, &ContentPath::ROOT),
            "https://dp:8443/a%20b/NOCERT_SMS_DP_SMSSIG$"
        );
    }

    #[test]
    fn only_a_slash_is_followed() {
        let address = address("http://dp");
        let url = address.url(Holds::Packages, Door::Usual, &ContentPath::new("a b").unwrap());
        for target in [
            "http://dp/SMS_DP_SMSPKG$/a%20b/",
            "/SMS_DP_SMSPKG$/a%20b/",
            "http://dp/SMS_DP_SMSPKG%24/a%20b/",
        ] {
            assert!(address.is_slashed(&url, target), "{target}");
        }
        for target in [
            "http://other/SMS_DP_SMSPKG$/a%20b/",
            "https://dp/SMS_DP_SMSPKG$/a%20b/",
            "http://dp:81/SMS_DP_SMSPKG$/a%20b/",
            "http://dp/SMS_DP_SMSPKG$/a%20b",
            "http://dp/login/",
            "/",
            "",
        ] {
            assert!(!address.is_slashed(&url, target), "{target}");
        }
    }
}
