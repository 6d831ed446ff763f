//! What can be wrong with a volume.

use std::fmt;

use super::boot;

/// How much a fault matters to whoever uses the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Against the rules, but every reader finds all content: what systems leave on a drive that
    /// was pulled out while in use (marks, counts, lost clusters, chains longer than their file), or
    /// what careless writers do and readers overlook.
    Untidy,
    /// Content or names are lost, read differently by different systems or can be overwritten; or
    /// the volume, or a part of it, may be refused.
    Damage,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untidy => "untidy",
            Self::Damage => "damage",
        })
    }
}

/// One thing in a volume that breaks the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    position: u64,
    kind: FaultKind,
    severity: Severity,
    is_half_written: bool,
}

impl Fault {
    /// Most faults that one check lists; a last [`FaultKind::More`] counts the others.
    pub const LISTED: usize = 1000;

    /// The byte of the volume that is wrong, or at which what is wrong begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// What is wrong.
    pub fn kind(&self) -> &FaultKind {
        &self.kind
    }

    /// How much it matters; of [`FaultKind::More`] the worst of those it counts.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Path of the file or folder concerned, empty for the root; `None` where the fault lies in no
    /// file or folder.
    pub fn path(&self) -> Option<&str> {
        match &self.kind {
            FaultKind::BadLink { path, .. }
            | FaultKind::CrossLink { path, .. }
            | FaultKind::FirstCluster { path, .. }
            | FaultKind::ChainLength { path, .. }
            | FaultKind::SlotField { path, .. }
            | FaultKind::Time { path, .. }
            | FaultKind::PathLength { path, .. } => Some(path),
            FaultKind::ShortName { folder, .. }
            | FaultKind::LongName { folder, .. }
            | FaultKind::DuplicateName { folder, .. }
            | FaultKind::LongOrder { folder, .. }
            | FaultKind::LongChecksum { folder, .. }
            | FaultKind::LongSlot { folder, .. }
            | FaultKind::DotEntry { folder, .. }
            | FaultKind::BehindEnd { folder }
            | FaultKind::DirectoryLength { folder, .. }
            | FaultKind::StrayLabel { folder } => Some(folder),
            _ => None,
        }
    }

    /// True for what a drive keeps when it was pulled out, or its writer was stopped, between two
    /// writes: the marks for "in use", free counts that are not up to date, clusters that no file
    /// holds, and chains longer than their file. All content is there, and writing to the volume
    /// harms nothing. Every such fault is [`Severity::Untidy`], but not the other way round: what
    /// careless writers leave is untidy and no leftover.
    ///
    /// ```
    /// use fat32_image::check::{Severity, Volume};
    /// # use extent_image::{Meta, Timestamp, TreeBuilder};
    /// # let meta = Meta::at(Timestamp::FAT_EPOCH);
    /// # let plan = fat32_image::plan(&TreeBuilder::new(meta).finish()?, &Default::default())?.into_plan();
    /// # let (reader, len) = (plan.reader(), plan.len());
    ///
    /// let faults = Volume::open(reader, 0, len)?.check()?;
    /// let may_be_written = faults.iter().all(|fault| fault.severity() < Severity::Damage);
    /// let was_pulled_out = faults.iter().any(|fault| fault.is_leftover());
    /// # assert!(may_be_written && !was_pulled_out);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_leftover(&self) -> bool {
        match &self.kind {
            FaultKind::Dirty { .. }
            | FaultKind::FreeCount { .. }
            | FaultKind::NextFree { .. }
            | FaultKind::LostClusters { .. } => true,
            FaultKind::ChainLength { found, needed, .. } => found > needed,
            _ => false,
        }
    }

    /// True for what stands in two places, was written in one of them, and harms no file by it. A
    /// writer that is stopped between the two writes leaves such faults, and damage looks different:
    /// - [`FatsDiffer`](FaultKind::FatsDiffer) in the marks of the second entry; in the entry of a
    ///   cluster that no name reaches, which is free in one of the FATs; or at an end of the root
    ///   directory, behind which it goes on by one FAT alone
    /// - [`BackupDiffers`](FaultKind::BackupDiffers) in the label
    /// - [`LabelDiffers`](FaultKind::LabelDiffers)
    ///
    /// What differs otherwise is told by a fault of its own. Entries of clusters that differ stay
    /// [`Severity::Damage`]: whether a writer was stopped is for the caller to know.
    pub fn is_half_written(&self) -> bool {
        self.is_half_written
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.position, self.kind)
    }
}

/// The ways in which a volume can be wrong. Paths are those of the file or folder concerned; empty
/// for the root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// A field of the boot sector.
    #[error("boot sector: {field} is {found:#x}, must be {allowed}")]
    BootField {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The values that are allowed.
        allowed: &'static str,
    },
    /// A number of clusters outside what FAT32, or FAT16, may have.
    #[error("{found} clusters; with entries of this width there are {least} to {most}")]
    ClusterCount {
        /// Clusters by the boot sector.
        found: u64,
        /// The least number.
        least: u64,
        /// The largest number.
        most: u64,
    },
    /// A FAT too short for the clusters.
    #[error("a FAT of {found} sectors for clusters that need {needed}")]
    FatLength {
        /// Sectors of a FAT.
        found: u64,
        /// Sectors needed.
        needed: u64,
    },
    /// The hidden sectors are not where the volume begins on its disk.
    #[error("{found} hidden sectors, but the volume begins at sector {start}")]
    HiddenSectors {
        /// The field of the boot sector.
        found: u32,
        /// Start of the volume in sectors.
        start: u64,
    },
    /// The volume is longer than the bytes there are.
    #[error("the volume claims {claimed} bytes, {there} are there")]
    Truncated {
        /// Length by the boot sector in bytes.
        claimed: u64,
        /// Bytes there are.
        there: u64,
    },
    /// The boot sector and its backup differ; the position is in the backup.
    #[error("the backup of the boot sector differs from it")]
    BackupDiffers,
    /// A signature of FSInfo or its copy.
    #[error("FSInfo: signature {found:#x}, must be {expected:#x}")]
    FsInfoSignature {
        /// Its value.
        found: u32,
        /// What it must be.
        expected: u32,
    },
    /// A reserved byte of FSInfo or its copy; the position is that of the first.
    #[error("FSInfo: a reserved byte is {found:#x}, must be 0")]
    FsInfoReserved {
        /// Its value.
        found: u8,
    },
    /// The free clusters by FSInfo.
    #[error("FSInfo counts {found} free clusters, there are {counted}")]
    FreeCount {
        /// The field of FSInfo.
        found: u32,
        /// Free entries of the FAT.
        counted: u32,
    },
    /// The cluster at which FSInfo advises to look for room.
    #[error("FSInfo names cluster {found} as the next free, the last one is {last}")]
    NextFree {
        /// The field of FSInfo.
        found: u32,
        /// Number of the last cluster.
        last: u32,
    },
    /// Marked as not closed properly, or as having met errors.
    #[error("the volume is marked as in use or damaged ({found:#x})")]
    Dirty {
        /// The second FAT entry or the state byte of the boot sector.
        found: u32,
    },
    /// The first FAT entry does not repeat the media byte.
    #[error("the first FAT entry is {found:#x}, must be {expected:#x}")]
    MediaEntry {
        /// Its value.
        found: u32,
        /// What it must be.
        expected: u32,
    },
    /// The second FAT entry, which is an end mark beside the marks of [`Dirty`](Self::Dirty).
    #[error("the second FAT entry is {found:#x}, must be an end mark")]
    EndEntry {
        /// Its value.
        found: u32,
    },
    /// FAT32 entries of clusters with bits above the 28 that count; the position is the byte of the
    /// first that holds them.
    #[error("{count} FAT entries from {first} on use the four reserved bits")]
    EntryBits {
        /// Number of the first entry.
        first: u32,
        /// How many follow each other.
        count: u32,
    },
    /// A FAT differs from the first one, although all are kept equal; the position is the first
    /// difference.
    #[error("FAT {copy} differs from FAT 1")]
    FatsDiffer {
        /// Number of the FAT, from 2.
        copy: u32,
    },
    /// Something behind the entry of the last cluster, in its sector.
    #[error("{found:#x} in the FAT behind the last cluster")]
    FatTail {
        /// The value.
        found: u32,
    },
    /// A cluster of a chain leads to no cluster.
    #[error("{path:?}: cluster {cluster} leads to {value:#x}, which is none")]
    BadLink {
        /// Path of the owner.
        path: String,
        /// Number of the cluster.
        cluster: u32,
        /// Its entry.
        value: u32,
    },
    /// A cluster in a second chain, or a second time in its own.
    #[error("{path:?}: cluster {cluster} is in use already")]
    CrossLink {
        /// Path of the second owner.
        path: String,
        /// Number of the cluster.
        cluster: u32,
    },
    /// Clusters in use that no file or folder holds.
    #[error("{count} clusters from {first} on belong to no file")]
    LostClusters {
        /// Number of the first.
        first: u32,
        /// How many follow each other.
        count: u32,
    },
    /// A first cluster that is none, or none where one must be.
    #[error("{path:?}: first cluster {found}")]
    FirstCluster {
        /// Path of the file or folder.
        path: String,
        /// The number.
        found: u32,
    },
    /// A chain of another length than the size needs; an empty file needs none.
    #[error("{path:?}: {found} clusters, the size needs {needed}")]
    ChainLength {
        /// Path of the file.
        path: String,
        /// Clusters of the chain.
        found: u64,
        /// Clusters for the size.
        needed: u64,
    },
    /// A short name with characters it cannot have.
    #[error("{folder:?}: {name:?} is no short name")]
    ShortName {
        /// Path of the folder.
        folder: String,
        /// The eleven bytes as text.
        name: String,
    },
    /// A long name that is empty, too long, or has characters it cannot have.
    #[error("{folder:?}: {name:?} is no long name")]
    LongName {
        /// Path of the folder.
        folder: String,
        /// The name.
        name: String,
    },
    /// Two entries of one name, ignoring case.
    #[error("{folder:?}: {name:?} is there twice")]
    DuplicateName {
        /// Path of the folder.
        folder: String,
        /// The name.
        name: String,
    },
    /// A long-name slot that no slot of a file follows in order.
    #[error("{folder:?}: a long-name slot (ordinal {ordinal:#x}) that belongs to no entry")]
    LongOrder {
        /// Path of the folder.
        folder: String,
        /// The ordinal byte.
        ordinal: u8,
    },
    /// A long name whose checksum is not that of the short name behind it.
    #[error("{folder:?}: long-name checksum {found:#x}, the short name has {expected:#x}")]
    LongChecksum {
        /// Path of the folder.
        folder: String,
        /// The byte in the slot.
        found: u8,
        /// The checksum of the short name.
        expected: u8,
    },
    /// A long-name slot whose kind or cluster is not zero, or which is not filled with FFFF behind
    /// the end of the name.
    #[error("{folder:?}: a long-name slot with wrong {field}")]
    LongSlot {
        /// Path of the folder.
        folder: String,
        /// What is wrong in it.
        field: &'static str,
    },
    /// `.` or `..` is missing, misplaced or leads elsewhere.
    #[error("{folder:?}: {name:?} leads to cluster {found:?}, must lead to {expected:?}")]
    DotEntry {
        /// Path of the folder.
        folder: String,
        /// `.` or `..`.
        name: &'static str,
        /// Its cluster; `None` when it is missing.
        found: Option<u32>,
        /// The right cluster; `None` where it must not be.
        expected: Option<u32>,
    },
    /// Something behind the end of a directory.
    #[error("{folder:?}: bytes behind the end of the directory are not zero")]
    BehindEnd {
        /// Path of the folder.
        folder: String,
    },
    /// A directory of more than 65,536 slots.
    #[error("{folder:?}: a directory of {found} slots, at most {limit} are allowed")]
    DirectoryLength {
        /// Path of the folder.
        folder: String,
        /// Slots that its chain holds, as far as followed.
        found: u64,
        /// Most slots.
        limit: u64,
    },
    /// A field of a slot that must be another value: attribute or case bits that do not exist, a
    /// size at a folder or label, a cluster at a label.
    #[error("{path:?}: {field} is {found:#x}")]
    SlotField {
        /// Path of the entry.
        path: String,
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: u32,
    },
    /// A time or date that is no moment.
    #[error("{path:?}: {field} {found:#06x} is none")]
    Time {
        /// Path of the entry.
        path: String,
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: u16,
    },
    /// A label in lower case, or with characters that it cannot have.
    #[error("the label {label:?} is none that FAT allows")]
    LabelText {
        /// The eleven bytes as text.
        label: String,
    },
    /// A label in another folder than the root, or a second one.
    #[error("{folder:?}: a volume label that does not belong there")]
    StrayLabel {
        /// Path of the folder.
        folder: String,
    },
    /// The label in the boot sector is not that of the root directory.
    #[error("the boot sector says {boot:?}, the root directory {root:?}")]
    LabelDiffers {
        /// Label of the boot sector.
        boot: String,
        /// Label of the root directory; empty when there is none.
        root: String,
    },
    /// A path longer than any system opens; what lies below was not looked at.
    #[error("{path:?}: longer than {limit} bytes, not followed")]
    PathLength {
        /// The path.
        path: String,
        /// Most bytes.
        limit: usize,
    },
    /// More faults than are listed.
    #[error("{count} more faults")]
    More {
        /// How many.
        count: u64,
    },
}

impl FaultKind {
    fn severity(&self) -> Severity {
        match self {
            // Windows marks the boot sector and leaves the backup; FSInfo holds hints only.
            Self::Dirty { .. }
            | Self::BackupDiffers
            | Self::FsInfoSignature { .. }
            | Self::FsInfoReserved { .. }
            | Self::FreeCount { .. }
            | Self::NextFree { .. }
            // Neither is looked at by those who read files.
            | Self::MediaEntry { .. }
            | Self::EndEntry { .. }
            | Self::EntryBits { .. }
            | Self::FatTail { .. }
            | Self::LabelText { .. }
            | Self::LostClusters { .. }
            | Self::BehindEnd { .. }
            | Self::SlotField { .. }
            | Self::Time { .. }
            | Self::StrayLabel { .. }
            | Self::LabelDiffers { .. }
            | Self::LongSlot { field: "filling", .. } => Severity::Untidy,
            Self::BootField { field, .. } if boot::HARMLESS.contains(field) => Severity::Untidy,
            // Room reserved for a file that was still growing.
            Self::ChainLength { found, needed, .. } if found > needed => Severity::Untidy,
            _ => Severity::Damage,
        }
    }
}

/// Faults as they are found.
#[derive(Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    more: u64,
    /// The worst of those not listed.
    worst: Option<Severity>,
}

impl Faults {
    pub(super) fn add(&mut self, position: u64, kind: FaultKind) {
        let severity = kind.severity();
        self.add_as(position, kind, severity);
    }

    /// What [`Fault::is_half_written`] tells.
    pub(super) fn add_half_written(&mut self, position: u64, kind: FaultKind, severity: Severity) {
        self.list(Fault { position, kind, severity, is_half_written: true });
    }

    /// With another severity than the kind alone tells.
    pub(super) fn add_as(&mut self, position: u64, kind: FaultKind, severity: Severity) {
        self.list(Fault { position, kind, severity, is_half_written: false });
    }

    fn list(&mut self, fault: Fault) {
        if self.list.len() < Fault::LISTED {
            self.list.push(fault);
        } else {
            self.worst = self.worst.max(Some(fault.severity));
            self.more = self.more.saturating_add(1);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Fault> {
        if let Some(severity) = self.worst {
            let kind = FaultKind::More { count: self.more };
            self.list.push(Fault { position: 0, kind, severity, is_half_written: false });
        }
        self.list
    }
}
