//! "Media type": a removable USB drive or a set of discs, and what is said of either.

use std::fmt;

use media_model::{Absent, MediaSize, MediaType};

use crate::exit::Failure;
use crate::wizard::ask::{Answer, path, select, text, yes_no};
use crate::wizard::path_text::{shown, typed};
use crate::wizard::{Question, Turn, Wizard, drives, media_file, option, screen};

pub(super) const QUESTIONS: [Question; 10] = [
    Question { options: &["media-type"], ask: kind },
    Question { options: &["no-format"], ask: format },
    Question { options: &["path"], ask: drives::ask },
    Question { options: &["image-size"], ask: image_size },
    Question { options: &["media-size"], ask: media_size },
    Question { options: &["split-files"], ask: split_files },
    Question { options: &["path"], ask: media_file::ask },
    Question { options: &["label"], ask: label },
    Question { options: &["include-autorun"], ask: autorun },
    Question { options: &["cache"], ask: cache },
];

/// A choice, and the text of the option that says the same.
#[derive(Clone, Copy)]
struct Choice {
    name: &'static str,
    value: Option<&'static str>,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const KINDS: [Choice; 3] = [
    Choice { name: "Removable USB drive", value: Some("usb") },
    Choice { name: "CD/DVD set", value: Some("cd-dvd") },
    Choice { name: "One image for both disc and USB drive (hybrid)", value: Some("hybrid") },
];

impl Wizard {
    /// The kind of media, once it is chosen.
    pub(super) fn media_type(&self) -> Option<MediaType> {
        self.request.media_type.as_deref().and_then(|word| MediaType::new(word).ok())
    }

    pub(super) fn is_usb(&self) -> bool {
        self.media_type() == Some(MediaType::Usb)
    }
}

fn kind(wizard: &mut Wizard) -> Result<Turn, Failure> {
    let before = wizard.request.media_type.clone();
    let at = KINDS.iter().position(|kind| kind.value == before.as_deref()).unwrap_or(0);
    let Answer::Given(Choice { value, .. }) = select("Media type:", KINDS.to_vec(), at)? else {
        return Ok(Turn::Back);
    };
    wizard.request.media_type = value.map(str::to_owned);
    if wizard.request.media_type != before {
        let is_usb = wizard.is_usb();
        if before.is_some() && (before.as_deref() == Some("usb")) != is_usb {
            // The path of a drive is none of a disc.
            wizard.put_aside("path");
            wizard.request.force = false;
        }
        wizard.take_out(|option| !option.is_of_content() && option.name() != "path");
    }
    Ok(Turn::On)
}

fn format(wizard: &mut Wizard) -> Result<Turn, Failure> {
    if !wizard.is_usb() {
        return Ok(Turn::Skip);
    }
    let question = "Format removable USB drive (FAT32) and make bootable?";
    let Answer::Given(format) = yes_no(question, !wizard.request.no_format)? else {
        return Ok(Turn::Back);
    };
    if wizard.request.no_format == format {
        wizard.request.no_format = !format;
        wizard.put_aside("path");
    }
    if !format {
        // They say how a stick is formatted.
        for option in ["image-size", "partition-table", "gpt-type", "sector-size", "checksum"] {
            wizard.put_aside(option);
        }
    }
    Ok(Turn::On)
}

fn image_size(wizard: &mut Wizard) -> Result<Turn, Failure> {
    if !wizard.is_usb() || wizard.request.no_format {
        return Ok(Turn::Skip);
    }
    match drives::goes_to_drives(wizard)? {
        Answer::Given(false) => {}
        Answer::Given(true) => return Ok(Turn::Skip),
        Answer::Back => return Ok(Turn::Back),
    }
    let initial = wizard.request.image_size.clone().unwrap_or_default();
    let about = "such as 8GB; empty: as small as the content allows";
    let Answer::Given(size) = text("Image size:", about, &initial)? else {
        return Ok(Turn::Back);
    };
    wizard.request.image_size = some(size);
    Ok(Turn::On)
}

fn media_size(wizard: &mut Wizard) -> Result<Turn, Failure> {
    const OTHER: &str = "Another size";
    if wizard.media_type() != Some(MediaType::CdDvd) {
        return Ok(Turn::Skip);
    }
    let sizes = [
        Choice { name: "Unlimited (one disc)", value: None },
        Choice { name: "650 MB (CD)", value: Some("650MB") },
        Choice { name: "4 GB (DVD)", value: Some("4GB") },
        Choice { name: "8 GB (dual-layer DVD)", value: Some("8GB") },
    ];
    let before = wizard.request.media_size.clone();
    let size = |text: &str| MediaSize::new(text).ok();
    let known = before.as_deref().map_or(Some(MediaSize::UNLIMITED), size);
    let same = |choice: &Choice| choice.value.map_or(Some(MediaSize::UNLIMITED), size) == known;
    let at = sizes.iter().position(same).unwrap_or(sizes.len());
    let other = Choice { name: OTHER, value: None };
    loop {
        let choices = sizes.into_iter().chain([other]).collect();
        match select("Media size:", choices, at)? {
            Answer::Given(Choice { name: OTHER, .. }) => {
                let initial = before.clone().unwrap_or_default();
                let about = "such as 700MB";
                if let Answer::Given(size) = text("Size of one disc:", about, &initial)? {
                    wizard.request.media_size = some(size);
                    return Ok(Turn::On);
                }
            }
            Answer::Given(Choice { value, .. }) => {
                wizard.request.media_size = value.map(str::to_owned);
                return Ok(Turn::On);
            }
            Answer::Back => return Ok(Turn::Back),
        }
    }
}

fn split_files(wizard: &mut Wizard) -> Result<Turn, Failure> {
    let text = wizard.request.media_size.as_deref();
    let is_limited = text.is_some_and(|text| MediaSize::new(text) != Ok(MediaSize::UNLIMITED));
    if wizard.media_type() != Some(MediaType::CdDvd) || !is_limited {
        wizard.request.split_files = false;
        return Ok(Turn::Skip);
    }
    let question = "Cut a file that is larger than a disc into numbered parts?";
    let Answer::Given(split) = yes_no(question, wizard.request.split_files)? else {
        return Ok(Turn::Back);
    };
    wizard.request.split_files = split;
    Ok(Turn::On)
}

fn label(wizard: &mut Wizard) -> Result<Turn, Failure> {
    let default = match option("label").map(|option| option.absent()) {
        Some(Absent::Is(default)) => default,
        _ => "",
    };
    let initial = wizard.request.label.clone().unwrap_or_else(|| default.to_owned());
    let Answer::Given(label) = text("Media label:", "the name of the volume", &initial)? else {
        return Ok(Turn::Back);
    };
    wizard.request.label = some(label).filter(|label| label != default);
    Ok(Turn::On)
}

fn autorun(wizard: &mut Wizard) -> Result<Turn, Failure> {
    let question = "Include autorun.inf file on media?";
    let Answer::Given(include) = yes_no(question, wizard.request.include_autorun)? else {
        return Ok(Turn::Back);
    };
    wizard.request.include_autorun = include;
    Ok(Turn::On)
}

fn cache(wizard: &mut Wizard) -> Result<Turn, Failure> {
    screen::note(
        "Media is not staged here. A folder given here keeps what comes from distribution points, for \
         the next media.",
    );
    let before = wizard.request.cache.as_ref().or(wizard.aside.cache.as_ref());
    let about = "empty: none";
    let initial = before.map(shown).unwrap_or_default();
    let Answer::Given(folder) = path("Cache folder (Staging folder):", about, &initial)? else {
        return Ok(Turn::Back);
    };
    wizard.request.cache = typed(&folder);
    Ok(Turn::On)
}

/// An empty line is no answer.
pub(super) fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
