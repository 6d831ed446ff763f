//! Where content comes from: distribution points, and packages on them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{AccountNameError, ContentLocationError, NameError, PackageSpecError};
use crate::package::PackageId;
use crate::path::MediaPath;
use crate::target::words;
use crate::text::text_form;

/// One place that content can come from.
///
/// | text | place |
/// |---|---|
/// | `http://dp`, `https://dp:8443/path` | a distribution point over HTTP; `SMS_DP_SMSPKG$` behind it is understood |
/// | `\\dp`, `\\dp\SMSPKGC$`, `smb://dp:1445` | its share, `SCCMContentLib$` where none is named |
/// | anything else | a folder: a content library, its parent, or expanded packages |
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentLocation {
    /// A web server.
    Http(HttpLocation),
    /// A file server.
    Smb(SmbLocation),
    /// A folder of this machine.
    Folder(PathBuf),
}

/// A distribution point over HTTP or HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpLocation {
    tls: bool,
    host: String,
    port: Option<u16>,
    path: String,
}

/// A distribution point over SMB.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SmbLocation {
    host: String,
    port: Option<u16>,
    share: Option<String>,
}

impl ContentLocation {
    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`ContentLocationError`] for an address with another scheme, a user or password in it, or
    /// without a host. A folder is not looked at.
    pub fn new(text: &str) -> Result<Self, ContentLocationError> {
        if text.is_empty() {
            return Err(ContentLocationError::Empty);
        }
        if let Some((position, found)) = crate::path::control_character(text) {
            return Err(ContentLocationError::Character { position, found });
        }
        let (scheme, rest) = match text.strip_prefix(r"\\") {
            Some(rest) => ("smb", rest),
            None => match text.split_once("://") {
                Some(parts) => parts,
                None if is_address_misspelt(text) => return Err(ContentLocationError::Slashes),
                None => return Ok(Self::Folder(text.into())),
            },
        };
        if rest.contains('@') {
            // A password may stand before it, with any character in it: nothing of it is repeated.
            return Err(ContentLocationError::User);
        }
        match scheme.to_ascii_lowercase().as_str() {
            "http" => HttpLocation::new(false, rest).map(Self::Http),
            "https" => HttpLocation::new(true, rest).map(Self::Http),
            "smb" => SmbLocation::new(rest).map(Self::Smb),
            _ => Err(ContentLocationError::Scheme { scheme: scheme.to_owned() }),
        }
    }

    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            _ => None,
        }
    }
}

impl std::str::FromStr for ContentLocation {
    type Err = ContentLocationError;

    fn from_str(text: &str) -> Result<Self, ContentLocationError> {
        Self::new(text)
    }
}

impl fmt::Display for ContentLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(location) => location.fmt(f),
            Self::Smb(location) => location.fmt(f),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

impl HttpLocation {
    /// The virtual directory of a distribution point that holds the packages.
    const PACKAGES: &str = "SMS_DP_SMSPKG$";

    fn new(tls: bool, rest: &str) -> Result<Self, ContentLocationError> {
        if let Some(found) = rest.chars().find(|c| matches!(c, '?' | '#')) {
            return Err(ContentLocationError::Query { found });
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority)?;
        let mut names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        if names.last().is_some_and(|name| name.eq_ignore_ascii_case(Self::PACKAGES)) {
            names.pop();
        }
        if let Some(name) = names.iter().find(|name| matches!(**name, "." | "..")) {
            return Err(ContentLocationError::Path { name: (*name).to_owned() });
        }
        let path = names.iter().flat_map(|name| ["/", name]).collect();
        Ok(Self { tls, host, port, path })
    }

    /// Whether it is HTTPS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// Name or address of the host; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one was given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// What stands between host and virtual directory: empty, or `/` and names, as they were given.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for HttpLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

impl SmbLocation {
    /// `rest` is what stands behind `\\` or `smb://`.
    fn new(rest: &str) -> Result<Self, ContentLocationError> {
        let mut names = rest.split(['/', '\\']);
        let (host, port) = host_and_port(names.next().unwrap_or_default())?;
        let mut names = names.filter(|name| !name.is_empty());
        let share = names.next().map(str::to_owned);
        if let Some(name) = names.next().or(share.as_deref().filter(|s| matches!(*s, "." | ".."))) {
            return Err(ContentLocationError::Path { name: name.to_owned() });
        }
        Ok(Self { host, port, share })
    }

    /// Name or address of the host; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one was given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The share, where one was given.
    pub fn share(&self) -> Option<&str> {
        self.share.as_deref()
    }
}

impl fmt::Display for SmbLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, separator) = if self.port.is_some() { ("smb://", '/') } else { (r"\\", '\\') };
        write!(f, "{start}{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match &self.share {
            Some(share) => write!(f, "{separator}{share}"),
            None => Ok(()),
        }
    }
}

/// An address with too few slashes would pass for a folder, and the password in it be repeated.
fn is_address_misspelt(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        ["http", "https", "smb"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    })
}

/// `host`, `host:port`, `[address]:port`. What is no port may be a password, and is not repeated.
fn host_and_port(text: &str) -> Result<(String, Option<u16>), ContentLocationError> {
    let end = if text.starts_with('[') {
        text.find(']').map_or(text.len(), |end| end + 1)
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, port) = text.split_at(end);
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_address =
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).is_some_and(|address| {
            !address.is_empty()
                && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.')
        });
    if host.is_empty() || !(is_address || host.chars().all(is_host)) {
        return Err(ContentLocationError::Host { host: host.to_owned() });
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some(number) if !number.starts_with('+') => match number.parse() {
            Ok(number) if number > 0 => Some(number),
            _ => return Err(ContentLocationError::Port),
        },
        _ => return Err(ContentLocationError::Port),
    };
    Ok((host.to_owned(), port))
}

/// A package and the folder of the media that its files go to.
///
/// The text is `ID=MEDIA_PATH`; the first `=` divides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackageSpec {
    id: PackageId,
    media: MediaPath,
}

text_form!(PackageSpec, PackageSpecError);

impl PackageSpec {
    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`PackageSpecError`]: no `=`, or what one side says is refused.
    pub fn new(text: &str) -> Result<Self, PackageSpecError> {
        let Some((id, media)) = text.split_once('=') else {
            return Err(PackageSpecError::NoEquals { text: text.to_owned() });
        };
        let id = PackageId::new(id).map_err(PackageSpecError::PackageId)?;
        let media = MediaPath::new(media).map_err(PackageSpecError::MediaPath)?;
        Ok(Self { id, media })
    }

    /// The package.
    pub fn id(&self) -> &PackageId {
        &self.id
    }

    /// The folder on the media.
    pub fn media(&self) -> &MediaPath {
        &self.media
    }
}

impl fmt::Display for PackageSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.id, self.media)
    }
}

/// Where a boot image comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BootImageSource {
    /// A file of this machine.
    File(PathBuf),
    /// A package of the content locations.
    Package(PackageId),
}

impl BootImageSource {
    /// The path, where it is a file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Package(_) => None,
        }
    }
}

impl fmt::Display for BootImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Package(id) => id.fmt(f),
        }
    }
}

/// What happens when the hash of a whole package is not the one that its content library declares.
///
/// How Configuration Manager computes it is documented nowhere, and our reading of it was never
/// tried on real content; the digests of single files are always checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PackageHashCheck {
    /// The run fails.
    #[default]
    Error,
    /// A warning is given.
    Warn,
    /// Nothing; it is not looked at.
    Off,
}

words!(PackageHashCheck, "package hash check", "error" => Error, "warn" => Warn, "off" => Off);

/// The name of an account: `DOMAIN\name`, `name@domain`, or the name alone. 1 to 255 characters, no
/// control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountName(String);

text_form!(AccountName, AccountNameError);

impl AccountName {
    /// Most characters of a name.
    pub const MAX: usize = 255;

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`AccountNameError`]
    pub fn new(text: &str) -> Result<Self, AccountNameError> {
        if text.is_empty() {
            return Err(AccountNameError::Empty);
        }
        let length = text.chars().count();
        if length > Self::MAX {
            return Err(AccountNameError::TooLong { length, max: Self::MAX });
        }
        if let Some((position, found)) = crate::path::control_character(text) {
            return Err(AccountNameError::Character { position, found });
        }
        if text.split('\\').any(str::is_empty) || text.split('\\').count() > 2 {
            return Err(AccountNameError::Parts);
        }
        Ok(Self(text.to_owned()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_go_round() {
        for (text, shown) in [
            ("http://dp", "http://dp"),
            ("HTTPS://dp.contoso.com:8443/", "https://dp.contoso.com:8443"),
            ("http://dp/slow//SMS_DP_SMSPKG$/", "http://dp/slow"),
            ("http://[fe80::1]:80", "http://[fe80::1]:80"),
            (r"\\dp", r"\\dp"),
            (r"\\dp\SMSPKGC$\", r"\\dp\SMSPKGC$"),
            ("smb://dp:1445", "smb://dp:1445"),
            ("smb://dp/SCCMContentLib$", r"\\dp\SCCMContentLib$"),
            ("smb://dp:1445/share", "smb://dp:1445/share"),
            ("/mnt/SCCMContentLib", "/mnt/SCCMContentLib"),
            (r"C:\lib", r"C:\lib"),
        ] {
            let location = ContentLocation::new(text).unwrap();
            assert_eq!(location.to_string(), shown, "{text}");
            assert_eq!(ContentLocation::new(shown).unwrap(), location, "{text}");
        }
    }

    #[test]
    fn locations_are_refused() {
        for text in [
            "",
            "ftp://dp",
            "http://",
            "http://:80",
            "http://dp:0",
            "http://dp:x",
            "http://dp:+1",
            "http://dp:65536",
            "http://user:geheim@dp",
            r"\\dp\a\b",
            "http://dp/../x",
            "smb://u@dp",
            "http://dp?x",
            "http://d p",
            "smb:///share",
            "http://[::1",
            "http://[]",
            "http://dp/#",
            "a\nb",
            r"\\dp\..",
            "http://user:ge/heim@dp",
            "http://user:ge?heim@dp",
            "http://user:ge#heim@dp",
            "http://user:geheim",
            "smb://user:ge/heim@dp",
            "smb://user:ge\\heim@dp/share",
            r"\\user:ge\heim@dp\share",
            "http:/user:geheim@dp",
            "HTTPS:user:geheim@dp",
            "smb:/dp",
            "ftp://user:geheim@dp",
        ] {
            let error = ContentLocation::new(text).unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(!told.contains("ge") && !told.contains("heim"), "{text}: {told}");
        }
    }

    #[test]
    fn packages_and_accounts() {
        let spec = PackageSpec::new(r"ps100001.2=Tools\a=b").unwrap();
        assert_eq!(spec.id().to_string(), "PS100001.2");
        assert_eq!(spec.media().to_slash(), "Tools/a=b");
        for bad in ["PS100001", "PS1=x", "PS100001=a:b", "=x"] {
            assert!(PackageSpec::new(bad).is_err(), "{bad}");
        }
        for good in [r"CONTOSO\reader", "reader@contoso.com", "reader"] {
            assert_eq!(AccountName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", r"\x", r"a\", r"a\b\c", "a\tb"] {
            assert!(AccountName::new(bad).is_err(), "{bad}");
        }
    }
}
