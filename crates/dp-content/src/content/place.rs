//! One location as a run sees it: whether it still answers, and what it is asked again.

use std::sync::{Arc, Mutex, PoisonError};

use crate::access::patience::Patience;
use crate::access::{AccessError, AccessKind};
use crate::content::options::ContentOptions;
use crate::error::ContentError;
use crate::event::{ContentEvent, Events};
use crate::location::Location;

/// Tries after the first where nobody answers: a location is then more likely misspelt than busy.
const TRIES_UNREACHED: u32 = 2;

pub(crate) struct Place {
    pub(crate) location: Arc<dyn Location>,
    pub(crate) name: String,
    health: Mutex<Health>,
    /// Why no question was answered.
    silent: Mutex<Option<AccessError>>,
}

/// On whose behalf a location is asked.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) options: &'a ContentOptions,
    pub(crate) events: &'a Events,
    /// Whether there are other locations to ask.
    pub(crate) others: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Health {
    Good,
    /// It did not answer for all tries; asked again once, when no other location can help.
    Down,
    /// It refused the login.
    GivenUp,
}

impl Place {
    pub(crate) fn new(location: Arc<dyn Location>) -> Self {
        Self {
            name: location.describe(),
            location,
            health: Mutex::new(Health::Good),
            silent: Mutex::default(),
        }
    }

    pub(crate) fn health(&self) -> Health {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes or an answer came.
    pub(crate) fn answered(&self) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if *health == Health::Down {
            *health = Health::Good;
            *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Remembers an error that nothing is tried against any more.
    pub(crate) fn failed(&self, error: &AccessError, events: &Events) {
        let now = if refuses_login(error) {
            Health::GivenUp
        } else if error.is_transient() {
            Health::Down
        } else {
            return;
        };
        let before = {
            let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
            let before = *health;
            *health = before.max(now);
            before
        };
        if now == Health::GivenUp && before < now {
            let (location, error) = (self.name.clone(), error.clone());
            events.push(ContentEvent::Unusable { location, error });
        }
    }

    /// Asks the location for what describes packages, each question again while its fault may pass.
    /// `what` is what events call it.
    ///
    /// One that nobody answered at is not asked again: each question would wait as long.
    pub(crate) fn ask<T>(
        &self,
        what: &str,
        asker: Asker<'_>,
        question: impl FnOnce(&dyn Location, &Patience<'_>) -> Result<T, ContentError>,
    ) -> Result<T, ContentError> {
        let Asker { options, events, .. } = asker;
        if self.health() == Health::GivenUp {
            return Err(ContentError::GivenUp { location: self.name.clone() });
        }
        if let Some(error) = self.silence() {
            return Err(error.into());
        }
        let again = |number: u32, error: &AccessError| {
            if !error.is_transient() || number >= self.tries(error, asker) {
                return Ok(false);
            }
            let wait = options.retries.wait(number);
            events.push(ContentEvent::Resumed {
                what: what.to_owned(),
                location: self.name.clone(),
                at: None,
                error: error.clone(),
                wait,
            });
            options.wait(wait)?;
            Ok(true)
        };
        let answer = question(&*self.location, &Patience::new(&again));
        match &answer {
            Ok(_) => self.answered(),
            Err(error) => {
                if let Some(error) = error.access() {
                    self.failed(error, events);
                    if is_silence(error) {
                        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) =
                            Some(error.clone());
                    }
                }
            }
        }
        answer
    }

    /// The error, where it did not answer at all and nothing came from it since.
    fn silence(&self) -> Option<AccessError> {
        let error = self.silent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        error.filter(|_| self.health() == Health::Down)
    }

    /// Tries after the first.
    fn tries(&self, error: &AccessError, asker: Asker<'_>) -> u32 {
        let tries = match self.health() {
            Health::Good => asker.options.retries.tries,
            Health::Down | Health::GivenUp => 0,
        };
        match error.kind() {
            AccessKind::Stalled { .. } if asker.others => tries.min(1),
            AccessKind::Stalled { .. } | AccessKind::Unreachable(_) => tries.min(TRIES_UNREACHED),
            _ => tries,
        }
    }
}

fn is_silence(error: &AccessError) -> bool {
    matches!(error.kind(), AccessKind::Stalled { .. } | AccessKind::Unreachable(_))
}

/// Answers that hold for everything at a location. Asking again with the same account could lock it.
pub(crate) fn refuses_login(error: &AccessError) -> bool {
    matches!(
        error.kind(),
        AccessKind::NeedsCredentials
            | AccessKind::WrongPassword
            | AccessKind::Account(_)
            | AccessKind::NeedsCertificate
            | AccessKind::Tls(_)
    )
}
