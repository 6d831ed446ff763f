//! Files that lie on a drive which is to be wiped.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::path::Path;

use extent_image::host::{FileId, file_id};
use media_device::Drive;

/// The numbers that files of a drive say they are on.
pub(crate) struct OnDrive {
    devices: HashSet<u64>,
    /// The file that a loop device is made of.
    backing: Option<FileId>,
    /// Windows has no such numbers.
    #[cfg(windows)]
    drive: Drive,
}

impl OnDrive {
    /// Those of the drive and its partitions, and of all that is mounted from them: Btrfs and others
    /// have numbers of their own for what they mount.
    pub(crate) fn new(drive: &Drive) -> Self {
        let partitions = drive.partitions.iter();
        let nodes = std::iter::once(&drive.path).chain(partitions.clone().map(|part| &part.path));
        let nodes = nodes.filter_map(|node| node_number(&fs::metadata(node).ok()?));
        let holders = drive.holders.iter().chain(partitions.flat_map(|part| &part.holders));
        let mounts = drive.all_mounts().chain(holders.flat_map(|holder| &holder.mounts));
        let mounts = mounts.filter_map(|mount| number(&fs::metadata(&mount.path).ok()?));
        let backing = drive.backing_file.as_ref().and_then(|file| file_id(file).ok());
        Self {
            devices: nodes.chain(mounts).collect(),
            backing,
            #[cfg(windows)]
            drive: drive.clone(),
        }
    }

    /// Whether `path` lies there, is the drive itself, a part of it, or what a loop device is made of. Of a file that is not there
    /// yet, whether its folder does.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        #[cfg(windows)]
        if self.drive.holds(path) {
            return true;
        }
        if self.backing.is_some() && file_id(path).ok() == self.backing {
            return true;
        }
        let found = path.ancestors().find_map(|at| {
            let at = if at.as_os_str().is_empty() { Path::new(".") } else { at };
            fs::metadata(at).ok()
        });
        let numbers = found.map(|found| [number(&found), node_number(&found)]);
        numbers.into_iter().flatten().flatten().any(|number| self.devices.contains(&number))
    }
}

/// The device that a file is on.
#[cfg(unix)]
fn number(metadata: &Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(metadata.dev())
}

/// The device that a node stands for.
#[cfg(unix)]
fn node_number(metadata: &Metadata) -> Option<u64> {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    metadata.file_type().is_block_device().then(|| metadata.rdev())
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> Option<u64> {
    None
}

#[cfg(not(unix))]
fn node_number(_: &Metadata) -> Option<u64> {
    None
}
