//! Media onto what is formatted already: plan, compare, write, read back, report.

use dp_content::Content;
use extent_image::Progress;
use extent_image::host::file_id;
use fat32_image::Label;
use media_model::{CheckedRequest, FatLabel};

use super::error::RefreshError;
use super::folder::{FolderOptions, FolderRefresh};
use super::report::{RefreshPlan, Refreshed};
use super::target::{FolderThere, Place, RefreshTarget};
use crate::content::access::ContentAccess;
use crate::content::guard::ContentFolders;
use crate::content::packages::with_other_copies;
use crate::error::Error;
use crate::plan::stick::{DiskShape, FoundStart};
use crate::plan::{Again, MediaPlan};
use crate::report::{Summary, Warning};

impl MediaPlan {
    /// Lays out what the media will hold on `target`, which is not formatted. Nothing is written.
    /// `content` is asked for what the request takes from distribution points; without it they are
    /// asked without an account, as [`new`](Self::new) does.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`with_content`](Self::with_content).
    pub fn for_refresh(
        request: &CheckedRequest,
        content: Option<&Content>,
        target: &RefreshTarget,
    ) -> Result<Self, Error> {
        if let Some(content) = request.content() {
            ContentFolders::of(content).refuse(target.path())?;
        }
        let shape = DiskShape::of_found(request, target.start());
        let plan = match (request.content(), content) {
            (None, _) => Self::of_files(request, shape),
            (Some(_), Some(content)) => Self::of_content(request, content, shape),
            (Some(asked), None) => {
                Self::of_content(request, &ContentAccess::new().open(asked)?, shape)
            }
        };
        plan?.with_lost(request, target)
    }

    /// With warnings of what the media there has and this one has not.
    fn with_lost(
        mut self,
        request: &CheckedRequest,
        target: &RefreshTarget,
    ) -> Result<Self, Error> {
        let (tree, _) = self.stick().ok_or(Error::OtherDrives)?;
        let lost = target.lost(request, tree);
        self.tell(lost);
        Ok(self)
    }

    /// What [`refresh`](Self::refresh) would do. Nothing is written.
    ///
    /// # Errors
    /// [`Error::Refresh`]: what keeps the media from being put there.
    pub fn plan_refresh(
        &self,
        request: &CheckedRequest,
        target: &RefreshTarget,
        progress: &mut dyn Progress,
    ) -> Result<RefreshPlan, Error> {
        let (tree, _) = self.stick().ok_or(Error::OtherDrives)?;
        let changes = match &target.place {
            Place::Folder(there) => {
                let prepared = self.prepare_folder(request, there, progress)?;
                let mut changes = prepared.changes(target.path().display().to_string());
                changes.warnings.extend(folder_warnings(request, target, there));
                changes
            }
            Place::Volume { storage, there } => {
                let (label, force) = (self.refreshed_label(request, target)?, request.force());
                let media = (tree, self.added());
                there.prepare(&**storage, media, label, force, progress)?.changes
            }
        };
        Ok(changes.into_plan(self.summary_of(target)))
    }

    /// Puts the media onto `target`: what differs is written and read back, what is equal stays, and
    /// so does all that is not of the media. Of a volume in an image file or on a drive, the old media
    /// is whole until the new is; in a folder, each file is.
    ///
    /// # Errors
    /// [`Error::Refresh`]; what is there then, it tells.
    pub fn refresh(
        &self,
        request: &CheckedRequest,
        target: &RefreshTarget,
        progress: &mut dyn Progress,
    ) -> Result<Refreshed, Error> {
        let Some(Again { content, .. }) = self.again() else {
            return self.refresh_once(request, target, progress);
        };
        with_other_copies(content, || match self.renewed()? {
            Some(plan) => plan.with_lost(request, target)?.refresh_once(request, target, progress),
            None => self.refresh_once(request, target, progress),
        })
    }

    fn refresh_once(
        &self,
        request: &CheckedRequest,
        target: &RefreshTarget,
        progress: &mut dyn Progress,
    ) -> Result<Refreshed, Error> {
        let (tree, _) = self.stick().ok_or(Error::OtherDrives)?;
        let settle = || match self.again() {
            Some(Again { content, .. }) => {
                content.settle().map_err(|error| RefreshError::Settle(Box::new(error)))
            }
            None => Ok(()),
        };
        let changes = match &target.place {
            Place::Folder(there) => {
                let prepared = self.prepare_folder(request, there, progress)?;
                settle()?;
                let path = target.path().display().to_string();
                let mut changes = prepared.apply(&there.survey, path, progress)?;
                changes.warnings.extend(folder_warnings(request, target, there));
                changes
            }
            Place::Volume { storage, there } => {
                let (label, force) = (self.refreshed_label(request, target)?, request.force());
                let media = (tree, self.added());
                let prepared = there.prepare(&**storage, media, label, force, progress)?;
                settle()?;
                there.apply(&**storage, tree, prepared, request.no_verify(), progress)?
            }
        };
        Ok(changes.into_report(self.summary_of(target)))
    }

    /// The label of the volume, if the request may go to it.
    fn refreshed_label(
        &self,
        request: &CheckedRequest,
        target: &RefreshTarget,
    ) -> Result<Label, Error> {
        self.refuse_input(target)?;
        let label = FatLabel::from_media_label(request.label());
        Label::new(label.as_str()).map_err(Error::FatLabel)
    }

    /// What the media is, there.
    fn summary_of(&self, target: &RefreshTarget) -> Summary {
        let mut summary = self.summary_now();
        let bios = target.start() == FoundStart::Others
            && summary.architecture != "arm64"
            && !matches!(target.place, Place::Folder(_));
        if let Some(volume) = summary.volumes.first_mut() {
            volume.bytes = target.len().unwrap_or(volume.bytes);
            if bios {
                volume.boots.insert(0, "BIOS".to_owned());
            }
        }
        summary
    }

    fn prepare_folder(
        &self,
        request: &CheckedRequest,
        there: &FolderThere,
        progress: &mut dyn Progress,
    ) -> Result<FolderRefresh, Error> {
        let (tree, _) = self.stick().ok_or(Error::OtherDrives)?;
        let FolderThere { survey, system, old, .. } = there;
        let options = FolderOptions { force: request.force(), no_verify: request.no_verify() };
        let prepared = FolderRefresh::new(survey, old.as_ref(), tree, *system, options, progress)?;
        if let Some(content) = request.content() {
            let folders = ContentFolders::of(content);
            prepared.changed().try_for_each(|path| folders.refuse(path))?;
        }
        let changed = prepared.changed_ids();
        for input in self.inputs() {
            let Ok(id) = file_id(input) else { continue };
            if let Some((output, _)) = changed.iter().find(|(_, changed)| *changed == id) {
                let (output, input) = (output.clone(), input.to_path_buf());
                return Err(Error::OutputIsInput { output, input });
            }
        }
        Ok(prepared)
    }

    /// An image cannot be changed while it is read from.
    fn refuse_input(&self, target: &RefreshTarget) -> Result<(), Error> {
        let Ok(id) = file_id(target.path()) else { return Ok(()) };
        match self.inputs().find(|input| file_id(input).is_ok_and(|input| input == id)) {
            None => Ok(()),
            Some(input) => {
                let (output, input) = (target.path().to_path_buf(), input.to_path_buf());
                Err(Error::OutputIsInput { output, input })
            }
        }
    }
}

/// What can be seen of the drive only, and not through a folder.
fn folder_warnings(
    request: &CheckedRequest,
    target: &RefreshTarget,
    there: &FolderThere,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if there.system.is_none() {
        warnings.push(Warning::new(format!(
            "this system does not tell what file system {} has; computers start from the root of a \
             FAT32 volume alone",
            target.path().display()
        )));
    }
    if target.start() == FoundStart::Others {
        warnings.push(Warning::new(
            "whether a BIOS starts the stick cannot be seen through a folder; give the path of \
             the drive instead to know",
        ));
    }
    if there.old.as_ref().is_some_and(|old| old.description.label != request.label().as_str()) {
        warnings.push(Warning::new(
            "the label of a volume that is mounted stays as it is, and MediaLabel.txt has the \
             new one; give the path of the drive instead to change both",
        ));
    }
    warnings
}
