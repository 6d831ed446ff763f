//! What was done with drives, as values to print or to hand on.

use std::fmt;

use extent_image::HeadState;
use serde::Serialize;

use crate::drives::error::DriveFailure;
use crate::report::Summary;

/// Drives that media was written to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
#[must_use]
pub struct MadeDrives {
    /// What was planned.
    #[serde(flatten)]
    pub summary: Summary,
    /// The drives, in the order of their paths.
    pub drives: Vec<MadeDrive>,
}

impl MadeDrives {
    /// True when every drive has the media.
    pub fn is_whole(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The drives that have failed, and why.
    pub fn failed(&self) -> impl Iterator<Item = (&MadeDrive, &DriveFailure)> {
        self.drives.iter().filter_map(|drive| Some((drive, drive.failure.as_ref()?)))
    }
}

/// What was done with a drive.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MadeDrive {
    /// Its node.
    pub path: String,
    /// Vendor and model, as it says.
    pub model: Option<String>,
    /// As it says it.
    pub serial: Option<String>,
    /// What `--drive-serial` takes: the serial, else `diskseq:` and the number of its connection; that,
    /// too, where another drive says the same serial.
    pub drive_serial: Option<String>,
    /// Its length in bytes.
    pub bytes: u64,
    /// Bytes of a sector.
    pub sector_size: u32,
    /// What came of it.
    pub status: DriveStatus,
    /// What is on it now.
    pub state: DriveState,
    /// Bytes that were written to it.
    pub written_bytes: u64,
    /// Bytes that were read back and found right; 0 where nobody looked.
    pub verified_bytes: u64,
    /// Bytes behind the volume, which is as large as the smallest drive of the run lets it be.
    pub unused_bytes: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<DriveFailure>,
}

/// What came of a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DriveStatus {
    /// It has the media.
    Ok,
    /// It was not done; [`MadeDrive::failure`] says why, and [`MadeDrive::state`] what is on it.
    Failed,
}

/// What is on a drive after a run, as far as the drive told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DriveState {
    /// What was on it: nothing was written.
    Untouched,
    /// What was on it, whole or in part, or nothing: it failed while it was erased.
    MaybeOld,
    /// Nothing that a computer starts from, and no partition table.
    Erased,
    /// Something that looks like media and may not be whole.
    MaybeMedia,
    /// The media.
    Media,
}

impl DriveState {
    /// What a drive is left with by a run that begins again, after this one.
    pub(crate) fn then(self, next: Self) -> Self {
        match (self, next) {
            // What stood there before stands there still.
            (before, Self::Untouched) | (before @ Self::Erased, Self::MaybeOld) => before,
            (_, next) => next,
        }
    }
}

impl From<HeadState> for DriveState {
    fn from(head: HeadState) -> Self {
        match head {
            HeadState::AsBefore => Self::Untouched,
            HeadState::MaybeOld => Self::MaybeOld,
            HeadState::Zeroed => Self::Erased,
            HeadState::Written => Self::Media,
            _ => Self::MaybeMedia,
        }
    }
}

/// What is said of the drive behind its name.
impl fmt::Display for DriveState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Untouched => "is as it was",
            Self::MaybeOld => "may have lost some or all of what was on it",
            Self::Erased => "is erased, and no computer starts from it",
            Self::MaybeMedia => {
                "may look like whole media and be damaged; write it again before it is used"
            }
            Self::Media => "has the media",
        })
    }
}
