//! Why no image can be planned.

use crate::options::Platform;
use crate::report::{Rename, TreeKind};

/// Why a tree and its options make no image. Nothing was opened or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A file has more extents than readers follow, or than fit its UDF file entry.
    #[error(
        "{path}: {len} bytes, a file of this image may have {allowed}; split it or leave it out"
    )]
    FileTooLarge {
        /// Path in the tree.
        path: String,
        /// Its length in bytes.
        len: u64,
        /// Longest allowed, in bytes.
        allowed: u64,
    },
    /// The content does not fit the medium.
    #[error(
        "the image needs {needed} sectors of 2048 bytes, the medium has {allowed}: {over} too \
         many; choose a larger medium or take files out"
    )]
    Capacity {
        /// Sectors needed.
        needed: u64,
        /// Sectors of the medium.
        allowed: u64,
        /// The difference.
        over: u64,
    },
    /// The content does not fit the format.
    #[error(
        "the image needs {needed} sectors of 2048 bytes, ISO 9660 counts to {allowed}; take files \
         out"
    )]
    TooManySectors {
        /// Sectors needed.
        needed: u64,
        /// Sectors the format can count.
        allowed: u64,
    },
    /// A folder with a number beyond 16 bits holds folders, which could not name their parent.
    #[error(
        "{tree}: {path} is folder {number} of the path table and holds folders; only the first \
         {allowed} can; use fewer folders"
    )]
    TooManyFolders {
        /// The tree.
        tree: TreeKind,
        /// Path of the folder in the source tree.
        path: String,
        /// Its number in the path table.
        number: u64,
        /// Largest number of a folder that may hold folders.
        allowed: u64,
    },
    /// The records of one folder do not fit the length field of its own record, or the folders'
    /// path table that of its own.
    #[error("{tree}: the records of {path:?} take {len} bytes, {allowed} are allowed; use folders")]
    FolderTooLarge {
        /// The tree.
        tree: TreeKind,
        /// Path of the folder in the source tree, empty for the root.
        path: String,
        /// Bytes of its records.
        len: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// Two names that Windows takes for one.
    #[error("{first} and {second} differ only by case, Windows would see one; rename one of them")]
    CaseCollision {
        /// Path of the first in name order.
        first: String,
        /// Path of the second.
        second: String,
    },
    /// Names that Joliet cannot hold, with [strict
    /// Joliet](crate::ImageOptions::with_strict_joliet).
    #[error("{} name(s) do not fit Joliet ({}); rename them", .renames.len(), listed(.renames))]
    JolietNames {
        /// All of them, with the name that would have been written.
        renames: Vec<Rename>,
    },
    /// A name is longer than UDF can hold; it is not shortened there.
    #[error(
        "{path}: its name takes {found} bytes in UDF, {allowed} are allowed; shorten it or plan \
         without UDF"
    )]
    UdfName {
        /// Path in the tree.
        path: String,
        /// Bytes of the name with the one that tells its encoding.
        found: usize,
        /// Bytes allowed.
        allowed: usize,
    },
    /// A folder holds more folders than the link count of its UDF file entry can say.
    #[error("UDF: {path:?} holds {found} folders, {allowed} are allowed; nest them")]
    UdfSubfolders {
        /// Path in the tree, empty for the root.
        path: String,
        /// Folders in it.
        found: usize,
        /// Folders allowed.
        allowed: usize,
    },
    /// A boot entry names a folder, or something outside the tree.
    #[error("the image of the {platform} boot entry, {path:?}, is not a file of the tree")]
    BootImageNotAFile {
        /// The entry's platform.
        platform: Platform,
        /// Path in the tree.
        path: String,
    },
    /// A boot entry names an empty file.
    #[error("the image of the {platform} boot entry, {image}, is empty")]
    BootImageEmpty {
        /// The entry's platform.
        platform: Platform,
        /// The image.
        image: String,
    },
    /// A BIOS image is longer than its entry can state.
    #[error(
        "the image of the BIOS boot entry, {image}, has {len} bytes, an entry can load {allowed}; \
         state a sector count for a part of it"
    )]
    BootImageTooLarge {
        /// The image.
        image: String,
        /// Its length in bytes.
        len: u64,
        /// Longest that an entry can state, in bytes.
        allowed: u64,
    },
    /// The catalog has one sector: more firmware does not read.
    #[error(
        "the boot catalog would take {needed} bytes, firmware reads {allowed}; use fewer boot \
         entries"
    )]
    TooManyBootEntries {
        /// Bytes needed.
        needed: usize,
        /// Bytes firmware reads.
        allowed: usize,
    },
    /// The parts of the image do not touch: an error of this crate.
    #[error("the parts of the image do not fit together, please report this")]
    Layout(#[from] extent_image::PlanError),
}

/// The first few, for a message of bounded length.
fn listed(renames: &[Rename]) -> String {
    const SHOWN: usize = 5;
    let mut text: Vec<&str> = renames.iter().take(SHOWN).map(|r| r.path.as_str()).collect();
    if renames.len() > SHOWN {
        text.push("...");
    }
    text.join(", ")
}
