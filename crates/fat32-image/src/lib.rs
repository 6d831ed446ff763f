//! Plan a complete FAT32 volume, and check any FAT32 volume.
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
//! All numbers are little-endian. Sectors have 512 bytes, clusters 512 bytes to 32 KiB and never
//! less than 4 KiB unless asked for or needed, so that hosts that share blocks can share files with
//! the image. The data area begins on a multiple of 1 MiB wherever the volume allows. Every file and
//! folder is one run of clusters: folders first, then files in the order the tree gives. The FATs are
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
//! # What is refused
//! Before the first byte, each with the numbers and a way out:
//!
//! * files of 4 GiB and more, folders of more than 65,536 slots, names of more than 255 UTF-16 units;
//! * names that are equal when case is ignored, that hold `" * / : < > ? \ |` or control characters,
//!   or end in a dot or a space;
//! * volumes of fewer than 65,541 clusters, which firmware takes for FAT16 or refuses, of more than
//!   2<sup>28</sup> - 28, of more than 2<sup>32</sup> - 1 sectors, or too small for the tree;
//! * labels with characters FAT does not allow, and the label `BOOTMGR`;
//! * boot code that does not fit, or lies where another sector must be.
//!
//! Everything wrong with the tree is listed at once. Names that Windows takes for devices, and times
//! that had to be moved into the years 1980 to 2107, are [`Note`]s. Times are written in UTC, rounded
//! down to two seconds.
//!
//! # Checking
//! [`check::Volume`] reads volumes of any origin, lists their files, and reports every broken rule
//! with its position.
#![warn(clippy::as_conversions, clippy::arithmetic_side_effects)]

mod allocate;
pub mod check;
mod directory;
mod disk;
mod error;
mod geometry;
mod label;
mod name;
mod plan;
mod request;
mod survey;
mod table;
mod units;

pub use error::{Note, Problem, VolumeError};
pub use geometry::Geometry;
pub use label::{Label, LabelError};
pub use plan::{Placement, VolumePlan, plan, smallest_volume};
pub use request::{BootCode, BootCodeError, VolumeOptions, VolumeSize};
pub use units::{ClusterSize, ClusterSizeError, SectorSize};
