//! Plans of touching extents, streamed to any sink in one forward pass.
//!
//! A [`Plan`] is the whole output, known before its first byte is written:
//!
//! ```text
//! 0        4096           8192                      1 MiB          length
//! | bytes  | source from 0 | late (made on arrival) | zero | free  |
//! ```
//!
//! A [`PlanBuilder`] appends extents; there is no other way to make a plan, so extents always touch,
//! are in order and never empty. A file-system writer turns a [`Tree`] of files into a plan; a disk
//! writer puts the plan of a volume into the plan of a disk. A plan is then
//!
//! * streamed to any [`Write`](std::io::Write) with [`Plan::write_to`], or into a new file with
//!   holes with [`Plan::write_file`]: one pass, each [`Source`] opened when its turn comes, large
//!   writes, digests on threads of their own when they are asked for;
//! * written in place to several [`Storage`]s at once and read back, with [`write_drives`];
//! * read as if it had been written, with [`Plan::reader`];
//! * printed and compared.
//!
//! This crate knows no file system and decides nothing about layout. It asks neither the clock nor
//! for randomness. Blocking I/O only: an asynchronous program runs a stream on a thread.
//!
//! ```
//! use std::sync::Arc;
//! use extent_image::{BytesSource, Digest, PlanBuilder, StreamOptions};
//!
//! let mut builder = PlanBuilder::new();
//! builder.bytes("header", "head")?;
//! builder.source("data", Arc::new(BytesSource::new("memory", "content")))?;
//! builder.zero_to("padding", 16)?;
//! let plan = builder.finish();
//! assert_eq!(plan.len(), 16);
//!
//! let mut image = Vec::new();
//! let options = StreamOptions::default().with_image_digest(true);
//! let report = plan.write_to(&mut image, &options, &mut ())?;
//! assert_eq!(image, b"headcontent\0\0\0\0\0");
//! assert_eq!(report.image_digest, Some(Digest::of(&image)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buffer;
mod case;
mod digest;
mod drives;
mod error;
mod feed;
mod hashing;
pub mod host;
mod order;
mod plan;
mod progress;
mod reader;
mod report;
pub mod scan;
mod share;
mod sink;
mod source;
mod storage;
mod sys;
mod timestamp;
mod tree;
mod whole;

pub use case::fold_case;
pub use digest::{Digest, Digests, Hasher};
pub use drives::{
    DriveError, DriveJob, DriveOptions, DriveProgress, DriveReport, DrivesReport, EndedRun,
    FailedDrive, HeadState, JobError, Phase, Unsettled, write_drives,
};
pub use error::{DigestMismatch, StreamError};
pub use order::OrderError;
pub use plan::{Content, Extent, Plan, PlanBuilder, PlanError};
pub use progress::{Progress, Stage};
pub use reader::PlanReader;
pub use report::{Report, StreamOptions};
pub use share::{ShareError, share_equal};
pub use source::{BytesSource, Changed, FileSource, OpenFile, ReadAt, Source, SourceId, read_at};
pub use storage::{FileStorage, Storage};
pub use timestamp::{Civil, Timestamp};
pub use tree::{Attributes, Data, Late, Meta, NodeId, Tree, TreeBuilder, TreeError};
pub use whole::WholeSource;
