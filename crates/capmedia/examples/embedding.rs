//! What docs/embedding.md shows.
#![allow(clippy::print_stderr, reason = "a program that talks to people")]
#![allow(unreachable_pub, reason = "a test calls it")]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use capmedia::media_model::CaptureMediaRequest;
use capmedia::{Blame, create, verify_file};

/// Makes a disc and reads it back; cancelled, it leaves nothing.
pub fn make(boot_image: &Path, disc: &Path, cancel: &AtomicBool) -> Result<(), Box<dyn Error>> {
    let request = CaptureMediaRequest::new(boot_image, "cd-dvd", disc).with_label("Lab 7");
    // All mistakes at once, each with its remedy.
    let request = request.check().map_err(|problems| {
        let problems = problems.iter().map(ToString::to_string);
        problems.collect::<Vec<_>>().join("\n")
    })?;

    let mut progress = |done, total| {
        eprint!("\r{done} of {total} bytes");
        match cancel.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let made = match create(&request, &mut progress) {
        Err(error) if error.blame() == Blame::Cancelled => return Ok(()),
        made => made?,
    };
    made.summary.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));

    let read_back = verify_file(Path::new(&made.path), &mut ())?;
    if !read_back.is_clean() {
        return Err(read_back.faults.join("\n").into());
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    // Whoever handles Ctrl-C, or a button, sets it.
    static CANCEL: AtomicBool = AtomicBool::new(false);
    make(Path::new("boot.wim"), Path::new("capture.iso"), &CANCEL)
}
