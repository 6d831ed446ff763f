//! The media that is there, by its own `SHA256SUMS` and `media.json`.

use std::collections::HashMap;

use extent_image::Digest;
use media_model::MediaPath;
use media_model::task_sequence::MAX_FILE_BYTES;

pub(super) use crate::medium::fold_path as fold;
use crate::tree::manifest::{DESCRIPTION, Description, MANIFEST, parse_manifest};

/// Longest list of files that is read from a stick: room for more than a hundred thousand.
pub(super) const LARGEST_LIST: u64 = 16 << 20;

/// Longest task sequence that is read from a stick.
pub(super) const LARGEST_SEQUENCE: u64 = MAX_FILE_BYTES as u64;

/// A path of ours as a stick and its lists have it.
pub(super) fn on_media(path: &str) -> String {
    path.replace('\\', "/")
}

/// Media of ours that is there already.
#[derive(Debug)]
pub(super) struct OldMedia {
    /// Its files by folded path; the manifest is among them.
    files: HashMap<String, OldFile>,
    pub(super) description: Description,
}

#[derive(Debug)]
struct OldFile {
    /// With `/`.
    path: String,
    /// None of the manifest itself.
    digest: Option<Digest>,
}

impl OldMedia {
    /// The media that has these texts as its `SHA256SUMS` and its `media.json`; `None` where they are
    /// not of ours. A list of digests alone says nothing of who owns the files: anybody's download has
    /// one.
    pub(super) fn of(manifest: Option<&str>, description: Option<&str>) -> Option<Self> {
        let description = Description::parse(description?).ok()?;
        // Names that lead elsewhere (`..`) are no media paths.
        let listed = parse_manifest(manifest?).ok()?.into_iter();
        let listed = listed
            .filter_map(|(path, digest)| Some((MediaPath::new(&path).ok()?.to_slash(), digest)))
            .map(|(path, digest)| OldFile { path, digest: Some(digest) });
        let manifest = OldFile { path: MANIFEST.to_owned(), digest: None };
        let listed = listed.chain([manifest]).filter(|file| !file.path.is_empty());
        let files: HashMap<String, OldFile> = listed.map(|file| (fold(&file.path), file)).collect();
        files.contains_key(&fold(DESCRIPTION)).then_some(Self { files, description })
    }

    /// Whether it lists the file at this path, which is folded.
    pub(super) fn owns(&self, folded: &str) -> bool {
        self.files.contains_key(folded)
    }

    /// Its files: the folded path, and the path.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(folded, file)| (&**folded, &*file.path))
    }

    /// What it lists for the file at this path, which is folded. A file with another digest is no longer
    /// the one that was put there.
    pub(super) fn digest(&self, folded: &str) -> Option<Digest> {
        self.files.get(folded)?.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_media_of_ours_owns_files() {
        let description = r#"{"format": 1, "media": "capture", "label": "L", "set-id": "id",
            "volume": 1, "volumes": 1, "architecture": "x64"}"#;
        let line = |path: &str| format!("{}  {path}\n", Digest::of(b""));
        let manifest = ["Sources/boot.wim", "../evil", "media.json"].map(line).concat();
        let old = OldMedia::of(Some(&manifest), Some(description)).unwrap();
        assert!(old.owns(&fold("sources/BOOT.wim")) && old.owns(&fold("sha256sums")));
        assert!(!old.owns(&fold("../evil")) && !old.owns(&fold("other")));
        assert_eq!(old.files().count(), 3);
        assert_eq!(old.digest(&fold("SOURCES/boot.wim")), Some(Digest::of(b"")));
        assert_eq!((old.digest(&fold(MANIFEST)), old.digest("other")), (None, None));
        // A list of somebody's own files.
        assert!(OldMedia::of(Some(&line("a.iso")), Some(description)).is_none());
        assert!(OldMedia::of(Some(&manifest), Some("{}")).is_none());
        assert!(OldMedia::of(Some("what"), Some(description)).is_none());
        assert!(OldMedia::of(None, Some(description)).is_none());
        assert!(OldMedia::of(Some(&manifest), None).is_none());
    }
}
