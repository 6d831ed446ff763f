//! What keeps drives from being written, and what goes wrong with one of them.

use std::path::PathBuf;

use extent_image::{DriveError, StreamError};
use media_device::{OpenError, PathError, Refusal, UnmountError};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::drives::report::MadeDrives;
use crate::error::{Blame, Error, blame_of_stream, causes};
use crate::medium::place::MediaPlace;

/// Media was not written to any drive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrivesError {
    /// A path leads to something that is neither a drive nor an image file.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A folder.
    #[error(
        "{} is a folder; give the path of a drive or an image file, or add --no-format to put the \
         media into the folder that a stick is mounted at",
        path.display()
    )]
    Folder {
        /// As given.
        path: PathBuf,
    },
    /// One of several paths is that of an image file.
    #[error(
        "{} is no drive, and of several paths each must be one; make the image file in a run of its \
         own",
        path.display()
    )]
    NotADrive {
        /// As given.
        path: PathBuf,
    },
    /// An option that says how an image file is made.
    #[error("--{option} is for image files, and {} is a drive; leave it out", path.display())]
    ImageOption {
        /// The option.
        option: &'static str,
        /// The drive.
        path: PathBuf,
    },
    /// A drive, where only an image file was to be made.
    #[error(
        "{} is a drive, and nobody said that what is on it may be lost; give the path of an image \
         file",
        path.display()
    )]
    NoConsent {
        /// The drive.
        path: PathBuf,
    },
    /// Drives that are not to be written, all of them with all reasons. Nothing was written.
    #[error("{}", listed(refusals))]
    Refused {
        /// Each reason.
        refusals: Vec<DriveRefusal>,
    },
    /// What is written could not be read, or the run was cancelled, before any drive had the media.
    #[error("no drive has the media:{}", ended(made))]
    Ended {
        /// What was done with each.
        made: Box<MadeDrives>,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// What is written could not be read, or the run was cancelled. [`Ended`](Self::Ended) says of
    /// which drives.
    #[error(transparent)]
    Stream(StreamError),
    /// The drives do not go together; a mistake of this program.
    #[error("the drives cannot be written in one run, please report this")]
    Together(#[source] StreamError),
    /// The run was cancelled before some drive was done. Others may have the media.
    #[error("cancelled:{}", ended(made))]
    Cancelled {
        /// What was done with each.
        made: Box<MadeDrives>,
    },
    /// Every drive has failed.
    #[error("{}", all_failed(made))]
    AllFailed {
        /// What was done with each.
        made: Box<MadeDrives>,
    },
}

/// A reason not to write a drive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveRefusal {
    /// What the drive is, or is used for.
    #[error(transparent)]
    Drive(#[from] Refusal),
    /// Nobody said that what is on it may be lost; or another drive is at its path now.
    #[error(
        "{drive} ({identity}) was not confirmed, or is another drive now; look again with `capmedia \
         drives`, and run it again"
    )]
    NotConfirmed {
        /// Its node.
        drive: String,
        /// What tells it from others.
        identity: String,
    },
    /// Two paths lead to it, or to one file through two loop devices.
    #[error("{drive} is named twice, by {} too: both are one drive; name it once", path.display())]
    Twice {
        /// Its node.
        drive: String,
        /// The second path.
        path: PathBuf,
    },
    /// What the media is made of lies on it.
    #[error("{} lies on {drive}, which would be wiped; copy it elsewhere first", path.display())]
    HoldsInput {
        /// Its node.
        drive: String,
        /// The file or folder.
        path: PathBuf,
    },
    /// No media is made for its sectors.
    #[error("{drive} has sectors of {found} bytes, 512 and 4096 are supported; take another drive")]
    SectorSize {
        /// Its node.
        drive: String,
        /// Bytes of a sector.
        found: u32,
    },
    /// The drives of one run are laid out alike.
    #[error(
        "{drive} has sectors of {found} bytes and {other} of {expected}; write them in separate runs"
    )]
    OtherSectorSize {
        /// Its node.
        drive: String,
        /// Bytes of a sector.
        found: u32,
        /// The first drive.
        other: String,
        /// Bytes of a sector of the first drive.
        expected: u32,
    },
}

/// What went wrong with one drive, which each text names. What is on the drive then, its
/// [`state`](crate::MadeDrive::state) tells.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveFailure {
    /// It could not be unmounted; nothing was written to it.
    #[error("{drive} could not be unmounted")]
    Unmount {
        /// Its node.
        drive: String,
        /// Why.
        #[source]
        source: UnmountError,
    },
    /// It could not be opened; nothing was written to it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was taken out while it was written or read back.
    #[error("{drive} was taken out before it was done; put it in again and write it anew")]
    Gone {
        /// Its node.
        drive: String,
        /// What failed.
        #[source]
        source: DriveError,
    },
    /// It failed while it was written or read back.
    #[error("{drive} failed while it was written or read back")]
    Write {
        /// Its node.
        drive: String,
        /// Why.
        #[source]
        source: DriveError,
    },
    /// It gives back something else than was written to it.
    #[error(
        "{drive}: {place} does not read back as it was written ({} {at} of the drive): the drive is \
         worn, counterfeit or badly connected; do not use it",
        if *exact { "byte" } else { "somewhere behind byte" }
    )]
    Mismatch {
        /// Its node.
        drive: String,
        /// The first byte of the drive that differs, or the first of a piece that does.
        at: u64,
        /// Whether the byte is known, and not the piece alone.
        exact: bool,
        /// What of the media is there.
        place: MediaPlace,
    },
    /// The run ended for all drives before this one was done.
    #[error("{drive} was not done when the run ended")]
    Ended {
        /// Its node.
        drive: String,
        /// How far it was, where it was being read back.
        #[source]
        source: Option<DriveError>,
    },
}

impl DriveFailure {
    /// What of the media did not read back.
    pub fn place(&self) -> Option<&MediaPlace> {
        match self {
            Self::Mismatch { place, .. } => Some(place),
            _ => None,
        }
    }
}

/// As `error` and `because`, and for what did not read back its place.
impl Serialize for DriveFailure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("DriveFailure", 3)?;
        fields.serialize_field("error", &self.to_string())?;
        fields.serialize_field("because", &causes(self))?;
        if let Some(place) = self.place() {
            fields.serialize_field("place", place)?;
        }
        fields.end()
    }
}

fn listed(refusals: &[DriveRefusal]) -> String {
    let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

/// What each drive was left with, and what was wrong with it besides the run's end.
fn ended(made: &MadeDrives) -> String {
    let told = made.drives.iter().map(|drive| {
        let state = format!("\n{} {}", drive.path, drive.state);
        match &drive.failure {
            None | Some(DriveFailure::Ended { .. }) => state,
            Some(failure) => format!("\n{}{state}", with_causes(failure)),
        }
    });
    told.collect()
}

fn all_failed(made: &MadeDrives) -> String {
    let failed = made.failed().map(|(_, failure)| with_causes(failure));
    failed.collect::<Vec<_>>().join("\n")
}

fn with_causes(failure: &DriveFailure) -> String {
    let causes = causes(failure).into_iter().map(|cause| format!(": {cause}"));
    format!("{failure}{}", causes.collect::<String>())
}

impl DriveRefusal {
    /// True where another request, or other options, would do, and the drive may stay as it is.
    fn is_of_request(&self) -> bool {
        match self {
            Self::Drive(refusal) => is_of_request(refusal),
            Self::SectorSize { .. } => false,
            _ => true,
        }
    }
}

/// The same of what the drive is: an option allows it, or another drive was meant.
pub(crate) fn is_of_request(refusal: &Refusal) -> bool {
    use Refusal::{Fixed, Loop, Mounted, System};
    matches!(refusal, System { .. } | Fixed { .. } | Mounted { .. } | Loop { .. })
}

impl From<StreamError> for DrivesError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Jobs(_) => Self::Together(error),
            _ => Self::Stream(error),
        }
    }
}

impl DrivesError {
    /// Who has to act.
    pub(crate) fn blame(&self) -> Blame {
        match self {
            Self::Ended { source, .. } => source.blame(),
            Self::Stream(error) => blame_of_stream(error),
            Self::Together(_) => Blame::Bug,
            Self::Cancelled { .. } => Blame::Cancelled,
            Self::AllFailed { .. } | Self::Folder { .. } => Blame::Output,
            Self::Refused { refusals } if !refusals.iter().all(DriveRefusal::is_of_request) => {
                Blame::Output
            }
            Self::Path(PathError::Missing { .. } | PathError::Read { .. } | PathError::List(_)) => {
                Blame::Output
            }
            Self::Refused { .. }
            | Self::Path(_)
            | Self::NotADrive { .. }
            | Self::NoConsent { .. }
            | Self::ImageOption { .. } => Blame::Request,
        }
    }
}
