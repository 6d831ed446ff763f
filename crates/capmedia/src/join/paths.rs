//! The paths of several discs in one folder, as Windows sees them: `Data` and `data` are one folder,
//! and of two files that differ by case only one could be there.

use std::collections::HashMap;

use media_model::{MediaPath, MediaPathError};

/// Files and folders that were given a place. Each name is kept once, for a hostile disc has long
/// paths.
#[derive(Default)]
pub(crate) struct Paths {
    /// By the folder's number, 0 for the root, and the folded name; with the number of the name.
    taken: HashMap<(usize, String), usize>,
    /// Number `n` is `names[n - 1]`.
    names: Vec<Name>,
}

struct Name {
    folder: usize,
    text: String,
    is_folder: bool,
}

/// A path that cannot be there beside another.
#[derive(Debug)]
pub(crate) enum Clash {
    /// The same file again; the path of the first, which may differ by case.
    File(String),
    /// One file, and one folder.
    Kind(String),
    /// The path is none; it came from one that is.
    Path(MediaPathError),
}

impl Paths {
    /// A place for a file below folders that are made as needed: its path, with folders spelled as
    /// they came first.
    pub(crate) fn file(&mut self, path: &MediaPath) -> Result<MediaPath, Clash> {
        self.place(path, false)
    }

    /// The same for a folder, which may be there already.
    pub(crate) fn folder(&mut self, path: &MediaPath) -> Result<MediaPath, Clash> {
        self.place(path, true)
    }

    fn place(&mut self, path: &MediaPath, is_folder: bool) -> Result<MediaPath, Clash> {
        let mut at = 0;
        let mut left = path.components().peekable();
        while let Some(text) = left.next() {
            let folder = at;
            let is_folder = is_folder || left.peek().is_some();
            let name = MediaPath::from_names([text]).map_err(Clash::Path)?;
            let next = self.names.len() + 1;
            at = *self.taken.entry((folder, name.folded())).or_insert(next);
            if at == next {
                self.names.push(Name { folder, text: text.to_owned(), is_folder });
                continue;
            }
            let there = self.names.get(at - 1).is_some_and(|name| name.is_folder);
            match (there, is_folder) {
                (true, true) => {}
                (false, false) => return Err(Clash::File(self.path(at).join("/"))),
                _ => return Err(Clash::Kind(self.path(at).join("/"))),
            }
        }
        MediaPath::from_names(self.path(at)).map_err(Clash::Path)
    }

    fn path(&self, mut at: usize) -> Vec<&str> {
        let mut names = Vec::new();
        while let Some(name) = at.checked_sub(1).and_then(|at| self.names.get(at)) {
            names.push(&*name.text);
            at = name.folder;
        }
        names.reverse();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_one_and_files_are_not() {
        let mut paths = Paths::default();
        let path = |text: &str| MediaPath::new(text).unwrap();
        let placed = |placed: Result<MediaPath, Clash>| placed.unwrap().to_slash();
        assert_eq!(placed(paths.file(&path("A/b/x"))), "A/b/x");
        assert_eq!(placed(paths.file(&path("a/B/y"))), "A/b/y");
        assert_eq!(placed(paths.folder(&path("a/none"))), "A/none");
        assert_eq!(placed(paths.folder(&path("A/NONE"))), "A/none");
        assert_eq!(placed(paths.folder(&MediaPath::ROOT)), "");
        let same = |clash| matches!(clash, Err(Clash::File(first)) if first == "A/b/x");
        assert!(same(paths.file(&path("A/b/x"))) && same(paths.file(&path("a/b/X"))));
        for (below, folder) in [("a/b/x/z", false), ("A/b/X", true)] {
            let clash = if folder { paths.folder(&path(below)) } else { paths.file(&path(below)) };
            assert!(matches!(clash, Err(Clash::Kind(first)) if first == "A/b/x"), "{below}");
        }
        assert!(matches!(paths.file(&path("a/B")), Err(Clash::Kind(first)) if first == "A/b"));
    }
}
