//! Why a drive is not to be written.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use crate::drive::{Backing, Bus, Drive, Mount, SystemUse};
use crate::error::{ALLOWED, LET_GO};
use crate::shown::shown;

/// What the user allowed, and how much room is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Drives that are not removable (`--allow-fixed`).
    pub allow_fixed: bool,
    /// Mounted drives, which the caller then [unmounts](crate::System::unmount) (`--unmount`).
    pub unmount: bool,
    /// Bytes that will be written, at least.
    pub needed_len: u64,
}

/// A reason not to write a drive.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The running system needs it. Nothing permits this.
    #[error("{drive} holds the running system: {}{}", list(uses), swap_hint(uses))]
    System {
        /// Its node.
        drive: String,
        /// What is on it.
        uses: Vec<SystemUse>,
    },
    /// A card reader without a card, for one.
    #[error("{drive} has no medium in it; put one in")]
    NoMedium {
        /// Its node.
        drive: String,
    },
    /// Its switch, or the drive, forbids writing.
    #[error("{drive} is read-only; look for a write-protect switch, or take another drive")]
    ReadOnly {
        /// Its node.
        drive: String,
    },
    /// Root, or the group that owns drives, may; on Windows administrators.
    #[error("this user may not write {drive}; {}", ALLOWED)]
    NotAllowed {
        /// Its node.
        drive: String,
    },
    /// A hard disk, perhaps.
    #[error(
        "{drive} ({bus}) does not say that it is removable; if it is the right one, allow it with --allow-fixed"
    )]
    Fixed {
        /// Its node.
        drive: String,
        /// How it is connected.
        bus: Bus,
    },
    /// Someone looks at its files, or changes them.
    #[error(
        "{drive} is mounted at {}; unmount it, or have it unmounted with --unmount",
        places(mounts)
    )]
    Mounted {
        /// Its node.
        drive: String,
        /// Where, and what.
        mounts: Vec<Mount>,
    },
    /// Other devices are made of it. Nothing permits this.
    #[error(
        "{drive} is in use by {}; {}",
        holders.join(", "),
        LET_GO
    )]
    InUse {
        /// Its node.
        drive: String,
        /// `dm-0 (vg0-root)`, `Storage Spaces`.
        holders: Vec<String>,
    },
    /// Windows does not tell the drive of a volume, which may be this one: not every partition here has
    /// a known volume, or it is one that the system needs. Nothing permits this.
    #[error(
        "{drive} may hold {}: Windows does not tell the drive; disconnect what else may hold that, or restart Windows, and list the drives again",
        volumes.join(", ")
    )]
    LostVolumes {
        /// Its node.
        drive: String,
        /// The volumes, each with what Windows says instead: `E:\ (The device is not ready.)`.
        volumes: Vec<String>,
    },
    /// A loop device over a drive or partition: what is true of that is not seen through it.
    #[error("{drive} is a loop device over {}; name that drive itself", shown(over))]
    Loop {
        /// Its node.
        drive: String,
        /// What is behind it.
        over: PathBuf,
    },
    /// The media do not fit.
    #[error("{drive} has {found} bytes, and {needed} are needed; take a larger one")]
    TooSmall {
        /// Its node.
        drive: String,
        /// Bytes.
        needed: u64,
        /// Bytes.
        found: u64,
    },
}

impl Refusal {
    /// A word for programs: `system`, `no-medium`, `read-only`, `not-allowed`, `fixed`, `mounted`,
    /// `in-use`, `unknown-volumes`, `loop`, `too-small`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::System { .. } => "system",
            Self::NoMedium { .. } => "no-medium",
            Self::ReadOnly { .. } => "read-only",
            Self::NotAllowed { .. } => "not-allowed",
            Self::Fixed { .. } => "fixed",
            Self::Mounted { .. } => "mounted",
            Self::InUse { .. } => "in-use",
            Self::LostVolumes { .. } => "unknown-volumes",
            Self::Loop { .. } => "loop",
            Self::TooSmall { .. } => "too-small",
        }
    }
}

impl Drive {
    /// All that stands against writing this drive; empty when nothing does.
    ///
    /// It tells what was so when the drive was listed; [`OpenDrive::open`](crate::OpenDrive::open)
    /// has the kernel refuse what was mounted since.
    pub fn refusals(&self, permissions: &Permissions) -> Vec<Refusal> {
        let drive = || self.path.display().to_string();
        let mut refusals = Vec::new();
        if self.is_system() {
            refusals.push(Refusal::System { drive: drive(), uses: self.system.clone() });
        }
        if self.len == 0 {
            refusals.push(Refusal::NoMedium { drive: drive() });
        }
        if self.read_only {
            refusals.push(Refusal::ReadOnly { drive: drive() });
        }
        // Nobody is to become root for a system drive.
        if self.denied && !self.is_system() {
            refusals.push(Refusal::NotAllowed { drive: drive() });
        }
        if !self.removable && !permissions.allow_fixed {
            refusals.push(Refusal::Fixed { drive: drive(), bus: self.bus });
        }
        let mounts: Vec<Mount> = self.all_mounts().cloned().collect();
        // Of a system drive nothing is unmounted.
        if !mounts.is_empty() && !permissions.unmount && !self.is_system() {
            refusals.push(Refusal::Mounted { drive: drive(), mounts });
        }
        let holders: Vec<String> = self.all_holders().map(ToString::to_string).collect();
        if !holders.is_empty() && !self.is_system() {
            refusals.push(Refusal::InUse { drive: drive(), holders });
        }
        if !self.lost_volumes.is_empty() && self.len != 0 && !self.is_system() {
            let volumes = self.lost_volumes.clone();
            refusals.push(Refusal::LostVolumes { drive: drive(), volumes });
        }
        if let Some(Backing::Device(over)) = &self.backing {
            refusals.push(Refusal::Loop { drive: drive(), over: over.clone() });
        }
        if self.len != 0 && self.len < permissions.needed_len {
            let (needed, found) = (permissions.needed_len, self.len);
            refusals.push(Refusal::TooSmall { drive: drive(), needed, found });
        }
        refusals
    }
}

fn list(items: &[impl fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn places(mounts: &[Mount]) -> String {
    list(&mounts.iter().map(Mount::place).collect::<Vec<_>>())
}

/// Swap space alone can be given up.
fn swap_hint(uses: &[SystemUse]) -> &'static str {
    if uses.iter().all(|used| used.path.is_none()) {
        "; give it up with swapoff, or take another drive"
    } else {
        "; take another drive"
    }
}

// Drives are known on Linux only.
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;

    use super::*;
    use crate::System;

    /// Root may write everything, so that the kernel cannot be had to say it.
    #[test]
    fn who_may_not_write_a_drive_is_told_so_before_it_is_opened() {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("sys/block/sdb/dev", "8:16"),
            ("sys/block/sdb/size", "2048"),
            ("sys/block/sdb/removable", "1"),
            ("proc/self/mountinfo", ""),
            ("proc/swaps", ""),
            ("dev/sdb", ""),
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut drive = System::at(root.path()).drives().unwrap().remove(0);
        assert_eq!(drive.refusals(&Permissions::default()), []);
        drive.denied = true;
        let refusals = drive.refusals(&Permissions::default());
        assert_eq!(refusals.iter().map(Refusal::code).collect::<Vec<_>>(), ["not-allowed"]);
        let path = Some(PathBuf::from("/"));
        drive.system = vec![SystemUse { path, on: drive.name.clone(), through: None }];
        let refusals = drive.refusals(&Permissions::default());
        assert_eq!(refusals.iter().map(Refusal::code).collect::<Vec<_>>(), ["system"]);
    }
}
