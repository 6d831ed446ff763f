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

mod boot;
mod config_mgr;
mod content;
mod create;
mod drives;
mod error;
mod figures;
mod inspect;
mod join;
mod map;
mod medium;
mod plan;
mod publish;
mod rate;
mod refresh;
mod report;
pub mod sample;
mod track;
mod tree;
mod verify;
mod windows_name;

pub use bcd_store::Firmware;
pub use boot_image::{BootSet, DeviceRole, DriverOrigin, Need, RuntimeState};
pub use {dp_content, extent_image, media_device, media_model};

pub use boot::certificate::{LoaderSignature, UefiLoader};
pub use boot::configuration::{BcdFault, OwnBcdError};
pub use boot::driver_check::DriverError;
pub use boot::driver_groups::{DriverFindingGroup, DriverFindingKind};
pub use boot::image_drivers::{
    DriverClassReport, DriverFindingReport, DriverReport, DriversReport,
};
pub use boot::image_report::{
    ArchitectureReport, BootFileInspection, BootImageReport, BootManagerOption, BootManagerReport,
    ComponentEvidence, ComponentReport, ComponentsReport, ImageChoice, MediaReport,
    MissingInspection, OwnBootConfiguration, RuntimeReport, WimContent, WindowsReport,
};
pub use boot::image_test::{
    BootImageFinding, BootImageTest, BootImageTestStep, BootImageTopic, TestOutcome,
};
pub use boot::image_tester::test_boot_image;
pub use boot::machines::TargetError;
pub use boot::manager::{BootManagerError, BootManagerSummary, MissingPart};
pub use content::access::ContentAccess;
pub use content::check::{ContentCheck, ContentFault, check_content};
pub use content::fetch::{FetchError, FetchStep, Fetched, FetchedPackage, fetch};
pub use content::guard::refuse_in_library;
pub use content::list::{
    ContentListing, FileListing, LocationListing, PackageListing, list_content,
};
pub use create::create;
pub use drives::{
    Consent, DriveFailure, DriveRefusal, DriveState, DriveStatus, DriveTargets, DrivesError,
    MadeDrive, MadeDrives,
};
pub use error::{Blame, Error};
pub use figures::{percent_text, size_text};
pub use inspect::bcd::{BcdElement, BcdInspection, BcdObject, BcdStart, BcdValue};
pub use inspect::sequence::{NodeInspection, SequenceInspection, VariableInspection};
pub use inspect::wim::{WimImageInspection, WimInspection};
pub use inspect::{
    BootEntryInspection, DiscInspection, DiskInspection, InspectError, Inspection,
    PartitionInspection, TreeInspection, inspect,
};
pub use join::error::JoinError;
pub use join::{Joined, join};
pub use map::{KindTotal, LargerDrive, MapKind, MapRegion, MediaMap, VolumeMap, map_svg, map_text};
pub use tree::compose::ComposeError;
pub use tree::large::{LargeFile, LargeFiles};
pub use tree::layout::Collision;
pub use tree::manifest::{Description, JoinedFile, SetFile};

pub use medium::MediumError;
pub use medium::members::SetVolume;
pub use medium::place::MediaPlace;
pub use plan::MediaPlan;
pub use plan::resolve::ResolveError;
pub use plan::set_error::SpanError;
pub use publish::error::PublishError;
pub use publish::output_folder::OutputFolderError;
pub use publish::{Published, Target};
pub use rate::Rate;
pub use refresh::{Guarantee, RefreshError, RefreshPlan, RefreshTarget, Refreshed, TargetKind};
pub use report::{
    BootConfiguration, ContentSummary, DeviceSummary, LabelSummary, Made, MadeImage,
    PackageSummary, ReportedEvent, Summary, VolumeSummary, Warning,
};
pub use tree::media_data_error::MediaDataError;
pub use verify::set::{SetVerification, UnreadFile, VerifiedFile, verify_set};
pub use verify::{Verification, VerifyError, verify, verify_file};
