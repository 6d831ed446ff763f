//! What docs/embedding.md shows.
#![allow(clippy::print_stderr, reason = "a program that talks to people")]
#![allow(unreachable_pub, reason = "a test calls it")]

use std::{error::Error, ops::ControlFlow, path::Path};

use capmedia::media_model::{CaptureMediaRequest, Problem};
use capmedia::{create, verify_file};

/// Makes a disc and reads it back.
pub fn make(boot_image: &Path, disc: &Path) -> Result<(), Box<dyn Error>> {
    let told = |all: Vec<_>| all.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n");
    let request = CaptureMediaRequest::new(boot_image, "cd-dvd", disc).with_label("Lab 7");
    let made = create(&request.check().map_err(told)?, &mut |done, total| {
        eprint!("\r{done} of {total} bytes");
        ControlFlow::Continue(()) // Break(()) cancels, and leaves nothing.
    })?;
    let faults = verify_file(Path::new(&made.path), &mut ())?.faults;
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

fn main() -> Result<(), Box<dyn Error>> {
    make(Path::new("boot.wim"), Path::new("capture.iso"))
}
