//! Makes Configuration Manager capture media on any machine: request, plan, stream, report.
//!
//! A [`CaptureMediaRequest`](media_model::CaptureMediaRequest) is checked; [`MediaPlan::new`] opens what
//! it names and lays out the media to the last byte; [`MediaPlan::publish`] streams it to a temporary
//! file and renames that over the target, so that an older image survives every failure. [`create`] is
//! all of it. [`verify`] and [`inspect`] read images and drives back.
//!
//! Media for USB goes straight onto drives, too: [`DriveTargets`] looks up what the paths of a request
//! lead to, a [`Consent`] says which drives may be wiped, and [`MediaPlan::write_drives`] writes all of
//! them at once and reads them back.
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
mod boot_configuration;
mod boot_image_drivers;
mod boot_image_report;
mod boot_image_survey;
mod boot_image_test;
mod boot_image_tester;
mod boot_index;
mod boot_manager;
mod cache_room;
mod certificate;
mod compose;
mod config_mgr;
mod content;
mod content_access;
mod content_guard;
mod content_list;
mod create;
mod disc;
mod driver_check;
mod driver_groups;
mod drives;
mod error;
mod faults;
mod fetch;
mod fetch_check;
mod fetch_kept;
mod figures;
mod firmware;
mod floppy;
mod hybrid;
mod inputs;
mod inspect;
mod inspect_bcd;
mod inspect_sequence;
mod inspect_wim;
mod join;
mod join_error;
mod join_paths;
mod join_steps;
mod laid;
mod large;
mod layout;
mod loaders;
mod machines;
mod manifest;
mod map;
mod media_data;
mod media_data_error;
mod media_place;
mod medium;
mod members;
mod output_folder;
mod part_file;
mod parts;
mod plan;
mod publish;
mod publish_error;
mod rate;
mod refresh;
mod regular_file;
mod report;
mod resolve;
mod runtime;
pub mod sample;
mod sequence;
mod set;
mod set_error;
mod span;
mod starts;
mod stick;
mod structure;
mod subset;
mod template;
mod track;
mod unconfirmed;
mod verify;
mod verify_bcd;
mod verify_sequence;
mod verify_set;
#[cfg(any(windows, test))]
mod whole_blocks;
mod windows_name;

pub use bcd_store::Firmware;
pub use boot_image::{BootSet, DeviceRole, DriverOrigin, Need, RuntimeState};
pub use {dp_content, extent_image, media_device, media_model};

pub use boot_configuration::{BcdFault, OwnBcdError};
pub use boot_image_drivers::{DriverClassReport, DriverFindingReport, DriverReport, DriversReport};
pub use boot_image_report::{
    ArchitectureReport, BootFileInspection, BootImageReport, BootManagerOption, BootManagerReport,
    ComponentEvidence, ComponentReport, ComponentsReport, ImageChoice, MediaReport,
    MissingInspection, OwnBootConfiguration, RuntimeReport, WimContent, WindowsReport,
};
pub use boot_image_test::{
    BootImageFinding, BootImageTest, BootImageTestStep, BootImageTopic, TestOutcome,
};
pub use boot_image_tester::test_boot_image;
pub use boot_manager::{BootManagerError, BootManagerSummary, MissingPart};
pub use certificate::{LoaderSignature, UefiLoader};
pub use compose::ComposeError;
pub use content_access::ContentAccess;
pub use content_guard::refuse_in_library;
pub use content_list::{
    ContentListing, FileListing, LocationListing, PackageListing, list_content,
};
pub use create::create;
pub use driver_check::DriverError;
pub use driver_groups::{DriverFindingGroup, DriverFindingKind};
pub use drives::{
    Consent, DriveFailure, DriveRefusal, DriveState, DriveStatus, DriveTargets, DrivesError,
    MadeDrive, MadeDrives,
};
pub use error::{Blame, Error};
pub use fetch::{FetchError, FetchStep, Fetched, FetchedPackage, fetch};
pub use fetch_check::{ContentCheck, ContentFault, check_content};
pub use figures::{percent_text, size_text};
pub use inspect::{
    BootEntryInspection, DiscInspection, DiskInspection, InspectError, Inspection,
    PartitionInspection, TreeInspection, inspect,
};
pub use inspect_bcd::{BcdElement, BcdInspection, BcdObject, BcdStart, BcdValue};
pub use inspect_sequence::{NodeInspection, SequenceInspection, VariableInspection};
pub use inspect_wim::{WimImageInspection, WimInspection};
pub use join::{Joined, join};
pub use join_error::JoinError;
pub use large::{LargeFile, LargeFiles};
pub use layout::Collision;
pub use machines::TargetError;
pub use manifest::{Description, JoinedFile, SetFile};
pub use map::{KindTotal, MapKind, MapRegion, MediaMap, VolumeMap, map_svg, map_text};

pub use media_data_error::MediaDataError;
pub use media_place::MediaPlace;
pub use medium::MediumError;
pub use members::SetVolume;
pub use output_folder::OutputFolderError;
pub use plan::MediaPlan;
pub use publish::{Published, Target};
pub use publish_error::PublishError;
pub use rate::Rate;
pub use refresh::{Guarantee, RefreshError, RefreshPlan, RefreshTarget, Refreshed, TargetKind};
pub use report::{
    BootConfiguration, ContentSummary, DeviceSummary, LabelSummary, Made, MadeImage,
    PackageSummary, ReportedEvent, Summary, VolumeSummary, Warning,
};
pub use resolve::ResolveError;
pub use set_error::SpanError;
pub use verify::{Verification, VerifyError, verify, verify_file};
pub use verify_set::{SetVerification, UnreadFile, VerifiedFile, verify_set};
