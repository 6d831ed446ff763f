//! What can be wrong with a boot image.

use std::io;

use wim_image::pe::PeError;
use wim_image::{Architecture, FileError, ImageError, OpenError, ReadError};

use crate::lookup::Missing;
use crate::places::Need;

/// A file cannot be used as a boot image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootImageError {
    /// It is not a WIM, or one of a kind that is not supported.
    #[error("cannot use {name} as a boot image")]
    Open {
        /// The WIM.
        name: String,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The image that boots cannot be read.
    #[error("cannot read image {index} of {name}")]
    Image {
        /// The WIM.
        name: String,
        /// 1-based.
        index: u32,
        /// Why.
        #[source]
        source: ImageError,
    },
    /// Nothing in it is marked bootable.
    #[error(
        "{name} has boot index 0: none of its {images} image(s) is marked bootable, and the boot \
         manager would refuse it; {}", choose_image(*images)
    )]
    NoBootIndex {
        /// The WIM.
        name: String,
        /// Images in it.
        images: u32,
    },
    /// An image was asked for that is not there.
    #[error("{name} has no image {index} to boot: it has {images} image(s), counted from 1")]
    NoSuchImage {
        /// The WIM.
        name: String,
        /// As asked for.
        index: u32,
        /// Images in it.
        images: u32,
    },
    /// A boot file in the image has no usable data.
    #[error("{name}: a boot file cannot be used")]
    File {
        /// The WIM.
        name: String,
        /// Why.
        #[source]
        source: FileError,
    },
    /// A boot file in the image is damaged.
    #[error("{path} cannot be read")]
    Read {
        /// The file in the WIM.
        path: String,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// The folder of boot files, or a file in it, cannot be read.
    #[error("cannot read boot files from {path}")]
    Folder {
        /// The folder or file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The boot manager is not a program.
    #[error("{path} cannot be a boot manager; give a good one with --boot-files")]
    NotAProgram {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: PeError,
    },
    /// The boot image says one architecture and its boot manager is of another.
    #[error(
        "{name} is for {expected} computers but {path} is a boot manager for {pe}; use a boot image and \
         boot files that belong together"
    )]
    Disagree {
        /// The WIM.
        name: String,
        /// The architecture of the boot image.
        expected: Architecture,
        /// The boot manager.
        path: String,
        /// By its PE header.
        pe: Architecture,
    },
    /// No media for this kind of computer.
    #[error("{name} is for {found} computers; capture media can be made for x64, x86 and arm64")]
    Unsupported {
        /// The WIM.
        name: String,
        /// Its architecture.
        found: Architecture,
    },
    /// Neither the XML nor a boot manager tells the architecture.
    #[error(
        "image {index} of {name} does not say which computers it is for: its XML has no ARCH and no \
         boot manager was found (searched {}); {}",
        searched.join(", "),
        other_image(others)
    )]
    NoArchitecture {
        /// The WIM.
        name: String,
        /// The image, from 1.
        index: u32,
        /// Images of the WIM whose XML tells.
        others: Vec<u32>,
        /// Places searched for a boot manager.
        searched: Vec<String>,
    },
    /// Boot files that media cannot do without are nowhere.
    #[error("{}", missing_text(.0))]
    Missing(Vec<Missing>),
}

fn other_image(others: &[u32]) -> String {
    match others {
        [] => "use a boot image, or give its boot manager with --boot-files DIR".to_owned(),
        [.., last] => format!("image {last} does: use that with --boot-index {last}"),
    }
}

fn choose_image(images: u32) -> String {
    let of = "which marks it in the copy on the media and leaves the file as it is";
    match images {
        0 => "it cannot be a boot image".to_owned(),
        1 => format!("give --boot-index 1, {of}"),
        _ => format!("choose one with --boot-index 1 to {images}, {of}"),
    }
}

fn missing_text(missing: &[Missing]) -> String {
    let mut text = String::from("boot files are missing:");
    for file in missing {
        text.push_str(&format!("\n  {} (searched: {})", file.media, file.searched.join(", ")));
    }
    text.push_str(
        "\nTake them from media made elsewhere or from the Windows ADK (the `media` and `fwfiles` \
         folders that copype makes) and name the folder with --boot-files DIR",
    );
    if missing.iter().any(|file| file.need == Need::Replaceable) {
        text.push_str("; without --bcd image, boot configurations are made where none is found");
    }
    text
}
