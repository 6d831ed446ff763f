//! `capmedia` in a folder of its own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use capmedia::sample;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with `boot.wim`, the sample boot image, and an empty `out`. Commands run in it.
pub(crate) struct Bench {
    folder: TempDir,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    /// What it said to people.
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(bench.path("out")).unwrap();
        bench.put("boot.wim", sample::boot_image().unwrap());
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file with the sample's time.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let seconds = sample::TIME.unix_seconds().try_into().unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        path
    }

    /// `capmedia`, to be run in the folder, with nothing of the environment that it heeds.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capmedia"));
        command.args(args).current_dir(self.folder.path()).env_remove("SOURCE_DATE_EPOCH");
        command.stdin(Stdio::null());
        command
    }

    /// Words with spaces between them, so that a command reads as it is typed.
    pub(crate) fn run(&self, line: &str) -> Ended {
        ended(&mut self.command(line.split_whitespace()))
    }

    /// Runs a command that must succeed without a word on standard error.
    #[track_caller]
    pub(crate) fn succeed(&self, line: &str) -> Vec<u8> {
        let ended = self.run(line);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{line}");
        ended.stdout
    }

    /// The same for one whose output is a JSON object.
    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> Value {
        json(&self.succeed(line))
    }

    /// Everything in the folder `out`, hidden files too.
    pub(crate) fn out(&self) -> Vec<String> {
        names_in(&self.path("out"))
    }
}

#[track_caller]
pub(crate) fn json(text: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(text).expect("one JSON object");
    assert!(value.is_object());
    value
}

/// A text with `/` between the names of paths, also where a path was put together on Windows.
pub(crate) fn slashes(text: &str) -> String {
    if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() }
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

pub(crate) fn ended(command: &mut Command) -> Ended {
    of(command.output().unwrap())
}

pub(crate) fn of(output: Output) -> Ended {
    let stderr = String::from_utf8(output.stderr).unwrap();
    Ended { code: output.status.code(), stdout: output.stdout, stderr }
}

/// `create` for a disc, a stick or both; the stick is small.
pub(crate) fn create(kind: &str) -> &'static str {
    match kind {
        "usb" => {
            "create --boot-image boot.wim --media-type usb --image-size 40MiB \
             --capture-destination \\\\server\\share\\image.wim --path out/capture.img"
        }
        "hybrid" => {
            "create --boot-image boot.wim --media-type hybrid \
             --capture-destination \\\\server\\share\\image.wim --path out/capture.iso"
        }
        _ => {
            "create --boot-image boot.wim --media-type cd-dvd \
             --capture-destination \\\\server\\share\\image.wim --path out/capture.iso"
        }
    }
}
