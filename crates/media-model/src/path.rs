//! Paths on the media, and what the operator adds there.

use std::fmt;
use std::path::Path;

use crate::error::{AddSpecError, MediaPathError};
use crate::text::text_form;

/// A path on the media, from its root. Every name in it can be stored and opened by Windows (but
/// see [`reserved_component`](Self::reserved_component)).
///
/// In text, `\` and `/` both separate names and one may stand at the front; nothing, or one
/// separator alone, is the root. A name is 1 to 255 UTF-16 units (the long names of FAT), is not
/// `.` or `..`, holds no control character and none of `" * : < > ? |`, and does not end in a dot
/// or space, which Windows would drop.
///
/// Two paths that differ in case are different values; compare [`folded`](Self::folded) to know
/// whether Windows can tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaPath(
    /// Names with `\` between them, none at the front; empty is the root.
    String,
);

text_form!(MediaPath, MediaPathError);

impl MediaPath {
    /// The root of the media.
    pub const ROOT: Self = Self(String::new());

    /// Longest name, in UTF-16 units.
    pub const MAX_NAME_UNITS: usize = 255;

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`MediaPathError`] names the component and where it stands.
    pub fn new(text: &str) -> Result<Self, MediaPathError> {
        let (names, mut position) = match text.strip_prefix(is_separator) {
            Some(names) => (names, 1),
            None => (text, 0),
        };
        if names.is_empty() {
            return Ok(Self::ROOT);
        }
        let mut path = String::with_capacity(names.len());
        for name in names.split(is_separator) {
            check_name(name, position)?;
            if !path.is_empty() {
                path.push('\\');
            }
            path.push_str(name);
            position += name.len() + 1;
        }
        Ok(Self(path))
    }

    /// A path of names that come one by one, as from a folder of a system where a name may hold a
    /// separator; here none may.
    ///
    /// # Errors
    ///
    /// [`MediaPathError`]; positions count from the start of the first name, one byte between names.
    pub fn from_names<'a>(
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, MediaPathError> {
        let mut path = String::new();
        for name in names {
            let position = if path.is_empty() { 0 } else { path.len() + 1 };
            if let Some((at, found)) = name.char_indices().find(|(_, c)| is_separator(*c)) {
                let component = name.to_owned();
                let position = position + at;
                return Err(MediaPathError::Character { position, found, component });
            }
            check_name(name, position)?;
            if !path.is_empty() {
                path.push('\\');
            }
            path.push_str(name);
        }
        Ok(Self(path))
    }

    /// The names, from the root; none for the root itself.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        // "".split() gives one empty name; no other name is empty.
        self.0.split('\\').filter(|name| !name.is_empty())
    }

    /// The path without its last name; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let parent = self.0.rsplit_once('\\').map_or("", |(parent, _)| parent);
        Some(Self(parent.to_owned()))
    }

    /// The last name; `None` for the root.
    pub fn file_name(&self) -> Option<&str> {
        self.components().next_back()
    }

    /// Whether this is the root of the media.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path with `below` appended.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        match (self.is_root(), below.is_root()) {
            (true, _) => below.clone(),
            (_, true) => self.clone(),
            _ => Self(format!("{}\\{}", self.0, below.0)),
        }
    }

    /// The names with `/` between them and none at the front, as manifests have them.
    pub fn to_slash(&self) -> String {
        self.0.replace('\\', "/")
    }

    /// A key that is equal for paths which differ only in case: each character upper-cased by
    /// itself where its upper case is one character, as the tables of Windows do, with `\` between
    /// the names. A few letters (such as dotless i) fold here and not in Windows: two paths may
    /// look equal that Windows tells apart, not the other way round.
    pub fn folded(&self) -> String {
        self.0
            .chars()
            .map(|c| {
                let mut upper = c.to_uppercase();
                match (upper.next(), upper.next()) {
                    (Some(one), None) => one,
                    _ => c,
                }
            })
            .collect()
    }

    /// The first name that Windows takes for a device (`CON`, `PRN`, `AUX`, `NUL`, `COM1`-`COM9`,
    /// `LPT1`-`LPT9`, also with superscript 1 to 3, `CONIN$`, `CONOUT$`; with any extension): it
    /// can be stored, and Windows will not open it.
    pub fn reserved_component(&self) -> Option<&str> {
        self.components().find(|name| is_device_name(name))
    }
}

impl fmt::Display for MediaPath {
    /// With `\` at the front and between the names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\\{}", self.0)
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '\\' | '/')
}

/// `position` is the byte offset of `name` in the text given.
fn check_name(name: &str, position: usize) -> Result<(), MediaPathError> {
    let component = || name.to_owned();
    if name.is_empty() {
        return Err(MediaPathError::EmptyComponent { position });
    }
    if matches!(name, "." | "..") {
        return Err(MediaPathError::Dots { position, component: component() });
    }
    let refused = |c: char| c.is_control() || matches!(c, '"' | '*' | ':' | '<' | '>' | '?' | '|');
    if let Some((at, found)) = name.char_indices().find(|(_, c)| refused(*c)) {
        let position = position + at;
        return Err(MediaPathError::Character { position, found, component: component() });
    }
    if name.ends_with(['.', ' ']) {
        let position = position + name.len() - 1;
        return Err(MediaPathError::TrailingDotOrSpace { position, component: component() });
    }
    let units = name.encode_utf16().count();
    let max = MediaPath::MAX_NAME_UNITS;
    if units > max {
        return Err(MediaPathError::TooLong { position, component: component(), units, max });
    }
    Ok(())
}

fn is_device_name(name: &str) -> bool {
    // Windows looks at what stands before the first dot, without spaces at its end.
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let mut number = match stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")) {
        Some(number) => number.chars(),
        None => return false,
    };
    matches!((number.next(), number.next()), (Some('1'..='9' | '¹' | '²' | '³'), None))
}

/// The first control character of a path of the host and its byte. Files may have such names, but what
/// puts one there is nearly always a `\t` or `\n` of a Windows path in double quotes.
pub(crate) fn control_character(host: &str) -> Option<(usize, char)> {
    host.char_indices().find(|(_, c)| c.is_control())
}

/// Whether a path is one of Windows, and this is another system: nothing is there, and a file of that
/// name would come into the current folder. It begins with two backslashes, or a letter with `:\`.
pub(crate) fn is_of_windows(path: &Path) -> bool {
    let is_of_windows = match path.as_os_str().as_encoded_bytes() {
        [b'\\', b'\\', ..] => true,
        [letter, b':', b'\\', ..] => letter.is_ascii_alphabetic(),
        _ => false,
    };
    !cfg!(windows) && is_of_windows
}

/// A file or folder of the host that goes onto the media: `HOST=MEDIA_PATH`, divided at the last
/// `=`.
///
/// A file gets the media path as its whole path; the contents of a folder go under it, so an empty
/// media path or `\` (the root) is for folders. Which of the two the host path is, is found out
/// later. The host path is text because the whole is: a host path that is not Unicode cannot be
/// given this way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AddSpec {
    host: String,
    media: MediaPath,
}

text_form!(AddSpec, AddSpecError);

impl AddSpec {
    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`AddSpecError`]; positions in the media path count from behind the `=`.
    pub fn new(text: &str) -> Result<Self, AddSpecError> {
        let Some((host, media)) = text.rsplit_once('=') else {
            return Err(AddSpecError::NoEquals { text: text.to_owned() });
        };
        let media = MediaPath::new(media).map_err(AddSpecError::MediaPath)?;
        Self::from_parts(host, media)
    }

    /// Puts the two paths together.
    ///
    /// # Errors
    ///
    /// [`AddSpecError`] when `host` is empty or holds a control character, or `media` holds a `=`.
    pub fn from_parts(host: &str, media: MediaPath) -> Result<Self, AddSpecError> {
        if host.is_empty() {
            return Err(AddSpecError::EmptyHost);
        }
        if let Some((position, found)) = control_character(host) {
            return Err(AddSpecError::HostCharacter { position, found });
        }
        if let Some(position) = media.0.find('=') {
            return Err(AddSpecError::EqualsInMediaPath { position });
        }
        Ok(Self { host: host.to_owned(), media })
    }

    /// The path on the host.
    pub fn host(&self) -> &Path {
        Path::new(&self.host)
    }

    /// The path on the media.
    pub fn media(&self) -> &MediaPath {
        &self.media
    }
}

impl fmt::Display for AddSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.host, self.media)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> MediaPath {
        MediaPath::new(text).unwrap()
    }

    #[test]
    fn parts() {
        for text in ["boot/fonts\\a b.ttf", "\\boot\\fonts\\a b.ttf", "/boot/fonts/a b.ttf"] {
            let path = path(text);
            assert_eq!(path.components().collect::<Vec<_>>(), ["boot", "fonts", "a b.ttf"]);
            assert_eq!(path.to_string(), "\\boot\\fonts\\a b.ttf");
            assert_eq!(path.to_slash(), "boot/fonts/a b.ttf");
            assert_eq!(path.folded(), "BOOT\\FONTS\\A B.TTF");
            assert_eq!(path.file_name(), Some("a b.ttf"));
            assert_eq!(path.parent(), Some(MediaPath::new("boot/fonts").unwrap()));
        }
        for root in ["", "\\", "/"] {
            let root = path(root);
            assert!(root.is_root());
            assert_eq!(root, MediaPath::ROOT);
            assert_eq!(root.components().count(), 0);
            assert_eq!((root.parent(), root.file_name()), (None, None));
            assert_eq!(root.to_string(), "\\");
        }
        assert_eq!(path("a").parent(), Some(MediaPath::ROOT));
        assert_eq!(path("a").join(&path("b\\c")), path("a\\b\\c"));
        assert_eq!(MediaPath::ROOT.join(&path("b")), path("b"));
        assert_eq!(path("b").join(&MediaPath::ROOT), path("b"));
    }

    #[test]
    fn refuses_with_numbers() {
        let component = |c: &str| c.to_owned();
        let empty = |position| MediaPathError::EmptyComponent { position };
        for (text, error) in [
            ("\\\\", empty(1)),
            ("\\\\server", empty(1)),
            ("a//b", empty(2)),
            ("a\\", empty(2)),
            ("/a/..", MediaPathError::Dots { position: 3, component: component("..") }),
            (".", MediaPathError::Dots { position: 0, component: component(".") }),
            (
                "é/C:x",
                MediaPathError::Character { position: 4, found: ':', component: component("C:x") },
            ),
            (
                "a\u{85}",
                MediaPathError::Character {
                    position: 1,
                    found: '\u{85}',
                    component: component("a\u{85}"),
                },
            ),
            (
                "x/a. /b",
                MediaPathError::TrailingDotOrSpace { position: 4, component: component("a. ") },
            ),
            (
                "...",
                MediaPathError::TrailingDotOrSpace { position: 2, component: component("...") },
            ),
        ] {
            assert_eq!(MediaPath::new(text), Err(error), "{text}");
        }
        // 128 characters outside the BMP are 256 UTF-16 units.
        let long = "😀".repeat(128);
        assert_eq!(
            MediaPath::new(&format!("a\\{long}")),
            Err(MediaPathError::TooLong { position: 2, component: long, units: 256, max: 255 })
        );
        assert!(MediaPath::new(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn folding() {
        assert_eq!(path("Größe\\ÿ\\ﬁ").folded(), "GRÖßE\\Ÿ\\ﬁ");
    }

    #[test]
    fn devices() {
        for name in [
            "con",
            "Nul.txt",
            "aux.tar.gz",
            "PRN .x",
            "com1",
            "LPT9.log",
            "COM¹",
            "conin$",
            "CONOUT$",
        ] {
            assert_eq!(path(&format!("a\\{name}\\b")).reserved_component(), Some(name));
        }
        for name in ["console", "com", "com0", "com10", "lpt", "nul_", "x.con", "comx", "con$"] {
            assert_eq!(path(name).reserved_component(), None, "{name}");
        }
    }

    #[test]
    fn add() {
        let add = AddSpec::new("/srv/a=b/tools=Tools/x64").unwrap();
        assert_eq!(add.host(), Path::new("/srv/a=b/tools"));
        assert_eq!(add.media(), &path("Tools\\x64"));
        assert_eq!(add.to_string(), "/srv/a=b/tools=\\Tools\\x64");
        for root in ["d=", "d=\\", "d=/"] {
            assert!(AddSpec::new(root).unwrap().media().is_root());
        }
        assert_eq!(AddSpec::new("d"), Err(AddSpecError::NoEquals { text: "d".to_owned() }));
        assert_eq!(AddSpec::new("=d"), Err(AddSpecError::EmptyHost));
        let line_feed = AddSpecError::HostCharacter { position: 2, found: '\n' };
        assert_eq!(AddSpec::new("C:\new=d"), Err(line_feed));
        assert_eq!(
            AddSpec::new("d=a//b"),
            Err(AddSpecError::MediaPath(MediaPathError::EmptyComponent { position: 2 }))
        );
        assert_eq!(
            AddSpec::from_parts("d", path("a\\b=c")),
            Err(AddSpecError::EqualsInMediaPath { position: 3 })
        );
    }
}
