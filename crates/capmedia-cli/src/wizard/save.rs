//! The answers as a request file: whole or not at all, and never in the place of what the media is
//! made of.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use capmedia::media_device::System;
use capmedia::{DriveTargets, Error, PublishError, Target};
use extent_image::{PlanBuilder, StreamOptions};
use media_model::{CaptureMediaRequest, Problem, RequestFile, Shell};

use crate::exit::{Code, Failure};
use crate::log_place::refuse_request_file;
use crate::wizard::ask::{Answer, discard_input, path, select, yes_no};
use crate::wizard::path_text::{shown, typed};
use crate::wizard::wait::look;
use crate::wizard::{Wizard, drives, screen};

/// What was saved: it stays when the wizard is cancelled.
static SAVED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// What a run that is cancelled in time has done.
pub(super) fn unchanged() -> String {
    let saved = SAVED.lock().unwrap_or_else(PoisonError::into_inner);
    let saved: Vec<String> = saved.iter().map(|file| file.display().to_string()).collect();
    match &*saved {
        [] => "nothing was changed".to_owned(),
        [one] => format!("no media was made; {one} stays"),
        several => format!("no media was made; {} stay", several.join(", ")),
    }
}

/// Asks where, and writes it; another request file is replaced only when that is agreed to, and no
/// other file at all.
pub(super) fn ask(wizard: &mut Wizard) -> Result<(), Failure> {
    let request = to_save(&wizard.request);
    let mut initial = PathBuf::from("capmedia.toml");
    loop {
        let Answer::Given(text) =
            path("Request file:", "to make the same media again", &shown(&initial))?
        else {
            return Ok(());
        };
        let Some(file) = typed(&text) else { continue };
        initial.clone_from(&file);
        let looked_at = look("Looking at the path", {
            let (request, file) = (request.clone(), file.clone());
            move || text_for(&request, &file).map(|text| (text, may_be_saved(&request, &file)))
        })?;
        let Answer::Given(looked_at) = looked_at else { continue };
        let (text, may) = match looked_at {
            Ok(found) => found,
            Err(Refused::Problems(problems)) => {
                problems.iter().for_each(screen::problem);
                return Ok(());
            }
            Err(Refused::Folder(error)) => {
                let why = format!("cannot write {}; choose another path", file.display());
                screen::error(&anyhow::Error::from(error).context(why));
                continue;
            }
        };
        let replace = match may {
            Ok(is_there) => is_there,
            Err(failure) => {
                screen::failure(&failure);
                continue;
            }
        };
        let question = format!("{} exists. Replace it?", file.display());
        if replace && yes_no(&question, false)? != Answer::Given(true) {
            continue;
        }
        match write(&file, text, replace) {
            Ok(warnings) => {
                let mut saved = SAVED.lock().unwrap_or_else(PoisonError::into_inner);
                if !saved.contains(&file) {
                    saved.push(file.clone());
                }
                drop(saved);
                wizard.saved = Some(request);
                said(wizard, &file)?;
                warnings.iter().for_each(|warning| screen::warning(warning));
                return Ok(());
            }
            Err(failure) => screen::failure(&failure),
        }
    }
}

/// What is saved of the answers: leave to replace media that is there now is none to replace what is
/// there later.
pub(super) fn to_save(request: &CaptureMediaRequest) -> CaptureMediaRequest {
    let mut request = request.clone();
    request.force = false;
    request
}

/// Whether the wizard may be left; asked where answers are lost by it.
pub(super) fn may_leave(wizard: &mut Wizard) -> Result<bool, Failure> {
    const SAVE: &str = "Save this job as a request file first";
    loop {
        if wizard.saved == Some(to_save(&wizard.request)) {
            return Ok(true);
        }
        discard_input()?;
        match select("The answers are lost. Cancel?", vec!["No", "Yes", SAVE], 0)? {
            Answer::Given("Yes") => return Ok(true),
            Answer::Given(SAVE) => ask(wizard)?,
            Answer::Given(_) | Answer::Back => return Ok(false),
        }
    }
}

fn said(wizard: &Wizard, file: &Path) -> Result<(), Failure> {
    let options: String =
        wizard.consent().words().iter().map(|option| format!(" {option}")).collect();
    // Where no quotes help, the name alone tells more than nothing.
    let quoted = Shell::of_target().quoted(file).unwrap_or_else(|| file.display().to_string());
    screen::note("Saved. No password is in it. The same media again:");
    screen::whole(&[format!("capmedia create --request {quoted}{options}")]);
    if wizard.request.force {
        screen::note("Leave to replace the media that exists is not saved: add --force for that.");
    }
    drives::say_how_to_agree(wizard)
}

/// Whether there is a request file, to be replaced by this one.
///
/// # Errors
/// The place is that of something else.
fn may_be_saved(request: &CaptureMediaRequest, file: &Path) -> Result<bool, Failure> {
    // Of answers that do not go together, the files are not known; they are no request files.
    if let Ok(checked) = request.check() {
        refuse_request_file(file, &checked)?;
        if let Ok(Some(drives)) = DriveTargets::of(&checked, &System::new()) {
            drives.refuse_on_drives(file).map_err(Error::from)?;
        }
    }
    let target = Target::new(file);
    match target.check() {
        Ok(()) if target.is_stream() => Err(refused(file, "no file")),
        Ok(()) => Ok(false),
        Err(PublishError::Exists { .. }) => match is_request(file) {
            Ok(true) => Ok(true),
            Ok(false) => Err(refused(file, "no request file, and is not replaced by one")),
            Err(error) => {
                let why = format!("cannot read {}; give another path", file.display());
                Err(Failure::new(Code::Output, anyhow::Error::from(error).context(why)))
            }
        },
        Err(PublishError::NotAFile { what, .. }) => Err(refused(file, what)),
        Err(error) => Err(Error::from(error).into()),
    }
}

fn refused(file: &Path, what: &str) -> Failure {
    Failure::new(Code::Output, anyhow!("{} is {what}; give another path", file.display()))
}

/// Whether a file is a request file without mistakes, or empty.
fn is_request(file: &Path) -> io::Result<bool> {
    let mut bytes = Vec::new();
    let most = RequestFile::MAX_BYTES.saturating_add(1);
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    File::open(file)?.take(most).read_to_end(&mut bytes)?;
    let is_whole = bytes.len() <= RequestFile::MAX_BYTES;
    Ok(is_whole && (bytes.is_empty() || RequestFile::read("", &bytes).well_formed().is_ok()))
}

/// Brings the text under its name as images get theirs.
fn write(file: &Path, text: String, replace: bool) -> Result<Vec<String>, Failure> {
    let mut plan = PlanBuilder::new();
    plan.bytes("request", text).map_err(|error| Failure::new(Code::Bug, error))?;
    let target = Target::new(file).with_replace(replace);
    let published = target.publish(&plan.finish(), &StreamOptions::default(), &mut ());
    let published = published.map_err(Error::from)?;
    Ok(published.warnings.iter().map(|warning| warning.as_str().to_owned()).collect())
}

enum Refused {
    Problems(Vec<Problem>),
    Folder(io::Error),
}

/// The text of a file that says the same from where it is saved: in another folder than the current
/// one, relative paths become absolute.
fn text_for(request: &CaptureMediaRequest, file: &Path) -> Result<String, Refused> {
    let text = request.to_toml().map_err(Refused::Problems)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Some(folder) = folder else { return Ok(text) };
    let here = std::env::current_dir().map_err(Refused::Folder)?;
    let there = fs::canonicalize(folder).map_err(Refused::Folder)?;
    if fs::canonicalize(&here).is_ok_and(|here| here == there) {
        return Ok(text);
    }
    let absolute = RequestFile::read("request", text.as_bytes()).relative_to(&here);
    let absolute = absolute.well_formed().and_then(CaptureMediaRequest::to_toml);
    absolute.map_err(Refused::Problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_right_where_it_is_saved() {
        let folder = tempfile::tempdir().unwrap();
        let request = CaptureMediaRequest::new("boot.wim", "cd-dvd", "out.iso");
        let text = |file: &Path| text_for(&request, file).ok().unwrap();
        for here in ["a.toml", "./a.toml"] {
            assert_eq!(text(Path::new(here)), request.to_toml().unwrap(), "{here}");
        }
        let there = text(&folder.path().join("a.toml"));
        let read = RequestFile::read("a.toml", there.as_bytes()).relative_to(folder.path());
        let boot_image = read.request().boot_image.clone().unwrap();
        assert_eq!(boot_image, std::env::current_dir().unwrap().join("boot.wim"));
        assert!(text_for(&request, &folder.path().join("no/a.toml")).is_err());
    }
    #[test]
    fn nothing_but_a_request_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let put = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        for (name, text) in [
            ("boot.wim", "MSWIM"),
            ("other.toml", "[package]\nname = 'x'\n"),
            ("later.toml", "version = 2\n"),
            ("mine.toml", "version = 1\nlabel = 'x'\n"),
            ("empty.toml", ""),
        ] {
            put(name, text);
        }
        fs::create_dir(path("tools")).unwrap();
        let mut request = CaptureMediaRequest::new(path("boot.wim"), "cd-dvd", path("out.iso"));
        request.add = vec![format!("{}=Tools", path("tools").display())];
        let may = |name: &str| may_be_saved(&request, &path(name)).ok();
        for name in [
            "boot.wim",
            "out.iso",
            "other.toml",
            "later.toml",
            "tools",
            "tools/a.toml",
            "no/a.toml",
        ] {
            assert_eq!(may(name), None, "{name}");
        }
        assert_eq!(may("new.toml"), Some(false));
        for name in ["mine.toml", "empty.toml"] {
            assert_eq!(may(name), Some(true), "{name}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(path("boot.wim"), path("link.toml")).unwrap();
            assert_eq!(may("link.toml"), None);
            assert!(may_be_saved(&request, Path::new("/dev/null")).is_err());
        }
        // Answers that do not go together yet.
        request.media_type = None;
        assert!(may_be_saved(&request, &path("boot.wim")).is_err());
        assert!(may_be_saved(&request, &path("mine.toml")).is_ok());
        // It is another file than before or none: nothing is cut short in between.
        assert!(write(&path("mine.toml"), "version = 1\n".to_owned(), false).is_err());
        assert!(fs::read_to_string(path("mine.toml")).unwrap().contains("label"));
        assert!(write(&path("mine.toml"), "version = 1\n".to_owned(), true).is_ok());
        assert_eq!(fs::read_to_string(path("mine.toml")).unwrap(), "version = 1\n");
    }
}
