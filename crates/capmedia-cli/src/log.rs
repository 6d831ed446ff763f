//! The log of `--log FILE`, in the form that CMTrace and the other log viewers of Configuration
//! Manager read:
//!
//! ```text
//! <![LOG[text]LOG]!><time="14:05:09.250+000" date="11-23-2026" component="capmedia" context="" type="1" thread="4711" file="">
//! ```
//!
//! Times are in UTC, and say so: the number behind the time is the bias, minutes from local time to
//! UTC, which is 0. `type` is 1 for what happens, 2 for a warning, 3 for an error. `thread` is the
//! number of the process, so that runs that share a log can be told apart.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::anyhow;
use capmedia::Warning;
use extent_image::host::{self, FileId};
use extent_image::{Civil, Progress, Stage, Timestamp};

use crate::exit::{Code, Failure};
use crate::meter::{percent, word_of};
use crate::print::size;

/// How an entry begins, and with it every log.
const START: &str = "<![LOG[";

#[derive(clap::Args, Debug, Default, Clone)]
pub(crate) struct LogArgs {
    /// Append what happens to this file, in the form that CMTrace reads; times in UTC
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

/// A log, or none. Clones are one log.
#[derive(Clone)]
pub(crate) struct Log(Option<Arc<Open>>);

struct Open {
    path: PathBuf,
    file: File,
    id: Option<FileId>,
    /// Why nothing more is written: a run does not fail by its log.
    failed: Mutex<Option<io::Error>>,
}

#[derive(Clone, Copy)]
enum Type {
    Information = 1,
    Warning = 2,
    Error = 3,
}

impl LogArgs {
    /// Opens the log before anything else is done, so that a run that cannot be logged does not
    /// start; but not before `check` has seen where it would be.
    pub(crate) fn open(
        &self,
        check: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<Log, Failure> {
        let Some(path) = &self.log else { return Ok(Log(None)) };
        check(path)?;
        Self::open_at(path, true)
    }

    /// Looks whether [`open`](Self::open) could open the log, and makes none.
    pub(crate) fn look(
        &self,
        check: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(path) = &self.log else { return Ok(()) };
        check(path)?;
        if path.symlink_metadata().is_ok() {
            return Self::open_at(path, false).map(drop);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let found = std::fs::metadata(folder.unwrap_or(Path::new("."))).and_then(|found| {
            if found.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
        });
        found.map_err(|source| cannot_write(path, source))
    }

    fn open_at(path: &Path, create: bool) -> Result<Log, Failure> {
        let cannot = |source: io::Error| cannot_write(path, source);
        let file = OpenOptions::new().read(true).append(true).create(create).open(path);
        let mut file = file.map_err(cannot)?;
        if !begins_a_log(&mut file).map_err(cannot)? {
            let error = anyhow!(
                "--log {} is no log, and nothing is added to it; give another file",
                path.display()
            );
            return Err(Failure::new(Code::Request, error));
        }
        let id = host::file_id(path).ok();
        Ok(Log(Some(Arc::new(Open {
            path: path.to_path_buf(),
            file,
            id,
            failed: Mutex::new(None),
        }))))
    }
}

fn cannot_write(path: &Path, source: io::Error) -> Failure {
    let why = format!("cannot write the log {}", path.display());
    Failure::new(Code::Output, anyhow::Error::from(source).context(why))
}

/// Whether the file is empty or has an entry first. What is no regular file, a terminal or a pipe,
/// has nothing that could be spoilt.
fn begins_a_log(file: &mut File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(true);
    }
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    (&*file).take(START.len() as u64).read_to_end(&mut start)?;
    Ok(start.is_empty() || start == START.as_bytes())
}

impl Log {
    /// Where nothing is logged.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// What was asked: the verb, and a request file that says the same. It holds no passwords, only
    /// where they are.
    pub(crate) fn begin(&self, verb: &str, request: &str) {
        let version = env!("CARGO_PKG_VERSION");
        self.information(format!("capmedia {version} {verb}, process {}", std::process::id()));
        request.lines().filter(|line| !line.is_empty()).for_each(|line| self.information(line));
    }

    pub(crate) fn warnings(&self, warnings: &[Warning]) {
        warnings.iter().for_each(|warning| self.warning(warning.as_str()));
    }

    /// What happens.
    pub(crate) fn information(&self, text: impl AsRef<str>) {
        self.write(Type::Information, text.as_ref());
    }

    /// What the operator should know.
    pub(crate) fn warning(&self, text: impl AsRef<str>) {
        self.write(Type::Warning, text.as_ref());
    }

    /// What ended the run.
    pub(crate) fn error(&self, text: impl AsRef<str>) {
        self.write(Type::Error, text.as_ref());
    }

    /// Refuses a log that is one of the files that are read: what is made of it would change while
    /// it is made.
    pub(crate) fn refuse_inputs<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a Path>,
    ) -> Result<(), Failure> {
        let Some(open) = &self.0 else { return Ok(()) };
        let Open { path, id: Some(id), .. } = &**open else { return Ok(()) };
        for input in inputs {
            if host::file_id(input).is_ok_and(|input| input == *id) {
                let error = anyhow!(
                    "--log {} is the file {} that the media is made of; give another file",
                    path.display(),
                    input.display()
                );
                return Err(Failure::new(Code::Request, error));
            }
        }
        Ok(())
    }

    /// Logs how the run ended, and hands it on; tells where the log could not be written to the end.
    pub(crate) fn end<T>(&self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        match &outcome {
            Ok(_) => self.information("Done."),
            Err(failure) => failure.lines().iter().for_each(|line| self.error(line)),
        }
        if let Some(open) = &self.0
            && let Some(error) = &*open.failed.lock().unwrap_or_else(PoisonError::into_inner)
        {
            let path = open.path.display();
            let text = format_args!("warning: the log {path} ends before the run: {error}");
            // There is no third place to complain.
            let _ = crate::print::line(&mut io::stderr().lock(), text);
        }
        outcome
    }

    /// `progress`, and a line in the log for every tenth of the way.
    pub(crate) fn milestones<P: Progress>(&self, progress: P) -> Milestones<'_, P> {
        Milestones { log: self, progress, stage: None, tenths: 0, work: None, file: None }
    }

    fn write(&self, kind: Type, text: &str) {
        let Some(open) = &self.0 else { return };
        let mut failed = open.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_some() {
            return;
        }
        let now = Timestamp::from_system_time(SystemTime::now());
        let entry = entry(kind, text, now, std::process::id());
        // In one piece, for another run may add to the same log.
        *failed = (&open.file).write_all(entry.as_bytes()).err();
    }
}

/// One line, whatever the text holds.
fn entry(kind: Type, text: &str, now: Timestamp, process: u32) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => clean.push(' '),
            '\r' => {}
            c if c.is_control() => clean.extend(c.escape_unicode()),
            c => clean.push(c),
        }
    }
    // What ends an entry, in a name that somebody chose.
    let clean = clean.replace("]LOG]!>", "]LOG] !>");
    let Civil { year, month, day, hour, minute, second } = now.civil();
    let milliseconds = now.nanos() / 1_000_000;
    let kind = kind as u8;
    format!(
        "{START}{clean}]LOG]!><time=\"{hour:02}:{minute:02}:{second:02}.{milliseconds:03}+000\" \
         date=\"{month:02}-{day:02}-{year:04}\" component=\"capmedia\" context=\"\" \
         type=\"{kind}\" thread=\"{process}\" file=\"\">\r\n"
    )
}

/// Progress that is logged.
pub(crate) struct Milestones<'a, P> {
    log: &'a Log,
    progress: P,
    stage: Option<Stage>,
    tenths: u64,
    /// What of it was work, where that is not all.
    work: Option<(u64, u64)>,
    file: Option<(String, Range<u64>)>,
}

impl<P: Progress> Progress for Milestones<'_, P> {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        let (worked, of) = self.work.unwrap_or((done, total));
        let tenths = percent(worked, of) / 10;
        if tenths > self.tenths {
            self.tenths = tenths;
            let file =
                self.file.as_ref().filter(|(_, place)| place.start <= done && done <= place.end);
            let at = file.map(|(path, _)| format!(", at {path}")).unwrap_or_default();
            self.log.information(format!("{tenths}0 %: {} of {}{at}", size(worked), size(of)));
        }
        self.progress.advance(done, total)
    }

    fn work(&mut self, done: u64, total: u64) {
        self.work = Some((done, total));
        self.progress.work(done, total);
    }

    fn begin(&mut self, stage: Stage) {
        let before = self.stage.replace(stage);
        // Volumes of a set count on.
        if before.is_none_or(|before| before.phase() != stage.phase()) || stage.volume().is_none() {
            self.tenths = 0;
        }
        (self.work, self.file) = (None, None);
        let volume = stage.volume().map(|(number, of)| format!(", {number} of {of}"));
        let word = word_of(stage.phase());
        self.log.information(format!("Phase: {word}{}", volume.unwrap_or_default()));
        self.progress.begin(stage);
    }

    fn file(&mut self, path: &str, place: Range<u64>) {
        if self.log.0.is_some() {
            self.file = Some((path.to_owned(), place.clone()));
        }
        self.progress.file(path, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line_that_cmtrace_reads() {
        let now = Timestamp::from_filetime(134_083_803_092_500_000);
        let expected = "<![LOG[a b\\u{1b}c]LOG] !>\u{e9}]LOG]!><time=\"14:05:09.250+000\" \
                        date=\"11-23-2025\" component=\"capmedia\" context=\"\" type=\"2\" \
                        thread=\"4711\" file=\"\">\r\n";
        let found = entry(Type::Warning, "a\r\nb\u{1b}c]LOG]!>\u{e9}", now, 4711);
        assert_eq!(found, expected);
    }

    #[test]
    fn only_a_log_is_added_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let args = LogArgs { log: Some(path.clone()) };
        let refuse = |_: &Path| Err(Failure::new(Code::Request, anyhow!("no")));
        assert!(args.open(refuse).is_err() && !path.exists());
        for _ in 0..2 {
            let log = args.open(|_| Ok(())).unwrap();
            log.warning("careful");
            assert!(log.refuse_inputs([&*path]).is_err());
            assert!(log.refuse_inputs([folder.path()]).is_ok());
        }
        let look =
            |name: &str| LogArgs { log: Some(folder.path().join(name)) }.look(|_| Ok(())).is_ok();
        assert!(look("a.log") && look("new.log") && !look("no/new.log"));
        assert!(!folder.path().join("new.log").exists());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("[careful]").count(), 2, "{text}");
        assert_eq!(text.lines().count(), 2);
        std::fs::write(&path, "of somebody").unwrap();
        assert!(args.open(|_| Ok(())).is_err());
        assert!(args.look(|_| Ok(())).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"of somebody");
    }

    #[test]
    fn every_tenth_is_logged_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let log = LogArgs { log: Some(path.clone()) }.open(|_| Ok(())).unwrap();
        let mut progress = log.milestones(());
        for done in 0..=1000 {
            assert!(progress.advance(done, 1000).is_continue());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 10, "{text}");
        assert!(text.contains("LOG[100 %: 1000 bytes of 1000 bytes]LOG"), "{text}");
    }
}
