//! Plan a partitioned disk around a volume, and read the partition table of any disk image.
//!
//! ```text
//! 0        512              1 MiB                             end of the volume, next MiB
//! +--------+----------------+---------------------------------+------+
//! | MBR    | zero           | volume: one active partition 0C | free |
//! +--------+----------------+---------------------------------+------+
//! ```
//!
//! The volume is a plan made elsewhere; its extents become extents of the disk. The
//! [boot code](boot_code) is our own, written from the boot contract alone.
//!
//! All integers on disk are little-endian; sectors are 512 bytes.
//!
//! ```
//! use std::num::NonZeroU32;
//!
//! use disk_image::{MbrOptions, mbr_disk};
//! use extent_image::PlanBuilder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut volume = PlanBuilder::new();
//! volume.zero("a volume", 64 << 20)?;
//! let signature = NonZeroU32::new(0x5EED_CAFE).ok_or("zero")?;
//! let disk = mbr_disk(&volume.finish(), &MbrOptions::new(signature))?;
//!
//! let table = disk_image::read(&mut disk.reader())?;
//! assert_eq!(table.partitions()[0].range(), 1 << 20..65 << 20);
//! assert!(table.faults().is_empty());
//! # Ok(())
//! # }
//! ```

pub mod boot_code;
mod mbr;
mod plan;
mod read;
mod window;

pub use plan::{DEFAULT_START, MbrOptions, PlanError, master_boot_record, mbr_disk};
pub use read::{Code, Disk, Fault, Partition, ReadError, read};
pub use window::Window;

/// Bytes in a sector: what BIOS boot code and partition tables on these media count in.
pub const SECTOR: u64 = 512;
