//! Linux: drives as /sys and /proc describe them.

mod attribute;
mod describe;
mod file;
mod ioctl;
mod usage;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::mount::UnmountFlags;

use self::describe::What;
pub(crate) use self::file::DriveFile;
use self::usage::Usage;
use crate::drive::{Bus, Drive, Mount};
use crate::error::{ListError, PathError, UnmountError};
use crate::system::System;

/// File systems are mounted upon each other, and again while we unmount.
const ROUNDS: usize = 64;

pub(crate) fn drives(system: &System) -> Result<Vec<Drive>, ListError> {
    let blocks = system.root.join("sys/block");
    let names = attribute::names(&blocks)
        .map_err(|source| ListError::Read { path: blocks.clone(), source })?;
    let usage = Usage::read(system)?;
    let drives = names.into_iter().filter_map(|name| {
        let folder = blocks.join(&name).canonicalize().ok()?;
        let is_loop = match describe::what(&name, &folder) {
            What::Drive => false,
            What::Loop => true,
            What::Other(_) => return None,
        };
        let drive = describe::drive(system, &usage, folder)?;
        // Loop and network devices without anything behind them.
        let is_free = drive.len == 0 && matches!(drive.bus, Bus::Loop | Bus::Other);
        (!is_free && (!is_loop || system.loops)).then_some(drive)
    });
    Ok(drives.collect())
}

pub(crate) fn drive(system: &System, path: &Path) -> Result<Drive, PathError> {
    let folder = folder_of_node(system, path)?;
    let missing = || PathError::Missing { path: path.to_path_buf() };
    let name = folder.file_name().and_then(|name| name.to_str()).ok_or_else(missing)?;
    if let Some(number) = attribute::number(&folder, "partition") {
        let drive = folder.parent().and_then(Path::file_name).and_then(OsStr::to_str);
        return Err(PathError::Partition {
            path: path.to_path_buf(),
            number: u32::try_from(number).unwrap_or(u32::MAX),
            drive: describe::node(system, drive.unwrap_or_default()),
        });
    }
    if let What::Other(what) = describe::what(name, &folder) {
        return Err(PathError::NotADrive { path: path.to_path_buf(), what });
    }
    let usage = Usage::read(system)?;
    describe::drive(system, &usage, folder).ok_or_else(missing)
}

pub(crate) fn drive_and_partition(
    system: &System,
    path: &Path,
) -> Result<(Drive, Option<u32>), PathError> {
    match drive(system, path) {
        Err(PathError::Partition { number, drive: whole, .. }) => {
            Ok((drive(system, &whole)?, Some(number)))
        }
        found => Ok((found?, None)),
    }
}

/// Drives are nodes in a folder here, seen by what they are.
pub(crate) fn names_drive(_: &Path) -> bool {
    false
}

/// The folder in /sys that describes the block device at `path`.
fn folder_of_node(system: &System, path: &Path) -> Result<PathBuf, PathError> {
    let given = || path.to_path_buf();
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => PathError::Missing { path: given() },
        _ => PathError::Read { path: given(), source },
    };
    let found = fs::metadata(path).map_err(failed)?;
    let kind = found.file_type();
    let sys = system.root.join("sys");
    if kind.is_block_device() {
        let number = usage::number(found.rdev());
        let folder = sys.join("dev/block").join(number.to_string());
        return folder
            .canonicalize()
            .map_err(|source| ListError::Read { path: folder, source }.into());
    }
    if kind.is_file() && !system.real {
        // A folder that only looks like a machine.
        let dev = system.root.join("dev");
        let node = path.canonicalize().map_err(failed)?;
        if let Ok(name) = node.strip_prefix(dev.canonicalize().map_err(failed)?) {
            let folder = sys.join("class/block").join(name);
            if let Ok(folder) = folder.canonicalize() {
                return Ok(folder);
            }
        }
    }
    Err(match () {
        () if kind.is_dir() => PathError::Folder { path: given() },
        () if kind.is_file() => PathError::File { path: given() },
        () if kind.is_char_device() => PathError::CharacterDevice { path: given() },
        () => PathError::Pipe { path: given() },
    })
}

pub(crate) fn unmount(system: &System, drive: &Drive) -> Result<Vec<PathBuf>, UnmountError> {
    let mut unmounted = Vec::new();
    for _ in 0..ROUNDS {
        // As it is now: partitions, too, may be others than when it was listed.
        let usage = Usage::read(system)?;
        let Some(now) = describe::drive(system, &usage, drive.folder.clone()) else {
            return Ok(unmounted);
        };
        // Another one's mounts are none of ours; opening says that it is another one.
        if (now.disk_sequence, &now.serial) != (drive.disk_sequence, &drive.serial) {
            return Ok(unmounted);
        }
        if now.is_system() {
            return Err(UnmountError::System { drive: now.path.display().to_string() });
        }
        // What was mounted last may lie in what was mounted first.
        let mounts: Vec<&Mount> = now.all_mounts().collect();
        let Some(last) = usage.last_of(&mounts) else { return Ok(unmounted) };
        let mount = || last.path.clone();
        if !system.real {
            let source = io::ErrorKind::Unsupported.into();
            return Err(UnmountError::Failed { mount: mount(), source });
        }
        // The kernel unmounts whatever is seen at a path, by whomever it is.
        if !is_seen(system, &last) {
            return Err(UnmountError::Covered { mount: mount() });
        }
        rustix::mount::unmount(&last.path, UnmountFlags::NOFOLLOW)
            .map_err(|error| UnmountError::Failed { mount: mount(), source: error.into() })?;
        unmounted.push(last.path);
    }
    let again = unmounted.pop().unwrap_or_default();
    Err(UnmountError::Again { drive: drive.path.display().to_string(), mount: again })
}

/// Whether the path of a mount leads to it, and to nothing that was mounted over it or over a folder
/// above.
fn is_seen(system: &System, mount: &Mount) -> bool {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(folder) = rustix::fs::open(&mount.path, flags, Mode::empty()) else { return false };
    let about = format!("proc/self/fdinfo/{}", folder.as_raw_fd());
    let Ok(about) = fs::read_to_string(system.root.join(about)) else { return false };
    // `mnt_id:\t27`, as in mountinfo: proc(5).
    let mut ids = about.lines().filter_map(|line| line.strip_prefix("mnt_id:"));
    ids.next().and_then(|id| id.trim().parse().ok()) == Some(mount.id)
}
