//! Where no log and no picture may be: nothing is opened before this was looked at.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use capmedia::refuse_in_library;
use extent_image::host::file_id;
use media_model::{CheckedContent, CheckedRequest, MediaSize, set_member_number};

use crate::exit::{Code, Failure};

/// A file that was asked for beside the media.
#[derive(Clone, Copy)]
struct Asked<'a> {
    option: &'static str,
    path: &'a Path,
}

const LOG: &str = "--log";

/// Why a file that is read is refused.
const MEDIA_OF: &str = "the media is made of";

/// Links that are followed from one path.
const MAX_LINKS: usize = 40;

/// Behind the name of an image: its checksum file.
const CHECKSUM: &str = ".sha256";

/// Refuses a log that would be a file of the output, or that the media is made of.
pub(crate) fn refuse_for_media(log: &Path, request: &CheckedRequest) -> Result<(), Failure> {
    refuse_beside_media(Asked { option: LOG, path: log }, request)
}

/// Refuses to save a request in such a place.
pub(crate) fn refuse_request_file(file: &Path, request: &CheckedRequest) -> Result<(), Failure> {
    refuse_beside_media(Asked { option: "the request file", path: file }, request)
}

/// Refuses a picture in such a place, and over `inputs`.
pub(crate) fn refuse_picture<'a>(
    picture: &Path,
    request: &CheckedRequest,
    inputs: impl Iterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let asked = Asked { option: "--svg", path: picture };
    refuse_beside_media(asked, request)?;
    refuse_inputs(asked, &followed(picture), MEDIA_OF, inputs)
}

fn refuse_beside_media(asked: Asked<'_>, request: &CheckedRequest) -> Result<(), Failure> {
    let place = followed(asked.path);
    if let Some(output) = request.output().file()
        && is_output(&place, output, request)
    {
        return Err(refused(asked, "is also the output; give another file".to_owned()));
    }
    refuse_inputs(asked, &place, MEDIA_OF, request.read_paths())?;
    request.content().map_or(Ok(()), |content| refuse_beside_content(asked, content))
}

/// Refuses a log that would be one of the files that content needs, or lie where it comes from.
pub(crate) fn refuse_for_content(log: &Path, content: &CheckedContent) -> Result<(), Failure> {
    refuse_beside_content(Asked { option: LOG, path: log }, content)
}

fn refuse_beside_content(asked: Asked<'_>, content: &CheckedContent) -> Result<(), Failure> {
    let place = followed(asked.path);
    refuse_inputs(asked, &place, "this run reads", content.read_paths())?;
    Ok(refuse_in_library(asked.path, content)?)
}

/// Refuses a log in a folder that is refreshed, or below it: it would be taken for somebody's file.
pub(crate) fn refuse_in_folder(log: &Path, folder: &Path) -> Result<(), Failure> {
    let place = followed(log);
    let (Ok(place), Ok(folder)) = (fs::canonicalize(folder_of(&place)), fs::canonicalize(folder))
    else {
        return Ok(());
    };
    match folder.is_dir() && place.starts_with(folder) {
        true => Err(refused(
            Asked { option: LOG, path: log },
            "is on the stick; give a file elsewhere".to_owned(),
        )),
        false => Ok(()),
    }
}

fn refused(Asked { option, path }: Asked<'_>, why: String) -> Failure {
    Failure::new(Code::Request, anyhow!("{option} {} {why}", path.display()))
}

/// The image, one of a set, or the checksum file of one.
fn is_output(log: &Path, output: &Path, request: &CheckedRequest) -> bool {
    let lower = |path: &Path| path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let (Some(name), Some(image)) = (lower(log), lower(output)) else { return false };
    let image = Path::new(&image);
    let is_image = |name: &str| {
        let spans = request.media_size() != MediaSize::UNLIMITED;
        Path::new(name) == image || (spans && set_member_number(image, name.as_ref()).is_some())
    };
    let checked = name.strip_suffix(CHECKSUM).filter(|_| request.checksum());
    let has_name = is_image(&name) || checked.is_some_and(is_image);
    if has_name && same_file(folder_of(log), folder_of(output)) {
        return true;
    }
    let mut sum = OsString::from(output);
    sum.push(CHECKSUM);
    same_file(log, output) || (request.checksum() && same_file(log, Path::new(&sum)))
}

/// Inputs and what is in folders that are inputs.
fn refuse_inputs<'a>(
    asked: Asked<'_>,
    place: &Path,
    made: &str,
    inputs: impl Iterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let folder = fs::canonicalize(folder_of(place));
    for input in inputs {
        if same_file(place, input) {
            let input = input.display();
            let why = format!("is the file {input} that {made}; give another file");
            return Err(refused(asked, why));
        }
        let within = fs::canonicalize(input).is_ok_and(|input| {
            input.is_dir() && folder.as_ref().is_ok_and(|folder| folder.starts_with(input))
        });
        if within {
            let input = input.display();
            let why = format!("is in the folder {input} that {made}; give another file");
            return Err(refused(asked, why));
        }
    }
    Ok(())
}

/// Where a path leads, whether or not anything is there.
fn followed(path: &Path) -> PathBuf {
    let mut place = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&place) else { break };
        place = folder_of(&place).join(next);
    }
    place
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((file_id(one), file_id(other)), (Ok(one), Ok(other)) if one == other)
}
