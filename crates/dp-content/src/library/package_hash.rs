//! The package hash: one SHA-256 over the names of a package's files and folders and the hashes of
//! its files, as `DataLib/<content id>.INI` declares it.
//!
//! Known from a script that verifies packages with it (`Get-CMDirectoryHash` of
//! PackageFromContentLibrary.ps1), not from Microsoft, and **not confirmed on real data**. What is
//! open, all of it in [`Walk`] and of no weight for ASCII names:
//!
//! * The order of names. The script hashes a folder's names in the order in which NTFS lists them
//!   (upper case, unit by unit) but goes down into its folders in the order in which PowerShell
//!   sorts. Here it is that of NTFS both times.
//! * Lower case. The script uses that of .NET, which depends on the language; here it is Unicode's,
//!   one character for one.
//!
//! That is why a difference can be let pass with `--package-hash warn` or `off`: each file has its
//! own hash besides.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use extent_image::{Digest, Hasher, fold_case};

use crate::path::ContentPath;

/// The hash of a package with these files and folders. Folders that hold files need not be given;
/// the order is of no account.
///
/// ```text
/// walk(folder): the path of each folder in it, of each file in it, the hash of each file in it,
///               then walk each folder in it; all as UTF-16, nothing between
/// ```
/// Paths are in lower case with `\` between names, hashes in upper-case hexadecimal.
pub fn package_hash<'a>(
    files: impl IntoIterator<Item = (&'a ContentPath, Digest)>,
    folders: impl IntoIterator<Item = &'a ContentPath>,
) -> Digest {
    let mut tree: BTreeMap<&str, Folder<'_>> = BTreeMap::from([("", Folder::default())]);
    for folder in folders {
        add_folder(&mut tree, folder.as_str());
    }
    for (path, digest) in files {
        let (parent, _) = split(path.as_str());
        add_folder(&mut tree, parent);
        tree.entry(parent).or_default().files.insert(Name(path.as_str()), digest);
    }
    Walk { tree: &tree, hasher: Hasher::new() }.run()
}

/// What is in a folder, by whole path.
#[derive(Default)]
struct Folder<'a> {
    folders: BTreeSet<Name<'a>>,
    files: BTreeMap<Name<'a>, Digest>,
}

/// A path, ordered by its last name as NTFS orders names.
#[derive(PartialEq, Eq)]
struct Name<'a>(&'a str);

impl Name<'_> {
    fn key(&self) -> (impl Iterator<Item = u16>, &str) {
        let folded = split(self.0).1.chars().flat_map(|c| {
            let mut units = [0; 2];
            let len = fold_case(c).encode_utf16(&mut units).len();
            units.into_iter().take(len)
        });
        (folded, self.0)
    }
}

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((names, whole), (other_names, other_whole)) = (self.key(), other.key());
        names.cmp(other_names).then_with(|| whole.cmp(other_whole))
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The folder that holds a path, and its last name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Adds a folder and those it is in.
fn add_folder<'a>(tree: &mut BTreeMap<&'a str, Folder<'a>>, mut path: &'a str) {
    while !path.is_empty() {
        let (parent, _) = split(path);
        tree.entry(path).or_default();
        if !tree.entry(parent).or_default().folders.insert(Name(path)) {
            return;
        }
        path = parent;
    }
}

struct Walk<'a> {
    tree: &'a BTreeMap<&'a str, Folder<'a>>,
    hasher: Hasher,
}

impl Walk<'_> {
    fn run(mut self) -> Digest {
        let mut stack = vec![""];
        while let Some(Folder { folders, files }) = stack.pop().and_then(|path| self.tree.get(path))
        {
            folders.iter().chain(files.keys()).for_each(|path| self.path(path.0));
            files.values().for_each(|digest| self.text(&digest.to_string().to_ascii_uppercase()));
            stack.extend(folders.iter().rev().map(|path| path.0));
        }
        self.hasher.finish()
    }

    fn path(&mut self, path: &str) {
        let lower = |c: char| {
            let mut all = c.to_lowercase();
            match (all.next(), all.next()) {
                // Windows and .NET know no case outside of the basic plane.
                (Some(one), None) if c.len_utf16() == 1 => one,
                _ => c,
            }
        };
        self.text(
            &path.chars().map(|c| if c == '/' { '\\' } else { lower(c) }).collect::<String>(),
        );
    }

    fn text(&mut self, text: &str) {
        text.encode_utf16().for_each(|unit| self.hasher.update(&unit.to_le_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(files: &[(&str, &str)], folders: &[&str]) -> String {
        let path = |path: &str| ContentPath::new(path).unwrap();
        let files: Vec<_> =
            files.iter().map(|(name, text)| (path(name), Digest::of(text.as_bytes()))).collect();
        let folders: Vec<_> = folders.iter().map(|name| path(name)).collect();
        let files = files.iter().map(|(path, digest)| (path, *digest));
        package_hash(files, &folders).to_string().to_uppercase()
    }

    /// The vectors of the reference, worked out without this code.
    #[test]
    fn vectors() {
        assert_eq!(
            hash(&[("boot.PS100005.wim", "hello")], &[]),
            "776022AB8F19F538A54D3336266F6AF1772C84073BDB238C7E88392725792C5C"
        );
        let three = "D7DFF5DA28494DF2AFCC4523AEBD274524068067C61BC458F65E85C81D89D08C";
        let files = [("a.txt", "a"), ("B.txt", "b"), ("Sub/c.txt", "c")];
        assert_eq!(hash(&files, &[]), three);
        assert_eq!(hash(&[files[2], files[1], files[0]], &["Sub"]), three);
        assert_eq!(
            hash(&[("a.txt", "a")], &["empty"]),
            "B3A5A327DD731E6BAC9715467A18BDFC276C6E52E1474D0B0A3BD95A2F6438D5"
        );
    }

    /// The stream of a deeper tree, written out.
    #[test]
    fn order() {
        let hex = |text: &str| Digest::of(text.as_bytes()).to_string().to_uppercase();
        let root = ["a", "m", "_x", "file", "ä"].concat() + &hex("1") + &hex("2");
        let stream = root + "a\\b" + "a\\b_" + "a\\b\\\u{10400}" + &hex("3");
        let bytes: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let files = [("Ä", "2"), ("file", "1"), ("A/b/\u{10400}", "3")];
        let found = hash(&files, &["_x", "M", "A/B_"]);
        assert_eq!(found, Digest::of(&bytes).to_string().to_uppercase());
    }
}
