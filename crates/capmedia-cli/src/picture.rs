//! A picture of the plan, to a file or to standard output.

use std::io::{self, Write};
use std::path::Path;

use anyhow::anyhow;
use capmedia::{MediaPlan, Target};
use extent_image::{PlanBuilder, StreamOptions};
use media_model::CheckedRequest;

use crate::exit::{Code, Failure};
use crate::log_place::refuse_picture;
use crate::print;

/// Whether the picture is to go to standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Brings a picture under its name as images get theirs: whole or not at all, and over another file
/// only with `--force`; never over a file that the media is made of or will be.
pub(crate) fn write(
    path: &Path,
    svg: String,
    request: &CheckedRequest,
    media: &MediaPlan,
) -> Result<(), Failure> {
    if is_stdout(path) {
        return Ok(io::stdout().write_all(svg.as_bytes())?);
    }
    if path.is_dir() {
        let path = path.display();
        let error = anyhow!("--svg {path} is a folder; give the path of a file, such as map.svg");
        return Err(Failure::new(Code::Output, error));
    }
    refuse_picture(path, request, media.inputs())?;
    let mut plan = PlanBuilder::new();
    plan.bytes("picture", svg).map_err(|error| Failure::new(Code::Bug, error))?;
    let target = Target::new(path).with_replace(request.force());
    let published = target.publish(&plan.finish(), &StreamOptions::default(), &mut ());
    let published = published.map_err(capmedia::Error::from)?;
    Ok(print::warnings(&mut io::stderr().lock(), &published.warnings, false)?)
}
