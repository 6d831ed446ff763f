//! Plan a disk around a volume, and read the partition table of any disk image.
//!
//! ```text
//!       0        1 sector                1 MiB                 end of the volume       end of disk
//!       +--------+-----------------------+---------------------------+--------+----------------+
//! MBR   | MBR    | zero                  | volume: active, type 0C   | free   | zero           |
//!       +--------+----------------+------+---------------------------+--------+----------------+
//! GPT   | guard  | header entries | zero | volume: basic data or EFI | free   | entries header |
//!       +--------+----------------+------+---------------------------+--------+----------------+
//! none  | volume                                                     | free   | zero           |
//!       +------------------------------------------------------------+--------+----------------+
//! ```
//!
//! The volume is a plan made elsewhere; its extents become extents of the disk. The
//! [boot code](boot_code) is our own, written from the boot contract alone.
//!
//! Which table for which machine:
//!
//! | | PC BIOS | UEFI | Windows shows it | beyond 2 TiB |
//! |---|---|---|---|---|
//! | [MBR](Table::Mbr) | yes | yes | yes | no |
//! | [GPT](Table::Gpt), basic data | no | yes | yes | yes |
//! | GPT, EFI system | no | yes | no drive letter | yes |
//! | [none](Table::None) | most, by the volume's own boot code | yes | yes | no: FAT32 ends there |
//!
//! With sectors of 4096 bytes no PC BIOS starts anything, and UEFI nothing behind an MBR: firmware
//! made from EDK II takes its numbers for those of 512-byte sectors. GPT is for those drives.
//!
//! All integers on disk are little-endian; places on a disk count in [sectors](SectorSize).
//!
//! ```
//! use std::num::NonZeroU32;
//!
//! use disk_image::{DiskOptions, Mbr, Table};
//! use extent_image::PlanBuilder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut volume = PlanBuilder::new();
//! volume.zero("a volume", 64 << 20)?;
//! let signature = NonZeroU32::new(0x5EED_CAFE).ok_or("zero")?;
//! let options = DiskOptions::new(Table::Mbr(Mbr::new(signature)));
//! let disk = disk_image::disk(&volume.finish(), &options)?;
//!
//! let table = disk_image::read(&mut disk.reader())?;
//! assert_eq!(table.partitions()[0].range(), 1 << 20..65 << 20);
//! assert!(table.faults().is_empty());
//! # Ok(())
//! # }
//! ```

pub mod boot_code;
mod fault;
mod gpt;
mod guid;
mod mbr;
mod options;
mod plan;
mod read;
mod read_gpt;
pub mod role;
mod sector_size;
mod window;

pub use fault::{CopyFault, Fault, GptCopy};
pub use guid::Guid;
pub use options::{DEFAULT_START, DiskOptions, Gpt, GptType, Mbr, Table};
pub use plan::{PlanError, disk, master_boot_record};
pub use read::{Code, Disk, Partition, PartitionKind, ReadError, TableKind, read};
pub use sector_size::{SectorSize, UnknownSectorSize};
pub use window::Window;

/// Bytes of a sector where a PC BIOS is concerned: what boot code counts in.
pub const SECTOR: u64 = 512;
