//! Reads Windows Imaging (WIM) files by positioned reads: uncompressed, XPRESS and LZX, with any
//! chunk size.
//!
//! ```text
//! +--------+------------------------------+----------+------------+-----+-----------+
//! | header | blobs: file data, by SHA-1   | metadata | blob table | XML | integrity |
//! | 208 B  | plain or in packed chunks    | per image|            |     | optional  |
//! +--------+------------------------------+----------+------------+-----+-----------+
//! ```
//!
//! Only the header has a fixed place; all numbers are little-endian, all text is UTF-16LE.
//! [`Wim::open`] reads the header, the blob table and the XML, [`Wim::image`] the metadata of one
//! image, and a [`FileInWim`] only the chunks that hold the bytes asked for. So a few boot files come
//! out of a large boot image, or out of one at the other end of a network, with a few short reads.
//!
//! The file is not trusted: numbers meet [`Limits`] before memory is allocated, and whatever is read
//! from the beginning to the end is checked against its SHA-1.
//!
//! [`split()`] cuts a WIM into parts (`.swm`) as plans over the WIM, [`Wim::open_set`] opens the
//! parts of a split WIM as one, and [`restore()`] puts parts together to the very bytes they were cut
//! from.
//!
//! Solid and LZMS-compressed WIMs (ESD), single parts of split WIMs, wimlib's pipable WIMs and the formats of Vista's
//! betas are recognised and refused, each with what to do instead. [`mod@write`] makes small uncompressed
//! WIMs for samples and tests.
//!
//! ```
//! use std::sync::Arc;
//!
//! use extent_image::{BytesSource, Timestamp};
//! use wim_image::write::{ImageBuilder, WimBuilder};
//! use wim_image::{Architecture, Wim};
//!
//! let image = ImageBuilder::new("Sample", Timestamp::FAT_EPOCH)
//!     .with_architecture(Architecture::Amd64)
//!     .with_bytes(r"Windows\Boot\PCAT\bootmgr", &b"boot"[..])?;
//! let bytes = WimBuilder::new().with_image(image).with_boot_index(1).to_vec()?;
//!
//! let wim = Wim::open(Arc::new(BytesSource::new("boot.wim", bytes)))?;
//! let image = wim.image(wim.boot_index().unwrap_or(1))?;
//! let entry = image.lookup("windows/boot/pcat/BOOTMGR").ok_or("no boot manager")?;
//! assert_eq!(wim.file(entry)?.read_verified()?, b"boot");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
// Test code may count freely; clippy has no such setting for these two.
#![cfg_attr(not(test), warn(clippy::as_conversions, clippy::arithmetic_side_effects))]

mod architecture;
mod blobs;
mod cast;
pub mod decompress;
mod disk;
mod error;
mod file;
mod frame;
mod hash;
mod image;
mod limits;
pub mod pe;
mod pieces;
mod resource;
mod set;
mod split;
mod verify;
mod wim;
pub mod write;
mod xml;

pub use architecture::Architecture;
pub use error::{ExtractError, FileError, ImageError, MetadataError, OpenError, ReadError};
pub use file::FileInWim;
pub use frame::{RestoreError, frame, restore};
pub use hash::Sha1;
pub use image::{Entry, Image};
pub use limits::Limits;
pub use resource::Compression;
pub use set::SetError;
pub use split::{SplitError, SwmPart, split};
pub use verify::{Cancelled, Fault};
pub use wim::{Warning, Wim};
pub use xml::{ImageInfo, Version};
