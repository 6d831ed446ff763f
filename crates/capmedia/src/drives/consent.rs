//! What the operator allows, and to which drives.

use std::path::PathBuf;

use media_device::{Drive, Identity, Permissions};

/// What may be done, and which drives may be wiped. It comes from a person at the keyboard or from
/// the command line of a script, and never from a request file.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Consent {
    allow_fixed: bool,
    unmount: bool,
    wiped: Vec<(PathBuf, Identity, Option<u64>)>,
}

impl Consent {
    /// Nothing is allowed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether drives may be written that do not say that they are removable.
    pub fn with_allow_fixed(self, allow_fixed: bool) -> Self {
        Self { allow_fixed, ..self }
    }

    /// Whether drives that are mounted are unmounted.
    pub fn with_unmount(self, unmount: bool) -> Self {
        Self { unmount, ..self }
    }

    /// Lets all that is on this drive be lost. It holds for this very drive: another one at the same
    /// path is refused.
    pub fn with_drive(mut self, drive: &Drive) -> Self {
        self.wiped.push(key(drive));
        self
    }

    /// Whether mounted drives are unmounted.
    pub(crate) fn unmounts(&self) -> bool {
        self.unmount
    }

    pub(crate) fn permissions(&self) -> Permissions {
        let Self { allow_fixed, unmount, .. } = *self;
        Permissions { allow_fixed, unmount, ..Permissions::default() }
    }

    pub(crate) fn allows(&self, drive: &Drive) -> bool {
        self.wiped.contains(&key(drive))
    }
}

/// Several drives may claim the same serial number, but not at the same place; and the number of the
/// connection tells, where there is one, whether a drive was changed for another.
fn key(drive: &Drive) -> (PathBuf, Identity, Option<u64>) {
    (drive.path.clone(), drive.identity(), drive.disk_sequence)
}
