//! A terminal of 80 columns and 24 rows whose user is the test: what is typed comes as keys, what is
//! shown is read off the screen. The program is the leader of a session, as one that sshd starts.
//!
//! Nothing here waits for a fixed time: a test waits for what it wants to see.

use std::fs;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command as PtyCommand, Pty, open};
use vt100::Parser;

pub(crate) const ROWS: u16 = 24;
pub(crate) const COLUMNS: u16 = 80;

/// Rows that are kept of all that was shown.
const ALL_ROWS: u16 = 3000;

/// A machine under load is slow; a test that fails takes this long.
const LIMIT: Duration = Duration::from_secs(120);

/// How long nothing is shown when a screen is stored anew.
const STILL: Duration = Duration::from_millis(1500);

pub(crate) const DOWN: &str = "\x1b[B";
pub(crate) const ENTER: &str = "\r";
pub(crate) const ESCAPE: &str = "\x1b";
pub(crate) const BACKSPACE: &str = "\x7f";
pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_Z: &str = "\x1a";

/// A program at a terminal.
pub(crate) struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    heard: Receiver<Vec<u8>>,
    screen: Parser,
    /// A screen so high that nothing leaves it.
    all: Parser,
    bytes: Vec<u8>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) code: Option<i32>,
    /// All that was shown, line by line.
    pub(crate) shown: String,
}

impl Terminal {
    /// Starts a command; its standard input, output and error are the terminal, of the kind
    /// `xterm-256color`, and its language is English in UTF-8 unless the command says otherwise.
    pub(crate) fn start(command: &Command) -> Self {
        let (pty, terminal) = open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let mut inside = PtyCommand::new(command.get_program())
            .args(command.get_args())
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR");
        if let Some(folder) = command.get_current_dir() {
            inside = inside.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            inside = match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        let child = inside.spawn(terminal).unwrap();
        let pty = Arc::new(pty);
        let (told, heard) = channel();
        let from = Arc::clone(&pty);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading fails when nobody has the other end any more.
            while let Ok(count @ 1..) = (&*from).read(&mut buffer) {
                if told.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, pty, heard, screen: parser(ROWS), all: parser(ALL_ROWS), bytes: Vec::new() }
    }

    /// Presses keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Tells the program that the window has another size. The screen here keeps its own, so give the
    /// old size again before reading it.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        self.pty.resize(Size::new(rows, columns)).unwrap();
    }

    /// What is on the screen now, without blanks at the ends of rows and without empty rows below.
    pub(crate) fn screen(&self) -> String {
        contents(&self.screen)
    }

    /// All that was shown so far.
    pub(crate) fn all(&self) -> String {
        contents(&self.all)
    }

    /// The same with what goes over several rows in one line.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.all.screen().contents().lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// All bytes that came so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The process at the terminal.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Holds a key down until the screen shows `text`, as fast as a keyboard repeats it.
    #[track_caller]
    pub(crate) fn hold(&mut self, key: &str, text: &str) {
        /// Thirty times a second.
        const AGAIN: Duration = Duration::from_millis(33);
        let (start, mut pressed) = (Instant::now(), Instant::now());
        while !self.screen().contains(text) {
            assert!(start.elapsed() < LIMIT, "{text:?} did not come:\n{}", framed(&self.screen()));
            if self.hear(AGAIN.saturating_sub(pressed.elapsed())).is_err() {
                self.keys(key);
                pressed = Instant::now();
            }
        }
    }

    /// Waits until `text` comes behind so many bytes.
    #[track_caller]
    pub(crate) fn wait_for_after(&mut self, before: usize, text: &str) {
        let start = Instant::now();
        while !String::from_utf8_lossy(&self.bytes[before..]).contains(text) {
            let left = LIMIT.saturating_sub(start.elapsed());
            if let Err(error) = self.hear(left) {
                panic!("{text:?} did not come: {error}\n{}", framed(&self.screen()));
            }
        }
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("{text:?}"), |screen| screen.contains(text));
    }

    /// The same for words that may be on several rows.
    #[track_caller]
    pub(crate) fn wait_for_words(&mut self, words: &str) {
        self.wait_until(&format!("{words:?}"), |screen| {
            screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(words)
        });
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, is_there: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !is_there(&self.screen()) {
            let left = LIMIT.saturating_sub(start.elapsed());
            if let Err(error) = self.hear(left) {
                panic!("{what} did not come: {error}\n{}", framed(&self.screen()));
            }
        }
    }

    /// Waits until the screen is that of the file `screens/<name>.txt`, which is written anew where
    /// CAPMEDIA_BLESS is set; look at what changed before it is committed.
    #[track_caller]
    pub(crate) fn is_screen(&mut self, name: &str) {
        let path: PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "tests/it/screens", &format!("{name}.txt")]
                .iter()
                .collect();
        if std::env::var_os("CAPMEDIA_BLESS").is_some() {
            while self.hear(STILL).is_ok() {}
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("{}\n", self.screen())).unwrap();
            return;
        }
        let known = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        let start = Instant::now();
        while self.screen() != known.trim_end_matches('\n') {
            let left = LIMIT.saturating_sub(start.elapsed());
            if let Err(error) = self.hear(left) {
                panic!(
                    "the screen is not {name}: {error}; CAPMEDIA_BLESS=1 stores it\n{}\nbut\n{}",
                    framed(&known),
                    framed(&self.screen())
                );
            }
        }
    }

    /// Nothing is wider than the screen: no row goes on in the next.
    #[track_caller]
    pub(crate) fn is_narrow(&self) {
        let screen = self.screen.screen();
        let wide = (0..ROWS).find(|row| screen.row_wrapped(*row));
        assert_eq!(wide, None, "a row is wider than the screen:\n{}", framed(&self.screen()));
    }

    /// Takes in what is shown next.
    fn hear(&mut self, limit: Duration) -> Result<(), RecvTimeoutError> {
        let heard = self.heard.recv_timeout(limit)?;
        self.screen.process(&heard);
        self.all.process(&heard);
        self.bytes.extend_from_slice(&heard);
        Ok(())
    }

    /// Waits for the end of the program.
    #[track_caller]
    pub(crate) fn end(mut self) -> Left {
        let start = Instant::now();
        loop {
            match self.hear(LIMIT.saturating_sub(start.elapsed())) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end:\n{}", framed(&self.screen()))
                }
            }
        }
        Left { code: self.child.wait().unwrap().code(), shown: self.all() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where a test fails it may still run.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parser(rows: u16) -> Parser {
    Parser::new(NonZero::new(rows).unwrap(), NonZero::new(COLUMNS).unwrap(), 0)
}

fn contents(parser: &Parser) -> String {
    let screen = parser.screen();
    let (_, columns) = screen.size();
    let rows: Vec<String> =
        screen.rows(0, columns.into()).map(|row| row.trim_end().to_owned()).collect();
    rows.join("\n").trim_end().to_owned()
}

/// A screen for a message, with its edge.
fn framed(screen: &str) -> String {
    let edge = format!("+{}+", "-".repeat(COLUMNS.into()));
    let rows = screen.lines().map(|row| format!("|{row:80}|"));
    [edge.clone()].into_iter().chain(rows).chain([edge]).collect::<Vec<_>>().join("\n")
}
