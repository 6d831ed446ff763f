//! Which contents a package has, by its INI in `PkgLib`.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::HashSet;

use crate::library::ini::PackageIni;
use crate::path::ContentPath;

/// The contents of a package, the one that counts first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    package: String,
    contents: Vec<ContentId>,
    oddities: Vec<String>,
}

/// A content id that is one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContentId {
    /// As written: `PS100005.3`, `Content_<guid>.1`, a bare GUID.
    pub(crate) id: String,
    /// What follows the last dot, where it is a number.
    pub(crate) version: Option<u64>,
}

impl ContentId {
    fn new(id: &str) -> Self {
        Self { id: id.to_owned(), version: content_parts(id).1 }
    }

    fn base(&self) -> &str {
        content_parts(&self.id).0
    }
}

impl Contents {
    /// Contents of the package's own name before others (an application's), the version that
    /// `[Info]` names before others, higher versions before lower ones.
    ///
    /// # Errors
    /// What is wrong with an id.
    pub(crate) fn new(package: &str, ini: &PackageIni) -> Result<Self, String> {
        let mut contents = Vec::new();
        let mut oddities = Vec::new();
        let mut seen = HashSet::new();
        for id in &ini.content_ids {
            ContentPath::ROOT.join(id).map_err(|error| format!("lists a content id: {error}"))?;
            if seen.insert(id.to_ascii_lowercase()) {
                contents.push(ContentId::new(id));
            } else {
                oddities.push(format!("lists {id} twice"));
            }
        }
        let declared = ini.version.map(|version| format!("{package}.{version}"));
        contents.extend(
            declared
                .filter(|id| seen.insert(id.to_ascii_lowercase()))
                .as_deref()
                .map(ContentId::new),
        );
        let foreign = |content: &ContentId| !content.base().eq_ignore_ascii_case(package);
        contents.sort_by_key(|content| {
            let undeclared = ini.version.is_some() && content.version != ini.version;
            (foreign(content), undeclared, Reverse(content.version))
        });
        let own = contents.iter().filter(|content| !foreign(content)).count();
        if own > 0 && contents.len() > 1 {
            oddities.push(format!(
                "lists {}, where a package has one content: stale entries",
                some_of(&contents)
            ));
        }
        Ok(Self { package: package.to_owned(), contents, oddities })
    }

    /// With one more thing that is odd about the INI.
    pub(crate) fn with_oddity(mut self, what: String) -> Self {
        self.oddities.push(what);
        self
    }

    /// All ids.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.contents.iter().map(|content| content.id.clone()).collect()
    }

    /// What is odd about the INI, each to be read after its path.
    pub(crate) fn oddities(&self) -> &[String] {
        &self.oddities
    }

    /// The contents that can stand for the package, or for that version of it.
    ///
    /// # Errors
    /// Why there is no saying which: an application of several contents.
    pub(crate) fn of_version(&self, version: Option<u64>) -> Result<Vec<&ContentId>, String> {
        let Some(first) = self.contents.first() else { return Ok(Vec::new()) };
        let own = first.base().eq_ignore_ascii_case(&self.package);
        let of_first = |content: &&ContentId| content.base().eq_ignore_ascii_case(first.base());
        if !own && !self.contents.iter().all(|content| of_first(&content)) {
            return Err(format!(
                "it has several contents ({}), as applications have; use a package of one content",
                some_of(&self.contents)
            ));
        }
        let wanted = |content: &&ContentId| version.is_none() || content.version == version;
        Ok(self.contents.iter().filter(of_first).filter(wanted).collect())
    }
}

/// The first few ids, for a message.
pub(crate) fn some_of<C: Borrow<ContentId>>(contents: &[C]) -> String {
    const SHOWN: usize = 8;
    let ids = contents.iter().take(SHOWN).map(|content| &*content.borrow().id);
    let shown = ids.collect::<Vec<_>>().join(", ");
    match contents.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A content id without its version, and the version.
pub(crate) fn content_parts(id: &str) -> (&str, Option<u64>) {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match id.rsplit_once('.') {
        Some((base, version)) if digits(version) => match version.parse() {
            Ok(version) => (base, Some(version)),
            Err(_) => (id, None),
        },
        _ => (id, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(ids: &[&str], version: Option<u64>) -> Contents {
        let content_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        Contents::new("PS100005", &PackageIni { content_ids, version }).unwrap()
    }

    fn chosen(contents: &Contents, version: Option<u64>) -> Vec<&str> {
        contents.of_version(version).unwrap().iter().map(|content| &*content.id).collect()
    }

    #[test]
    fn one_content() {
        let one = contents(&["PS100005.3"], None);
        assert_eq!(chosen(&one, None), ["PS100005.3"]);
        assert_eq!(chosen(&one, Some(3)), ["PS100005.3"]);
        assert_eq!(chosen(&one, Some(4)), [""; 0]);
        assert!(one.oddities().is_empty());
        assert_eq!(contents(&["ps100005.3"], Some(3)).ids(), ["ps100005.3"]);
        assert_eq!(contents(&[], Some(3)).ids(), ["PS100005.3"]);
    }

    #[test]
    fn several_versions() {
        let several = contents(&["PS100005.9", "PS100005.10", "PS100005.x"], None);
        assert_eq!(several.ids(), ["PS100005.10", "PS100005.9", "PS100005.x"]);
        assert_eq!(chosen(&several, None), ["PS100005.10", "PS100005.9"]);
        assert_eq!(
            several.oddities(),
            ["lists PS100005.10, PS100005.9, PS100005.x, where a package has one content: stale \
              entries"]
        );
        let declared = contents(&["PS100005.10", "PS100005.9", "PS100005.9"], Some(9));
        assert_eq!(chosen(&declared, None), ["PS100005.9", "PS100005.10"]);
        assert_eq!(declared.oddities()[0], "lists PS100005.9 twice");
    }

    #[test]
    fn applications() {
        let one = contents(&["Content_a.1", "Content_A.2"], None);
        assert_eq!(chosen(&one, None), ["Content_A.2", "Content_a.1"]);
        let two = contents(&["Content_a.1", "Content_b.1"], None);
        assert!(two.of_version(None).unwrap_err().contains("(Content_a.1, Content_b.1)"));
        let mixed = contents(&["Content_a.1", "PS100005.2"], None);
        assert_eq!(chosen(&mixed, None), ["PS100005.2"]);
    }

    #[test]
    fn hostile_ids() {
        for id in ["..", "../x", "a\\b", "C:", "a\0"] {
            let ini = PackageIni { content_ids: vec![id.to_owned()], version: None };
            assert!(Contents::new("PS100005", &ini).is_err(), "{id:?}");
        }
    }

    #[test]
    fn parts() {
        assert_eq!(content_parts("PS100005.3"), ("PS100005", Some(3)));
        assert_eq!(content_parts("Content_a.b.12"), ("Content_a.b", Some(12)));
        for whole in ["b3eb5ef6-e38f", "a.", "a.x", "a.+1", "a.99999999999999999999"] {
            assert_eq!(content_parts(whole), (whole, None));
        }
    }
}
