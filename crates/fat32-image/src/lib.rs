//! Plan a complete FAT32 or FAT16 volume, and check any.
//!
//! [`plan`] turns a [`Tree`](extent_image::Tree) of files into a [`VolumePlan`]: every byte of the
//! volume, as extents that are streamed to a file, a pipe or a drive in one forward pass. Nothing is
//! opened, asked of the clock or drawn at random: equal trees and options give equal volumes.
//!
//! ```text
//! sector 0      1       6, 7    R        R + F    D = R + 2F                       end
//! | boot sector | FSInfo | copies | FAT 1 | FAT 2 | folders | files ... | free space |
//!                                                 cluster 2               C clusters
//! ```
//!
//! All numbers are little-endian. Sectors have 512 bytes, or 4096 for drives that ask for it
//! ([`SectorSize`]). Clusters have 512 bytes to 32 KiB (64 KiB on volumes of more than 8 TiB) and never
//! less than 4 KiB unless asked for or needed, so that hosts that share blocks can share files with
//! the image. The data area begins on a multiple of 1 MiB wherever the volume allows, or on an
//! [`Alignment`] that is asked for. Volumes reach from 33 MiB to 2 TiB, to 16 TiB in sectors of 4096
//! bytes. Every file and folder is one run of clusters: folders first, then files in the order the
//! tree gives. The FATs are
//! generated while they are read, so memory grows with the number of files and not with the volume.
//!
//! ```
//! use extent_image::{Data, Meta, NodeId, StreamOptions, Timestamp, TreeBuilder};
//! use fat32_image::{Label, VolumeOptions, plan};
//!
//! let meta = Meta::at(Timestamp::from_unix_seconds(1_700_000_000));
//! let mut tree = TreeBuilder::new(meta);
//! let boot = tree.folder(NodeId::ROOT, "boot", meta)?;
//! tree.file(boot, "notes.txt", meta, Data::bytes("notes", "hello"))?;
//!
//! let options = VolumeOptions::new().with_label(Label::new("STICK")?);
//! let volume = plan(&tree.finish()?, &options)?;
//! assert_eq!(volume.geometry().volume_len(), 258 << 20);
//! let report = volume.plan().write_to(std::io::sink(), &StreamOptions::default(), &mut ())?;
//! # let _ = report;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # FAT16, and tight volumes
//! FAT32 is for drives, and the default. A volume inside another image, such as the El Torito image
//! from which UEFI starts a disc, need not be so large: FAT32 begins at 65,525 clusters, 256 MiB in
//! clusters of 4 KiB, and firmware refuses one with fewer. FAT16 ends there.
//! [`VolumeOptions::with_smallest_fat_type`] takes FAT16 as long as it holds the tree and FAT32 from
//! there on, and [`VolumeSize::Tight`] leaves out free space, so that the volume is little longer
//! than its content at every size from some MiB on. With clusters of 2 KiB or more each file begins
//! on a disc sector when the volume does; [`VolumePlan::placement`] tells which.
//!
//! ```text
//! sector 0         R        R + F    R + 2F   D = R + 2F + Q                      end
//! | boot sector, 0 | FAT 1  | FAT 2  | root   | folders | files ... | free space |
//!                                             cluster 2               C clusters
//! ```
//!
//! FAT16 has no FSInfo and no copy of the boot sector; its root directory has a place of its own with
//! 512 slots, or as many as the tree needs, up to 65,520. [`BootCode`] is for FAT32 only.
//!
//! ```
//! use extent_image::{Data, Meta, NodeId, Timestamp, TreeBuilder};
//! use fat32_image::{ClusterSize, FatType, VolumeOptions, VolumeSize, plan};
//!
//! let meta = Meta::at(Timestamp::FAT_EPOCH);
//! let mut tree = TreeBuilder::new(meta);
//! let file = tree.file(NodeId::ROOT, "boot.wim", meta, Data::bytes("wim", vec![0; 20 << 20]))?;
//!
//! let options = VolumeOptions::new()
//!     .with_smallest_fat_type()
//!     .with_size(VolumeSize::Tight)
//!     .with_cluster_size(ClusterSize::KIB2);
//! let volume = plan(&tree.finish()?, &options)?;
//! assert_eq!(volume.geometry().fat_type(), FatType::Fat16);
//! assert_eq!(volume.geometry().volume_len(), (20 << 20) + 15 * 4096);
//! assert_eq!(volume.placement(file).map(|place| place.offset() % 2048), Some(0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is refused
//! Before the first byte, each with the numbers and a way out:
//!
//! * files of 4 GiB and more, folders of more than 65,536 slots, names of more than 255 UTF-16 units;
//! * names that are equal when case is ignored, that hold `" * / : < > ? \ |` or control characters,
//!   or end in a dot or a space;
//! * volumes of fewer than 65,541 clusters, which firmware takes for FAT16 or refuses, of more than
//!   2<sup>28</sup> - 28, of more than 2<sup>32</sup> - 1 sectors, or too small for the tree; as FAT16,
//!   of fewer than 4,101 or more than 65,508 clusters;
//! * clusters smaller than a sector or larger than readers of that sector size follow, and an
//!   [`Alignment`] that the start of the volume on its disk does not keep;
//! * labels with characters FAT does not allow, and the label `BOOTMGR`;
//! * boot code that does not fit, or lies where another sector must be; on FAT16, and in sectors of
//!   4096 bytes, any.
//!
//! Everything wrong with the tree is listed at once. Names that Windows takes for devices, and times
//! that had to be moved into the years 1980 to 2107, are [`Note`]s. Times are written in UTC, rounded
//! down to two seconds.
//!
//! # Checking
//! [`check::Volume`] reads FAT16 and FAT32 volumes of any origin, lists their files, and reports every
//! broken rule with its position and its [severity](check::Severity).
#![warn(clippy::as_conversions, clippy::arithmetic_side_effects)]

mod allocate;
mod boot_area;
pub mod check;
mod choose;
mod directory;
mod disk;
mod error;
mod geometry;
mod label;
mod name;
mod plan;
mod request;
pub mod role;
mod survey;
mod table;
mod units;
pub mod update;

pub use error::{Note, Problem, VolumeError};
pub use geometry::Geometry;
pub use label::{Label, LabelError};
pub use plan::{Placement, VolumePlan, plan, smallest_volume};
pub use request::{BootCode, BootCodeError, VolumeOptions, VolumeSize};
pub use units::{
    Alignment, AlignmentError, ClusterSize, ClusterSizeError, FatType, SectorSize, SectorSizeError,
};
