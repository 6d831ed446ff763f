//! Plans bootable ISO 9660 images with Joliet, Rock Ridge, UDF and El Torito, and checks any such
//! image.
//!
//! A [`Tree`](extent_image::Tree) of files goes in, a [`Plan`](extent_image::Plan) comes out: every
//! byte of the image has its place before the first is written, so it can be streamed to a pipe in
//! one forward pass. Nothing is opened, nobody is asked for the time; equal trees and options give
//! equal images.
//!
//! ```text
//! sector
//! 0         system area        zero, or a master boot record
//! 16        volume descriptors primary, boot record (with a boot catalog), Joliet (but in a stub),
//!                              terminator
//!           with UDF:
//!             recognition      BEA01, NSR02, TEA01, directly behind the terminator
//! 32          descriptors      main sequence, from 48 on the reserve, from 64 on integrity
//! 256         anchor           leads to both sequences
//! 257         partition        up to the second anchor; blocks are counted from here:
//!               file set       leads to the root
//!               file entries   one sector for each folder and file, folders before what they hold
//!               directories    file identifiers, folder by folder; behind all data with a region,
//!                              and where the data does not end with a file of the tree
//!           path tables        little- and big-endian, ISO 9660 then Joliet
//!           directories        ISO 9660 then Joliet, each tree level by level; with Rock Ridge,
//!                              its continuation areas behind those of ISO 9660
//!           boot catalog       one sector, if there are boot entries
//!           empty files        one zero sector, if there are empty files
//!           region             another plan, if there is one that has no place of its own
//!           file data          hidden boot images, the text of a stub, then the files in the
//!                              tree's data order; each source once; 64 KiB and more on even
//!                              sectors, that is on 4 KiB
//!           padding            150 zero sectors, part of the volume
//! last        anchor           with UDF: again
//! ```
//!
//! A [region](Region) that has its place lies there, and each of the parts from the file entries on
//! as a whole before or behind it.
//!
//! Numbers are little-endian, big-endian, or both, as each field of the standard wants, and
//! little-endian in UDF; texts of the primary tree are ASCII, those of Joliet UTF-16 big-endian,
//! those of UDF Latin-1 or UTF-16 big-endian. Sectors have 2048 bytes.
//!
//! ```
//! use extent_image::{Data, Meta, NodeId, Timestamp, TreeBuilder};
//! use iso9660_image::{BootEntry, BootImage, ImageOptions, Platform, plan};
//!
//! let meta = Meta::at(Timestamp::from_unix_seconds(1_700_000_000));
//! let mut tree = TreeBuilder::new(meta);
//! let boot = tree.folder(NodeId::ROOT, "boot", meta)?;
//! let loader = tree.file(boot, "etfsboot.com", meta, Data::bytes("loader", vec![0; 4096]))?;
//! tree.set_rank(loader, -1); // first in the data
//! let entry = BootEntry::new(Platform::Bios, BootImage::File(loader));
//! let image = plan(&tree.finish()?, &ImageOptions::from_label("My disc").with_boot_entry(entry))?;
//! image.plan().write_to(std::io::sink(), &Default::default(), &mut ())?;
//! assert_eq!(image.plan().len(), image.sectors() * 2048);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a tree becomes
//! Names that a tree cannot hold are shortened, their characters replaced by `_`, and told apart by
//! numbers; each is a [`Notice`] of the plan. The primary tree has interchange level 2, or 3 with
//! files of 4 GiB and more: `NAME.EXT;1` of `A-Z 0-9 _`, 30 characters and a dot, folders 31. Joliet
//! has 64 UTF-16 units, or [103](Joliet::Units103) if asked; pairs are never split. Folders deeper
//! than eight levels stay where they are.
//! Files that are hidden in the tree are hidden on the disc; read-only has no place there, and
//! system only in UDF.
//!
//! [Rock Ridge](RockRidge::ReadOnly) 1.12, if asked for, says in the primary tree what each file is
//! called, as it is and in UTF-8, and that all may read and start it. Linux looks there where there
//! is no UDF. What does not fit a record lies in continuation areas behind the directories, of which
//! none crosses the end of a sector. [Joliet](Joliet::Off) can be left out.
//!
//! UDF 1.02, in a [bridge](Format::Bridge) and in a [stub](Format::UdfStub), has every name as it
//! is, over the same file data. Windows and Linux look there first. A file of 4 GiB or more is whole
//! there; the other trees have several records for it, one for each section of 4 GiB less a sector,
//! and its data in one run. A stub has its files in UDF only, as Windows installation discs do.
//!
//! # One image, disc and disk
//! A [`Region`] puts the plan of a FAT volume into the image, and the files of the disc that lie in
//! it are not stored again; with a [`SystemArea`] that holds a partition table the image starts from
//! a stick too. A boot entry can start the [region itself](BootImage::Region).
//!
//! # What is refused
//! All before the first byte, as a [`PlanError`] with numbers and a way out: a file of more than
//! 400 GiB (100 sections), with UDF 234 GiB (the extents that a file entry has room for); more
//! sectors than the medium or the format has; a folder with a number over 65,535 that holds folders;
//! two names that differ only by case, of which Windows would see one; paths of 16 KiB, which
//! readers do not follow; an empty region; boot images that cannot boot,
//! and boot info tables that have no place in theirs; with Rock Ridge a name over 255 bytes of UTF-8;
//! with UDF a name over 254 characters of Latin-1 or 127 UTF-16 units, and a folder of more than
//! 65,534 folders; a region over what has a fixed place, and files that do not lie in it where that
//! is stated; on request every name that Joliet would have to change, or [every
//! notice](ImageOptions::with_notices_refused).
//!
//! # Memory
//! A plan takes about 350 bytes for each file of a bridge beside its tree, whatever the files hold;
//! Rock Ridge adds some 70 and the bytes of the name. A folder takes about 6.6 KB in a bridge: its
//! directory has at least one sector in each of the three trees.
//! File entries of UDF and file data are made as they are streamed.
//!
//! # Checking
//! [`check::Image`] reads any image and lists its [faults](check::Fault) by position. It shares no
//! layout code with the planner.

// Tests compute what they like; tidy numbers are for what runs on untrusted bytes.
#![cfg_attr(not(test), warn(clippy::as_conversions, clippy::arithmetic_side_effects))]

mod assembly;
mod boot_info;
pub mod check;
mod contents;
mod disk;
mod efi_image;
mod el_torito;
mod error;
mod hierarchy;
mod name;
mod notices;
mod options;
mod out;
mod paths;
mod plan;
mod region;
mod report;
mod rock_ridge;
pub mod role;
mod stub;
mod text;
mod udf;
mod units;
mod volume;
mod volume_set;

pub use extent_image;

pub use boot_info::BootInfoTable;
pub use efi_image::{EfiImageError, check_efi_image};
pub use error::{BootInfoTableReason, PlanError};
pub use options::{
    BootEntry, BootImage, Format, ImageOptions, Joliet, Platform, RockRidge, SystemArea,
    SystemAreaError,
};
pub use plan::{ImagePlan, plan, sectors_needed};
pub use region::{Region, RegionPlace};
pub use report::{FileExtent, Notice, PlacedBootEntry, Rename, TreeKind};
pub use text::{InfoText, JolietVolumeId, TextError, UdfVolumeId, VolumeId, VolumeSetId};
pub use units::Lba;
pub use volume_set::{VolumeSet, VolumeSetError};
