//! Everything that can keep media from being made.

use std::path::PathBuf;

use dp_content::{CacheError, ContentError, Preflight};
use extent_image::StreamError;

use crate::content::packages::content_error;
use crate::drives::DrivesError;
use crate::plan::resolve::ResolveError;
use crate::plan::set_error::SpanError;
use crate::publish::error::PublishError;
use crate::refresh::RefreshError;
use crate::tree::compose::ComposeError;
use crate::tree::large::LargeFiles;

/// No media was made. Nothing that existed before was lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The boot image, a boot file, or something to be added cannot be used.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The media tree cannot be laid out as asked.
    #[error("the content cannot be laid out")]
    Compose(#[from] ComposeError),
    /// This version does not make such media.
    #[error("media of type {media_type} cannot be made by this version")]
    MediaType {
        /// The type.
        media_type: &'static str,
    },
    /// The disc cannot be planned.
    #[error("no disc can be made of this content")]
    Disc(#[from] iso9660_image::PlanError),
    /// The content cannot be laid out over several discs.
    #[error("no set of discs can be made of this content")]
    Span(#[source] SpanError),
    /// A set of discs goes to files of its own.
    #[error(
        "the media takes {volumes} discs, which one stream cannot hold; give --path a file, or leave \
         --media-size out"
    )]
    SeveralVolumes {
        /// Volumes of the set.
        volumes: usize,
    },
    /// The FAT32 volume cannot be planned.
    #[error("no FAT32 volume can be made of this content")]
    Volume(#[from] fat32_image::VolumeError),
    /// FAT32 cannot hold files of this length.
    #[error(transparent)]
    LargeFiles(#[from] LargeFiles),
    /// UEFI would start the disc from a FAT volume of our making, which cannot be planned.
    #[error("{reason}, and no FAT volume for UEFI can be made of the boot files; {remedy}")]
    EfiVolume {
        /// Why it would.
        reason: String,
        /// How to have a program of the boot image's started.
        remedy: &'static str,
        /// Why the volume cannot be planned.
        #[source]
        source: fat32_image::VolumeError,
    },
    /// The boot files cannot be a tree of their own; a mistake in this program.
    #[error("the boot files cannot be laid out, please report this")]
    BootTree(#[from] extent_image::TreeError),
    /// The disk around the volume cannot be planned.
    #[error("no disk can be made around the volume")]
    Disk(#[from] disk_image::PlanError),
    /// The label's form for a disc was refused; a mistake in this program.
    #[error("the label cannot be written to a disc")]
    IsoLabel(#[source] iso9660_image::TextError),
    /// The number of a volume was refused; a mistake in this program.
    #[error("the volume cannot be numbered")]
    VolumeSet(#[source] iso9660_image::VolumeSetError),
    /// Our own master boot record was refused; a mistake in this program.
    #[error("the master boot record does not fit")]
    SystemArea(#[source] iso9660_image::SystemAreaError),
    /// The label's form for FAT was refused; a mistake in this program.
    #[error("the label cannot be written to a FAT volume")]
    FatLabel(#[source] fat32_image::LabelError),
    /// Our own boot code was refused; a mistake in this program.
    #[error("the boot code does not fit")]
    BootCode(#[source] fat32_image::BootCodeError),
    /// The output would replace a file that the media is made of.
    #[error(
        "{} is the file {} that the media is made of; choose another output path",
        output.display(),
        input.display()
    )]
    OutputIsInput {
        /// The output, or its checksum file.
        output: PathBuf,
        /// The file that goes onto the media.
        input: PathBuf,
    },
    /// The output lies where content is read from, where nothing is ever written.
    #[error(
        "{} lies in {what} ({}), which is only read; choose another path",
        output.display(),
        folder.display()
    )]
    OutputInContent {
        /// The output.
        output: PathBuf,
        /// The folder, without links.
        folder: PathBuf,
        /// What the folder is.
        what: &'static str,
    },
    /// Packages that no location gives.
    #[error(transparent)]
    Packages(#[from] Preflight),
    /// Content of a distribution point cannot be had, or is damaged.
    #[error(transparent)]
    Content(Box<ContentError>),
    /// A file that the way to distribution points needs cannot be read.
    #[error("cannot read {}, the file of --{option}", path.display())]
    AccessFile {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The folder that keeps what was fetched cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// What went to standard output is not what it should be.
    #[error("the image on standard output is damaged; discard it")]
    PipeContent(#[source] Box<ContentError>),
    /// A copy is damaged, there is another, and what went into a pipe already cannot be taken back.
    #[error(
        "a part of the image went out before its content was found to be damaged; discard it. Give \
         --path a file, for which the run begins again by itself with another copy; or name another \
         --distribution-point first; or fetch the package (capmedia content fetch) and give its folder \
         as --distribution-point"
    )]
    WentOut(#[source] Box<Self>),
    /// Drives cannot be written, or none of them was.
    #[error(transparent)]
    Drives(#[from] DrivesError),
    /// The media was not laid out for the drives; a mistake of the program that asks.
    #[error("the media is not laid out for these drives, please report this")]
    OtherDrives,
    /// Media was not put onto what is formatted already.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The image could not be brought to its place.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The image could not be written to standard output.
    #[error("the image was not written whole to standard output")]
    Pipe(#[source] StreamError),
}

impl From<ContentError> for Error {
    fn from(error: ContentError) -> Self {
        Self::Content(Box::new(error))
    }
}

/// Who has to act, which is also the exit code of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blame {
    /// A mistake in this program.
    Bug,
    /// What was asked for.
    Request,
    /// The boot image or another input.
    Input,
    /// Content of a distribution point.
    Content,
    /// The output.
    Output,
    /// The run was cancelled.
    Cancelled,
}

impl Error {
    /// Who has to act.
    pub fn blame(&self) -> Blame {
        use fat32_image::VolumeError;
        use iso9660_image::PlanError;
        match content_error(self) {
            Some(ContentError::Cancelled) => return Blame::Cancelled,
            Some(_) => return Blame::Content,
            None => {}
        }
        match self {
            Self::Packages(found) if found.is_cancelled() => Blame::Cancelled,
            Self::Packages(_) | Self::Content(_) | Self::PipeContent(_) => Blame::Content,
            Self::AccessFile { .. } => Blame::Input,
            Self::Cache(CacheError::Occupied { .. }) => Blame::Request,
            Self::Cache(_) => Blame::Output,
            Self::WentOut(error) => error.blame(),
            Self::Resolve(ResolveError::AddedFileWithoutName { .. })
            | Self::OutputIsInput { .. }
            | Self::OutputInContent { .. } => Blame::Request,
            Self::Resolve(ResolveError::OwnBcd(_)) => Blame::Bug,
            Self::Resolve(ResolveError::PackageName { .. }) => Blame::Content,
            Self::Resolve(_) => Blame::Input,
            Self::Compose(ComposeError::OwnPath { .. }) => Blame::Bug,
            Self::Compose(_) | Self::MediaType { .. } => Blame::Request,
            Self::LargeFiles(_) => Blame::Input,
            Self::Span(_) | Self::SeveralVolumes { .. } => Blame::Request,
            Self::Disc(PlanError::Capacity { .. }) => Blame::Request,
            Self::Disc(PlanError::Layout(_)) => Blame::Bug,
            Self::Disc(_) => Blame::Input,
            Self::Volume(VolumeError::Tree { .. }) => Blame::Input,
            Self::Volume(VolumeError::Layout(_)) => Blame::Bug,
            Self::Volume(_) => Blame::Request,
            Self::Disk(disk_image::PlanError::Layout(_)) => Blame::Bug,
            Self::Disk(_) => Blame::Request,
            Self::EfiVolume { .. } => Blame::Input,
            Self::IsoLabel(_)
            | Self::FatLabel(_)
            | Self::VolumeSet(_)
            | Self::BootCode(_)
            | Self::BootTree(_)
            | Self::SystemArea(_) => Blame::Bug,
            Self::Publish(PublishError::Stream { source, .. }) | Self::Pipe(source) => {
                blame_of_stream(source)
            }
            Self::Drives(error) => error.blame(),
            Self::OtherDrives => Blame::Bug,
            Self::Refresh(error) => error.blame(),
            Self::Publish(PublishError::SetIntoStream { .. }) => Blame::Request,
            Self::Publish(_) => Blame::Output,
        }
    }
}

pub(crate) fn blame_of_stream(error: &StreamError) -> Blame {
    match error {
        StreamError::Read { .. }
        | StreamError::SourceChanged { .. }
        | StreamError::DigestMismatch(_) => Blame::Input,
        StreamError::Write { .. } | StreamError::Thread(_) => Blame::Output,
        StreamError::Cancelled { .. } => Blame::Cancelled,
        _ => Blame::Bug,
    }
}

/// The causes of an error, each for the one before.
pub(crate) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect()
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
