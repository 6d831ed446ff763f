//! What the answers come to: planned to the last byte, with nothing touched.

use std::ops::ControlFlow;
use std::path::PathBuf;

use capmedia::dp_content::Content;
use capmedia::media_device::System;
use capmedia::{
    Consent, ContentAccess, DriveTargets, Error, MediaPlan, PublishError, RefreshPlan,
    RefreshTarget, Target, refuse_in_library,
};
use media_model::CheckedRequest;

use crate::create_drives;
use crate::exit::Failure;
use crate::log::LogArgs;
use crate::log_place::refuse_for_media;
use crate::refreshed::{self, not_planned};
use crate::wizard::Wizard;
use crate::wizard::ask::Answer;
use crate::wizard::drives::Who;
use crate::wizard::wait::{Work, wait};

/// Media that can be made now.
pub(super) struct Job {
    pub(super) request: CheckedRequest,
    /// The request, for the log.
    pub(super) text: String,
    pub(super) media: MediaPlan,
    /// Where the media comes from, where a part is on distribution points.
    pub(super) content: Option<Content>,
    pub(super) place: Place,
    /// The images that are there already.
    pub(super) replaced: Vec<PathBuf>,
}

/// Where the media goes.
pub(super) enum Place {
    /// Image files.
    Images(Target),
    /// Drives, which are erased.
    Drives(DriveTargets),
    /// A stick that stays formatted, and which it is.
    Stick(Box<RefreshPlan>, Option<Who>),
}

impl Job {
    /// The files that images are put in place as.
    pub(super) fn images(&self) -> Vec<PathBuf> {
        match &self.place {
            Place::Images(target) => target.paths(self.media.volumes().count()),
            Place::Drives(_) | Place::Stick(..) => Vec::new(),
        }
    }

    /// Looks whether the log could be opened, and makes none.
    fn look_at_log(&self, log: &LogArgs) -> Result<(), Failure> {
        log.look(|path| match &self.place {
            Place::Images(_) => refuse_for_media(path, &self.request),
            Place::Drives(drives) => create_drives::may_log(path, &self.request, drives),
            Place::Stick(..) => refreshed::may_log(path, &self.request),
        })
    }
}

/// Plans the media; `Err` tells why there is none.
pub(super) fn plan(
    wizard: &Wizard,
    request: CheckedRequest,
    text: String,
) -> Result<Answer<Result<Job, Failure>>, Failure> {
    let access = wizard.access();
    let consent = wizard.consent().permissions();
    let log = wizard.log.clone();
    wait("Planning the media", &wizard.ears, move |work| {
        let mut job = job(request, text, &access(work), &consent, work)?;
        work.at("Looking at the log");
        job.look_at_log(&log)?;
        if let Place::Images(target) = &job.place {
            work.at("Looking at the images that are there");
            let is_file = !target.is_stream();
            job.replaced = job.images();
            job.replaced.retain(|path| is_file && path.exists());
            // What may be replaced is asked later.
            job.media.check_target(&target.clone().with_replace(true))?;
        }
        Ok(job)
    })
}

fn job(
    request: CheckedRequest,
    text: String,
    access: &ContentAccess,
    consent: &Consent,
    work: &Work,
) -> Result<Job, Failure> {
    let open = |request: &CheckedRequest| -> Result<Option<Content>, Error> {
        request.content().map(|content| access.open(content)).transpose()
    };
    if request.no_format() {
        let content = open(&request)?;
        let who = who_is_at(&request);
        // As `plan` does: nothing is unmounted before it is agreed to.
        let looking = Consent::new().with_allow_fixed(true);
        let target =
            RefreshTarget::open(&request, &System::new(), &looking).map_err(not_planned)?;
        let media = MediaPlan::for_refresh(&request, content.as_ref(), &target)?;
        work.at("Comparing with what is on the stick");
        let mut progress = |_, _| match work.is_left() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let planned = media.plan_refresh(&request, &target, &mut progress)?;
        return Ok(Job {
            request,
            text,
            media,
            content,
            place: Place::Stick(Box::new(planned), who),
            replaced: Vec::new(),
        });
    }
    let system = System::new().with_labels(true);
    if let Some(drives) = DriveTargets::of(&request, &system).map_err(Error::from)? {
        drives.check_unconfirmed(consent).map_err(Error::from)?;
        let content = open(&request)?;
        let media = MediaPlan::for_drives(&request, content.as_ref(), &drives)?;
        let (place, replaced) = (Place::Drives(drives), Vec::new());
        return Ok(Job { request, text, media, content, place, replaced });
    }
    let target = Target::of(&request).ok_or_else(no_file)?;
    if let Some(content) = request.content() {
        refuse_in_library(target.path(), content)?;
    }
    match target.check() {
        // The summary asks whether it may be replaced.
        Ok(()) | Err(PublishError::Exists { .. }) => {}
        Err(error) => return Err(Error::from(error).into()),
    }
    let content = open(&request)?;
    let media = match &content {
        Some(content) => MediaPlan::with_content(&request, content)?,
        None => MediaPlan::new(&request)?,
    };
    let (place, replaced) = (Place::Images(target), Vec::new());
    Ok(Job { request, text, media, content, place, replaced })
}

/// The stick that is refreshed, where it is a drive or on one.
pub(super) fn who_is_at(request: &CheckedRequest) -> Option<Who> {
    request.outputs().first().and_then(|output| output.file()).and_then(Who::is_at)
}

fn no_file() -> Failure {
    let error = anyhow::anyhow!("standard output is for capmedia create; give the path of a file");
    Failure::new(crate::exit::Code::Request, error)
}
