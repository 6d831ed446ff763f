//! What must be said before a drive is erased: its name, typed on a terminal; or `--yes` and
//! `--drive-serial` on the command line, where nobody can be asked.
//!
//! None of it is an option of a request: a request file is written once and used for years, and the
//! drive that is called `sdb` is another one tomorrow.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, anyhow, bail};
use capmedia::Consent;
use capmedia::media_device::{Drive, Identity};

use crate::drives;
use crate::print;
use crate::signals;

/// Options that a request file cannot have.
#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Drives")]
pub(crate) struct ConsentArgs {
    /// Erase the drives of --path without a question, where --drive-serial names them
    #[arg(long)]
    yes: bool,
    /// The serial of a drive of --path, or diskseq:N for one that has none, as capmedia drives shows
    /// it; once for each drive, and the run ends where another one is there
    #[arg(long, value_name = "SERIAL")]
    drive_serial: Vec<String>,
    /// Let drives be written that are not removable; never those that this machine runs from
    #[arg(long)]
    pub(crate) allow_fixed: bool,
    /// Unmount what is mounted of the drives before they are written
    #[arg(long)]
    pub(crate) unmount: bool,
}

/// The same where nothing is erased: a command line of `capmedia create` can be planned as it is.
#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Drives")]
pub(crate) struct NoConsentArgs {
    /// No effect, as the other options about drives here: nothing is erased, and the command line
    /// of capmedia create can be planned as it is
    #[arg(long)]
    yes: bool,
    /// No effect here; no drive is compared
    #[arg(long, value_name = "SERIAL")]
    drive_serial: Vec<String>,
    /// No effect here
    #[arg(long)]
    allow_fixed: bool,
    /// No effect here; nothing is unmounted
    #[arg(long)]
    unmount: bool,
}

/// The drives that will be erased, and all that are connected: no option may name another one by
/// mistake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connected<'a> {
    pub(crate) erased: &'a [Drive],
    pub(crate) all: &'a [Drive],
}

/// How somebody is asked.
pub(crate) trait Prompt {
    /// Whether there is somebody.
    fn is_there(&self) -> bool;

    /// Shows lines, which may hold names that came from a drive.
    fn show(&mut self, lines: &[String]) -> io::Result<()>;

    /// The line that is typed behind a question; `None` where the input ends.
    fn ask(&mut self, question: &str) -> io::Result<Option<String>>;

    /// What to do when something else was typed.
    fn way_out(&self) -> &'static str {
        "Run it again"
    }
}

/// How consent was given, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    Typed,
    Options,
}

impl ConsentArgs {
    /// Drives are erased when their names were typed.
    pub(crate) fn asked(allow_fixed: bool, unmount: bool) -> Self {
        Self { allow_fixed, unmount, ..Self::default() }
    }

    /// What may be done to drives that are agreed to.
    pub(crate) fn permissions(&self) -> Consent {
        Consent::new().with_allow_fixed(self.allow_fixed).with_unmount(self.unmount)
    }

    /// What was allowed beside erasing, as options of a command line.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        let given = [("--allow-fixed", self.allow_fixed), ("--unmount", self.unmount)];
        given.into_iter().filter_map(|(word, given)| given.then_some(word)).collect()
    }

    /// Refuses options that would do nothing.
    pub(crate) fn refuse_without_drives(&self) -> anyhow::Result<()> {
        let given = [
            ("--yes", self.yes),
            ("--drive-serial", !self.drive_serial.is_empty()),
            ("--allow-fixed", self.allow_fixed),
            ("--unmount", self.unmount),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(anyhow!(
                "{option} is about writing drives, and --path names none; leave it out, or give \
                 --path a drive that capmedia drives lists"
            )),
            None => Ok(()),
        }
    }

    /// Refuses options that let drives be erased where none is.
    pub(crate) fn refuse_without_erasing(&self) -> anyhow::Result<()> {
        let option = match (self.yes, &*self.drive_serial) {
            (true, _) => "--yes",
            (false, [_, ..]) => "--drive-serial",
            (false, []) => return Ok(()),
        };
        bail!("{option} is about erasing drives, and --no-format erases none; leave it out")
    }

    /// Sees that all of the drives may be erased; nothing was touched where it says no. `force` is that
    /// of the request, which is for files.
    pub(crate) fn obtain(
        &self,
        connected: Connected<'_>,
        force: bool,
        prompt: &mut dyn Prompt,
    ) -> anyhow::Result<Given> {
        self.look(connected, force, prompt)?;
        if self.yes {
            return Ok(Given::Options);
        }
        let drives = connected.erased;
        let heading = match drives.len() {
            1 => "This drive will be erased, with all that is on it:".to_owned(),
            count => format!("These {count} drives will be erased, with all that is on them:"),
        };
        let about = drives.iter().flat_map(|drive| {
            let lines = drives::about(drive).into_iter().map(|text| format!("  {text}"));
            lines.chain([String::new()])
        });
        let lines: Vec<String> = [heading, String::new()].into_iter().chain(about).collect();
        let cannot = "cannot ask on the terminal; --yes and --drive-serial ask nothing";
        prompt.show(&lines).context(cannot)?;
        for Drive { name, .. } in drives {
            let question = format!("Type the name of the drive, {name}, to erase it: ");
            let Some(typed) = prompt.ask(&question).context(cannot)? else {
                let way_out = prompt.way_out();
                bail!("the name of {name} was not typed; nothing was erased. {way_out}");
            };
            let typed = typed.trim();
            if typed != name {
                let way_out = prompt.way_out();
                bail!("{typed:?} was typed, not {name}; nothing was erased. {way_out}");
            }
        }
        Ok(Given::Typed)
    }

    /// All that can be said without asking.
    pub(crate) fn look(
        &self,
        connected: Connected<'_>,
        force: bool,
        prompt: &dyn Prompt,
    ) -> anyhow::Result<()> {
        if !self.drive_serial.is_empty() {
            self.compare(connected)?;
        }
        let is_named = !self.drive_serial.is_empty();
        if (self.yes && is_named) || (!self.yes && prompt.is_there()) {
            return Ok(());
        }
        let why = match self.yes {
            true => "--yes erases drives without a question, and --drive-serial must say which",
            false => "there is no terminal on which the name of a drive could be typed",
        };
        let force = if force { "; --force is for files, and erases no drive" } else { "" };
        let (names, line) = (names(connected.erased), connected.line()?);
        bail!("{why}; if {names} may be erased, add {line}{force}")
    }

    /// Each serial is one drive of all that are connected, and each drive that is erased has one.
    fn compare(&self, connected: Connected<'_>) -> anyhow::Result<()> {
        let drives = connected.erased;
        for given in &self.drive_serial {
            let mut found = connected.each().filter(|drive| drive.is_named(given));
            let (Some(first), second) = (found.next(), found.next()) else {
                let there: Vec<String> = drives.iter().map(told).collect();
                let there = there.join(" and ");
                bail!(
                    "--drive-serial {given} is none of the drives of --path, which are {there}; \
                     look again with capmedia drives"
                );
            };
            let Some(second) = second else {
                if !drives.iter().any(|drive| drive.name == first.name) {
                    let there: Vec<String> = drives.iter().map(told).collect();
                    let there = there.join(" and ");
                    bail!(
                        "--drive-serial {given} is {first}, which --path does not name; it names \
                         {there}",
                        first = first.name
                    );
                }
                continue;
            };
            let names = names([first, second].into_iter().chain(found));
            bail!(
                "--drive-serial {given} is the serial of {names}; name the right drive by the \
                 diskseq:N that capmedia drives shows"
            );
        }
        let is_named = |drive: &&Drive| self.drive_serial.iter().any(|given| drive.is_named(given));
        match drives.iter().find(|drive| !is_named(drive)) {
            Some(drive) => Err(anyhow!(
                "no --drive-serial names {drive}, which --path would erase; add it if it is the \
                 right drive, or take the drive out of --path",
                drive = told(drive)
            )),
            None => Ok(()),
        }
    }
}

impl<'a> Connected<'a> {
    /// Each once; loop devices are not among all.
    fn each(self) -> impl Iterator<Item = &'a Drive> {
        let is_other = move |drive: &&Drive| self.erased.iter().all(|one| one.path != drive.path);
        self.erased.iter().chain(self.all.iter().filter(is_other))
    }

    /// What a script adds to erase just these.
    pub(crate) fn line(self) -> anyhow::Result<String> {
        let mut line = "--yes".to_owned();
        for drive in self.erased {
            let word = match drive.identity_among(self.each()) {
                // Kernels before 5.15 count nothing.
                Identity::Unknown => bail!(
                    "{} tells no serial of its own, so no script can name it; run this on a \
                     terminal, and type its name",
                    drive.name
                ),
                identity => quoted(&identity.to_string()),
            };
            line.push_str(&format!(" --drive-serial {word}"));
        }
        Ok(line)
    }
}

/// A drive in a sentence.
fn told(drive: &Drive) -> String {
    let name = &drive.name;
    match (&drive.serial, drive.disk_sequence) {
        (Some(serial), Some(number)) => format!("{name} (serial {serial}, diskseq:{number})"),
        (Some(serial), None) => format!("{name} (serial {serial})"),
        (None, Some(number)) => format!("{name} (no serial, diskseq:{number})"),
        (None, None) => {
            format!("{name} (no serial and no diskseq: only its name can be typed)")
        }
    }
}

fn names<'a>(drives: impl IntoIterator<Item = &'a Drive>) -> String {
    let names: Vec<&str> = drives.into_iter().map(|drive| drive.name.as_str()).collect();
    names.join(" and ")
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:+,/@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The terminal: shown on standard error, typed on standard input.
pub(crate) struct Terminal;

impl Prompt for Terminal {
    fn is_there(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    fn show(&mut self, lines: &[String]) -> io::Result<()> {
        let mut to = io::stderr().lock();
        lines.iter().try_for_each(|text| print::line(&mut to, text))
    }

    fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        // Not locked while waiting: a signal says on it that it ended the question.
        io::stderr().write_all(question.as_bytes())?;
        let mut typed = String::new();
        let read = signals::ask(|| io::stdin().lock().read_line(&mut typed))?;
        Ok((read > 0).then_some(typed))
    }
}

// Drives are known on Linux only.
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use capmedia::media_device::System;

    use super::*;

    /// Answers in turn, and keeps what was shown and asked.
    struct Script {
        answers: Option<Vec<&'static str>>,
        seen: Vec<String>,
    }

    impl Script {
        fn of(answers: &[&'static str]) -> Self {
            let answers = answers.iter().rev().copied().collect();
            Self { answers: Some(answers), seen: Vec::new() }
        }

        fn nobody() -> Self {
            Self { answers: None, seen: Vec::new() }
        }
    }

    impl Prompt for Script {
        fn is_there(&self) -> bool {
            self.answers.is_some()
        }

        fn show(&mut self, lines: &[String]) -> io::Result<()> {
            self.seen.extend_from_slice(lines);
            Ok(())
        }

        fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
            self.seen.push(question.to_owned());
            Ok(self.answers.as_mut().and_then(Vec::pop).map(str::to_owned))
        }
    }

    /// A drive of a machine that is a folder.
    fn drive(name: &str, serial: Option<&str>, diskseq: Option<u64>) -> Drive {
        let machine = tempfile::tempdir().unwrap();
        let root = machine.path();
        let folder = root.join("sys/devices").join(name);
        for folder in
            [&folder.join("queue"), &root.join("sys/block"), &root.join("sys/class/block")]
        {
            fs::create_dir_all(folder).unwrap();
        }
        let mut facts = vec![
            ("dev", format!("8:{}", name.bytes().last().unwrap())),
            ("size", "204800".to_owned()),
            ("removable", "1".to_owned()),
            ("queue/logical_block_size", "512".to_owned()),
        ];
        facts.extend(serial.map(|serial| ("serial", serial.to_owned())));
        facts.extend(diskseq.map(|number| ("diskseq", number.to_string())));
        facts.iter().for_each(|(fact, value)| fs::write(folder.join(fact), value).unwrap());
        symlink(&folder, root.join("sys/block").join(name)).unwrap();
        symlink(&folder, root.join("sys/class/block").join(name)).unwrap();
        fs::create_dir_all(root.join("proc/self")).unwrap();
        fs::write(root.join("proc/self/mountinfo"), "").unwrap();
        fs::write(root.join("proc/swaps"), "").unwrap();
        fs::create_dir(root.join("dev")).unwrap();
        let node = root.join("dev").join(name);
        fs::write(&node, "").unwrap();
        System::at(root).drive(&node).unwrap()
    }

    fn sticks() -> [Drive; 2] {
        [drive("sdb", Some("4C53"), Some(7)), drive("sdc", None, Some(8))]
    }

    fn connected(erased: &[Drive]) -> Connected<'_> {
        Connected { erased, all: erased }
    }

    fn args(yes: bool, serials: &[&str]) -> ConsentArgs {
        let drive_serial = serials.iter().map(ToString::to_string).collect();
        ConsentArgs { yes, drive_serial, ..ConsentArgs::default() }
    }

    #[test]
    fn each_name_is_typed() {
        let mut prompt = Script::of(&["sdb\n", " sdc \r\n"]);
        let given = args(false, &[]).obtain(connected(&sticks()), false, &mut prompt).unwrap();
        assert_eq!(given, Given::Typed);
        let is_said = |part: &str| prompt.seen.iter().any(|line| line.contains(part));
        assert_eq!(prompt.seen[0], "These 2 drives will be erased, with all that is on them:");
        for part in ["dev/sdb: ", "serial 4C53, diskseq:7", "dev/sdc: ", "no serial, diskseq:8"] {
            assert!(is_said(part), "{part}: {:?}", prompt.seen);
        }
        let asked = &prompt.seen[prompt.seen.len() - 2..];
        let expected =
            ["sdb", "sdc"].map(|name| format!("Type the name of the drive, {name}, to erase it: "));
        assert_eq!(asked, expected);

        for (answers, said) in [
            (&["sdc\n"][..], "\"sdc\" was typed, not sdb; nothing was erased"),
            (&["sdb\n", "y\n"], "\"y\" was typed, not sdc"),
            (&["SDB\n"], "not sdb"),
            (&["\n"], "\"\" was typed"),
            (&[], "the name of sdb was not typed; nothing was erased"),
            (&["sdb\n"], "the name of sdc was not typed"),
        ] {
            let mut prompt = Script::of(answers);
            let refused = args(false, &[]).obtain(connected(&sticks()), false, &mut prompt);
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(said), "{answers:?}: {refused}");
        }
    }

    #[test]
    fn serials_are_compared_before_anybody_is_asked() {
        let mut prompt = Script::of(&["sdb", "sdc"]);
        let refused =
            args(false, &["4C53", "other"]).obtain(connected(&sticks()), false, &mut prompt);
        assert!(refused.unwrap_err().to_string().contains("--drive-serial other is none"));
        assert!(prompt.seen.is_empty());
        let given =
            args(false, &["diskseq:8", "4C53"]).obtain(connected(&sticks()), false, &mut prompt);
        assert_eq!(given.unwrap(), Given::Typed);
    }

    #[test]
    fn a_script_names_exactly_the_drives() {
        let obtain = |yes, serials: &[&str], force| {
            args(yes, serials).obtain(connected(&sticks()), force, &mut Script::nobody())
        };
        assert_eq!(obtain(true, &["4C53", "diskseq:8"], false).unwrap(), Given::Options);
        assert_eq!(obtain(true, &["diskseq:7", "diskseq:8"], true).unwrap(), Given::Options);
        let line = "--yes --drive-serial 4C53 --drive-serial diskseq:8";
        for (yes, serials, force, said) in [
            (true, &[][..], false, "if sdb and sdc may be erased"),
            (true, &[], false, line),
            (false, &[], false, "no terminal"),
            (false, &[], false, line),
            (false, &[], true, "--force is for files, and erases no drive"),
            (true, &[], true, "--force is for files, and erases no drive"),
            // One without the other.
            (false, &["4C53", "diskseq:8"], false, "no terminal"),
            (true, &["4C53"], false, "no --drive-serial names sdc (no serial, diskseq:8)"),
            (true, &["4c53", "diskseq:8"], false, "--drive-serial 4c53 is none of the drives"),
            (true, &["4C53", "diskseq:9"], false, "sdb (serial 4C53, diskseq:7) and sdc"),
            (true, &["4C53", "diskseq:08x"], false, "--drive-serial diskseq:08x is none"),
            (true, &["sdb", "sdc"], false, "--drive-serial sdb is none"),
            (true, &["4C53", ""], false, "is none"),
        ] {
            let refused = obtain(yes, serials, force).unwrap_err().to_string();
            assert!(refused.contains(said), "{serials:?}: {refused}");
        }
    }

    #[test]
    fn a_shared_serial_is_no_name() {
        let twins = [drive("sdb", Some("it's 1"), Some(7)), drive("sdc", Some("it's 1"), Some(8))];
        let obtain = |yes, serials: &[&str]| {
            args(yes, serials).obtain(connected(&twins), false, &mut Script::nobody())
        };
        let refused = obtain(true, &["it's 1"]).unwrap_err().to_string();
        assert!(refused.contains("is the serial of sdb and sdc; name"), "{refused}");
        assert!(obtain(true, &["diskseq:7", "diskseq:8"]).is_ok());
        let refused = obtain(true, &[]).unwrap_err().to_string();
        assert!(refused.contains("--drive-serial diskseq:7 --drive-serial diskseq:8"), "{refused}");
        let refused = args(true, &[]).obtain(connected(&twins[..1]), false, &mut Script::nobody());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(r"--drive-serial 'it'\''s 1'"), "{refused}");
    }

    /// Some makers give one serial to all their sticks, and the slots of a card reader have the
    /// reader's: it says nothing of which of the two is at the path.
    #[test]
    fn a_serial_shared_with_a_drive_outside_path_is_no_name() {
        let [erased, other] =
            [drive("sdb", Some("0001"), Some(7)), drive("sdc", Some("0001"), Some(8))];
        let all = &[erased.clone(), other, drive("sdd", Some("4C53"), Some(9))];
        let erased = &[erased];
        let obtain = |serials: &[&str]| {
            let connected = Connected { erased, all };
            args(true, serials).obtain(connected, false, &mut Script::nobody())
        };
        for (serials, said) in [
            (&["0001"][..], "is the serial of sdb and sdc; name the right drive by the diskseq:N"),
            (&[], "--yes --drive-serial diskseq:7"),
            (&["diskseq:7", "4C53"], "--drive-serial 4C53 is sdd, which --path does not name"),
            (&["diskseq:8"], "is sdc, which --path does not name; it names sdb (serial 0001,"),
        ] {
            let refused = obtain(serials).unwrap_err().to_string();
            assert!(refused.contains(said), "{serials:?}: {refused}");
        }
        assert_eq!(obtain(&["diskseq:7"]).unwrap(), Given::Options);
    }

    #[test]
    fn a_drive_that_tells_nothing_is_named_on_a_terminal_only() {
        let stick = [drive("sdb", None, None)];
        for serial in ["", "diskseq:0", "diskseq:", "sdb"] {
            let refused =
                args(true, &[serial]).obtain(connected(&stick), false, &mut Script::nobody());
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("only its name can be typed"), "{serial}: {refused}");
        }
        let refused =
            args(true, &[]).obtain(connected(&stick), false, &mut Script::nobody()).unwrap_err();
        assert!(refused.to_string().contains("run this on a terminal"), "{refused}");
        assert!(
            args(false, &[]).obtain(connected(&stick), false, &mut Script::of(&["sdb"])).is_ok()
        );
    }

    #[test]
    fn without_a_drive_there_is_nothing_to_consent_to() {
        assert!(ConsentArgs::default().refuse_without_drives().is_ok());
        for (args, option) in [
            (args(true, &[]), "--yes"),
            (args(false, &["x"]), "--drive-serial"),
            (ConsentArgs { allow_fixed: true, ..Default::default() }, "--allow-fixed"),
            (ConsentArgs { unmount: true, ..Default::default() }, "--unmount"),
        ] {
            let erases = args.yes || !args.drive_serial.is_empty();
            assert_eq!(args.refuse_without_erasing().is_err(), erases, "{option}");
            let refused = args.refuse_without_drives().unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{option} is about writing drives")), "{refused}");
        }
    }
}
