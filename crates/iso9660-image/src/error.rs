//! Why no image can be planned.

use crate::options::Platform;
use crate::report::{Notice, Rename, TreeKind};

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
    #[error("{} name(s) do not fit Joliet ({}); rename them", .renames.len(), listed(.renames.iter().map(|rename| rename.path.clone())))]
    JolietNames {
        /// All of them, with the name that would have been written.
        renames: Vec<Rename>,
    },
    /// Something would not be as it was in the tree, with
    /// [notices refused](crate::ImageOptions::with_notices_refused).
    #[error(
        "{} thing(s) would not be as they are in the tree: {}; change them or allow notices",
        .notices.len(),
        listed(.notices.iter().map(ToString::to_string))
    )]
    Notices {
        /// All of them.
        notices: Vec<Notice>,
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
    /// A name is longer than any POSIX system holds; it is not shortened in Rock Ridge.
    #[error(
        "{path}: its name has {found} bytes, Rock Ridge may have {allowed}; shorten it or plan \
         without Rock Ridge"
    )]
    RockRidgeName {
        /// Path in the tree.
        path: String,
        /// Bytes of the name in UTF-8.
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
    /// A path is longer than readers follow, this crate's own among them.
    #[error(
        "{tree}: a path has {found} bytes, {allowed} are allowed; nest less deeply or use shorter \
         names: {path}..."
    )]
    PathTooLong {
        /// The tree.
        tree: TreeKind,
        /// The first 100 characters of the path in the source tree.
        path: String,
        /// Bytes of the path in this tree, in UTF-8.
        found: usize,
        /// Bytes allowed.
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
    /// A BIOS would load nothing, or more than the image.
    #[error(
        "the BIOS boot entry of {image} states {found} sectors of 512 bytes, 1 to {allowed} are \
         allowed; leave the number out to load the whole image"
    )]
    BootSectorCount {
        /// The image.
        image: String,
        /// Sectors stated.
        found: u16,
        /// Most sectors allowed.
        allowed: u64,
    },
    /// A boot info table has no place in its image.
    #[error("the boot image {image} cannot have a boot info table: {reason}")]
    BootInfoTable {
        /// The image.
        image: String,
        /// Why not, and what to do.
        reason: BootInfoTableReason,
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
    /// A folder, or something outside the tree, is said to lie in the region.
    #[error("{path:?} is said to lie in the region and is not a file of the tree")]
    RegionFileNotAFile {
        /// Path in the tree.
        path: String,
    },
    /// A file is said to lie where no record can lead.
    #[error(
        "{path}: byte {offset} of the region is no place for a file, records lead to multiples of \
         {allowed}; align the files of the region"
    )]
    RegionFileUnaligned {
        /// Path in the tree.
        path: String,
        /// Offset stated, in bytes from the start of the region.
        offset: u64,
        /// What offsets must be a multiple of.
        allowed: u64,
    },
    /// The region's plan does not hold a file where that was stated.
    #[error(
        "{path}: stated to lie at byte {offset} of the region, but at byte {at} there is: {found}; \
         state where the region's plan holds this very source"
    )]
    RegionFileElsewhere {
        /// Path in the tree.
        path: String,
        /// Offset stated, in bytes from the start of the region.
        offset: u64,
        /// The first byte of the region that is not the file's.
        at: u64,
        /// What is there.
        found: String,
    },
    /// The region has no bytes.
    #[error("the region has {found} bytes, {allowed} are the least; give it a plan with content")]
    RegionEmpty {
        /// Bytes of the region's plan.
        found: u64,
        /// Least bytes allowed.
        allowed: u64,
    },
    /// The region would lie where something has its fixed place.
    #[error(
        "the region was put at sector {found}, what has a fixed place ends before sector {allowed}; \
         put it there or behind"
    )]
    RegionTooEarly {
        /// Sector asked for.
        found: u32,
        /// First that a region may have.
        allowed: u32,
    },
    /// A boot entry names a part of a region that is not there.
    #[error(
        "the {platform} boot entry starts byte {offset} of the region, which has {len}; name a \
         multiple of 2048 in a region of the image"
    )]
    BootImageOutsideRegion {
        /// The entry's platform.
        platform: Platform,
        /// Offset asked for, in bytes.
        offset: u64,
        /// Bytes of the region; 0 without one.
        len: u64,
    },
    /// A tree of this crate's own is none: an error of this crate.
    #[error("the tree of the text for readers without UDF cannot be, please report this")]
    Stub(#[from] extent_image::TreeError),
    /// The parts of the image do not touch: an error of this crate.
    #[error("the parts of the image do not fit together, please report this")]
    Layout(#[from] extent_image::PlanError),
}

/// Why a boot image cannot have a boot info table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootInfoTableReason {
    /// The table does not fit, or cannot state the length.
    #[error("it has {len} bytes, 64 to 4294967295 are allowed; leave the table out")]
    Length {
        /// Its length in bytes.
        len: u64,
    },
    /// The table was made of other bytes.
    #[error("it has {len} bytes, the table was made of {read}; make the table of this image")]
    OtherImage {
        /// Its length in bytes.
        len: u64,
        /// Bytes that the table was made of.
        read: u64,
    },
    /// Late content is not known before it is written.
    #[error("its bytes are made while streaming; use a source")]
    Late,
    /// Another plan holds the bytes.
    #[error("it lies in the region, whose bytes stay as they are; leave the table out")]
    InRegion,
    /// Two entries start one file, with different tables.
    #[error("another entry that starts it has another table; give both the same")]
    TwoTables,
}

/// The first few, for a message of bounded length.
fn listed(mut all: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let mut text: Vec<String> = all.by_ref().take(SHOWN).collect();
    if all.next().is_some() {
        text.push("...".to_owned());
    }
    text.join(", ")
}
