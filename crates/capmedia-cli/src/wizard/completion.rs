//! "Completion": what was made, whether it reads back, and what to do next.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use media_model::MediaType;

use crate::create::Page;
use crate::exit::{Code, Failure};
use crate::signals::catch_no_signals;
use crate::terminal::Hush;
use crate::verify;
use crate::wizard::ask::{Answer, discard_input, yes_no};
use crate::wizard::planned::{Job, Place};
use crate::wizard::{COMPLETION, STEPS, screen};

/// Whether the page has begun: drives that failed are shown with those that did not.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// The page, for results.
pub(super) const PAGE: Page = Page { begin: heading, fold: screen::for_terminal };

/// Begins the page, once.
fn heading() {
    if !BEGUN.swap(true, Ordering::Relaxed) {
        screen::header(STEPS, COMPLETION);
    }
}

pub(super) fn show(
    job: &Job,
    made: Result<(Code, Vec<PathBuf>), Failure>,
) -> Result<Code, Failure> {
    heading();
    let (code, images) = match made {
        Ok(made) => made,
        Err(failure) => {
            screen::lines([not_made(job, failure.code())]);
            return Err(failure);
        }
    };
    let verified = verify_now(&images);
    screen::lines([""]);
    screen::lines(next(job, images.len()).lines());
    verified.map(|verified| if verified == Code::Done { code } else { verified })
}

/// What there is now, in place of the media; the reason comes behind it.
fn not_made(job: &Job, code: Code) -> &'static str {
    match (&job.place, code) {
        (Place::Images(_), Code::Cancelled) => {
            "Cancelled: no media was made, and nothing was changed."
        }
        (Place::Images(_), _) => "The media was not made.",
        (Place::Drives(_), _) => "Not every drive has the media.",
        (Place::Stick(..), _) => {
            "The stick was not brought up to date. If it was begun, it may hold files of the old and \
             the new media: make it again before it is used."
        }
    }
}

/// Reads image files back, where that is wanted; drives were read back.
fn verify_now(images: &[PathBuf]) -> Result<Code, Failure> {
    if images.is_empty() || discard_input().is_err() {
        return Ok(Code::Done);
    }
    let question = match images {
        [_] => "Read the image back, and compare every file with its digest?",
        _ => "Read the images back, and compare every file with its digest?",
    };
    match yes_no(question, true) {
        Ok(Answer::Given(true)) => {
            let _hush = Hush::new();
            let verified = verify::files(images, false, false, screen::for_terminal);
            catch_no_signals();
            verified
        }
        // The media is made, whatever is pressed here.
        _ => Ok(Code::Done),
    }
}

/// What to do with the media.
fn next(job: &Job, images: usize) -> String {
    let bring = match (&job.place, job.request.media_type()) {
        (Place::Images(_), MediaType::Usb) => {
            "Write the image to a USB drive, or run the wizard with the drive in its place."
        }
        (Place::Images(_), MediaType::Hybrid) => {
            "Burn the image to a disc, or write it to a USB drive."
        }
        (Place::Images(_), _) if images == 1 => {
            "Burn the image to a disc, or connect it to a virtual machine."
        }
        (Place::Images(_), _) => "Burn each image to a disc, or connect it to a virtual machine.",
        _ => "Take the drive out when its light is still.",
    };
    format!(
        "Next: {bring}\n\
         On the reference computer, with its Windows running, start LaunchMedia.cmd on the media."
    )
}
