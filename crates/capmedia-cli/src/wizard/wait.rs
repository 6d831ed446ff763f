//! What takes long happens on a thread, while the terminal tells how long it takes: Esc leaves it,
//! Ctrl-C ends the wizard, at once, whatever it waits for.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use capmedia::dp_content::ContentEvent;
use crossterm::event::{self, Event};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{Clear, ClearType};

use crate::exit::{Code, Failure};
use crate::signals::is_cancelled;
use crate::told::Told;
use crate::wizard::ask::{Answer, Raw, cancelled, is_ctrl, is_escape};
use crate::wizard::screen::{self, clipped, columns};

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

    /// Whether this was told with an event.
    pub(super) fn has_told(&self, text: &str) -> bool {
        self.heard().shown.iter().any(|told| told.contains(text))
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
/// waits any more. What is typed meanwhile answers nothing.
pub(super) fn wait<T: Send + 'static>(
    step: &str,
    ears: &Ears,
    work: impl FnOnce(&Work) -> T + Send + 'static,
) -> Result<Answer<T>, Failure> {
    let (state, result) = begin(step, work);
    let mut line = Line::new();
    let outcome = loop {
        line.show(&state.step());
        match line.pressed() {
            Some(event) if is_ctrl(&event, 'c') => break Err(cancelled()),
            Some(event) if is_escape(&event) => break Ok(Answer::Back),
            _ => {}
        }
        line.told(ears.take());
        match result.try_recv() {
            Ok(result) => break Ok(Answer::Given(result)),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => break Err(ended_by_mistake()),
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

/// Asks the system about a path or the drives, which takes long where a server or a drive does not
/// answer: then it shows what it waits for, as [`wait`] does. What is typed before is left to the next
/// question.
pub(super) fn look<T: Send + 'static>(
    step: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Answer<T>, Failure> {
    let (_, result) = begin("", |_| work());
    match result.recv_timeout(QUICK) {
        Ok(result) => Ok(Answer::Given(result)),
        Err(RecvTimeoutError::Disconnected) => Err(ended_by_mistake()),
        Err(RecvTimeoutError::Timeout) => {
            let waited = wait(step, &Ears::default(), move |_| result.recv())?;
            match waited {
                Answer::Given(Ok(result)) => Ok(Answer::Given(result)),
                Answer::Given(Err(_)) => Err(ended_by_mistake()),
                Answer::Back => Ok(Answer::Back),
            }
        }
    }
}

fn begin<T: Send + 'static>(
    step: &str,
    work: impl FnOnce(&Work) -> T + Send + 'static,
) -> (Work, Receiver<T>) {
    let state = Work::default();
    state.at(step);
    let (done, result) = mpsc::channel();
    thread::spawn({
        let state = state.clone();
        move || done.send(work(&state))
    });
    (state, result)
}

fn ended_by_mistake() -> Failure {
    let error = anyhow!("a part of capmedia has ended by a mistake, please report this");
    Failure::new(Code::Bug, error)
}

const TICK: Duration = Duration::from_millis(50);

/// What is quick needs no line.
const QUICK: Duration = Duration::from_millis(300);

/// Takes away what stood behind the cursor.
const CLEAR: Clear = Clear(ClearType::UntilNewLine);

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

    /// Waits a little for a key.
    fn pressed(&self) -> Option<Event> {
        // Without it, keys are not seen, but signals are.
        let polled = self.raw.as_ref().map(|_| event::poll(TICK));
        match polled {
            Some(Ok(true)) => event::read().ok(),
            Some(Ok(false)) => None,
            Some(Err(_)) | None => {
                thread::sleep(TICK);
                None
            }
        }
    }

    fn show(&mut self, step: &str) {
        if self.start.elapsed() < QUICK {
            return;
        }
        let seconds = self.start.elapsed().as_secs();
        let text = format!("  {step}: {seconds} s (Esc: back, Ctrl-C: cancel)");
        // Some terminals go on in the next row behind the last column.
        let text = clipped(&text, columns().saturating_sub(1));
        if self.shown.as_ref() != Some(&text) {
            let _ = execute!(io::stderr(), Print('\r'), Print(&text), CLEAR);
            self.shown = Some(text);
        }
    }

    /// Takes the line away.
    fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = execute!(io::stderr(), Print('\r'), CLEAR);
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
