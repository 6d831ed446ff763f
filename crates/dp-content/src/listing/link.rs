//! Where the links of a page lead, as far as it matters: to a name in the folder that was asked for,
//! or back out of it.
//!
//! Nothing but a name is ever taken from a link. Its scheme and host are not looked at (pages of
//! https hold links of http, with whatever name the server was asked by), and its path must be that
//! of the page and one name more; the caller puts the name behind its own address.
//!
//! Not confirmed about real distribution points, and so both ways are read: whether links are
//! percent-encoded ([`are_encoded`]), and which of `/` and `\` stands in them.

use crate::path::{ContentPath, ContentPathError};

/// The page that links stand on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    base: &'a str,
    folder: &'a ContentPath,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leads {
    /// To something in the folder.
    To {
        name: String,
        /// The link ends in a separator.
        is_folder: bool,
    },
    /// To the folder itself or one it is in, as the first rows of other web servers do.
    Back,
}

/// Bytes of a link. Web servers of Windows take no request of more than 16 KiB (http.sys,
/// `MaxRequestBytes`), so what a longer link leads to could not be asked for.
const MAX_LINK: usize = 16 << 10;

/// A link that cannot be followed. Nor is it left out: a file would silently be missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LinkError {
    #[error(
        "the link {link:?} leads out of the folder {folder:?} that was asked for; look at the page \
         with a browser, and at whether the address is that of a distribution point"
    )]
    Elsewhere { link: String, folder: String },
    #[error(
        "the link {link:?} has {found} bytes, at most {MAX_LINK} are read; read the library from \
         its share"
    )]
    TooLong { link: String, found: usize },
    #[error(
        "the link {link:?} holds no name that a file can have; look at the page with a browser"
    )]
    Name {
        link: String,
        #[source]
        source: ContentPathError,
    },
    #[error(
        "the link {link:?} holds {found:?}, which no name has; look at the page with a browser"
    )]
    Character { link: String, found: char },
    #[error(
        "the name in the link {link:?} is not UTF-8 when it is percent-decoded; rename the file in \
         the package's source, or read the library from its share"
    )]
    NotText { link: String },
}

impl<'a> Page<'a> {
    /// `base` is the path of the address that `folder` is below, decoded: `SMS_DP_SMSPKG$`.
    pub(crate) fn new(base: &'a str, folder: &'a ContentPath) -> Self {
        Self { base, folder }
    }

    /// `link` as it stands in the page but for entities; `encoded` by [`are_encoded`].
    pub(crate) fn leads(&self, link: &str, encoded: bool) -> Result<Leads, LinkError> {
        if link.len() > MAX_LINK {
            return Err(LinkError::TooLong { link: shown(link), found: link.len() });
        }
        if let Some(found) = link.chars().find(|c| c.is_control() || *c == '?') {
            return Err(LinkError::Character { link: shown(link), found });
        }
        let path = without_host(link);
        let mut names: Vec<&str> = path.split(SEPARATORS).collect();
        let absolute = path.len() < link.len() || path.starts_with(SEPARATORS);
        if absolute && names.first() == Some(&"") {
            names.remove(0);
        }
        let is_folder = names.last() == Some(&"");
        if is_folder {
            names.pop();
        }
        if !absolute {
            // `./name`, as some servers have it.
            if let [".", _, ..] = names.as_slice() {
                names.remove(0);
            }
            if matches!(names.as_slice(), ["." | ".."]) {
                return Ok(Leads::Back);
            }
        }
        let names = self.checked(link, &names, encoded)?;
        if absolute { self.absolute(&names) } else { self.relative(&names) }
            .map(|leads| match leads {
                Leads::To { name, .. } => Leads::To { name, is_folder },
                Leads::Back => Leads::Back,
            })
            .ok_or_else(|| self.elsewhere(link))
    }

    fn checked(&self, link: &str, names: &[&str], encoded: bool) -> Result<Vec<String>, LinkError> {
        let mut checked = Vec::new();
        for name in names {
            let name = if encoded {
                decoded(name).ok_or_else(|| LinkError::NotText { link: shown(link) })?
            } else {
                (*name).to_owned()
            };
            if let Some(found) = name.chars().find(|c| c.is_control()) {
                return Err(LinkError::Character { link: shown(link), found });
            }
            match ContentPath::ROOT.join(&name) {
                Ok(_) => checked.push(name),
                Err(ContentPathError::Leads { .. }) => return Err(self.elsewhere(link)),
                Err(source) => return Err(LinkError::Name { link: shown(link), source }),
            }
        }
        Ok(checked)
    }

    fn relative(&self, names: &[String]) -> Option<Leads> {
        match names {
            [] => Some(Leads::Back),
            [name] => Some(Leads::To { name: name.clone(), is_folder: false }),
            _ => None,
        }
    }

    fn absolute(&self, names: &[String]) -> Option<Leads> {
        let base: Vec<&str> = self.base.split(SEPARATORS).filter(|name| !name.is_empty()).collect();
        let folder: Vec<&str> = self.folder.names().collect();
        let page = [&*base, &*folder].concat();
        let starts_page = names.len() <= page.len()
            && names.iter().zip(&page).all(|(name, of_page)| same(name, of_page));
        if starts_page {
            return Some(Leads::Back);
        }
        let is_page = |names: &[String]| match folder.is_empty() {
            // What is before the folder may be another directory of the same server, or be hidden
            // by a proxy; but then there must be something to know the folder by.
            false => ends_with(names, &folder),
            true => names.len() == base.len() && ends_with(names, &base),
        };
        match names.split_last() {
            Some((name, parent)) if is_page(parent) => {
                Some(Leads::To { name: name.clone(), is_folder: false })
            }
            _ if is_page(names) => Some(Leads::Back),
            _ => None,
        }
    }

    fn elsewhere(&self, link: &str) -> LinkError {
        LinkError::Elsewhere { link: shown(link), folder: self.folder.to_string() }
    }
}

const SEPARATORS: [char; 2] = ['/', '\\'];

/// Whether the links of one page are percent-encoded. They are not when one of them holds what an
/// encoder would not have left, a space, `#` or a `%` that begins no pair of digits. A page whose only
/// sign of encoding is a name that really has `%20` in it is taken for encoded.
pub(crate) fn are_encoded<'a>(links: impl IntoIterator<Item = &'a str>) -> bool {
    links.into_iter().all(|link| {
        let pairs = link.split('%').skip(1).all(|rest| pair(rest.as_bytes()).is_some());
        pairs && !link.contains([' ', '#'])
    })
}

/// What stands behind `http://host`; the whole link where it has no host.
fn without_host(link: &str) -> &str {
    let behind_scheme = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = link.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    match behind_scheme {
        None => link,
        Some(rest) => rest.find(SEPARATORS).and_then(|at| rest.get(at..)).unwrap_or_default(),
    }
}

/// `None` when it is not UTF-8.
fn decoded(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        match pair(behind).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// The byte that two hexadecimal digits stand for.
fn pair(bytes: &[u8]) -> Option<u8> {
    let &[high, low, ..] = bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// Whether the last of `names` are `end`.
fn ends_with(names: &[String], end: &[&str]) -> bool {
    let Some(start) = names.len().checked_sub(end.len()) else { return false };
    names.iter().skip(start).zip(end).all(|(name, wanted)| same(name, wanted))
}

fn same(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

/// What of a text from outside stands in an error.
pub(crate) fn shown(text: &str) -> String {
    const MAX: usize = 200;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(folder: &str, link: &str) -> Result<Leads, LinkError> {
        let folder = ContentPath::new(folder).unwrap();
        Page::new("SMS_DP_SMSPKG$", &folder).leads(link, are_encoded([link]))
    }

    fn to(name: &str) -> Result<Leads, LinkError> {
        Ok(Leads::To { name: name.to_owned(), is_folder: false })
    }

    #[test]
    fn names_are_taken_from_the_links_of_a_distribution_point() {
        for (folder, link, name) in [
            ("DataLib", r"http://127.0.0.1/SMS_DP_SMSPKG$/Datalib\12300004.1", "12300004.1"),
            (
                "12300005.1",
                "http://127.0.0.1/SMS_DP_SMSPKG$/12300005.1/ccmsetup.exe",
                "ccmsetup.exe",
            ),
            // The host it was asked by, a port, https, no host at all.
            ("X.1/sub", "HTTP://dp.contoso.com:8080/sms_dp_smspkg$/x.1/SUB/a", "a"),
            ("X.1/sub", "https://dp/NOCERT_SMS_DP_SMSPKG$/X.1/sub/a", "a"),
            ("X.1/sub", r"\SMS_DP_SMSPKG$\X.1\sub\a", "a"),
            ("X.1/sub", "/hidden/by/a/proxy/X.1/sub/a", "a"),
            // Raw and encoded.
            ("X.1", "http://dp/SMS_DP_SMSPKG$/X.1/a b#c%.txt", "a b#c%.txt"),
            ("X.1", "http://dp/SMS_DP_SMSPKG%24/X.1/a%20b%23c%25.txt", "a b#c%.txt"),
            ("X.1/a b", "http://dp/SMS_DP_SMSPKG$/X.1/a%20b/%C3%A4.txt", "ä.txt"),
            ("X.1", "http://dp/SMS_DP_SMSPKG$/X.1/50%25 of it", "50%25 of it"),
            // Folders that have the same name as what is in them.
            ("X/X", "/SMS_DP_SMSPKG$/X/X/X", "X"),
            // Other servers.
            ("X.1", "a%20b%23c%25.txt", "a b#c%.txt"),
            ("X.1", "./a", "a"),
            ("", "/SMS_DP_SMSPKG$/a", "a"),
        ] {
            assert_eq!(leads(folder, link), to(name), "{link}");
        }
        let folder = Ok(Leads::To { name: "i386".to_owned(), is_folder: true });
        assert_eq!(leads("X.1", "i386/"), folder);
        assert_eq!(leads("X.1", r"http://dp/SMS_DP_SMSPKG$/X.1/i386\"), folder);
    }

    #[test]
    fn links_back_are_no_names() {
        for link in [
            "../",
            "..",
            "./",
            "",
            "/",
            "http://dp",
            "/SMS_DP_SMSPKG$/",
            "/SMS_DP_SMSPKG$/X.1",
            "http://dp/sms_dp_smspkg$/x.1/sub/",
            "/NOCERT_SMS_DP_SMSPKG$/X.1/sub",
        ] {
            assert_eq!(leads("X.1/sub", link), Ok(Leads::Back), "{link}");
        }
        // Not into itself for ever.
        let folder = ContentPath::new("x").unwrap();
        assert_eq!(Page::new("x", &folder).leads("/x/x/", true), Ok(Leads::Back));
    }

    #[test]
    fn links_out_of_the_folder_are_refused() {
        for link in [
            "/SMS_DP_SMSPKG$/X.1/other",
            "/SMS_DP_SMSPKG$/X.1/sub/deeper/a",
            "/SMS_DP_SMSPKG$/X.1/sub/../a",
            "/SMS_DP_SMSPKG$/X.1/sub/..",
            "/SMS_DP_SMSPKG$/X.1/sub/%2e%2E",
            "/SMS_DP_SMSPKG$/X.1/sub/.",
            "/SMS_DP_SMSPKG$/X.1.2/sub/a",
            "../a",
            r"..\..\a",
            "%2e%2e/",
            "sub/a",
            "/etc/passwd",
            "http://evil/a",
        ] {
            let found = leads("X.1/sub", link);
            assert!(matches!(found, Err(LinkError::Elsewhere { .. })), "{link}: {found:?}");
        }
        assert!(leads("", "/x/y/a").is_err());
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for link in [
            "a%00b",
            "a%0Ab",
            "a\u{7}",
            "a?b",
            "a%2Fb",
            "a%5Cb",
            "C:",
            r"C:\a",
            "file:///a",
            "mailto:a",
            "javascript:a()",
            "a//b",
            "//host/a",
            "/SMS_DP_SMSPKG$//X.1/sub/a",
            "%FF",
            "x%3Ay",
        ] {
            let found = leads("X.1/sub", link);
            assert!(found.is_err(), "{link}: {found:?}");
            assert!(!matches!(found, Err(LinkError::Elsewhere { .. })), "{link}: {found:?}");
        }
        let found = leads("X.1", &"/".repeat(MAX_LINK + 1));
        assert!(matches!(found, Err(LinkError::TooLong { found, .. }) if found == MAX_LINK + 1));
        let long = leads("X.1", &format!("{}?", "ä".repeat(5000))).unwrap_err();
        assert!(long.to_string().len() < 600, "{long}");
    }

    #[test]
    fn one_raw_link_makes_a_page_raw() {
        assert!(are_encoded(["a%20b", "b"]) && are_encoded([]));
        assert!(!are_encoded(["a%20b", "a b"]));
        assert!(!are_encoded(["a#b"]) && !are_encoded(["100%"]) && !are_encoded(["a%2"]));
        assert!(!are_encoded(["a%+1b"]) && !are_encoded(["a%é"]));
    }
}
