//! What a refresh did.

use serde::Serialize;

use crate::report::{Summary, Warning};

/// What is sure if the stick is pulled, or the power fails, in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Guarantee {
    /// The stick holds the old media whole, or the new.
    Media,
    /// Each file is whole, old or new; some may be old and others new.
    File,
}

/// Media that was brought up to date where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Refreshed {
    /// What was planned.
    #[serde(flatten)]
    pub summary: Summary,
    /// The folder, image file or drive.
    pub path: String,
    /// Number of the partition, where there is a table; `None` too for a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// What would have been sure, had it been cut short.
    pub guarantee: Guarantee,
    /// Files that were new or differed, and were written.
    pub files_written: u64,
    /// Files of the media that were there already, equal to the last byte.
    pub files_unchanged: u64,
    /// Bytes of the files that were written.
    pub bytes_written: u64,
    /// Bytes of the files that needed no writing.
    pub bytes_saved: u64,
    /// Files of the old media that the new has not, by path; they are gone.
    pub removed: Vec<String>,
    /// Files that are not of the media, by path; they are as they were.
    pub foreign: Vec<String>,
    /// Whether what was written was read back and compared.
    pub verified: bool,
}

/// What a refresh would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct RefreshPlan {
    /// What was planned.
    #[serde(flatten)]
    pub summary: Summary,
    /// The folder, image file or drive.
    pub path: String,
    /// Number of the partition, where there is a table; `None` too for a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// What is sure if it is cut short.
    pub guarantee: Guarantee,
    /// Files that are new or differ, and will be written.
    pub files_to_write: u64,
    /// Files of the media that are there already, equal to the last byte.
    pub files_unchanged: u64,
    /// Bytes of the files that will be written.
    pub bytes_to_write: u64,
    /// Bytes of the files that need no writing.
    pub bytes_saved: u64,
    /// Files of the old media that the new has not, by path; they will go.
    pub to_remove: Vec<String>,
    /// Files that are not of the media, by path; they will stay.
    pub foreign: Vec<String>,
}

/// What was done, before it is known what else is to be said.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) path: String,
    pub(super) partition: Option<u32>,
    pub(super) guarantee: Guarantee,
    pub(super) files_written: u64,
    pub(super) files_unchanged: u64,
    pub(super) bytes_written: u64,
    pub(super) bytes_saved: u64,
    pub(super) removed: Vec<String>,
    pub(super) foreign: Vec<String>,
    pub(super) verified: bool,
    pub(super) warnings: Vec<Warning>,
}

impl Changes {
    pub(super) fn new(path: String, guarantee: Guarantee) -> Self {
        Self {
            path,
            partition: None,
            guarantee,
            files_written: 0,
            files_unchanged: 0,
            bytes_written: 0,
            bytes_saved: 0,
            removed: Vec::new(),
            foreign: Vec::new(),
            verified: false,
            warnings: Vec::new(),
        }
    }

    pub(super) fn written(&mut self, bytes: u64) {
        self.files_written = self.files_written.saturating_add(1);
        self.bytes_written = self.bytes_written.saturating_add(bytes);
    }

    /// Files of the old media that the new has not, and somebody changed: they are no longer ours.
    pub(super) fn keep(&mut self, edited: Vec<String>) {
        for path in edited {
            self.warnings.push(Warning::new(format!(
                "{}: {path} is not of the new media, and stays as it was changed since it was put \
                 there; remove it if you do not need it",
                self.path
            )));
            self.foreign.push(path);
        }
        self.foreign.sort_unstable();
    }

    pub(super) fn unchanged(&mut self, bytes: u64) {
        self.files_unchanged = self.files_unchanged.saturating_add(1);
        self.bytes_saved = self.bytes_saved.saturating_add(bytes);
    }

    pub(super) fn into_plan(self, mut summary: Summary) -> RefreshPlan {
        summary.warnings.extend(self.warnings);
        RefreshPlan {
            summary,
            path: self.path,
            partition: self.partition,
            guarantee: self.guarantee,
            files_to_write: self.files_written,
            files_unchanged: self.files_unchanged,
            bytes_to_write: self.bytes_written,
            bytes_saved: self.bytes_saved,
            to_remove: self.removed,
            foreign: self.foreign,
        }
    }

    pub(super) fn into_report(self, mut summary: Summary) -> Refreshed {
        summary.warnings.extend(self.warnings);
        Refreshed {
            summary,
            path: self.path,
            partition: self.partition,
            guarantee: self.guarantee,
            files_written: self.files_written,
            files_unchanged: self.files_unchanged,
            bytes_written: self.bytes_written,
            bytes_saved: self.bytes_saved,
            removed: self.removed,
            foreign: self.foreign,
            verified: self.verified,
        }
    }
}
