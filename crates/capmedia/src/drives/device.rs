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
        Ok(Box::new(OpenedDrive(OpenDrive::open(drive)?)))
    }
}

/// A drive of the machine.
pub(crate) struct OpenedDrive(pub(crate) OpenDrive);

impl Storage for OpenedDrive {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn len(&self) -> u64 {
        self.0.len()
    }

    fn block_size(&self) -> u32 {
        self.0.block_size()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }

    fn forget_cached(&self) -> io::Result<()> {
        self.0.forget_cached()
    }
}

impl Device for OpenedDrive {
    fn discard(&self) -> io::Result<bool> {
        self.0.discard(0..self.0.len())
    }

    fn is_present(&self) -> bool {
        self.0.is_present()
    }

    fn forget_partitions(&self) -> io::Result<()> {
        self.0.forget_partitions()
    }

    fn reread_partitions(&self) -> io::Result<()> {
        match self.0.reread_partitions() {
            // A loop device without partitions, for one: there are none to be seen.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            outcome => outcome,
        }
    }
}
