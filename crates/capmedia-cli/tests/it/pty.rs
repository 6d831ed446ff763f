//! A terminal whose user is the test.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const LIMIT: Duration = Duration::from_secs(60);

/// A terminal that controls nobody: the end of its user, and what opens the other one.
pub(crate) fn pair() -> (File, impl Fn() -> File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let open = move || {
        let path = Path::new(name.to_str().unwrap());
        File::options().read(true).write(true).open(path).unwrap()
    };
    (File::from(terminal), open)
}

/// A command at a terminal: its input and its standard error. Standard output is a pipe.
pub(crate) struct Session {
    child: Child,
    terminal: File,
    heard: Receiver<Vec<u8>>,
    /// All that was shown.
    shown: String,
}

impl Session {
    pub(crate) fn start(command: &mut Command) -> Self {
        let (terminal, open) = pair();
        let (input, error) = (open(), open());
        let child = command.stdin(input).stderr(error).stdout(Stdio::piped()).spawn().unwrap();
        // The command holds the other end as long as it is there; then reading fails.
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let mut reader = terminal.try_clone().unwrap();
        let (told, heard) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if told.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, terminal, heard, shown: String::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `text` was shown.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        let start = Instant::now();
        while !self.shown.contains(text) {
            let left = LIMIT.saturating_sub(start.elapsed());
            let Ok(heard) = self.heard.recv_timeout(left) else {
                panic!("{text:?} was not shown: {}", self.shown);
            };
            self.shown.push_str(&String::from_utf8_lossy(&heard));
        }
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }

    /// The exit code, and all that was shown.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        while let Ok(heard) = self.heard.recv_timeout(Duration::from_millis(500)) {
            self.shown.push_str(&String::from_utf8_lossy(&heard));
        }
        (code, self.shown)
    }
}
