//! "Media file": the image that a disc, or a stick, is made from later.

use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::wizard::ask::{Answer, path, yes_no};
use crate::wizard::path_text::{shown, typed};
use crate::wizard::wait::look;
use crate::wizard::{Turn, Wizard, drives, screen};
use capmedia::{PublishError, Target};

pub(super) fn ask(wizard: &mut Wizard) -> Result<Turn, Failure> {
    if wizard.is_usb() {
        return Ok(Turn::Skip);
    }
    let about = match cfg!(windows) {
        true => r"such as \\server\share\capture.iso",
        false => "such as /mnt/share/capture.iso",
    };
    Ok(match image_file(wizard, "Media file:", about)? {
        Answer::Given(()) => Turn::On,
        Answer::Back => Turn::Back,
    })
}

/// Asks for an image file, and whether one that is there may be replaced.
pub(super) fn image_file(
    wizard: &mut Wizard,
    question: &str,
    about: &str,
) -> Result<Answer<()>, Failure> {
    let mut before = match drives::goes_to_drives(wizard)? {
        Answer::Given(true) => String::new(),
        // A path that does not answer can be corrected.
        _ => wizard.request.path.first().map(shown).unwrap_or_default(),
    };
    loop {
        let Answer::Given(text) = path(question, about, &before)? else { return Ok(Answer::Back) };
        // What is refused can be corrected.
        before.clone_from(&text);
        if text == "-" {
            screen::note("Standard output is for capmedia create; give the path of a file here.");
            continue;
        }
        let Some(file) = typed(&text) else {
            screen::note("Give the path of the file to make.");
            continue;
        };
        if may_be(wizard, &file)? {
            wizard.request.path = vec![file];
            return Ok(Answer::Given(()));
        }
    }
}

/// Whether the file can be made, or may be replaced.
fn may_be(wizard: &mut Wizard, file: &Path) -> Result<bool, Failure> {
    let (is_usb, path) = (wizard.is_usb(), file.to_path_buf());
    let looked_at = look("Looking at the path", move || {
        if is_usb {
            drives::refuse_as_file(&path)?;
        }
        Ok(Target::new(path).check())
    })?;
    let found = match looked_at {
        Answer::Back => return Ok(false),
        Answer::Given(Ok(found)) => found,
        Answer::Given(Err(error)) => {
            screen::error(&error);
            return Ok(false);
        }
    };
    match found {
        Ok(()) => {
            wizard.request.force = false;
            Ok(true)
        }
        // Which names a set gets, the summary knows.
        Err(PublishError::Exists { .. }) if wizard.request.media_size.is_some() => {
            wizard.request.force = false;
            Ok(true)
        }
        Err(PublishError::Exists { .. }) => may_be_replaced(wizard, &[file.to_path_buf()]),
        Err(error) => {
            screen::error(&error.into());
            Ok(false)
        }
    }
}

/// Whether the files that are there may be replaced.
pub(super) fn may_be_replaced(wizard: &mut Wizard, files: &[PathBuf]) -> Result<bool, Failure> {
    let question = match files {
        [file] => format!("{} exists. Replace it, when the new media is whole?", file.display()),
        files => {
            let names: Vec<String> = files.iter().map(shown).collect();
            screen::note(&format!("These exist: {}.", names.join(", ")));
            "Replace them all, when the new media is whole?".to_owned()
        }
    };
    let before = files.iter().all(|file| wizard.replaced.contains(file));
    let may = yes_no(&question, before)? == Answer::Given(true);
    for file in files {
        match may {
            true => wizard.replaced.insert(file.clone()),
            false => wizard.replaced.remove(file),
        };
    }
    wizard.request.force = may;
    Ok(may)
}
