//! An open drive as a place that images are written to.

use std::io;

use extent_image::Storage;

use crate::OpenDrive;

impl Storage for OpenDrive {
    fn describe(&self) -> String {
        Self::describe(self)
    }

    fn len(&self) -> u64 {
        Self::len(self)
    }

    fn block_size(&self) -> u32 {
        Self::block_size(self)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        Self::read_at(self, offset, bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        Self::write_at(self, offset, bytes)
    }

    fn flush(&self) -> io::Result<()> {
        Self::flush(self)
    }

    fn forget_cached(&self) -> io::Result<()> {
        Self::forget_cached(self)
    }
}
