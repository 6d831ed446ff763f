//! What the media that is there was told, as far as its files say so, and what of that new media would
//! no longer have. A request is whole: what it leaves out is not taken from the media there, which may
//! be somebody else's. So it is told instead, with the option that keeps it.

use std::collections::HashSet;

use extent_image::{Data, Tree};
use media_model::task_sequence::{
    CaptureAccount, CaptureDestination, CaptureOptions, ImageCreator, ImageDescription,
    ImageVersion, MAX_FILE_BYTES, Node, Notice, Sequence, SequenceFile, StepType,
};
use media_model::{CheckedRequest, MediaLabel, Shell};

use super::old_media::{OldMedia, fold, on_media};
use crate::report::Warning;
use crate::tree::sequence::{SEQUENCE, read_at_most};

/// Files named in a warning.
const NAMED: usize = 5;
/// Characters of a value that are shown.
const SHOWN: usize = 300;
/// Where `--include-autorun` puts its file.
const AUTORUN: &str = "autorun.inf";
/// Where `--runtime` puts its files.
const RUNTIME: &str = "sms/bin/";
/// What media has in its root by itself, and what changes there with the boot image.
const OWN: [&str; 9] = [
    "boot/",
    "efi/",
    "sms/",
    "sources/boot.",
    "bootmgr",
    "sha256sums",
    "media.json",
    "medialabel.txt",
    "launchmedia.cmd",
];

/// The variables that a request sets, and the options that do so.
const CAPTURE: [(&str, &str); 5] = [
    (CaptureDestination::VARIABLE, "capture-destination"),
    (CaptureAccount::VARIABLE, "capture-account"),
    (ImageCreator::VARIABLE, "image-creator"),
    (ImageDescription::VARIABLE, "image-description"),
    (ImageVersion::VARIABLE, "image-version"),
];

/// Warnings of what the new media no longer has: `sequence` is the text of the old media's task sequence.
pub(super) fn lost(
    request: &CheckedRequest,
    old: Option<&OldMedia>,
    sequence: Option<&[u8]>,
    new: &Tree,
) -> Vec<Warning> {
    let (before, after) = (sequence.and_then(read), new_sequence(new));
    let sequences = before.as_ref().zip(after.as_ref());
    let mut options = Vec::new();
    if let Some(old) = old {
        let label = &*old.description.label;
        if label != request.label().as_str() && *request.label() == MediaLabel::default() {
            options.push(as_given("label", Some(label)));
        }
    }
    if let Some((before, after)) = sequences {
        for (variable, option) in CAPTURE {
            let given = capture_value(before, variable);
            if let (Some(value), None) = (given, capture_value(after, variable)) {
                options.push(as_given(option, value.as_deref()));
            }
        }
    }
    let mut lost = Vec::new();
    if !options.is_empty() {
        lost.push(Warning::new(format!(
            "the media there was made with {}, and this request does not give {them}: what {they} set \
             will be gone; give {them} to keep it",
            options.join(", "),
            them = if options.len() == 1 { "that" } else { "those" },
            they = if options.len() == 1 { "it" } else { "they" },
        )));
    }
    if let Some((before, after)) = sequences {
        of_sequences(request, before, after, &mut lost);
    }
    if let Some(old) = old {
        of_files(request, old, new, &mut lost);
    }
    lost
}

fn of_sequences(
    request: &CheckedRequest,
    before: &Sequence,
    after: &Sequence,
    lost: &mut Vec<Warning>,
) {
    let stores = |sequence: &Sequence| {
        let mut notices = sequence.secret_notices().into_iter();
        notices.any(|notice| matches!(notice, Notice::PasswordStored { .. }))
    };
    if stores(before) && !stores(after) {
        lost.push(Warning::new(
            "the media there holds a password in its task sequence, and the new media will not; give \
             --capture-password-file and --store-password to have one there again, for everybody to \
             read who holds the media",
        ));
    }
    if request.task_sequence().is_none() && !is_built_in(before) {
        lost.push(Warning::new(format!(
            "the media there has a task sequence of its own, and this request names none: the \
             built-in one takes its place; copy {} from the media and give it with --task-sequence \
             to keep it",
            on_media(SEQUENCE)
        )));
    }
}

/// The files that will be gone, as far as it is options that put them there.
fn of_files(request: &CheckedRequest, old: &OldMedia, new: &Tree, lost: &mut Vec<Warning>) {
    let new: HashSet<String> = new.data_order().iter().map(|id| fold(&new.path(*id))).collect();
    let gone = old.files().filter(|(folded, _)| !new.contains(*folded)).map(|(_, path)| path);
    let mut gone: Vec<&str> = gone.collect();
    gone.sort_unstable();
    let has = |gone: &[&str], is: fn(&str) -> bool| {
        gone.iter().any(|path| is(&path.to_ascii_lowercase()))
    };
    if has(&gone, |path| path == AUTORUN) {
        lost.push(Warning::new(format!(
            "the media there has an {AUTORUN}, and the new media will not; give --include-autorun to \
             keep it"
        )));
    }
    if request.runtime().is_none() && has(&gone, |path| path.starts_with(RUNTIME)) {
        lost.push(Warning::new(
            "the media there has programs in SMS/bin that neither this boot image nor this request \
             gives: they will be removed; name their folder with --runtime to keep them",
        ));
    }
    let is_own = |path: &str| path == AUTORUN || OWN.iter().any(|own| path.starts_with(own));
    let added: Vec<&str> =
        gone.iter().filter(|path| !is_own(&path.to_ascii_lowercase())).copied().collect();
    if !added.is_empty() {
        let named = added.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = match added.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (them, they) = if added.len() == 1 { ("it", "it") } else { ("them", "they") };
        lost.push(Warning::new(format!(
            "the media there was made with {named}{more}, and this request does not give {them}: {they} \
             will be removed unless changed since; give --add, --package or --template as before to \
             keep {them}"
        )));
    }
}

/// An option with its value as a shell takes it: whoever copies it copies what somebody's stick says.
/// `None` for a value that may be a secret.
fn as_given(option: &str, value: Option<&str>) -> String {
    let Some(value) = value else {
        return format!("--{option} (its value may be a secret and is not shown)");
    };
    let is_line = value.chars().nth(SHOWN).is_none() && !value.contains(char::is_control);
    let between = if value.starts_with('-') { "=" } else { " " };
    match Shell::of_target().quoted(value).filter(|_| is_line) {
        Some(quoted) => format!("--{option}{between}{quoted}"),
        None => format!("--{option} (its value cannot be shown in a line)"),
    }
}

/// What the capture steps, or all steps, are told: `None` for nothing; a value that may be a secret is
/// not shown.
fn capture_value(sequence: &Sequence, variable: &str) -> Option<Option<String>> {
    let shared = sequence.global_variables.shown_variables();
    let own = sequence.capture_steps().into_iter().flat_map(|step| step.shown_variables());
    let (_, value) = own.chain(shared).find(|(found, _)| {
        found.name.eq_ignore_ascii_case(variable) && !found.value.trim().is_empty()
    })?;
    Some(value.map(str::to_owned))
}

/// Whether it has the steps of the built-in one, whatever these are told.
fn is_built_in(sequence: &Sequence) -> bool {
    fn kinds<'a>(nodes: &'a [Node], found: &mut Vec<Option<&'a StepType>>) {
        for node in nodes {
            match node {
                Node::Group(group) => kinds(&group.nodes, found),
                Node::Step(step) => found.push(step.kind.as_ref()),
                _ => found.push(None),
            }
        }
    }
    let built_in = CaptureOptions::new().sequence();
    let (mut of_this, mut of_built_in) = (Vec::new(), Vec::new());
    kinds(&sequence.nodes, &mut of_this);
    kinds(&built_in.nodes, &mut of_built_in);
    of_this == of_built_in
}

fn read(text: &[u8]) -> Option<Sequence> {
    SequenceFile::read(text).ok().map(SequenceFile::into_sequence)
}

/// That of the new media.
fn new_sequence(tree: &Tree) -> Option<Sequence> {
    let wanted = fold(&on_media(SEQUENCE));
    let id = tree.data_order().into_iter().find(|id| fold(&tree.path(*id)) == wanted)?;
    let Data::Source(source) = tree.data(id)? else { return None };
    read(&read_at_most(source.open(0).ok()?, MAX_FILE_BYTES).ok()??)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stick_says_is_one_word_to_a_shell() {
        for (value, told) in [
            ("Lab7", "--label Lab7"),
            ("Lab 7", "--label 'Lab 7'"),
            ("-x", "--label=-x"),
            ("x'; reboot; '", r"--label 'x'\''; reboot; '\'''"),
            ("$(reboot)", "--label '$(reboot)'"),
        ] {
            assert_eq!(as_given("label", Some(value)), told);
        }
        for value in ["a\nb", "\u{1b}[2J", &*"x".repeat(SHOWN + 1)] {
            let told = as_given("label", Some(value));
            assert!(told.starts_with("--label (") && !told.contains(value), "{told}");
        }
        assert!(as_given("label", None).contains("secret"));
    }
}
