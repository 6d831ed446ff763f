//! "Capture settings": what the task sequence is told. All of it may be left open.

use crate::exit::Failure;
use crate::wizard::ask::{Answer, text};
use crate::wizard::media_type::some;
use crate::wizard::{Question, Turn, Wizard, screen};

pub(super) const QUESTIONS: [Question; 5] = [
    Question { options: &["capture-destination"], ask: destination },
    Question { options: &["capture-account"], ask: account },
    Question { options: &["image-creator"], ask: creator },
    Question { options: &["image-description"], ask: description },
    Question { options: &["image-version"], ask: version },
];

fn destination(wizard: &mut Wizard) -> Result<Turn, Failure> {
    screen::note(
        "What is left empty is set on the reference computer. The password of the account is never \
         put on the media here.",
    );
    ask(
        "Destination:",
        r"such as \\server\share\image.wim",
        &mut wizard.request.capture_destination,
    )
}

fn account(wizard: &mut Wizard) -> Result<Turn, Failure> {
    ask("Account:", r"DOMAIN\NAME that may write there", &mut wizard.request.capture_account)
}

fn creator(wizard: &mut Wizard) -> Result<Turn, Failure> {
    ask("Created by:", "who made the image", &mut wizard.request.image_creator)
}

fn description(wizard: &mut Wizard) -> Result<Turn, Failure> {
    ask("Description:", "what the image is", &mut wizard.request.image_description)
}

fn version(wizard: &mut Wizard) -> Result<Turn, Failure> {
    ask("Version:", "of the image", &mut wizard.request.image_version)
}

fn ask(question: &str, about: &str, slot: &mut Option<String>) -> Result<Turn, Failure> {
    let Answer::Given(given) = text(question, about, slot.as_deref().unwrap_or_default())? else {
        return Ok(Turn::Back);
    };
    *slot = some(given);
    Ok(Turn::On)
}
