//! "Media file": the image that a disc, or a stick, is made from later.

use std::path::Path;

use crate::exit::Failure;
use crate::wizard::ask::{Answer, path, yes_no};
use crate::wizard::path_text::{shown, typed};
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
    let before = wizard.request.path.first().filter(|_| !drives::goes_to_drives(wizard));
    let mut before = before.map(shown).unwrap_or_default();
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
    if wizard.is_usb()
        && let Err(error) = drives::refuse_as_file(file)
    {
        screen::error(&error);
        return Ok(false);
    }
    match Target::new(file).check() {
        Ok(()) => {
            wizard.request.force = false;
            Ok(true)
        }
        // Which names a set gets, the summary knows.
        Err(PublishError::Exists { .. }) if wizard.request.media_size.is_some() => Ok(true),
        Err(PublishError::Exists { .. }) => may_be_replaced(wizard, file),
        Err(error) => {
            screen::error(&error.into());
            Ok(false)
        }
    }
}

/// Whether the file that is there may be replaced.
pub(super) fn may_be_replaced(wizard: &mut Wizard, file: &Path) -> Result<bool, Failure> {
    let question = format!("{} exists. Replace it, when the new media is whole?", file.display());
    let given = yes_no(&question, wizard.request.force)?;
    wizard.request.force = given == Answer::Given(true);
    Ok(wizard.request.force)
}
