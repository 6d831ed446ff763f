//! Paths inside a location.

use std::fmt;

/// A path below the root of a location: names joined by `/`; empty for the root itself.
///
/// No name is empty, `.` or `..`, or holds `/`, `\`, `:` or NUL, so whatever is joined stays below
/// the folder it is joined to. No name is longer than a name of NTFS, and no path longer than one of
/// Windows, so that few names cannot take much memory. Case is kept; locations compare without it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentPath(String);

/// UTF-16 units of a name (NTFS).
const MAX_NAME: usize = 255;

/// UTF-16 units of a path (Windows, `\\?\` before it).
const MAX_PATH: usize = 32_767;

/// A name or path that could lead out of its folder, or that is longer than any is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentPathError {
    /// A name of no characters: two separators in a row, or one at an end.
    #[error("{path:?} has an empty name")]
    Empty {
        /// The path.
        path: String,
    },
    /// `.` or `..`.
    #[error("{path:?} has the name {name:?}, which leads elsewhere")]
    Leads {
        /// The path.
        path: String,
        /// The name.
        name: String,
    },
    /// A character that separates names or names drives and streams, or NUL.
    #[error("{name:?} holds {found:?}, which no name may")]
    Character {
        /// The name.
        name: String,
        /// The character.
        found: char,
    },
    /// A name or path of more UTF-16 units than Windows allows.
    #[error("{start:?}... has {found} characters, at most {allowed} are allowed")]
    TooLong {
        /// Its beginning.
        start: String,
        /// How many it has.
        found: usize,
        /// How many it may have.
        allowed: usize,
    },
}

impl ContentPath {
    /// The root.
    pub const ROOT: Self = Self(String::new());

    /// Reads names with `/` or `\` between them.
    ///
    /// # Errors
    /// [`ContentPathError`]; nothing is repaired.
    pub fn new(text: &str) -> Result<Self, ContentPathError> {
        let mut path = Self::ROOT;
        if text.is_empty() {
            return Ok(path);
        }
        for name in text.split(['/', '\\']) {
            path = path.join(name).map_err(|error| match error {
                ContentPathError::Empty { .. } => ContentPathError::Empty { path: text.to_owned() },
                ContentPathError::Leads { name, .. } => {
                    ContentPathError::Leads { path: text.to_owned(), name }
                }
                error => error,
            })?;
        }
        Ok(path)
    }

    /// A path that is good because of what it is made of: fixed names, package ids, hashes.
    pub(crate) fn known(path: impl Into<String>) -> Self {
        let path = path.into();
        debug_assert!(Self::new(&path).is_ok_and(|good| good.0 == path), "{path:?}");
        Self(path)
    }

    /// The path of `name` in this folder.
    ///
    /// # Errors
    /// [`ContentPathError`]; `name` is one name.
    pub fn join(&self, name: &str) -> Result<Self, ContentPathError> {
        at_most(name, MAX_NAME)?;
        let path = || format!("{}/{name}", self.0);
        if name.is_empty() {
            return Err(ContentPathError::Empty { path: path() });
        }
        if name == "." || name == ".." {
            return Err(ContentPathError::Leads { path: path(), name: name.to_owned() });
        }
        if let Some(found) = name.chars().find(|c| matches!(c, '/' | '\\' | ':' | '\0')) {
            return Err(ContentPathError::Character { name: name.to_owned(), found });
        }
        let path = if self.is_root() { name.to_owned() } else { path() };
        at_most(&path, MAX_PATH)?;
        Ok(Self(path))
    }

    /// The path of `below` in this folder.
    pub fn join_path(&self, below: &Self) -> Self {
        match (self.is_root(), below.is_root()) {
            (true, _) => below.clone(),
            (_, true) => self.clone(),
            _ => Self(format!("{}/{}", self.0, below.0)),
        }
    }

    /// The folders it is in, the nearest first, the root not among them.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        let ends = self.0.rmatch_indices('/').map(|(end, _)| end);
        ends.filter_map(|end| self.0.get(..end).map(|path| Self(path.to_owned())))
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, first to last.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The last name; `None` for the root.
    pub fn name(&self) -> Option<&str> {
        self.names().next_back()
    }

    /// Names with `/` between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn at_most(text: &str, allowed: usize) -> Result<(), ContentPathError> {
    // No text has more units than bytes.
    if text.len() <= allowed {
        return Ok(());
    }
    let found = text.encode_utf16().count();
    if found <= allowed {
        return Ok(());
    }
    Err(ContentPathError::TooLong { start: text.chars().take(40).collect(), found, allowed })
}

impl fmt::Display for ContentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below() {
        let path = ContentPath::new(r"sub\deep/a b#c%.txt").unwrap();
        assert_eq!(path.as_str(), "sub/deep/a b#c%.txt");
        assert_eq!(path.name(), Some("a b#c%.txt"));
        assert!(ContentPath::new("").unwrap().is_root());
        for bad in ["..", "a/..", "../a", "a//b", "/a", "a/", "C:/x", "a\\..\\b", "a\0", "./a"] {
            assert!(ContentPath::new(bad).is_err(), "{bad}");
        }
        let ancestors: Vec<_> = path.ancestors().map(|folder| folder.to_string()).collect();
        assert_eq!(ancestors, ["sub/deep", "sub"]);
        let name = "ä".repeat(MAX_NAME);
        assert!(ContentPath::new(&name).is_ok());
        let error = ContentPath::new(&format!("x/{name}y")).unwrap_err();
        assert!(error.to_string().ends_with("has 256 characters, at most 255 are allowed"));
        let long = vec!["x".repeat(127); 256].join("/");
        assert_eq!(ContentPath::new(&long).unwrap().as_str().len(), MAX_PATH);
        assert!(matches!(
            ContentPath::new(&format!("{long}/x")),
            Err(ContentPathError::TooLong { found: 32_769, allowed: MAX_PATH, .. })
        ));
        let inside = ContentPath::new("DataLib").unwrap().join_path(&path);
        assert_eq!(inside.as_str(), "DataLib/sub/deep/a b#c%.txt");
    }
}
