//! Reads several images back, each alone and all as one set.

use std::path::PathBuf;

use extent_image::{Phase, Progress, Stage};
use serde::Serialize;

use crate::error::chain;
use crate::medium::members::{Member, set_faults};
use crate::verify::{Verification, VerifyError, verify_path};

/// What reading several files back has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SetVerification {
    /// Each file alone, in the order given; one that is no media has that as its fault.
    pub files: Vec<VerifiedFile>,
    /// Files that nothing can be said of, in the order given: they are not there, or their drive
    /// fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadFile>,
    /// True when at least one of them is a disc of a set, so that they were held against each other.
    pub is_set: bool,
    /// What is wrong with the set; what is wrong with one file is told there.
    pub faults: Vec<String>,
}

/// One of several files read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifiedFile {
    /// Its path as it was given.
    pub path: String,
    /// What reading it back has shown.
    #[serde(flatten)]
    pub found: Verification,
}

/// One of several files that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnreadFile {
    /// Its path as it was given.
    pub path: String,
    /// Why.
    pub error: String,
}

impl SetVerification {
    /// True when every file was read, and nothing is wrong with the set nor with any of them.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
            && self.unread.is_empty()
            && self.files.iter().all(|file| file.found.is_clean())
    }
}

/// Reads several files back, each alone, and then as a set if one of them is a disc of one: none may
/// be missing, twice there, or of another set. A file that cannot be read does not keep the others
/// from it.
///
/// # Errors
/// [`VerifyError::Cancelled`] alone.
pub fn verify_set(
    paths: &[PathBuf],
    progress: &mut dyn Progress,
) -> Result<SetVerification, VerifyError> {
    let (mut files, mut descriptions, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for (at, path) in paths.iter().enumerate() {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let (at, of) = (number(at.saturating_add(1)), number(paths.len()));
        progress.begin(Stage::new(Phase::Verify).with_volume(at, of));
        let name = path.display().to_string();
        let (found, description) = match verify_path(path, progress) {
            Ok(found) => found,
            Err(error @ VerifyError::Cancelled { .. }) => return Err(error),
            Err(error) if error.is_unread() => {
                unread.push(UnreadFile { path: name, error: chain(&error) });
                continue;
            }
            Err(error) => (Verification::of_no_media(chain(&error)), None),
        };
        files.push(VerifiedFile { path: name, found });
        descriptions.push(description);
    }
    let is_set = files.iter().any(|file| file.found.volume.is_some());
    let mut faults = Vec::new();
    if is_set {
        let names = files.iter().map(|file| file.path.clone());
        let members: Vec<Member<'_>> = names
            .zip(&descriptions)
            .map(|(name, description)| Member { name, description: description.as_ref() })
            .collect();
        faults = set_faults(&members);
    }
    Ok(SetVerification { files, unread, is_set, faults })
}
