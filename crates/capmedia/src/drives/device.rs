//! Drives as they are opened: those of the machine, and in tests files in their place.

use std::io;

use extent_image::Storage;
use media_device::{Drive, OpenDrive, OpenError, System, UnmountError};

/// Takes drives from whoever has them, for this run alone.
pub(crate) trait Devices {
    /// Unmounts a drive wherever it is mounted.
    fn unmount(&self, drive: &Drive) -> Result<(), UnmountError>;

    /// Opens a drive if it is still the same.
    fn open(&self, drive: &Drive) -> Result<Box<dyn Device>, OpenError>;
}

/// A drive that was opened.
pub(crate) trait Device: Storage {
    /// Tells the drive that nothing on it matters any more; false where it does not care, and holds
    /// what it held. After an error it may hold anything.
    fn discard(&self) -> io::Result<bool>;

    /// False when the drive was taken out.
    fn is_present(&self) -> bool;

    /// Has the system forget the partitions of a drive that was wiped.
    fn forget_partitions(&self) -> io::Result<()> {
        self.reread_partitions()
    }

    /// Has the system look at the partition table again, where it knows partitions of such a drive.
    fn reread_partitions(&self) -> io::Result<()>;
}

impl Devices for System {
    fn unmount(&self, drive: &Drive) -> Result<(), UnmountError> {
        Self::unmount(self, drive).map(drop)
    }

    fn open(&self, drive: &Drive) -> Result<Box<dyn Device>, OpenError> {
        Ok(Box::new(OpenDrive::open(drive)?))
    }
}

impl Device for OpenDrive {
    fn discard(&self) -> io::Result<bool> {
        Self::discard(self, 0..Self::len(self))
    }

    fn is_present(&self) -> bool {
        Self::is_present(self)
    }

    fn forget_partitions(&self) -> io::Result<()> {
        Self::forget_partitions(self)
    }

    fn reread_partitions(&self) -> io::Result<()> {
        match Self::reread_partitions(self) {
            // A loop device without partitions, for one: there are none to be seen.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            outcome => outcome,
        }
    }
}
