//! Why discs cannot be joined.

use std::io;
use std::path::PathBuf;

use extent_image::StreamError;
use media_model::MediaPathError;
use wim_image::RestoreError;

use crate::error::{Blame, blame_of_stream};
use crate::medium::MediumError;
use crate::publish::output_folder::OutputFolderError;

/// The discs could not be joined. The folder is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// A file is no disc of ours, or its bytes cannot be read.
    #[error("cannot read {}", path.display())]
    Disc {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: MediumError,
    },
    /// The files are not the discs of one whole set.
    #[error("these are not the discs of one whole set: {}", .faults.join("; "))]
    Set {
        /// What is wrong.
        faults: Vec<String>,
    },
    /// A file on a disc is not what the disc says of it.
    #[error("{}: {fault}", disc.display())]
    Content {
        /// The disc.
        disc: PathBuf,
        /// The file and what is wrong.
        fault: String,
    },
    /// A disc holds a name that could lead out of the folder, or that no media of ours has.
    #[error("{} names {path:?}, which is no path of ours", disc.display())]
    Name {
        /// The disc.
        disc: PathBuf,
        /// The name.
        path: String,
        /// Why.
        #[source]
        source: MediaPathError,
    },
    /// Two files would be one where upper and lower case are the same.
    #[error("{first} and {second} differ only by case and cannot both be written")]
    Case {
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// One file would be there twice.
    #[error("{path} is there twice, and a set has each file once")]
    Twice {
        /// The file.
        path: String,
    },
    /// A file would be where a folder is to be.
    #[error(
        "{first} and {second} cannot both be written: one is a file where the other needs a folder"
    )]
    FileAndFolder {
        /// What came first.
        first: String,
        /// What came second.
        second: String,
    },
    /// The folder cannot be filled.
    #[error(transparent)]
    Folder(#[from] OutputFolderError),
    /// The operating system refused a step.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// The step.
        step: &'static str,
        /// The file or folder it was refused for.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The parts of a WIM are not the WIM.
    #[error("cannot put {path} together from its SWM parts")]
    Wim {
        /// The WIM.
        path: String,
        /// Why.
        #[source]
        source: RestoreError,
    },
    /// A WIM could not be written to the end.
    #[error("{} was not made", path.display())]
    Stream {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: StreamError,
    },
    /// Progress asked to stop.
    #[error("cancelled after {done} of {total} bytes")]
    Cancelled {
        /// Bytes written.
        done: u64,
        /// Bytes to write.
        total: u64,
    },
}

impl JoinError {
    /// Who has to act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Disc { .. }
            | Self::Set { .. }
            | Self::Content { .. }
            | Self::Name { .. }
            | Self::Wim { .. }
            | Self::Case { .. }
            | Self::Twice { .. }
            | Self::FileAndFolder { .. } => Blame::Input,
            Self::Folder(_) | Self::Io { .. } => Blame::Output,
            Self::Stream { source, .. } => blame_of_stream(source),
            Self::Cancelled { .. } => Blame::Cancelled,
        }
    }
}
