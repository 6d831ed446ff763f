//! Requests for capture media: values that cannot be wrong, and all their problems at once.
//!
//! ```text
//! command line ─┐
//! request file ─┼─► CaptureMediaRequest ──check──► CheckedRequest ──► (capmedia: resolve, plan)
//! your program ─┘   text, as it came              values, all good
//!                                └──► Vec<Problem>: everything wrong, each with its remedy
//! ```
//!
//! * A [`CaptureMediaRequest`] is plain data: paths, switches, and the other options as the text
//!   they came as. It has the wizard's options under the names of the long options of the command
//!   line, and is what serde reads and writes.
//! * [`CaptureMediaRequest::check`] turns the text into values and tests what they say together.
//!   It never stops at the first fault: somebody who typed five wrong things learns all five in
//!   one run.
//! * A [`CheckedRequest`] can be made in no other way, so whoever takes one need not test again.
//!
//! There is one request type holding text and one holding values, and nothing in between: if the
//! request held [`MediaLabel`]s and the like, reading it would end at the first bad one.
//!
//! The values are useful by themselves: [`MediaLabel`], [`FatLabel`], [`IsoLabel`],
//! [`JolietLabel`], [`MediaSize`], [`ImageSize`], [`MediaType`], [`TargetArch`], [`Output`],
//! [`PackageId`], [`MediaPath`], [`AddSpec`]. Each refuses what it cannot hold, with an error that
//! has numbers (byte positions count from the start of the text given) and a way out
//! ([`Refusal`]); none repairs silently. Where a change is wanted it has a name, such as
//! [`FatLabel::from_media_label`], and the result tells whether anything changed.
//!
//! This crate opens nothing, asks no clock and knows no host: whether a file exists, is a folder or
//! fits is for `capmedia` to find out.
//!
//! # Example
//!
//! ```
//! use media_model::{CaptureMediaRequest, MediaType};
//!
//! let request = CaptureMediaRequest::new("boot.wim", MediaType::CdDvd, "capture.iso")
//!     .with_label("Capture 24H2")
//!     .with_media_size("8GB");
//! let checked = request.check().expect("nothing is wrong with it");
//! assert_eq!(checked.label().media_label_txt(), "label=Capture 24H2\r\n");
//! assert_eq!(checked.media_size().sectors(), Some(4_171_712));
//!
//! let problems = CaptureMediaRequest::new("boot.wim", "floppy", "media/")
//!     .with_label("Größe")
//!     .with_add("tools")
//!     .check()
//!     .unwrap_err();
//! let options: Vec<_> = problems.iter().map(|p| p.option()).collect();
//! assert_eq!(options, ["media-type", "path", "label", "add"]);
//! assert_eq!(
//!     problems[2].to_string(),
//!     "--label: 'ö' at byte 2 cannot stand in a media label; \
//!      use 1 to 32 printable ASCII characters (space to ~)"
//! );
//! ```

mod boot;
mod capacity;
mod check;
mod check_content;
mod check_stick;
mod checked;
mod command_line;
mod config_mgr;
mod content;
mod error;
mod identifier;
mod label;
mod member;
mod option;
mod package;
mod path;
mod pattern;
mod print;
mod problem;
mod request;
mod request_file;
mod target;
pub mod task_sequence;
mod text;

pub use boot::{BcdChoice, BcdResolution, BootManagerChoice};
pub use capacity::{ImageSize, MediaSize, NamedMediaSize};
pub use check::is_own_file;
pub use check_content::CheckedContent;
pub use checked::CheckedRequest;
pub use command_line::{CommandLine, Shell};
pub use config_mgr::ConfigMgrError;
pub use content::{
    AccountName, BootImageSource, ContentLocation, HttpLocation, PackageHashCheck, PackageSpec,
    SmbLocation,
};
pub use error::{
    AccountNameError, AddSpecError, ContentLocationError, HardwareIdError, LabelError, LocaleError,
    MediaPathError, NameError, OutputError, PackageIdError, PackageSpecError, Refusal, SizeError,
    SizeFault,
};
pub use identifier::{HardwareId, Locale};
pub use label::{FatLabel, IsoLabel, JolietLabel, MediaLabel};
pub use member::{part_name, set_member, set_member_number};
pub use option::{Absent, RequestOption, Slot};
pub use package::PackageId;
pub use path::{AddSpec, MediaPath};
pub use problem::{Place, Problem, ProblemKind};
pub use request::CaptureMediaRequest;
pub use request_file::RequestFile;
pub use target::{
    BootPrompt, FileSystem, GptType, MediaType, Output, PartitionTable, SectorSize, TargetArch,
};
