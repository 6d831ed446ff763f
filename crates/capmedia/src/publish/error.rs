//! Why an image did not come under its name.

use std::io;
use std::path::PathBuf;

use dp_content::ContentError;
use extent_image::StreamError;

/// An image could not be brought under its name. Nothing that existed before was lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The folder of the target is not there.
    #[error("the folder {folder} for {path} does not exist; create it first", folder = folder.display(), path = path.display())]
    NoFolder {
        /// The target.
        path: PathBuf,
        /// The missing folder.
        folder: PathBuf,
    },
    /// There is already a file and it was not said that it may be replaced.
    #[error("{} exists already; choose another path, or replace it with --force", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The target is something that an image file cannot replace.
    #[error("{} is {what}; give the path of an image file", path.display())]
    NotAFile {
        /// The target.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The name is not that of a file, on this system.
    #[error("{} is {what}; give another path", path.display())]
    Name {
        /// The target.
        path: PathBuf,
        /// What the system takes it for.
        what: &'static str,
    },
    /// Windows lets nothing replace a file with this attribute.
    #[error("{} is read-only; clear the attribute, or choose another path", path.display())]
    ReadOnly {
        /// The target.
        path: PathBuf,
    },
    /// Another program has the old file open, and Windows does not let it be replaced meanwhile.
    #[error(
        "{} cannot be replaced while another program has it open; close it there (an image that is \
         mounted: eject it), or choose another path",
        path.display()
    )]
    InUse {
        /// The target.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another run is writing to the same target.
    #[error("another run is writing {}; wait for it, or choose another path", path.display())]
    Busy {
        /// The target.
        path: PathBuf,
    },
    /// The file system of the target is too small.
    #[error(
        "{} needs {needed} bytes and its file system has {free} free; make room, or choose a path \
         on another file system",
        path.display()
    )]
    NoSpace {
        /// The target.
        path: PathBuf,
        /// Bytes to be stored.
        needed: u64,
        /// Bytes there are.
        free: u64,
    },
    /// The operating system refused a step.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// The step: "create", "rename", "flush".
        step: &'static str,
        /// The file or folder it was refused for.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The image could not be written to the end.
    #[error("{} was not made", path.display())]
    Stream {
        /// The target.
        path: PathBuf,
        /// Why.
        #[source]
        source: StreamError,
    },
    /// What went into the image from a distribution point is damaged, which was seen only when all had
    /// passed.
    #[error("{} {}", path.display(), not_made(*.is_stream))]
    Content {
        /// The target.
        path: PathBuf,
        /// Whether it has the bytes already, which a pipe does not give back.
        is_stream: bool,
        /// What is damaged.
        #[source]
        source: Box<ContentError>,
    },
    /// Some volumes of the set are in place and replaced others; the rest could not follow.
    #[error(
        "only a part of the new set is in place ({}), the other files are of the old one; make the \
         set again",
        listed(.in_place)
    )]
    Divided {
        /// The files of the new set.
        in_place: Vec<PathBuf>,
        /// Why the next could not follow.
        #[source]
        source: Box<Self>,
    },
    /// A set needs a file for each of its volumes.
    #[error(
        "{} is a pipe or device, which cannot hold the {volumes} discs of a set; give the path of a \
         file",
        path.display()
    )]
    SetIntoStream {
        /// The target.
        path: PathBuf,
        /// Volumes of the set.
        volumes: usize,
    },
    /// The image is in place and whole; the checksum file beside it is not.
    #[error("{} was made, but its checksum file was not", path.display())]
    Checksum {
        /// The image.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<Self>,
    },
}

fn not_made(is_stream: bool) -> &'static str {
    match is_stream {
        true => "has got an image that is not whole; discard it, and give --path a file",
        false => "was not made",
    }
}

pub(crate) fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
