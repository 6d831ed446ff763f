//! Media onto a stick that is formatted already (`--no-format`): only what differs is written, and
//! what is not of the media stays.
//!
//! Two ways lead there. A FAT32 volume in an image file or on a drive is changed from below, by
//! [`fat32_image::update`]: whatever happens, the stick holds the old media or the new. In a folder
//! where a volume is mounted, files are replaced one by one through the system; then each file is
//! whole, but a run that is cut short may leave files of both.
//!
//! What is of the media that is there is what its `SHA256SUMS` lists. All else is foreign: it stays,
//! and where it stands in the way of a file of the media, nothing is written.

mod error;
mod folder;
mod folder_survey;
mod folder_system;
mod meter;
mod old_media;
mod old_settings;
mod report;
mod run;
mod storage_reader;
mod switch;
mod target;
mod volume;
mod volume_files;

pub use error::{RefreshError, TargetKind};
pub use report::{Guarantee, RefreshPlan, Refreshed};
pub(crate) use switch::{LAST, root_order};
pub use target::RefreshTarget;
