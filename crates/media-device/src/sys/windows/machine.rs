//! This machine.

use std::path::{Path, PathBuf};

use super::file;
use super::names::Named;
use super::win32::Win32;
use crate::drive::Drive;
use crate::error::{ListError, OpenError, PathError, UnmountError};
use crate::system::System;

pub(crate) type DriveFile = file::DriveFile<Win32>;

impl DriveFile {
    pub(crate) fn open(drive: &Drive) -> Result<Self, OpenError> {
        Self::open_with(Win32, drive)
    }
}

/// No folder looks like a Windows machine, and none has drives.
pub(crate) fn drives(system: &System) -> Result<Vec<Drive>, ListError> {
    if system.real { super::drives(&Win32, system) } else { Ok(Vec::new()) }
}

pub(crate) fn drive(system: &System, path: &Path) -> Result<Drive, PathError> {
    match system.real {
        true => super::drive(&Win32, system, path),
        false => Err(PathError::Missing { path: path.to_path_buf() }),
    }
}

pub(crate) fn drive_and_partition(
    system: &System,
    path: &Path,
) -> Result<(Drive, Option<u32>), PathError> {
    match system.real {
        true => super::place(&Win32, system, path),
        false => Err(PathError::Missing { path: path.to_path_buf() }),
    }
}

pub(crate) fn unmount(_: &System, drive: &Drive) -> Result<Vec<PathBuf>, UnmountError> {
    file::unmount(&Win32, drive)
}

pub(crate) fn names_drive(path: &Path) -> bool {
    Named::of(path).is_some()
}

pub(crate) fn holds(drive: &Drive, path: &Path) -> bool {
    super::holds(&Win32, drive, path)
}
