//! Makes Configuration Manager capture media on any machine: request, plan, stream, report.
//!
//! A [`CaptureMediaRequest`](media_model::CaptureMediaRequest) is checked; [`MediaPlan::new`] opens what
//! it names and lays out the media to the last byte; [`MediaPlan::publish`] streams it to a temporary
//! file and renames that over the target, so that an older image survives every failure. [`create`] is
//! all of it. [`verify`] and [`inspect`] read images back.
//!
//! ```
//! use capmedia::{MediaPlan, Target, media_model::CaptureMediaRequest, sample};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let boot_image = folder.join("boot.wim");
//! std::fs::write(&boot_image, sample::boot_image()?)?;
//!
//! let request = CaptureMediaRequest::new(&boot_image, "cd-dvd", folder.join("capture.iso"));
//! let request = request.check().map_err(|problems| format!("{problems:?}"))?;
//! let media = MediaPlan::new(&request)?;
//! assert_eq!(media.summary().architecture, "x64");
//!
//! let target = Target::of(&request).ok_or("not for standard output")?;
//! let made = media.publish(&target, &mut ())?;
//! let image = std::fs::File::open(&made.path)?;
//! assert!(capmedia::verify(image, &mut ())?.is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing is printed here, nothing asks the clock, and no path but the target (and `<target>.sha256`
//! on request) is written to.

mod boot_code;
mod compose;
mod create;
mod disc;
mod error;
mod faults;
mod firmware;
mod hybrid;
mod inspect;
mod join;
mod join_error;
mod join_folder;
mod join_paths;
mod join_steps;
mod layout;

mod manifest;
mod medium;
mod members;
mod part_file;
mod parts;
mod plan;
mod publish;
mod report;
mod resolve;
pub mod sample;
mod set;
mod set_error;
mod span;
mod stick;
mod subset;
mod unconfirmed;
mod verify;
mod verify_set;

pub use {extent_image, media_model};

pub use compose::ComposeError;
pub use create::create;
pub use error::{Blame, Error};
pub use inspect::{
    BootEntryInspection, BootFileInspection, DiscInspection, DiskInspection, InspectError,
    Inspection, MissingInspection, PartitionInspection, TreeInspection, WimImageInspection,
    WimInspection, inspect,
};
pub use join::{Joined, join};
pub use join_error::JoinError;
pub use layout::Collision;
pub use manifest::{Description, JoinedFile, SetFile};
pub use medium::MediumError;
pub use members::SetVolume;
pub use plan::MediaPlan;
pub use publish::{PublishError, Published, Target};
pub use report::{LabelSummary, Made, MadeImage, Summary, VolumeSummary, Warning};
pub use resolve::ResolveError;
pub use set_error::SpanError;
pub use verify::{Verification, VerifyError, verify, verify_file};
pub use verify_set::{SetVerification, UnreadFile, VerifiedFile, verify_set};
