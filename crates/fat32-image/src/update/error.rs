//! Why a volume is not updated, and what was left of it.

use std::fmt;
use std::io;

use extent_image::StreamError;

use crate::check::Fault;
use crate::error::VolumeError;

/// A volume was not updated. [`left`](Self::left) tells what it holds now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// FAT16 or FAT12.
    #[error("the volume is FAT{bits} ({clusters} clusters); only FAT32 is updated: format it anew")]
    NotFat32 {
        /// 12 or 16.
        bits: u8,
        /// Clusters of the volume.
        clusters: u64,
    },
    /// Another file system, or none.
    #[error("no FAT volume: {field} is {found:#x}, must be {allowed}; format it anew")]
    Unknown {
        /// What tells.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The values that are allowed.
        allowed: &'static str,
    },
    /// A FAT32 volume with a feature that nobody uses and this crate does not write.
    #[error("the volume has {field} {found:#x}, only {allowed} is updated; format it anew")]
    Unsupported {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The value that is allowed.
        allowed: &'static str,
    },
    /// Sectors smaller than what the drive writes at once.
    #[error(
        "the volume has sectors of {found} bytes on a drive that writes {block}: format it anew"
    )]
    SectorSize {
        /// Bytes per sector of the volume.
        found: u32,
        /// Bytes that the drive writes at once.
        block: u32,
    },
    /// The volume begins inside a block of the drive.
    #[error(
        "the volume begins at byte {start} of a drive that writes {block} at once; format it anew"
    )]
    Unaligned {
        /// Where the volume begins.
        start: u64,
        /// Bytes that the drive writes at once.
        block: u32,
    },
    /// The volume is longer than its place.
    #[error("the volume claims {claimed} bytes, its place has {there}; format it anew")]
    Truncated {
        /// Length by the boot sector in bytes.
        claimed: u64,
        /// Bytes there are.
        there: u64,
    },
    /// The copies of the FAT differ.
    #[error(
        "FAT {copy} differs from FAT 1 in sector {sector} of the volume; run fsck.fat or chkdsk first"
    )]
    FatsDiffer {
        /// Number of the copy, from 2.
        copy: u32,
        /// The first sector of the copy that differs, counted from the start of the volume.
        sector: u64,
    },
    /// The volume is damaged.
    #[error("the volume is damaged ({faults}); run fsck.fat or chkdsk first")]
    Damaged {
        /// What is wrong, as [`check::Volume::check`](crate::check::Volume::check) found it.
        faults: Faults,
    },
    /// The tree holds what FAT cannot.
    #[error(transparent)]
    Tree(#[from] VolumeError),
    /// Files and folders on the volume that are not the caller's stand in the way.
    #[error("not replaced: {}", CollisionList(collisions))]
    Collisions {
        /// All of them.
        collisions: Vec<Collision>,
    },
    /// What must change at once lies in several sectors of the root directory.
    #[error(
        "the entries of {} lie in different sectors of the root directory and cannot be changed at once; let them change one after the other, or format the volume anew",
        Places(entries)
    )]
    Scattered {
        /// Top-level name and sector (counted from the start of the volume) of each.
        entries: Vec<(String, u64)>,
    },
    /// The sector of the root directory that must change has no room for what is new in it.
    #[error(
        "new names for the root directory need {needed} slots of one sector, sector {sector} has {free} in a row; add fewer names, or format the volume anew"
    )]
    SwitchRoom {
        /// The sector, counted from the start of the volume.
        sector: u64,
        /// Slots of 32 bytes that the new names need.
        needed: usize,
        /// Longest run of free slots in it.
        free: usize,
    },
    /// A directory would have more slots than FAT allows.
    #[error(
        "{path:?}: {found} slots with the new names, a folder has {limit}; remove files or format the volume anew"
    )]
    FolderSize {
        /// Path of the folder; empty for the root.
        path: String,
        /// Slots of 32 bytes that it needs.
        found: u64,
        /// Most slots.
        limit: u64,
    },
    /// Not enough free clusters for the new content beside the old.
    #[error(
        "{needed} clusters of {cluster_size} bytes are needed while the old content is still there, {free} are free; remove {} bytes of other files, or format the volume anew",
        needed.saturating_sub(*free).saturating_mul(u64::from(*cluster_size))
    )]
    Full {
        /// Clusters needed.
        needed: u64,
        /// Free clusters.
        free: u64,
        /// Bytes per cluster.
        cluster_size: u32,
    },
    /// A source of the tree failed.
    #[error("a source of the new content failed; {left}")]
    Source {
        /// What the volume holds now.
        left: Left,
        /// Why.
        #[source]
        source: StreamError,
    },
    /// The volume could not be read.
    #[error("cannot read byte {at} of {name}; {left}")]
    Read {
        /// What the storage calls itself.
        name: String,
        /// Byte of the storage.
        at: u64,
        /// What the volume holds now.
        left: Left,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The volume could not be written.
    #[error("cannot write byte {at} of {name}; {left}")]
    Write {
        /// What the storage calls itself.
        name: String,
        /// Byte of the storage.
        at: u64,
        /// What the volume holds now.
        left: Left,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The volume is not what it was when the update was prepared.
    #[error(
        "sector {sector} of the volume changed since the update was prepared; make sure that nothing else uses the volume, and run again"
    )]
    Changed {
        /// The sector, counted from the start of the volume.
        sector: u64,
    },
    /// [`Progress`](extent_image::Progress) asked to stop.
    #[error("cancelled; {left}")]
    Cancelled {
        /// What the volume holds now.
        left: Left,
    },
}

impl UpdateError {
    /// What the volume holds after this error.
    pub fn left(&self) -> Left {
        match self {
            Self::Source { left, .. }
            | Self::Read { left, .. }
            | Self::Write { left, .. }
            | Self::Cancelled { left } => *left,
            _ => Left::Untouched,
        }
    }

    /// The same error, met when the volume was already in this state.
    pub(super) fn leaving(mut self, now: Left) -> Self {
        match &mut self {
            Self::Source { left, .. }
            | Self::Read { left, .. }
            | Self::Write { left, .. }
            | Self::Cancelled { left } => *left = now,
            _ => {}
        }
        self
    }
}

/// What a volume holds after an update that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// What it held before; nothing was written.
    Untouched,
    /// The old files, complete, and nothing else: what was written has been undone.
    Old,
    /// The old files, complete; the volume is still marked as in use, and up to so many clusters
    /// belong to no file. The next update goes on from there, and fsck.fat or chkdsk frees them.
    OldUntidy {
        /// Clusters that may be lost.
        clusters: u64,
    },
    /// The old files or the new ones, complete; which of the two is known when the volume is read.
    Either,
    /// The new files, complete, and perhaps old ones that were to be removed; the volume is still
    /// marked as in use, and up to so many clusters belong to no file.
    NewUntidy {
        /// Clusters that may be lost.
        clusters: u64,
    },
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untouched => f.write_str("nothing was written"),
            Self::Old => f.write_str("the volume holds the old files, unchanged"),
            Self::OldUntidy { clusters } => write!(
                f,
                "the volume holds the old files, is marked as in use and may have {clusters} lost clusters: update it again, or run fsck.fat or chkdsk"
            ),
            Self::Either => f.write_str(
                "the volume holds the old files or the new ones, complete: update it again",
            ),
            Self::NewUntidy { clusters } => write!(
                f,
                "the volume holds the new files, is marked as in use and may have {clusters} lost clusters: update it again, or run fsck.fat or chkdsk"
            ),
        }
    }
}

/// The faults for which a volume is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// The faults, never empty; the last may count further ones.
    pub fn list(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.0.iter())
    }
}

/// A file or folder of the volume in the way of one of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Collision {
    /// A file with other content, which the caller does not own.
    Differs {
        /// Path of both.
        path: String,
    },
    /// A folder where the tree has a file.
    IsFolder {
        /// Path of both.
        path: String,
    },
    /// A file where the tree has a folder.
    IsFile {
        /// Path of both.
        path: String,
    },
    /// Another file or folder whose short name is the name in the tree.
    ShortName {
        /// Path in the tree.
        path: String,
        /// Name of the other one.
        other: String,
    },
}

impl Collision {
    /// The path in the tree.
    pub fn path(&self) -> &str {
        match self {
            Self::Differs { path }
            | Self::IsFolder { path }
            | Self::IsFile { path }
            | Self::ShortName { path, .. } => path,
        }
    }
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs { path } => {
                write!(f, "{path:?} is there with other content: remove it, or allow replacing it")
            }
            Self::IsFolder { path } => write!(f, "{path:?} is a folder there: rename it"),
            Self::IsFile { path } => write!(f, "{path:?} is a file there: remove or rename it"),
            Self::ShortName { path, other } => {
                write!(f, "{path:?} is the short name of {other:?} there: rename one")
            }
        }
    }
}

struct CollisionList<'a>(&'a [Collision]);

impl fmt::Display for CollisionList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.0.iter())
    }
}

struct Places<'a>(&'a [(String, u64)]);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.0.iter().map(|(name, sector)| format!("{name:?} (sector {sector})")))
    }
}

/// The first few, for a message of bounded length.
fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl ExactSizeIterator<Item = T>,
) -> fmt::Result {
    const SHOWN: usize = 10;
    let more = items.len().saturating_sub(SHOWN);
    for (index, item) in items.take(SHOWN).enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { "; " })?;
    }
    if more > 0 {
        write!(f, "; and {more} more")?;
    }
    Ok(())
}

/// Something about a volume that its owner should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateNote {
    /// The volume was not closed properly, and is sound all the same.
    Dirty,
    /// Some system met read or write errors on the volume, or was told of them.
    HardErrors,
    /// An update that was cut off is tidied up: so many clusters are freed, and the copies of the
    /// FAT are made equal.
    CutOff {
        /// Clusters that are freed.
        clusters: u64,
    },
    /// Clusters that belong to no file and are left alone: they may be somebody's lost file.
    LostClusters {
        /// How many.
        clusters: u64,
    },
    /// The boot sector does not say where the volume begins on its disk: BIOS boot code will fail.
    HiddenSectors {
        /// The field of the boot sector.
        found: u32,
        /// Start of the volume in sectors.
        start: u64,
    },
    /// So few clusters that firmware does not take the volume for FAT32.
    FewClusters {
        /// Clusters of the volume.
        found: u64,
        /// Least clusters of FAT32.
        least: u64,
    },
    /// The root directory has no room for a label that it has none of yet.
    NoRoomForLabel,
    /// A note of the planner about the tree.
    Tree(crate::error::Note),
}

impl fmt::Display for UpdateNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dirty => f.write_str("the volume was not closed properly; it was found sound"),
            Self::HardErrors => f.write_str(
                "the volume is marked as having met read or write errors; check it with chkdsk /r or fsck.fat -t, or replace the drive",
            ),
            Self::CutOff { clusters } => {
                write!(f, "an update was cut off; {clusters} clusters that it left are freed")
            }
            Self::LostClusters { clusters } => write!(
                f,
                "{clusters} clusters belong to no file and stay as they are; fsck.fat or chkdsk recovers or frees them"
            ),
            Self::HiddenSectors { found, start } => write!(
                f,
                "the boot sector says {found} hidden sectors, the volume begins at sector {start}: it does not start from BIOS; format it anew for that"
            ),
            Self::FewClusters { found, least } => write!(
                f,
                "{found} clusters; firmware that starts from FAT32 wants {least}: format it anew with smaller clusters if it does not start"
            ),
            Self::NoRoomForLabel => {
                f.write_str("the root directory has no room for a label; it was left out")
            }
            Self::Tree(note) => fmt::Display::fmt(note, f),
        }
    }
}
