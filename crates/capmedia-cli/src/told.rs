//! What happens to content on the way: told as it happens, in the log and on standard error, each once;
//! kept for the report of a run that fails.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use capmedia::dp_content::ContentEvent;
use capmedia::{ReportedEvent, Warning};

use crate::events;
use crate::exit::Failure;
use crate::log::Log;
use crate::progress::above_bar;

/// Events that are kept.
const KEPT: usize = 10_000;

/// What was told of a run. Clones are one.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) log: Log,
    show: bool,
    /// Whether warnings wait for the end, where most of them are faults that were found.
    warnings_wait: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    events: Vec<ReportedEvent>,
    texts: HashSet<String>,
}

impl Told {
    /// Events go to the log; and to standard error where `show`.
    pub(crate) fn new(log: &Log, show: bool) -> Self {
        Self { log: log.clone(), show, warnings_wait: false, state: Arc::default() }
    }

    /// Lets warnings wait for the end.
    pub(crate) fn with_waiting_warnings(self) -> Self {
        Self { warnings_wait: true, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of an event; a run that begins again meets the same ones again.
    pub(crate) fn event(&self, event: &ContentEvent) {
        let event = ReportedEvent::from(event);
        let mut state = self.state();
        if state.events.len() >= KEPT || !state.texts.insert(event.text.clone()) {
            return;
        }
        state.events.push(event.clone());
        drop(state);
        events::content(&event);
        let (is_warning, text) = (event.is_warning(), &event.text);
        if is_warning && self.warnings_wait {
            return;
        }
        if is_warning {
            self.log.warning(text)
        } else {
            self.log.information(text)
        }
        if self.show {
            let word = if is_warning { "warning" } else { "note" };
            above_bar(&format!("{word}: {text}"));
        }
    }

    /// The warnings that were not told as events; they are now, in the log.
    pub(crate) fn others(&self, warnings: &[Warning]) -> Vec<Warning> {
        let state = self.state();
        let is_new = |text: &str| self.warnings_wait || !state.texts.contains(text);
        let new = warnings.iter().filter(|warning| is_new(warning.as_str()));
        let new: Vec<Warning> = new.cloned().collect();
        drop(state);
        self.log.warnings(&new);
        new.iter().for_each(|warning| events::warning(warning.as_str()));
        new
    }

    /// Logs how the run ended, and hands it on; a failure with all that happened before.
    pub(crate) fn end<T>(&self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let outcome = outcome.map_err(|failure| {
            let events = self.state().events.clone();
            if self.warnings_wait {
                let warnings = events.iter().filter(|event| event.is_warning());
                warnings.for_each(|event| self.log.warning(&event.text));
            }
            failure.with_events(events, self.show && !self.warnings_wait)
        });
        self.log.end(outcome)
    }
}
