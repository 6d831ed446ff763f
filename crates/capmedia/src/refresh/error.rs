//! Why media could not be put onto a stick that is formatted already.

use std::io;
use std::path::{Path, PathBuf};

use dp_content::ContentError;
use extent_image::StreamError;
use fat32_image::update::{Collision, UpdateError};
use media_device::{OpenError, PathError, Refusal, UnmountError};
use media_model::ConfigMgrError;

use crate::drives::is_of_request;
use crate::error::{Blame, blame_of_stream};
use crate::publish::error::PublishError;

/// Media was not brought up to date. What is there then, each variant says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// An image was to be made of a request that keeps what is on a stick.
    #[error("--no-format makes no image; leave it out, or have the media refreshed in place")]
    NoImage,
    /// Each stick holds something else, and is refreshed by itself. Nothing was written.
    #[error("{paths} paths, and with --no-format one stick is refreshed at a time; give one")]
    SeveralPaths {
        /// How many.
        paths: usize,
    },
    /// Nothing that holds a volume. Nothing was written.
    #[error(
        "{} is neither a drive, nor an image file, nor the folder that a stick is mounted at",
        path.display()
    )]
    NoPlace {
        /// The path.
        path: PathBuf,
    },
    /// The path is that of no drive. Nothing was written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The drive is not to be written. Nothing was written.
    #[error("{}", refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Drive {
        /// All reasons.
        refusals: Vec<Refusal>,
    },
    /// The drive could not be unmounted. Nothing was written.
    #[error(transparent)]
    Unmount(#[from] UnmountError),
    /// The drive could not be opened. Nothing was written.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No FAT32 is there. Nothing was written.
    #[error(
        "{target} holds {holds}, and media is put only onto FAT32 without formatting; {}",
        kind.way_out()
    )]
    FileSystem {
        /// The folder, image or drive.
        target: String,
        /// What it holds.
        holds: String,
        /// What Configuration Manager calls it.
        error: ConfigMgrError,
        /// What the target is.
        kind: TargetKind,
    },
    /// The image is a disc too, whose directories a refresh would leave behind. Nothing was written.
    #[error(
        "{target} is a disc as well as a stick, and only the stick would be refreshed; make it anew \
         with --media-type hybrid and without --no-format"
    )]
    Hybrid {
        /// The image or drive.
        target: String,
    },
    /// Nothing is at the path.
    #[error(
        "cannot open {}; --no-format needs what is formatted already, leave it out to make an image",
        path.display()
    )]
    Missing {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder is not where a volume is mounted. Nothing was written.
    #[error(
        "{} is a folder in a file system, and media starts from the root alone; give the folder that \
         the stick is mounted at",
        folder.display()
    )]
    NotMounted {
        /// The folder.
        folder: PathBuf,
    },
    /// Files that are not of the media stand where it has files. Nothing was written.
    #[error(
        "{}: not of the media, and in the way of its files; move what you need elsewhere{} and let \
         --force replace the others{}",
        listed(paths, target),
        if *.ours { "" } else { " (no SHA256SUMS of ours and its media.json say what is of the media)" },
        if *.ours { "" } else { ": on media that Configuration Manager made, these are its own" }
    )]
    Collisions {
        /// The folder, image or drive.
        target: String,
        /// All such files, by their paths on the media.
        paths: Vec<String>,
        /// Whether there is media of ours, which says what is of it.
        ours: bool,
    },
    /// Files of the old media are no longer what its `SHA256SUMS` says: somebody changed them, or they
    /// are damaged. Nothing was written.
    #[error(
        "{}: not as the media's SHA256SUMS says, so changed since or damaged, and would be replaced; \
         move what you need elsewhere and let --force replace them",
        listed(paths, target)
    )]
    Edited {
        /// The folder, image or drive.
        target: String,
        /// All such files, by their paths on the media.
        paths: Vec<String>,
    },
    /// Folders and files, or what is neither, that cannot give place. Nothing was written.
    #[error(
        "{}: in the way, a folder where the media has a file or the reverse; move or remove it, \
         --force does not replace it",
        listed(paths, target)
    )]
    InTheWay {
        /// The folder, image or drive.
        target: String,
        /// Their paths.
        paths: Vec<String>,
    },
    /// What changes at the top of the media lies too far apart to be changed at once. Nothing was
    /// written.
    #[error(
        "{target} cannot be brought up to date in one step, so that it holds the old media or the new \
         at every moment: the entries of its root folder have no room side by side; leave what --add \
         puts there out once and run again, or mount the stick and give its folder as --path, or leave \
         --no-format out to format it, which erases all that is on it"
    )]
    Apart {
        /// The image or drive.
        target: String,
        /// Which entries.
        #[source]
        source: Box<UpdateError>,
    },
    /// The new files do not fit beside the old. Nothing was written.
    #[error(
        "{target} needs {needed} free bytes, as new files are written before old ones go, and has \
         {free}; make room on it, or leave --no-format out to format it"
    )]
    NoSpace {
        /// The folder, image or drive.
        target: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        free: u64,
    },
    /// The operating system refused a step.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// The step: "read", "remove".
        step: &'static str,
        /// What it was refused for.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be brought to its place. Each file of the folder is whole, old or new.
    #[error("{} has files of both old and new media; repeat the run", folder.display())]
    Divided {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: Box<Self>,
    },
    /// A file could not be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The volume was not changed, or not to the end. What it holds, the error tells.
    #[error("{target} was not brought up to date")]
    Update {
        /// The image or drive.
        target: String,
        /// Why.
        #[source]
        source: Box<UpdateError>,
    },
    /// Content of a distribution point turned out to be damaged. Nothing was written.
    #[error("nothing was written, as content is damaged")]
    Settle(#[source] Box<ContentError>),
    /// The image or drive cannot be read.
    #[error("cannot read {target}")]
    Read {
        /// The image or drive.
        target: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Content cannot be read, or is not what it should be; or the run was cancelled.
    #[error("{target} was not brought up to date")]
    Content {
        /// The folder, image or drive.
        target: String,
        /// Why.
        #[source]
        source: StreamError,
    },
    /// All was written, and the run was cancelled while that was read back.
    #[error("{target} holds the new media; whether it reads back as written is not known")]
    NotReadBack {
        /// The folder, image or drive.
        target: String,
        /// Why.
        #[source]
        source: StreamError,
    },
    /// What was written is not what is read back.
    #[error(
        "{target}: {} not as written when read back ({}{}); the stick may be failing, take another",
        if faults.len() == 1 { "a file is" } else { "files are" },
        faults.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; "),
        if faults.len() > SHOWN { "; and more" } else { "" }
    )]
    ReadBack {
        /// The folder, image or drive.
        target: String,
        /// What is wrong.
        faults: Vec<String>,
    },
}

/// What media is put onto without formatting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKind {
    /// A drive or a partition.
    Drive,
    /// An image file.
    Image,
    /// A folder where a volume is mounted.
    Folder,
}

impl TargetKind {
    /// How it gets FAT32.
    fn way_out(self) -> &'static str {
        match self {
            Self::Drive => "leave --no-format out to format it, which erases all that is on it",
            Self::Image => {
                "leave --no-format out, and let --force replace the image, which erases all in it"
            }
            Self::Folder => {
                "give the folder that a stick with FAT32 is mounted at, or give the path of the drive \
                 and leave --no-format out to format it, which erases all that is on it"
            }
        }
    }
}

/// Paths and faults that a message lists; the value has all.
const SHOWN: usize = 50;

fn listed(paths: &[String], target: &str) -> String {
    let shown: Vec<&str> = paths.iter().take(SHOWN).map(String::as_str).collect();
    let more = match paths.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("on {target}, {}{more}", shown.join(", "))
}

impl RefreshError {
    pub(super) fn io(step: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { step, path: path.to_path_buf(), source }
    }

    pub(super) fn content(target: &Path, source: StreamError) -> Self {
        Self::Content { target: target.display().to_string(), source }
    }

    /// Why a volume was not updated; `ours`: whether there is media of ours on it.
    pub(super) fn of_update(
        target: &str,
        kind: TargetKind,
        ours: bool,
        error: UpdateError,
    ) -> Self {
        let target = target.to_owned();
        match error {
            UpdateError::NotFat32 { bits, clusters } => Self::FileSystem {
                target,
                holds: format!("FAT{bits} of {clusters} clusters"),
                error: ConfigMgrError::UfdFsFat16,
                kind,
            },
            UpdateError::Unknown { field, found, .. } => Self::FileSystem {
                target,
                holds: format!("no FAT volume ({field} is {found:#x})"),
                error: ConfigMgrError::UfdFsUnknown,
                kind,
            },
            error @ (UpdateError::Scattered { .. } | UpdateError::SwitchRoom { .. }) => {
                Self::Apart { target, source: Box::new(error) }
            }
            UpdateError::Collisions { collisions } => {
                let replaceable = |found: &&Collision| matches!(found, Collision::Differs { .. });
                let path = |found: &Collision| match found {
                    Collision::ShortName { path, other } => {
                        format!("{path} (the short name of {other})")
                    }
                    found => found.path().to_owned(),
                };
                match collisions.iter().all(|found| replaceable(&found)) {
                    true => {
                        let paths = collisions.iter().map(path).collect();
                        Self::Collisions { target, paths, ours }
                    }
                    // What stays in the way first: --force does not help.
                    false => {
                        let stays = collisions.iter().filter(|found| !replaceable(found));
                        Self::InTheWay { target, paths: stays.map(path).collect() }
                    }
                }
            }
            error => Self::Update { target, source: Box::new(error) },
        }
    }

    /// Whether damaged content could have led to it.
    pub(crate) fn stream_error(&self) -> Option<&StreamError> {
        match self {
            Self::Content { source, .. } | Self::NotReadBack { source, .. } => Some(source),
            Self::Divided { source, .. } => source.stream_error(),
            Self::Update { source, .. } => match &**source {
                UpdateError::Source { source, .. } => Some(source),
                _ => None,
            },
            _ => None,
        }
    }

    /// What Configuration Manager calls it, where it has a name for it.
    pub fn config_mgr_error(&self) -> Option<ConfigMgrError> {
        match self {
            Self::FileSystem { error, .. } => Some(*error),
            Self::Divided { source, .. } => source.config_mgr_error(),
            _ => match self.stream_error() {
                Some(StreamError::DigestMismatch(_)) => Some(ConfigMgrError::HashValue),
                _ => None,
            },
        }
    }

    /// Who has to act.
    pub(crate) fn blame(&self) -> Blame {
        if let Some(error) = self.stream_error() {
            return blame_of_stream(error);
        }
        match self {
            Self::NoImage
            | Self::SeveralPaths { .. }
            | Self::NoPlace { .. }
            | Self::NotMounted { .. }
            | Self::Hybrid { .. } => Blame::Request,
            Self::Drive { refusals } if refusals.iter().all(is_of_request) => Blame::Request,
            Self::Path(PathError::Missing { .. } | PathError::Read { .. } | PathError::List(_)) => {
                Blame::Output
            }
            Self::Path(_) => Blame::Request,
            Self::Settle(_) => Blame::Content,
            Self::Update { source, .. } => match &**source {
                UpdateError::Cancelled { .. } => Blame::Cancelled,
                UpdateError::Tree(_) => Blame::Input,
                _ => Blame::Output,
            },
            _ => Blame::Output,
        }
    }
}
