//! Media straight onto drives: sticks and cards, several at once.
//!
//! ```text
//! paths ─► DriveTargets ─check─► MediaPlan::for_drives ─► MediaPlan::write_drives ─► MadeDrives
//!                         ▲                                   ▲
//!                      Consent ───────────────────────────────┘
//! ```
//!
//! The volume is laid out once, for the smallest of the drives; partition tables are each drive's own.
//! What media-device and extent-image know is only put together here: drives are refused, unmounted
//! and opened there, written and read back here by [`extent_image::write_drives`].

mod consent;
mod device;
mod error;
mod guard;
mod report;
mod targets;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
mod write;

pub use consent::Consent;
pub(crate) use device::{Device, Devices};
pub(crate) use error::is_of_request;
pub use error::{DriveFailure, DriveRefusal, DrivesError};
pub use report::{DriveState, DriveStatus, MadeDrive, MadeDrives};
pub use targets::DriveTargets;
pub(crate) use write::unused_of;
