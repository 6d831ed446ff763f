//! The whole way: request, plan, stream, report.

use std::io::{self, Write};

use dp_content::Content;
use extent_image::host::file_id;
use extent_image::{Plan, Progress, Report, StreamOptions};
use media_device::System;
use media_model::CheckedRequest;

use crate::content::cache_room::Reserving;
use crate::content::guard::ContentFolders;
use crate::content::packages::{events, other_copy, with_other_copies};
use crate::drives::{DriveTargets, DrivesError};
use crate::error::Error;
use crate::plan::{Again, MediaPlan};
use crate::publish::{Published, Target};
use crate::refresh::RefreshError;
use crate::report::{Made, MadeImage, Summary, Warning};
use crate::track::Following;

/// Makes the image that a request asks for, at its path or on standard output. Drives are written by
/// [`MediaPlan::write_drives`], which takes consent; what stays formatted, by
/// [`MediaPlan::refresh`].
///
/// # Errors
/// [`Error`]; an image that was at the path before is still there.
pub fn create(request: &CheckedRequest, progress: &mut dyn Progress) -> Result<Made, Error> {
    if request.no_format() {
        return Err(RefreshError::NoImage.into());
    }
    if let Some(drives) = DriveTargets::of(request, &System::new())? {
        let path = drives.drives().first().map(|drive| drive.path.clone()).unwrap_or_default();
        return Err(DrivesError::NoConsent { path }.into());
    }
    match Target::of(request) {
        Some(target) => {
            // Before the boot image is opened: a wrong path is the quickest thing to say.
            refuse_content_folders(request, &target, 1)?;
            target.check()?;
            MediaPlan::new(request)?.publish(&target, progress)
        }
        None => MediaPlan::new(request)?.write_to(io::stdout().lock(), progress),
    }
}

impl MediaPlan {
    /// Writes the media and puts it in place when it is whole. Where content turns out to be damaged
    /// and has another copy, media is planned and written again with that one.
    ///
    /// # Errors
    /// [`Error`]; what was at the target before is still there.
    pub fn publish(&self, target: &Target, progress: &mut dyn Progress) -> Result<Made, Error> {
        let Some(Again { content, .. }) = self.again() else {
            return self.publish_once(target, progress);
        };
        let publish = || match self.renewed()? {
            Some(plan) => plan.publish_once(target, progress),
            None => self.publish_once(target, progress),
        };
        if target.is_stream() {
            return went_out(content, { publish }());
        }
        with_other_copies(content, publish)
    }

    /// Looks whether [`publish`](Self::publish) could begin, without touching anything: for a set, at
    /// the names that all of its discs get; and whether there is room now.
    ///
    /// # Errors
    /// [`Error::Publish`]; [`Error::OutputIsInput`], [`Error::OutputInContent`].
    pub fn check_target(&self, target: &Target) -> Result<(), Error> {
        self.refuse_places(target)?;
        let plans: Vec<&Plan> = self.volumes().collect();
        Ok(target.check_volumes(&plans)?)
    }

    /// Refuses a target where content comes from, or that is what the media is made of.
    fn refuse_places(&self, target: &Target) -> Result<(), Error> {
        if let Some(Again { request, .. }) = self.again() {
            refuse_content_folders(request, target, self.volumes().count())?;
        }
        self.refuse_inputs(target)
    }

    fn publish_once(&self, target: &Target, progress: &mut dyn Progress) -> Result<Made, Error> {
        self.refuse_places(target)?;
        let plans: Vec<&Plan> = self.volumes().collect();
        let options = StreamOptions::default();
        let mut settle = || match self.again() {
            Some(Again { content, .. }) => content.settle().map_err(Box::new),
            None => Ok(()),
        };
        let len = plans.iter().map(|plan| plan.len()).fold(0, u64::saturating_add);
        let content = self.again().map(|again| &again.content);
        let mut reserving = Reserving::new(content, target.path(), len, progress);
        let mut following = Following::new(self, target.leaves_holes(), &mut reserving);
        let published =
            target.publish_set_settled(&plans, &options, &mut following, &mut settle)?;
        drop(reserving);
        let mut warnings = Vec::new();
        let mut images = Vec::new();
        for Published { path, report, warnings: more, .. } in published {
            images.push(made_image(path.display().to_string(), &report));
            warnings.extend(more);
        }
        Ok(self.made(target.path().display().to_string(), images, warnings))
    }

    /// Streams the media to any writer; the path in the report is `-`.
    ///
    /// # Errors
    /// [`Error::SeveralVolumes`] before the first byte, [`Error::Pipe`]; [`Error::WentOut`] where
    /// another copy of content could help, which only a file can have.
    pub fn write_to(&self, sink: impl Write, progress: &mut dyn Progress) -> Result<Made, Error> {
        match self.renewed()? {
            Some(plan) => plan.write_once(sink, progress),
            None => self.write_once(sink, progress),
        }
    }

    fn write_once(&self, sink: impl Write, progress: &mut dyn Progress) -> Result<Made, Error> {
        let volumes = self.volumes().count();
        if volumes > 1 {
            return Err(Error::SeveralVolumes { volumes });
        }
        let write = || {
            let mut progress = Following::new(self, false, progress);
            let report = self.plan().write_to(sink, &StreamOptions::default(), &mut progress);
            let image = made_image("-".to_owned(), &report.map_err(Error::Pipe)?);
            if let Some(Again { content, .. }) = self.again() {
                content.settle().map_err(|error| Error::PipeContent(Box::new(error)))?;
            }
            Ok(self.made("-".to_owned(), vec![image], Vec::new()))
        };
        match self.again() {
            Some(Again { content, .. }) => went_out(content, write()),
            None => write(),
        }
    }

    /// What was planned, and what happened to content since.
    pub(crate) fn summary_now(&self) -> Summary {
        let mut summary = self.summary().clone();
        if let (Some(Again { content, .. }), Some(summed)) = (self.again(), &mut summary.content) {
            let known = summed.events.len();
            for package in &mut summed.packages {
                package.came_from = content.came_from(&package.content_id);
            }
            summed.events = events(content);
            let new = summed.events.get(known..).unwrap_or_default();
            summary.warnings.extend(crate::content::packages::warnings(new));
        }
        summary
    }

    fn made(&self, path: String, images: Vec<MadeImage>, warnings: Vec<Warning>) -> Made {
        let mut summary = self.summary_now();
        summary.warnings.extend(warnings);
        let sha256 = match &*images {
            [image] => image.sha256.clone(),
            _ => None,
        };
        let written_bytes = images.iter().map(|image| image.written_bytes).sum();
        Made { summary, path, written_bytes, sha256, images }
    }

    /// An image that replaced one of its own sources would be whole, and the source lost. Links
    /// hide it from a look at the paths.
    fn refuse_inputs(&self, target: &Target) -> Result<(), Error> {
        let replaced = target.replaced_files(self.volumes().count());
        if replaced.is_empty() {
            return Ok(());
        }
        for input in self.inputs() {
            // An input that is gone will be missed when its turn comes.
            let Ok(id) = file_id(input) else { continue };
            if let Some((output, _)) = replaced.iter().find(|(_, replaced)| *replaced == id) {
                let (output, input) = (output.clone(), input.to_path_buf());
                return Err(Error::OutputIsInput { output, input });
            }
        }
        Ok(())
    }
}

/// Refuses to publish so many volumes into a folder that content is read from.
pub(crate) fn refuse_content_folders(
    request: &CheckedRequest,
    target: &Target,
    volumes: usize,
) -> Result<(), Error> {
    let Some(content) = request.content() else { return Ok(()) };
    let folders = ContentFolders::of(content);
    target.paths(volumes).iter().try_for_each(|path| folders.refuse(path))
}

/// What went into a pipe stays there; whoever reads it must know.
fn went_out(content: &Content, made: Result<Made, Error>) -> Result<Made, Error> {
    made.map_err(|error| match other_copy(content, error) {
        Ok(error) => Error::WentOut(Box::new(error)),
        Err(error) => error,
    })
}

fn made_image(path: String, report: &Report) -> MadeImage {
    let sha256 = report.image_digest.map(|digest| digest.to_string());
    MadeImage { path, written_bytes: report.written, sha256 }
}
