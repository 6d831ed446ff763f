//! Why a tree and its options make no volume.

use std::fmt;

use crate::units::{ClusterSize, FatType};

/// Why there is no volume of this tree and these options. Nothing has been written or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// Files, folders or names that FAT cannot hold: all of them, at most the first
    /// [`Problem::LISTED`].
    #[error("FAT cannot hold this tree: {}", Listing { problems, total: *total })]
    Tree {
        /// The problems, folder by folder.
        problems: Vec<Problem>,
        /// How many there are; more than `problems` holds when the list was cut.
        total: usize,
    },
    /// The length is not a whole number of sectors.
    #[error(
        "a volume of {given} bytes is not a whole number of {sector_size}-byte sectors; {rounded} is"
    )]
    UnevenSize {
        /// Length asked for, in bytes.
        given: u64,
        /// Bytes per sector.
        sector_size: u32,
        /// The next smaller length that would do, in bytes.
        rounded: u64,
    },
    /// The tree does not fit.
    #[error("the tree needs a volume of at least {smallest} bytes; {given} were given")]
    TooSmall {
        /// Length asked for, in bytes.
        given: u64,
        /// The smallest length that would do, in bytes.
        smallest: u64,
    },
    /// Too few clusters: firmware and Windows would take the volume for one of another FAT type or
    /// refuse it.
    #[error(
        "{given} bytes make {clusters} clusters of {cluster_size} bytes; {fat_type} needs {limit}: smaller clusters, or at least {smallest} bytes"
    )]
    TooFewClusters {
        /// The type that needs more.
        fat_type: FatType,
        /// Length asked for, in bytes.
        given: u64,
        /// Clusters that it makes.
        clusters: u64,
        /// Bytes per cluster.
        cluster_size: u32,
        /// The least number of clusters.
        limit: u64,
        /// The smallest length that would do, in bytes.
        smallest: u64,
    },
    /// More clusters than the FAT type can number, with the cluster size asked for.
    #[error(
        "a volume of {clusters} clusters of {cluster_size} bytes; {fat_type} numbers {limit}: {}",
        way_out(*fat_type, *cluster_size)
    )]
    TooManyClusters {
        /// The type that cannot number them.
        fat_type: FatType,
        /// Clusters of the volume.
        clusters: u64,
        /// Bytes per cluster.
        cluster_size: u32,
        /// The largest number of clusters.
        limit: u64,
    },
    /// More slots in the root folder than a root directory of FAT16 may have.
    #[error(
        "the names in the root folder need {found} slots; FAT16 has {limit} there: put files into folders, or use FAT32"
    )]
    RootSlots {
        /// Slots of 32 bytes that it needs, the label's one included.
        found: u64,
        /// Most slots.
        limit: u64,
    },
    /// Boot code for a volume of FAT16. [`BootCode`](crate::BootCode) is made for FAT32: for its
    /// boot sector, its reserved sectors and its copies.
    #[error("boot code is for FAT32 only; FAT16 was asked for: leave it out, or use FAT32")]
    BootCode,
    /// Boot code for large sectors: the firmware and the code that runs first know 512 bytes only.
    #[error(
        "boot code starts from sectors of 512 bytes; {sector_size} were asked for: leave it out"
    )]
    BootCodeSectors {
        /// Bytes per sector.
        sector_size: u32,
    },
    /// A cluster size that does not go with the sector size.
    #[error(
        "clusters of {cluster_size} bytes in sectors of {sector_size}: they must have {least} to {most} bytes"
    )]
    ClusterSize {
        /// Bytes per cluster.
        cluster_size: u32,
        /// Bytes per sector.
        sector_size: u32,
        /// Bytes of the smallest cluster.
        least: u32,
        /// Bytes of the largest cluster.
        most: u32,
    },
    /// The volume itself does not begin where its data is to be aligned.
    #[error(
        "the volume begins at byte {start} of its disk, no multiple of {alignment}: begin the partition on one, or ask for a smaller alignment"
    )]
    Unaligned {
        /// Where the volume begins, by its hidden sectors, in bytes.
        start: u64,
        /// The alignment asked for, in bytes.
        alignment: u64,
    },
    /// The volume, or the one that the tree needs, passes what FAT can address.
    #[error(
        "a FAT volume of {sectors} sectors; at most {limit} can be addressed: use a smaller volume or split the content"
    )]
    TooLarge {
        /// Sectors of the volume.
        sectors: u64,
        /// The largest number of sectors.
        limit: u64,
    },
    /// Extents that do not follow each other: a bug of this crate.
    #[error("the layout of the volume contradicts itself")]
    Layout(#[from] extent_image::PlanError),
}

fn way_out(fat_type: FatType, cluster_size: u32) -> &'static str {
    match fat_type {
        FatType::Fat16 if cluster_size < ClusterSize::KIB32.bytes() => {
            "choose larger clusters, or FAT32"
        }
        FatType::Fat16 => "choose FAT32",
        FatType::Fat32 => "choose larger clusters",
    }
}

/// One thing in the tree that FAT cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A character that no long name may hold.
    Character {
        /// Path of the file or folder.
        path: String,
        /// The character.
        character: char,
        /// Its place in the name, in characters from 0.
        position: usize,
    },
    /// A name of more than 255 UTF-16 units.
    NameLength {
        /// Path of the file or folder.
        path: String,
        /// Length of the name in UTF-16 units.
        found: usize,
    },
    /// A dot or space at the end, which Windows would drop.
    Ending {
        /// Path of the file or folder.
        path: String,
        /// The dot or space.
        character: char,
    },
    /// Two names in a folder that differ in case only.
    SameName {
        /// Path of the first.
        first: String,
        /// Path of the second.
        second: String,
    },
    /// A file of 4 GiB or more.
    FileSize {
        /// Path of the file.
        path: String,
        /// Its size in bytes.
        found: u64,
    },
    /// A folder whose names need more slots than a directory may have.
    FolderSize {
        /// Path of the folder; empty for the root.
        path: String,
        /// Slots of 32 bytes that it needs.
        found: u64,
    },
    /// Every short name that could stand for a long one is taken. A folder has too few names for
    /// that, unless it holds hundreds of thousands made for it.
    ShortNames {
        /// Path of the file or folder.
        path: String,
    },
}

impl Problem {
    /// Most problems that one error lists.
    pub const LISTED: usize = 1000;
    /// Largest file, in bytes.
    pub const MAX_FILE: u64 = 0xFFFF_FFFF;
    /// Longest name, in UTF-16 units.
    pub const MAX_NAME: usize = 255;
    /// Most slots of a directory: 2 MiB of 32 bytes each.
    pub const MAX_SLOTS: u64 = 65_536;
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character { path, character, position } => {
                write!(
                    f,
                    "{path:?}: {character:?} at position {position} of the name is not allowed; rename it"
                )
            }
            Self::NameLength { path, found } => {
                let limit = Self::MAX_NAME;
                write!(
                    f,
                    "{path:?}: the name has {found} UTF-16 units, {limit} are allowed; shorten it"
                )
            }
            Self::Ending { path, character } => {
                write!(
                    f,
                    "{path:?}: Windows drops the {character:?} at the end of the name; rename it"
                )
            }
            Self::SameName { first, second } => {
                write!(
                    f,
                    "{first:?} and {second:?} are one name to FAT, which ignores case; rename one"
                )
            }
            Self::FileSize { path, found } => {
                let limit = Self::MAX_FILE;
                write!(
                    f,
                    "{path:?}: {found} bytes, a file holds at most {limit}; split it (a WIM into SWM parts)"
                )
            }
            Self::FolderSize { path, found } => {
                let limit = Self::MAX_SLOTS;
                write!(
                    f,
                    "{path:?}: its names need {found} slots, a folder has {limit}; spread them over several folders"
                )
            }
            Self::ShortNames { path } => {
                write!(f, "{path:?}: no short name is left for it in its folder; rename it")
            }
        }
    }
}

/// The first few problems in one line.
struct Listing<'a> {
    problems: &'a [Problem],
    total: usize,
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "; " })?;
        }
        match self.total.saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Something that is done as asked but may surprise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A name that Windows programs take for a device (`CON`, `NUL.txt`): legal on the volume, out
    /// of their reach.
    DeviceName {
        /// Path of the file or folder.
        path: String,
    },
    /// Times outside 1980 to 2107, the years FAT can hold; they were moved to the nearest moment it
    /// can.
    TimesMoved {
        /// Files and folders concerned.
        count: u64,
        /// Path of the first.
        first: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeviceName { path } => {
                write!(
                    f,
                    "{path:?}: Windows programs take this name for a device and cannot open it"
                )
            }
            Self::TimesMoved { count, first } => {
                write!(
                    f,
                    "{count} times outside the years 1980 to 2107 were moved there; the first is that of {first:?}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_in_the_text() {
        let problem = |n: u64| Problem::FileSize { path: format!("f{n}"), found: 1 << 32 };
        let error = VolumeError::Tree { problems: (0..7).map(problem).collect(), total: 9 };
        let text = error.to_string();
        assert!(text.starts_with("FAT cannot hold this tree: \"f0\": 4294967296 bytes"), "{text}");
        assert!(text.ends_with("; and 4 more"), "{text}");
        assert!(!text.contains("f5"), "{text}");
    }

    #[test]
    fn the_error_is_small() {
        assert!(size_of::<VolumeError>() <= 64);
    }
}
