//! What a plan tells beside its bytes.

use std::fmt;

use crate::options::Platform;
use crate::units::Lba;

/// One of the directory trees of an image. They name the same files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TreeKind {
    /// The tree of the primary volume descriptor: names like `NAME.EXT;1`.
    Primary,
    /// The Joliet tree: names of up to 64 UTF-16 units, or [103](crate::Joliet::Units103).
    Joliet,
    /// The primary tree as Rock Ridge has it: the names as they are.
    RockRidge,
    /// The UDF tree: the names as they are.
    Udf,
}

/// A tree of directory records: all but UDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordTree {
    Primary,
    Joliet,
}

impl From<RecordTree> for TreeKind {
    fn from(tree: RecordTree) -> Self {
        match tree {
            RecordTree::Primary => Self::Primary,
            RecordTree::Joliet => Self::Joliet,
        }
    }
}

impl fmt::Display for TreeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "ISO 9660",
            Self::Joliet => "Joliet",
            Self::RockRidge => "Rock Ridge",
            Self::Udf => "UDF",
        })
    }
}

/// A name that one of the trees could not hold as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The tree.
    pub tree: TreeKind,
    /// Path in the source tree, `/` between names.
    pub path: String,
    /// The name written in place of the path's last.
    pub written: String,
}

impl fmt::Display for Rename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is named {}", self.tree, self.path, self.written)
    }
}

/// Something the planner did that the caller may want to know: the image is valid, but not all is
/// as it was in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A name was shortened, had characters replaced, or got a number to tell it from another.
    /// (Upper case and `;1`, which every ISO 9660 name has, are no reason for a notice.) A name of
    /// the primary tree is told even where Rock Ridge shows it as it is: not every reader knows
    /// Rock Ridge, and a caller that does not mind can leave out those of [`TreeKind::Primary`].
    Renamed(Rename),
    /// A folder of the primary tree lies deeper than the eight levels of ECMA-119 6.8.2.1. It is
    /// kept where it is; the folders below it get no notice of their own.
    Deep {
        /// Path in the source tree.
        path: String,
        /// Its level; the root is level 1.
        level: u32,
    },
    /// A path is longer than the standard allows. It is kept.
    LongPath {
        /// The tree.
        tree: TreeKind,
        /// Path in the source tree.
        path: String,
        /// Length of its names with one separator between two, in bytes (primary tree) or UTF-16
        /// units (Joliet).
        length: u32,
        /// Longest that the standard allows.
        allowed: u32,
    },
    /// Rock Ridge holds a name that Linux cuts: it reads names of up to 253 bytes of UTF-8.
    LongName {
        /// Path in the source tree.
        path: String,
        /// Bytes of the name.
        len: usize,
        /// Most bytes that Linux reads.
        allowed: usize,
    },
    /// A time outside the years 1900 to 2155 is written as "not specified".
    Time {
        /// Path in the source tree.
        path: String,
    },
    /// A UEFI image is longer than an entry can state, so its sector count is 0: to the end of the
    /// medium.
    SectorCount {
        /// What the image is.
        image: String,
        /// Its length in bytes.
        len: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renamed(rename) => write!(f, "{rename}"),
            Self::Deep { path, level } => {
                write!(f, "ISO 9660: {path} is at level {level}, the standard ends at 8; kept")
            }
            Self::LongPath { tree, path, length, allowed } => {
                write!(f, "{tree}: {path} is {length} long, the standard ends at {allowed}; kept")
            }
            Self::LongName { path, len, allowed } => write!(
                f,
                "Rock Ridge: {path} has a name of {len} bytes, Linux reads {allowed} and cuts it"
            ),
            Self::Time { path } => {
                write!(f, "{path}: its time is outside 1900 to 2155 and is left out")
            }
            Self::SectorCount { image, len } => write!(
                f,
                "UEFI boot image {image}: {len} bytes are more than 65535 sectors of 512; the boot \
                 entry says 0, to the end of the medium"
            ),
        }
    }
}

/// Where a file's content lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileExtent {
    /// First sector. Empty files share one zero sector.
    pub lba: Lba,
    /// Length in bytes.
    pub len: u64,
}

/// One entry of the boot catalog as it is written, the default entry first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedBootEntry {
    /// The firmware it is for.
    pub platform: Platform,
    /// Where the image lies.
    pub image: FileExtent,
    /// Load segment as written.
    pub load_segment: u16,
    /// Sector count as written, in units of 512 bytes.
    pub sector_count: u16,
}
