//! The machine whose drives are looked at.

use std::path::{Path, PathBuf};

use crate::drive::Drive;
use crate::error::{ListError, PathError, UnmountError};
use crate::sys;

/// Where to look for drives, and for what.
#[derive(Debug, Clone)]
#[must_use]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "Linux has its drives in a folder"))]
pub struct System {
    /// Holds `sys`, `proc` and `dev`.
    pub(crate) root: PathBuf,
    /// False in a folder that only looks like a machine.
    pub(crate) real: bool,
    pub(crate) loops: bool,
    pub(crate) labels: bool,
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl System {
    /// This machine.
    pub fn new() -> Self {
        Self { root: PathBuf::from("/"), real: true, loops: false, labels: false }
    }

    /// A folder with `sys`, `proc` and `dev` as a Linux machine has them, for tests. The nodes in its
    /// `dev` may be any files; they are known by their names. On Windows it has no drives.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), real: false, ..Self::new() }
    }

    /// Whether [`drives`](Self::drives) lists loop devices that have a file; on Windows, attached VHD
    /// files. Not by default.
    pub fn with_loops(self, loops: bool) -> Self {
        Self { loops, ..self }
    }

    /// Whether to read the first sectors of drives and partitions, for [`FileSystem`](crate::FileSystem).
    /// Not by default, as it takes root on Linux and wakes sleeping drives. What cannot be read stays
    /// unknown.
    pub fn with_labels(self, labels: bool) -> Self {
        Self { labels, ..self }
    }

    /// The drives, removable and fixed, by name. Optical drives, floppies, memory disks, and devices
    /// made of others are none.
    ///
    /// # Errors
    /// When the kernel's list cannot be read. A drive that goes away meanwhile is left out.
    pub fn drives(&self) -> Result<Vec<Drive>, ListError> {
        sys::drives(self)
    }

    /// The drive whose node is at `path`, which may be a link, as in /dev/disk/by-id. Loop devices
    /// too. On Windows `path` is `\\.\PhysicalDrive2`, or names a volume on the drive: `E:`, `\\.\E:`
    /// or `\\?\Volume{..}`. `E:\` is a folder.
    ///
    /// # Errors
    /// When there is no drive; the error says what there is.
    pub fn drive(&self, path: &Path) -> Result<Drive, PathError> {
        sys::drive(self, path)
    }

    /// The same, and the number of the partition where `path` names a partition, or a volume in one.
    ///
    /// # Errors
    /// As [`drive`](Self::drive), but for partitions.
    pub fn drive_and_partition(&self, path: &Path) -> Result<(Drive, Option<u32>), PathError> {
        sys::drive_and_partition(self, path)
    }

    /// Unmounts a drive and its partitions wherever they are mounted now, and says where that was.
    /// Windows would mount them again at once: they are locked until `drive` and its copies are
    /// dropped, or until what [`OpenDrive::open`](crate::OpenDrive::open) makes of one is.
    ///
    /// # Errors
    /// When the running system is on the drive, or something there is in use: on Windows, after waiting
    /// for about five seconds, as virus scanners look at what was put in. What was unmounted before
    /// stays so.
    pub fn unmount(&self, drive: &Drive) -> Result<Vec<PathBuf>, UnmountError> {
        sys::unmount(self, drive)
    }
}

/// Whether a path names a drive or a volume by its spelling alone, and never a file: `E:` and
/// `\\.\PhysicalDrive2` on Windows. Elsewhere drives are nodes in a folder, and the answer is no.
pub fn names_drive(path: &Path) -> bool {
    sys::names_drive(path)
}
