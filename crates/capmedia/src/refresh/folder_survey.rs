//! What is in a mounted folder, by names without case. Links are seen and never followed.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::RefreshError;
use super::old_media::{LARGEST_LIST, fold};
use crate::publish::part_file::name_of_part;

/// Where a run notes in the root what it is going to write, as no manifest lists that before its end.
pub(super) const JOURNAL: &str = ".capmedia-refresh";
/// Its first line. Each other one is a folded path.
const FIRST_LINE: &str = "capmedia refresh 1";

/// What a run notes of the files that it is going to write.
pub(super) fn journal(folded: &BTreeSet<String>) -> String {
    let mut text = format!("{FIRST_LINE}\n");
    for path in folded {
        text.push_str(path);
        text.push('\n');
    }
    text
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File {
        len: u64,
    },
    Folder,
    /// A link, a device, a folder where something else is mounted: nothing is written through it.
    Other,
}

#[derive(Debug)]
pub(super) struct Found {
    /// Where it is, in the case that it has there.
    pub(super) path: PathBuf,
    /// The same from the root of the media, with `/`.
    pub(super) media: String,
    pub(super) kind: Kind,
}

/// Everything in a folder.
#[derive(Debug)]
pub(super) struct Survey {
    root: PathBuf,
    /// By folded path.
    found: HashMap<String, Found>,
    /// Names that are no text; FAT as it is mounted today has none.
    nameless: Vec<String>,
    /// What a run that died has left, with the folded path of what it was to be.
    pub(super) parts: Vec<(PathBuf, String)>,
    /// Folded paths of what it was writing.
    pub(super) begun: BTreeSet<String>,
}

impl Survey {
    pub(super) fn of(root: &Path) -> Result<Self, RefreshError> {
        let mut survey = Self {
            root: root.to_path_buf(),
            found: HashMap::new(),
            nameless: Vec::new(),
            parts: Vec::new(),
            begun: BTreeSet::new(),
        };
        let refused = |path: &Path| {
            let path = path.to_path_buf();
            move |source| RefreshError::Io { step: "list", path, source }
        };
        let device = device(&fs::metadata(root).map_err(refused(root))?);
        let mut folders = vec![(root.to_path_buf(), String::new())];
        while let Some((folder, media)) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(refused(&folder))? {
                let entry = entry.map_err(refused(&folder))?;
                let (path, name) = (entry.path(), entry.file_name());
                let metadata = fs::symlink_metadata(&path).map_err(refused(&path))?;
                let kind = match metadata.file_type() {
                    _ if self::device(&metadata) != device => Kind::Other,
                    kind if kind.is_file() => Kind::File { len: metadata.len() },
                    kind if kind.is_dir() => Kind::Folder,
                    _ => Kind::Other,
                };
                let below = |name: &str| match &*media {
                    "" => name.to_owned(),
                    media => format!("{media}/{name}"),
                };
                let Some(text) = name.to_str() else {
                    survey.nameless.push(below(&name.to_string_lossy()));
                    continue;
                };
                if let Some(whole) = name_of_part(&name)
                    && matches!(kind, Kind::File { .. })
                {
                    survey.parts.push((path, fold(&below(whole))));
                    continue;
                }
                let media = below(text);
                if kind == Kind::Folder {
                    folders.push((path.clone(), media.clone()));
                }
                survey.found.insert(fold(&media), Found { path, media, kind });
            }
        }
        survey.read_journal();
        Ok(survey)
    }

    /// One that is not of ours stays what it is, a file of somebody.
    fn read_journal(&mut self) {
        let Some(found) = self.get(JOURNAL) else { return };
        let (Kind::File { len }, path) = (found.kind, &found.path) else { return };
        let mut text = String::new();
        if len > LARGEST_LIST {
            return;
        }
        let read = File::open(path).and_then(|file| file.take(len).read_to_string(&mut text));
        let mut lines = text.lines();
        if read.is_ok() && lines.next() == Some(FIRST_LINE) {
            self.begun = lines.map(str::to_owned).collect();
            self.found.remove(&fold(JOURNAL));
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What stands at a path of the media with `/`.
    pub(super) fn get(&self, media: &str) -> Option<&Found> {
        self.found.get(&fold(media))
    }

    /// The bytes of a file that is there, can be read, and has at most `limit`.
    pub(super) fn bytes(&self, media: &str, limit: u64) -> Option<Vec<u8>> {
        let found = self.get(media)?;
        let Kind::File { len } = found.kind else { return None };
        let mut bytes = Vec::new();
        (len <= limit).then_some(())?;
        File::open(&found.path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Where a path of the media is, or would be: folders that are there keep the case they have.
    pub(super) fn place(&self, media: &str) -> PathBuf {
        if let Some(found) = self.get(media) {
            return found.path.clone();
        }
        match media.rsplit_once('/') {
            Some((folder, name)) => self.place(folder).join(name),
            None => self.root.join(media),
        }
    }

    /// All that is there and no folder: the folded path, and what it is.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &Found)> {
        let found = self.found.iter().filter(|(_, found)| found.kind != Kind::Folder);
        found.map(|(folded, found)| (&**folded, found))
    }

    pub(super) fn nameless(&self) -> &[String] {
        &self.nameless
    }
}

#[cfg(unix)]
fn device(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(metadata)
}

#[cfg(not(unix))]
fn device(_: &Metadata) -> u64 {
    0
}
