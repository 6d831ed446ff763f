//! Systems whose drives are not known yet: they say so.

use std::convert::Infallible;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::drive::Drive;
use crate::error::{ListError, OpenError, PathError, UnmountError};
use crate::system::System;

const SYSTEM: &str = std::env::consts::OS;

pub(crate) fn drives(_: &System) -> Result<Vec<Drive>, ListError> {
    Err(ListError::Unsupported { system: SYSTEM })
}

/// Files and folders are told apart everywhere.
pub(crate) fn drive(_: &System, path: &Path) -> Result<Drive, PathError> {
    let path = path.to_path_buf();
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Err(PathError::Folder { path }),
        Ok(found) if found.is_file() => Err(PathError::File { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PathError::Missing { path }),
        Ok(_) | Err(_) => Err(ListError::Unsupported { system: SYSTEM }.into()),
    }
}

pub(crate) fn drive_and_partition(
    system: &System,
    path: &Path,
) -> Result<(Drive, Option<u32>), PathError> {
    drive(system, path).map(|drive| (drive, None))
}

pub(crate) fn names_drive(_: &Path) -> bool {
    false
}

pub(crate) fn unmount(_: &System, _: &Drive) -> Result<Vec<PathBuf>, UnmountError> {
    Err(ListError::Unsupported { system: SYSTEM }.into())
}

/// There is none.
#[derive(Debug)]
pub(crate) struct DriveFile(Infallible);

impl DriveFile {
    pub(crate) fn open(_: &Drive) -> Result<Self, OpenError> {
        Err(OpenError::Unsupported { system: SYSTEM })
    }

    pub(crate) fn is_direct(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn is_present(&self, _: &Drive) -> bool {
        match self.0 {}
    }

    pub(crate) fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn forget_cached(&self) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn discard(&self, _: Range<u64>) -> io::Result<bool> {
        match self.0 {}
    }

    pub(crate) fn forget_partitions(&self, _: &Drive) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn reread_partitions(&self, _: &Drive) -> io::Result<()> {
        match self.0 {}
    }
}
