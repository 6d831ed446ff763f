//! A media tree in the making: paths as Windows sees them, where `Boot` and `boot` are one folder.

use std::collections::HashMap;

use extent_image::{Data, Meta, NodeId, Timestamp, Tree, TreeBuilder, TreeError};
use media_model::MediaPath;

/// Two things want one path on the media.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} comes from {first} and again from {second}; leave one of them out or rename it")]
pub struct Collision {
    /// The path on the media.
    pub path: String,
    /// Where the one there comes from.
    pub first: String,
    /// Where the other comes from.
    pub second: String,
}

/// A tree that refuses a second file at a path, ignoring case, and merges folders.
pub(crate) struct Layout {
    builder: TreeBuilder,
    /// By folded path.
    taken: HashMap<String, Taken>,
    folder_meta: Meta,
    newest_allowed: Option<Timestamp>,
}

struct Taken {
    id: NodeId,
    /// As it stands on the media: folders keep the case in which they came first.
    path: MediaPath,
    folder: bool,
    origin: String,
}

/// A file of the layout, for the manifest.
pub(crate) struct Placed {
    pub(crate) id: NodeId,
    pub(crate) path: MediaPath,
}

impl Layout {
    /// An empty layout. Folders get `folder_time`; no time will be later than `newest_allowed`.
    pub(crate) fn new(folder_time: Timestamp, newest_allowed: Option<Timestamp>) -> Self {
        let folder_meta = Meta::at(clamp(folder_time, newest_allowed));
        let path = MediaPath::ROOT;
        let root = Taken { id: NodeId::ROOT, path, folder: true, origin: String::new() };
        Self {
            builder: TreeBuilder::new(folder_meta),
            taken: HashMap::from([(String::new(), root)]),
            folder_meta,
            newest_allowed,
        }
    }

    /// Puts a file at `path`, below folders that are made as needed. Lower ranks lie nearer the
    /// start of the volume.
    pub(crate) fn file(
        &mut self,
        path: &MediaPath,
        meta: Meta,
        data: Data,
        rank: i32,
        origin: &str,
    ) -> Result<Placed, LayoutError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(LayoutError::Collision(Collision {
                path: path.to_string(),
                first: "the root of the media".to_owned(),
                second: origin.to_owned(),
            }));
        };
        let (parent, folder) = self.folder(&parent, origin)?;
        let key = path.folded();
        if let Some(taken) = self.taken.get(&key) {
            return Err(collision(path, taken, origin));
        }
        let modified = clamp(meta.modified, self.newest_allowed);
        let meta = Meta { modified, ..meta };
        let id = self.builder.file(parent, name, meta, data)?;
        self.builder.set_rank(id, rank);
        // The name is the last of a valid path.
        let path = MediaPath::new(name).map_or_else(|_| path.clone(), |name| folder.join(&name));
        let taken = Taken { id, path: path.clone(), folder: false, origin: origin.to_owned() };
        self.taken.insert(key, taken);
        Ok(Placed { id, path })
    }

    /// The folder at `path`, made if it is not there, and its path as it stands on the media.
    pub(crate) fn folder(
        &mut self,
        path: &MediaPath,
        origin: &str,
    ) -> Result<(NodeId, MediaPath), LayoutError> {
        if let Some(taken) = self.taken.get(&path.folded()) {
            return match taken.folder {
                true => Ok((taken.id, taken.path.clone())),
                false => Err(collision(path, taken, origin)),
            };
        }
        let mut at = NodeId::ROOT;
        let mut so_far = MediaPath::ROOT;
        for name in path.components() {
            // A component of a valid path is a valid path.
            let Ok(component) = MediaPath::new(name) else { continue };
            so_far = so_far.join(&component);
            let key = so_far.folded();
            at = match self.taken.get(&key) {
                Some(taken) if taken.folder => {
                    so_far = taken.path.clone();
                    taken.id
                }
                Some(taken) => return Err(collision(&so_far, taken, origin)),
                None => {
                    let id = self.builder.folder(at, name, self.folder_meta)?;
                    let (path, origin) = (so_far.clone(), origin.to_owned());
                    self.taken.insert(key, Taken { id, path, folder: true, origin });
                    id
                }
            };
        }
        Ok((at, so_far))
    }

    pub(crate) fn finish(self) -> Result<Tree, TreeError> {
        self.builder.finish()
    }
}

/// A file has no place in the layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LayoutError {
    #[error(transparent)]
    Collision(#[from] Collision),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

fn collision(path: &MediaPath, taken: &Taken, origin: &str) -> LayoutError {
    LayoutError::Collision(Collision {
        path: path.to_string(),
        first: taken.origin.clone(),
        second: origin.to_owned(),
    })
}

fn clamp(time: Timestamp, newest_allowed: Option<Timestamp>) -> Timestamp {
    newest_allowed.map_or(time, |newest| time.min(newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> MediaPath {
        MediaPath::new(text).unwrap()
    }

    #[test]
    fn folders_merge_without_case_and_files_collide() {
        let mut layout = Layout::new(Timestamp::FAT_EPOCH, None);
        let time = Timestamp::FAT_EPOCH;
        let data = || Data::bytes("t", "x");
        layout.file(&path("EFI/Boot/a"), Meta::at(time), data(), 0, "one").unwrap();
        let merged = layout.file(&path("efi/BOOT/b"), Meta::at(time), data(), 0, "two").unwrap();
        assert_eq!(merged.path.to_slash(), "EFI/Boot/b");
        let twice = layout.file(&path("EFI/boot/A"), Meta::at(time), data(), 0, "three");
        let Err(LayoutError::Collision(collision)) = twice else { panic!("no collision") };
        assert_eq!((&*collision.first, &*collision.second), ("one", "three"));
        assert!(layout.file(&path("efi/boot/a/below"), Meta::at(time), data(), 0, "four").is_err());
        assert!(layout.file(&path("efi/boot"), Meta::at(time), data(), 0, "five").is_err());
        let tree = layout.finish().unwrap();
        let paths: Vec<_> = tree.walk().map(|id| tree.path(id)).collect();
        assert_eq!(paths, ["", "EFI", "EFI/Boot", "EFI/Boot/a", "EFI/Boot/b"]);
    }

    #[test]
    fn times_are_set_back_never_forward() {
        let limit = Timestamp::from_unix_seconds(1_000);
        let mut layout = Layout::new(Timestamp::from_unix_seconds(2_000), Some(limit));
        for (name, seconds) in [("early", 500), ("late", 1_500)] {
            let time = Timestamp::from_unix_seconds(seconds);
            layout.file(&path(name), Meta::at(time), Data::bytes("t", ""), 0, "test").unwrap();
        }
        let tree = layout.finish().unwrap();
        let seconds: Vec<_> = tree.walk().map(|id| tree.meta(id).modified.unix_seconds()).collect();
        assert_eq!(seconds, [1_000, 500, 1_000]);
    }
}
