//! What can go wrong, by operation.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::refusal::Refusal;
use crate::shown::shown;

/// Who may write drives.
pub(crate) const ALLOWED: &str = if cfg!(windows) {
    "start the console with \"Run as administrator\" and run this again there"
} else {
    "run as root, or get the right to the drive (group disk)"
};

/// What ends the hold of other devices on a drive.
pub(crate) const LET_GO: &str = if cfg!(windows) {
    "take another drive, or remove it from its storage pool or delete its dynamic volumes first \
     (Manage Storage Spaces, Disk Management)"
} else {
    "close them first (cryptsetup close, vgchange -an, mdadm --stop, dmsetup remove)"
};

/// Drives could not be listed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListError {
    /// What the kernel says of its drives cannot be read.
    #[error("cannot read {} to list the drives; is it mounted here?", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Windows does not tell what must be known of all drives before one is written.
    #[error("cannot list the drives: Windows does not tell {what}")]
    Ask {
        /// `its volumes`
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// This system's drives are not known to this version.
    #[error(
        "drives cannot be listed on {system} yet; make an image file and write it with another tool"
    )]
    Unsupported {
        /// The operating system.
        system: &'static str,
    },
}

/// A path leads to no drive.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PathError {
    /// Nothing is there.
    #[error("there is no {}; `capmedia drives` lists what is connected", path.display())]
    Missing {
        /// As given.
        path: PathBuf,
    },
    /// A folder.
    #[error("{} is a folder, not a drive", path.display())]
    Folder {
        /// As given.
        path: PathBuf,
    },
    /// A file, perhaps an image to be written.
    #[error("{} is a file, not a drive", path.display())]
    File {
        /// As given.
        path: PathBuf,
    },
    /// A terminal, /dev/null and such.
    #[error("{} is a character device, not a drive", path.display())]
    CharacterDevice {
        /// As given.
        path: PathBuf,
    },
    /// A pipe or socket.
    #[error("{} is a pipe or socket, not a drive", path.display())]
    Pipe {
        /// As given.
        path: PathBuf,
    },
    /// A part of a drive.
    #[error("{} is partition {number} of the drive {}; name the drive", path.display(), drive.display())]
    Partition {
        /// As given.
        path: PathBuf,
        /// Which one.
        number: u32,
        /// The node of the drive.
        drive: PathBuf,
    },
    /// A block device that is no drive of its own.
    #[error("{} is {what}, not a drive", path.display())]
    NotADrive {
        /// As given.
        path: PathBuf,
        /// `an optical drive`.
        what: &'static str,
    },
    /// The path cannot be followed.
    #[error("cannot look at {}", path.display())]
    Read {
        /// As given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What the kernel says of the drive could not be read.
    #[error(transparent)]
    List(#[from] ListError),
}

/// A drive could not be unmounted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UnmountError {
    /// The running system needs it.
    #[error("{drive} holds the running system and is never unmounted; take another drive")]
    System {
        /// Its node.
        drive: String,
    },
    /// It is in use by more than its mounts, or may be ([`Refusal::InUse`], [`Refusal::LostVolumes`]).
    /// Nothing was unmounted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A program has files open there, for one.
    #[error("cannot unmount {}; close what uses it", shown(mount))]
    Failed {
        /// Where it is mounted.
        mount: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is seen there is another file system, which is not of the drive.
    #[error(
        "{} cannot be unmounted: something else is mounted over it; unmount that first",
        shown(mount)
    )]
    Covered {
        /// Where the drive is mounted.
        mount: PathBuf,
    },
    /// Something mounts it again and again.
    #[error("{drive} is mounted at {} again; stop what mounts it", shown(mount))]
    Again {
        /// Its node.
        drive: String,
        /// Where.
        mount: PathBuf,
    },
    /// What is mounted could not be read.
    #[error(transparent)]
    List(#[from] ListError),
}

/// A drive could not be opened for writing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Mounted, held by another device, or opened by another program for itself alone.
    #[error(
        "{drive} is in use: it is mounted (perhaps where this process does not see it), part of another device, or being written"
    )]
    Busy {
        /// Its node.
        drive: String,
    },
    /// Root, or the group that owns drives, may; on Windows administrators.
    #[error("this user may not write {drive}; {}", ALLOWED)]
    NotAllowed {
        /// Its node.
        drive: String,
    },
    /// Its switch, or the drive, forbids writing.
    #[error("{drive} is read-only; look for a write-protect switch, or take another drive")]
    ReadOnly {
        /// Its node.
        drive: String,
    },
    /// It was taken out, or never had a medium.
    #[error("{drive} or its medium was taken out")]
    Gone {
        /// Its node.
        drive: String,
    },
    /// Another drive, or medium, than was listed is there now.
    #[error(
        "{drive} is not what was listed: its {what} was {listed} and is {found}; list the drives again"
    )]
    Changed {
        /// Its node.
        drive: String,
        /// `length`, `serial number`, ..
        what: &'static str,
        /// When listed.
        listed: String,
        /// When opened.
        found: String,
    },
    /// The system said something else.
    #[error("cannot open {drive} for writing")]
    Failed {
        /// Its node.
        drive: String,
        /// What it said.
        source: io::Error,
    },
    /// This system's drives are not known to this version.
    #[error(
        "drives cannot be written on {system} yet; make an image file and write it with another tool"
    )]
    Unsupported {
        /// The operating system.
        system: &'static str,
    },
}
