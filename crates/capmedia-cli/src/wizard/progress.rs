//! "Progress": the media is written, by the code of `create`.

use std::path::PathBuf;

use anyhow::anyhow;
use capmedia::media_device::System;
use capmedia::{Error, MediaPlan, RefreshTarget};
use extent_image::host::{FileId, file_id};

use crate::consent::Given;
use crate::create::{self, Options};
use crate::create_drives;
use crate::exit::{Code, Failure};
use crate::refreshed;
use crate::signals;
use crate::terminal::Hush;
use crate::wizard::ask::discard_input;
use crate::wizard::planned::{Job, Place, who_is_at};
use crate::wizard::{PAGES, PROGRESS, Wizard, completion, save, screen};

/// How making the media ended.
pub(super) enum Ended {
    Made(Code),
    /// Nothing was written, and the summary can be shown again.
    Untouched(Failure),
}

pub(super) fn run(wizard: &Wizard, job: Job) -> Result<Ended, Failure> {
    screen::header(PAGES.len() + 2, PROGRESS);
    let options = Options {
        log: wizard.log.clone(),
        consent: wizard.consent(),
        page: Some(completion::PAGE),
        ..Options::default()
    };
    screen::note(what(&job));
    let before = replaced(&job);
    let mut is_begun = false;
    let hush = Hush::new();
    let made = write(wizard, &options, &job, &mut is_begun);
    drop(hush);
    signals::catch_no_signals();
    // Where keys wait although nothing was shown of them.
    let _ = discard_input();
    match made {
        Err(failure)
            if failure.code() != Code::Cancelled
                && failure.error().is_some()
                && !is_begun
                && before == replaced(&job) =>
        {
            signals::watch_questions(|| Some(save::unchanged()));
            Ok(Ended::Untouched(failure))
        }
        made => completion::show(&job, made).map(Ended::Made),
    }
}

/// What is at the paths of the images: it is as it was where the images were not made.
fn replaced(job: &Job) -> Vec<Option<FileId>> {
    job.images().iter().map(|path| file_id(path).ok()).collect()
}

/// What Ctrl-C does from now on.
fn what(job: &Job) -> &'static str {
    match &job.place {
        Place::Images(target) if target.is_stream() => {
            "Writing. Ctrl-C ends it; what has gone into the pipe is no whole image then."
        }
        Place::Images(_) => "Writing. Ctrl-C cancels, and leaves everything as it was.",
        Place::Drives(_) => {
            "Writing. Ctrl-C ends it; a drive that was begun is erased then, and no computer starts \
             from it: make it again."
        }
        Place::Stick(..) => {
            "Writing what is new. Ctrl-C ends it; a stick that was begun may hold files of the old \
             and the new media then: make it again before it is used."
        }
    }
}

/// The exit code, and the images that were made. `is_begun` tells whether something may have been
/// written that is not put in place when it is whole.
fn write(
    wizard: &Wizard,
    options: &Options,
    job: &Job,
    is_begun: &mut bool,
) -> Result<(Code, Vec<PathBuf>), Failure> {
    let Job { request, text, media, .. } = job;
    match &job.place {
        Place::Images(target) => {
            *is_begun = target.is_stream();
            let told = create::begin(options, request, text)?;
            wizard.ears.lend(&told);
            let made = told.end(create::write(options, request, media, &told))?;
            let images = made.images.iter().map(|image| PathBuf::from(&image.path));
            Ok((Code::Done, images.collect()))
        }
        Place::Drives(drives) => {
            let (told, states) = create_drives::begin(options, request, text, drives)?;
            wizard.ears.lend(&told);
            let given = Given::Typed;
            let code = create_drives::write(options, drives, media, given, &told, &states);
            *is_begun = states.told().is_some();
            Ok((told.end(code)?, Vec::new()))
        }
        Place::Stick(_, who) => {
            if who_is_at(request) != *who {
                let error = anyhow!(
                    "another stick was put in since the summary; the plan above is that of the stick \
                     that is there now"
                );
                return Err(Failure::new(Code::Output, error));
            }
            let told = refreshed::begin(options, request, text)?;
            wizard.ears.lend(&told);
            // What is on the stick may have changed since the summary.
            let mut write = || {
                let consent = options.consent.permissions();
                let target = RefreshTarget::open(request, &System::new(), &consent);
                let target = target.map_err(Error::from)?;
                let media = MediaPlan::for_refresh(request, job.content.as_ref(), &target)?;
                *is_begun = true;
                refreshed::write(options, request, &target, &media, &told)
            };
            Ok((told.end(write())?, Vec::new()))
        }
    }
}
