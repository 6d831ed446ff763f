//! What takes long happens on a thread, while the terminal tells how long it takes: Esc leaves it,
//! Ctrl-C ends the wizard, at once, whatever it waits for.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use capmedia::dp_content::ContentEvent;
use crossterm::event;

use crate::exit::{Code, Failure};
use crate::signals::is_cancelled;
use crate::told::Told;
use crate::wizard::ask::{Answer, Raw, cancelled, is_ctrl, is_escape};
use crate::wizard::screen::{self, clipped};

/// Who hears of events while content is looked for and fetched: the page that waits, and later the
/// run that writes.
#[derive(Clone, Default)]
pub(super) struct Ears(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    run: Option<Told>,
    /// Not shown yet.
    texts: Vec<String>,
    shown: HashSet<String>,
}

impl Ears {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on `run` hears of events.
    pub(super) fn lend(&self, run: &Told) {
        self.heard().run = Some(run.clone());
    }

    pub(super) fn event(&self, event: &ContentEvent) {
        let mut heard = self.heard();
        match heard.run.clone() {
            Some(run) => {
                drop(heard);
                run.event(event);
            }
            None => {
                let text = event.to_string();
                // Each page meets the same ones again.
                if heard.shown.insert(text.clone()) {
                    heard.texts.push(text);
                }
            }
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.heard().texts)
    }
}

/// What work on a thread has in common with the page that waits for it.
#[derive(Clone, Default)]
pub(super) struct Work {
    left: Arc<AtomicBool>,
    step: Arc<Mutex<String>>,
}

impl Work {
    /// Whether nobody waits for it any more.
    pub(super) fn is_left(&self) -> bool {
        self.left.load(Ordering::Relaxed) || is_cancelled()
    }

    /// Tells what is done now.
    pub(super) fn at(&self, step: &str) {
        *self.step() = clipped(step, STEP);
    }

    fn step(&self) -> MutexGuard<'_, String> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Columns of what is done: time and keys stand behind it.
const STEP: usize = 42;

/// Does `work` and shows what is done, first `step`, and for how long now. Who works learns when nobody
/// waits any more.
pub(super) fn wait<T: Send + 'static>(
    step: &str,
    ears: &Ears,
    work: impl FnOnce(&Work) -> T + Send + 'static,
) -> Result<Answer<T>, Failure> {
    let state = Work::default();
    state.at(step);
    let (done, result) = mpsc::channel();
    thread::spawn({
        let state = state.clone();
        move || done.send(work(&state))
    });
    let mut line = Line::new();
    let outcome = loop {
        line.show(&state.step());
        // Without it, keys are not seen, but signals are.
        let pressed = line.raw.is_some() && event::poll(TICK).unwrap_or(false);
        if line.raw.is_none() {
            thread::sleep(TICK);
        }
        if pressed && let Ok(event) = event::read() {
            if is_ctrl(&event, 'c') {
                break Err(cancelled());
            }
            if is_escape(&event) {
                break Ok(Answer::Back);
            }
        }
        if is_cancelled() {
            break Err(cancelled());
        }
        line.told(ears.take());
        match result.try_recv() {
            Ok(result) => break Ok(Answer::Given(result)),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                let error =
                    anyhow!("a part of capmedia has ended by a mistake, please report this");
                break Err(Failure::new(Code::Bug, error));
            }
        }
    };
    if !matches!(outcome, Ok(Answer::Given(_))) {
        // What the work gave may go on asking: content is read again when the media is written.
        state.left.store(true, Ordering::Relaxed);
    }
    line.told(ears.take());
    line.end();
    outcome
}

const TICK: Duration = Duration::from_millis(50);

/// The line that tells what is waited for.
struct Line {
    start: Instant,
    shown: Option<String>,
    raw: Option<Raw>,
}

impl Line {
    fn new() -> Self {
        Self { start: Instant::now(), shown: None, raw: Raw::new().ok() }
    }

    fn show(&mut self, step: &str) {
        // What is quick needs no line.
        if self.start.elapsed() < Duration::from_millis(300) {
            return;
        }
        let seconds = self.start.elapsed().as_secs();
        let text = format!("  {step}: {seconds} s (Esc: back, Ctrl-C: cancel)");
        if self.shown.as_ref() != Some(&text) {
            let _ = io::stderr().write_all(format!("\r{text:<79}").as_bytes());
            self.shown = Some(text);
        }
    }

    /// Takes the line away.
    fn clear(&mut self) {
        if self.shown.take().is_some() {
            let blank = format!("\r{}\r", " ".repeat(79));
            let _ = io::stderr().write_all(blank.as_bytes());
        }
    }

    /// Texts above the line.
    fn told(&mut self, texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        self.clear();
        // Lines end as usual.
        let raw = self.raw.take().is_some();
        texts.iter().for_each(|text| screen::note(text));
        self.raw = Raw::new().ok().filter(|_| raw);
    }

    fn end(mut self) {
        self.clear();
    }
}
