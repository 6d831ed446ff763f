//! Which removable USB drive: a list of what is connected, or an image file in place of one.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use capmedia::DriveTargets;
use capmedia::media_device::{Drive, Mount, Permissions, Refusal, System};
use media_model::{CaptureMediaRequest, MediaType};

use crate::consent::{Connected, ConsentArgs};
use crate::exit::Failure;
use crate::print::size;
use crate::wizard::ask::{Answer, discard_input, path, select, yes_no};
use crate::wizard::media_file::image_file;
use crate::wizard::path_text::{shown, typed};
use crate::wizard::wait::look;
use crate::wizard::{Turn, Wizard, screen};

/// One line of the list.
#[derive(Clone)]
enum Row {
    Drive { path: PathBuf, text: String },
    Image,
    Path { formats: bool },
    Again,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drive { text, .. } => text,
            Self::Image => "An image file, to be written to a drive later",
            Self::Path { formats: true } => "Another drive, by its path",
            Self::Path { formats: false } => "A mounted folder, a drive or an image, by its path",
            Self::Again => "Look for drives again",
        })
    }
}

/// What was agreed to for the drive at a path, and for no other, also not for one that is put in its
/// place.
#[derive(Debug, Default)]
pub(super) struct Granted(BTreeMap<(PathBuf, Grant), Who>);

/// What tells a drive from the next one at its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    serial: Option<String>,
    disk_sequence: Option<u64>,
    len: u64,
}

impl Who {
    fn of(drive: &Drive) -> Self {
        let Drive { serial, disk_sequence, len, .. } = drive;
        Self { serial: serial.clone(), disk_sequence: *disk_sequence, len: *len }
    }

    /// The drive at a path, or the one that is mounted there.
    pub(super) fn is_at(path: &Path) -> Option<Self> {
        let system = System::new();
        if let Ok(drive) = system.drive(path) {
            return Some(Self::of(&drive));
        }
        let folder = path.canonicalize().ok()?;
        let drives = system.drives().ok()?;
        let has_it = |drive: &&Drive| drive.all_mounts().any(|mount| mount.path == folder);
        drives.iter().find(has_it).map(Self::of)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grant {
    /// It is written although it may not be removable.
    Fixed,
    Unmount,
}

impl Granted {
    fn has(&self, path: &Path, grant: Grant) -> bool {
        self.0.contains_key(&(path.to_path_buf(), grant))
    }

    fn permissions(&self, path: &Path, who: &Who) -> Permissions {
        let has = |grant| self.0.get(&(path.to_path_buf(), grant)) == Some(who);
        let (allow_fixed, unmount) = (has(Grant::Fixed), has(Grant::Unmount));
        Permissions { allow_fixed, unmount, ..Permissions::default() }
    }

    /// Forgets what was agreed to for other drives that were at a path, and tells whether there was any.
    fn keep(&mut self, path: &Path, who: &Who) -> bool {
        let before = self.0.len();
        self.0.retain(|(of, _), granted| of != path || granted == who);
        self.0.len() < before
    }
}

impl Wizard {
    /// What may be done to the drives that are chosen now.
    pub(super) fn consent(&self) -> ConsentArgs {
        let any = |grant| self.request.path.iter().any(|path| self.granted.has(path, grant));
        ConsentArgs::asked(any(Grant::Fixed), any(Grant::Unmount))
    }
}

pub(super) fn ask(wizard: &mut Wizard) -> Result<Turn, Failure> {
    if !wizard.is_usb() {
        return Ok(Turn::Skip);
    }
    let mut chosen: Vec<PathBuf> = Vec::new();
    let mut typed_before = wizard.request.path.first().map(shown).unwrap_or_default();
    loop {
        let Answer::Given(found) = look("Looking for drives", found)? else {
            if chosen.pop().is_none() {
                return Ok(Turn::Back);
            }
            continue;
        };
        let before = wizard.request.path.get(chosen.len()).cloned();
        let is_before_a_drive = match before.clone() {
            Some(before) => matches!(is_drive(before)?, Answer::Given(true)),
            None => false,
        };
        let rows = rows(wizard, &chosen, &found);
        let at = at(&rows, before.as_deref(), is_before_a_drive);
        let mut is_by_path = false;
        let path = match select("Removable USB drive:", rows, at)? {
            Answer::Back if chosen.pop().is_some() => continue,
            Answer::Back => return Ok(Turn::Back),
            Answer::Given(Row::Again) => continue,
            Answer::Given(Row::Drive { path, .. }) => Some(path),
            Answer::Given(Row::Image) => {
                match image_file(wizard, "Image file:", "such as capture.img")? {
                    Answer::Given(()) => return Ok(Turn::On),
                    Answer::Back => continue,
                }
            }
            Answer::Given(Row::Path { .. }) => {
                is_by_path = true;
                by_path(wizard, &mut typed_before)?
            }
        };
        let Some(path) = path else { continue };
        if wizard.request.no_format {
            if !may_be_refreshed(wizard, &path)? {
                continue;
            }
            wizard.request.path = vec![path];
            return Ok(Turn::On);
        }
        if !may_be_written(wizard, &path)? {
            continue;
        }
        chosen.push(path);
        let next = wizard.request.path.get(chosen.len());
        let more = next.is_some();
        typed_before = next.map(shown).unwrap_or_default();
        // Who gives paths may know of drives that no list shows.
        if more || is_by_path || has_others(&chosen)? {
            match yes_no("Write the same media to another drive, too?", more)? {
                Answer::Given(false) => {}
                Answer::Given(true) => continue,
                Answer::Back => {
                    chosen.pop();
                    continue;
                }
            }
        }
        wizard.request.path = chosen;
        wizard.request.force = false;
        return Ok(Turn::On);
    }
}

/// Whether another drive is connected that could be written, removable or not.
fn has_others(chosen: &[PathBuf]) -> Result<bool, Failure> {
    let found = look("Looking for drives", || System::new().drives())?;
    let Answer::Given(Ok(drives)) = found else { return Ok(false) };
    Ok(drives.iter().any(|it| !chosen.contains(&it.path) && it.refusals(&all()).is_empty()))
}

/// All that can be agreed to.
fn all() -> Permissions {
    Permissions { allow_fixed: true, unmount: true, ..Permissions::default() }
}

/// Whether the media goes onto drives, and not into an image file.
pub(super) fn goes_to_drives(wizard: &Wizard) -> Result<Answer<bool>, Failure> {
    for path in &wizard.request.path {
        let found = is_drive(path.clone())?;
        if found != Answer::Given(false) {
            return Ok(found);
        }
    }
    Ok(Answer::Given(false))
}

/// `before` is what was typed the last time.
fn by_path(wizard: &Wizard, before: &mut String) -> Result<Option<PathBuf>, Failure> {
    let (question, about) = match wizard.request.no_format {
        true => ("Path:", "a mounted folder, a drive or an image"),
        false => ("Path of the drive:", "such as /dev/sdb"),
    };
    let Answer::Given(text) = path(question, about, before)? else { return Ok(None) };
    *before = text;
    Ok(typed(before))
}

/// What is connected. A drive that fails may not answer soon.
fn found() -> Result<Vec<Drive>, String> {
    System::new().with_labels(true).drives().map_err(|error| error.to_string())
}

/// What was `found` and is not `chosen`, and the other ways.
fn rows(wizard: &Wizard, chosen: &[PathBuf], found: &Result<Vec<Drive>, String>) -> Vec<Row> {
    let keeps = wizard.request.no_format;
    let mut rows = Vec::new();
    match found {
        Ok(drives) => {
            let (removable, others): (Vec<&Drive>, Vec<&Drive>) =
                drives.iter().partition(|drive| drive.removable);
            for drive in removable.iter().filter(|drive| !chosen.contains(&drive.path)) {
                if keeps {
                    rows.extend(mounted(drive));
                }
                rows.push(Row::Drive { path: drive.path.clone(), text: about(wizard, drive) });
            }
            if removable.is_empty() {
                screen::note("No removable drive is connected.");
            }
            if !others.is_empty() {
                let count = others.len();
                screen::note(&format!(
                    "{count} drive(s) that are not removable are not listed; capmedia drives --all \
                     lists them, and their path can be given."
                ));
            }
        }
        Err(error) => screen::note(error),
    }
    if !keeps && chosen.is_empty() {
        rows.push(Row::Image);
    }
    rows.extend([Row::Path { formats: !keeps }, Row::Again]);
    rows
}

/// The folders that a drive is mounted at: nothing on it is erased, and there the media can go.
fn mounted(drive: &Drive) -> impl Iterator<Item = Row> {
    drive.all_mounts().map(|mount| {
        let text = format!("{} on {}", mount.place(), drive.path.display());
        Row::Drive { path: mount.path.clone(), text }
    })
}

/// A drive in a line, and whether it is refused as it is.
fn about(wizard: &Wizard, drive: &Drive) -> String {
    let title = drive.title().unwrap_or_else(|| drive.bus.to_string());
    let title = screen::clipped(&title, 30);
    let len = if drive.len == 0 { "no medium".to_owned() } else { size(drive.len) };
    let refused: Vec<&str> = drive
        .refusals(&wizard.granted.permissions(&drive.path, &Who::of(drive)))
        .iter()
        .map(|refusal| refusal.code())
        .collect();
    let refused = match (&*refused, wizard.request.no_format) {
        ([], _) | (_, true) => String::new(),
        (codes, false) => format!(" - refused: {}", codes.join(", ")),
    };
    format!("{}  {title}, {len}{refused}", drive.path.display())
}

/// Whether nothing stands against writing the drive, or what does is allowed now. Nothing is written
/// or unmounted here.
fn may_be_written(wizard: &mut Wizard, path: &Path) -> Result<bool, Failure> {
    let drive = match drive_at(path)? {
        Answer::Given(Ok(drive)) => drive,
        Answer::Given(Err(error)) => {
            screen::error(&error);
            return Ok(false);
        }
        Answer::Back => return Ok(false),
    };
    let refusals = drive.refusals(&all());
    if !refusals.is_empty() {
        refusals.iter().for_each(|refusal| screen::note(&refusal.to_string()));
        return Ok(false);
    }
    grant(wizard, path, &drive, &[Grant::Fixed, Grant::Unmount])
}

/// The drive whose node is at `path`, which may be a link or a path that does not answer.
fn drive_at(path: &Path) -> Result<Answer<anyhow::Result<Drive>>, Failure> {
    let at = path.to_path_buf();
    look("Looking at the path", move || Ok(System::new().with_labels(true).drive(&at)?))
}

/// The same for a stick that stays formatted; one that is mounted is told of with the plan.
fn may_be_refreshed(wizard: &mut Wizard, path: &Path) -> Result<bool, Failure> {
    match drive_at(path)? {
        Answer::Given(Ok(drive)) => grant(wizard, path, &drive, &[Grant::Fixed]),
        // A folder or an image.
        Answer::Given(Err(_)) => Ok(true),
        Answer::Back => Ok(false),
    }
}

/// Asks for what the drives of the request need now and was not agreed to for them; what else is wrong
/// with one, the plan tells.
pub(super) fn may_still_be_written(wizard: &mut Wizard) -> Result<bool, Failure> {
    if !wizard.is_usb() {
        return Ok(true);
    }
    let may = if wizard.request.no_format { may_be_refreshed } else { may_be_written_if_there };
    for path in wizard.request.path.clone() {
        if !may(wizard, &path)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn may_be_written_if_there(wizard: &mut Wizard, path: &Path) -> Result<bool, Failure> {
    match drive_at(path)? {
        Answer::Given(Ok(drive)) => grant(wizard, path, &drive, &[Grant::Fixed, Grant::Unmount]),
        Answer::Given(Err(_)) => Ok(true),
        Answer::Back => Ok(false),
    }
}

/// Asks for what the drive at `path` needs, of what can be granted.
fn grant(
    wizard: &mut Wizard,
    path: &Path,
    drive: &Drive,
    grants: &[Grant],
) -> Result<bool, Failure> {
    let who = Who::of(drive);
    if wizard.granted.keep(path, &who) {
        screen::note(&format!("Another drive is at {} now.", path.display()));
    }
    for refusal in drive.refusals(&wizard.granted.permissions(path, &who)) {
        let (grant, why, question) = match &refusal {
            Refusal::Fixed { .. } => (
                Grant::Fixed,
                format!("{} does not say that it is removable.", drive.path.display()),
                "Write it, although it may not be removable?",
            ),
            Refusal::Mounted { mounts, .. } => {
                let places: Vec<String> = mounts.iter().map(Mount::place).collect();
                (
                    Grant::Unmount,
                    format!("{} is mounted at {}.", drive.path.display(), places.join(", ")),
                    "Unmount it, when the media is written?",
                )
            }
            _ => continue,
        };
        if !grants.contains(&grant) {
            continue;
        }
        screen::note(&why);
        discard_input()?;
        if yes_no(question, false)? != Answer::Given(true) {
            return Ok(false);
        }
        wizard.granted.0.insert((path.to_path_buf(), grant), who.clone());
    }
    Ok(true)
}

/// How drives are agreed to where the request is run again.
pub(super) fn say_how_to_agree(wizard: &Wizard) -> Result<(), Failure> {
    if wizard.request.no_format {
        return Ok(());
    }
    let Ok(request) = wizard.request.check() else { return Ok(()) };
    let found = look("Looking for drives", move || {
        let system = System::new();
        let drives = DriveTargets::of(&request, &system).ok()??;
        let all = system.drives().unwrap_or_default();
        let line = Connected { erased: drives.drives(), all: &all }.line();
        Some((drives.drives().len(), line.ok()))
    })?;
    let Answer::Given(Some((count, line))) = found else { return Ok(()) };
    let what = match count {
        1 => "It asks for the name of the drive before it erases it",
        _ => "It asks for the name of each drive before it erases any",
    };
    match line {
        Some(line) => {
            screen::note(&format!("{what}. Where nobody can be asked, add for these drives:"));
            screen::note(&line);
        }
        None => screen::note(&format!("{what}.")),
    }
    Ok(())
}

/// The line of what was chosen before.
fn at(rows: &[Row], before: Option<&Path>, is_a_drive: bool) -> usize {
    let Some(before) = before else { return 0 };
    let listed = |row: &Row| matches!(row, Row::Drive { path, .. } if path == before);
    let other = |row: &Row| match row {
        Row::Image => !is_a_drive,
        Row::Path { formats } => is_a_drive || !formats,
        Row::Drive { .. } | Row::Again => false,
    };
    let listed = rows.iter().position(listed);
    listed.or_else(|| rows.iter().position(other)).unwrap_or(0)
}

/// Whether a drive is at the path.
fn is_drive(path: PathBuf) -> Result<Answer<bool>, Failure> {
    look("Looking at the path", move || System::new().drive(&path).is_ok())
}

/// Refuses a path that leads to a drive, or would, and none of the list.
pub(super) fn refuse_as_file(path: &Path) -> Result<(), anyhow::Error> {
    let request = CaptureMediaRequest::new("boot.wim", MediaType::Usb, path);
    // What is wrong with the path is told with the question.
    let Ok(request) = request.check() else { return Ok(()) };
    match DriveTargets::of(&request, &System::new())? {
        None => Ok(()),
        Some(_) => Err(anyhow!(
            "{} is a drive; choose it in the list, or as another drive by its path",
            path.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wizard::tests::wizard;

    #[test]
    fn what_is_granted_holds_for_one_drive() {
        let mut wizard = wizard(CaptureMediaRequest::new("boot.wim", "usb", "/dev/a"));
        let [a, b] = ["/dev/a", "/dev/b"].map(PathBuf::from);
        let who = |number| Who { serial: None, disk_sequence: Some(number), len: 1 };
        wizard.granted.0.insert((a.clone(), Grant::Fixed), who(1));
        assert_eq!(wizard.consent().words(), ["--allow-fixed"]);
        wizard.request.path = vec![b.clone()];
        assert_eq!(wizard.consent().words(), [""; 0]);
        assert!(!wizard.granted.permissions(&b, &who(1)).allow_fixed);
        wizard.granted.0.insert((b.clone(), Grant::Unmount), who(2));
        assert_eq!(wizard.consent().words(), ["--unmount"]);
        assert!(!wizard.granted.permissions(&a, &who(1)).unmount);
        wizard.request.path.push(a.clone());
        assert_eq!(wizard.consent().words(), ["--allow-fixed", "--unmount"]);
        // Another drive is put in.
        assert!(wizard.granted.permissions(&a, &who(1)).allow_fixed);
        assert!(!wizard.granted.permissions(&a, &who(3)).allow_fixed);
        assert!(wizard.granted.keep(&a, &who(3)), "it was another one");
        assert!(!wizard.granted.keep(&b, &who(2)));
        assert_eq!(wizard.consent().words(), ["--unmount"]);
    }
}
