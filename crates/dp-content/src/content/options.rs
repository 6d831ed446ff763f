//! How content is fetched.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use media_model::PackageHashCheck;

use crate::access::options::AccessOptions;
use crate::cache::Cache;
use crate::error::ContentError;
use crate::event::ContentEvent;

/// How often and how soon something is tried again after a fault that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Tries after the first, at one location; counted anew when bytes came since.
    pub(crate) tries: u32,
    /// Wait before the first of them; doubled for each that follows.
    pub(crate) first_wait: Duration,
    /// The longest wait.
    pub(crate) longest_wait: Duration,
}

impl Default for Retries {
    /// Five tries, after 0.5, 1, 2, 4 and 8 seconds.
    fn default() -> Self {
        Self {
            tries: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(10),
        }
    }
}

impl Retries {
    /// `tries` after the first one; 0 for none.
    pub fn with_tries(self, tries: u32) -> Self {
        Self { tries, ..self }
    }

    /// The wait before the first of them, doubled for each that follows up to `longest`.
    pub fn with_waits(self, first: Duration, longest: Duration) -> Self {
        Self { first_wait: first, longest_wait: longest, ..self }
    }

    /// The wait before try `number`, of which the first is 0.
    pub(crate) fn wait(&self, number: u32) -> Duration {
        let factor = 1_u32.checked_shl(number).unwrap_or(u32::MAX);
        self.first_wait.saturating_mul(factor).min(self.longest_wait)
    }
}

/// How soon a wait ends that is cancelled.
const LONGEST_NAP: Duration = Duration::from_millis(100);

/// Sees events as they come; from whatever thread reads.
pub type Observer = Arc<dyn Fn(&ContentEvent) + Send + Sync>;

/// How content is fetched.
#[derive(Clone)]
#[must_use]
pub struct ContentOptions {
    pub(crate) access: AccessOptions,
    pub(crate) package_hash: PackageHashCheck,
    pub(crate) retries: Retries,
    pub(crate) cache: Option<Cache>,
    pub(crate) check_cache: bool,
    pause: Arc<dyn Fn(Duration) + Send + Sync>,
    cancelled: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    pub(crate) observer: Option<Observer>,
}

impl Default for ContentOptions {
    fn default() -> Self {
        Self {
            access: AccessOptions::default(),
            package_hash: PackageHashCheck::default(),
            retries: Retries::default(),
            cache: None,
            check_cache: false,
            pause: Arc::new(std::thread::sleep),
            cancelled: None,
            observer: None,
        }
    }
}

impl ContentOptions {
    /// Everything at its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// How servers are reached. Default: [`AccessOptions::new`].
    pub fn with_access(self, access: AccessOptions) -> Self {
        Self { access, ..self }
    }

    /// What a package hash means that is wrong, or that stands there and cannot be read: the package
    /// is not taken from there, or an event says so, or nothing. Where none is declared there is
    /// nothing to compare, and an event says that. Default: [`PackageHashCheck::Error`].
    ///
    /// The way it is computed is known from practice, not from Configuration Manager's documentation,
    /// so there is a way around it. The files' own hashes are checked always.
    pub fn with_package_hash(self, package_hash: PackageHashCheck) -> Self {
        Self { package_hash, ..self }
    }

    /// How often and how soon to try again. Default: [`Retries::default`].
    pub fn with_retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    /// Keeps files with a digest in `cache` when they come whole, and takes them from there. Default:
    /// none.
    pub fn with_cache(self, cache: Cache) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// Hashes what the cache has before it is used, not while: for output that cannot be taken back,
    /// such as a pipe, so that a damaged entry ends no run. It is read twice then. Default: only for
    /// files of up to 1 MiB.
    pub fn with_cache_checked_first(self, check_cache: bool) -> Self {
        Self { check_cache, ..self }
    }

    /// Asked with each buffer and while nothing can be done but wait: true ends what is being read with
    /// [`ContentError::Cancelled`]. Default: nobody is asked.
    pub fn with_cancelled(self, cancelled: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { cancelled: Some(Arc::new(cancelled)), ..self }
    }

    /// How to wait between tries, for tests; called for short whiles. Default:
    /// [`std::thread::sleep`].
    pub fn with_pause(self, pause: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self { pause: Arc::new(pause), ..self }
    }

    /// Calls `observer` with each event, at once. Default: nobody.
    pub fn with_observer(self, observer: impl Fn(&ContentEvent) + Send + Sync + 'static) -> Self {
        Self { observer: Some(Arc::new(observer)), ..self }
    }
}

impl ContentOptions {
    /// # Errors
    /// [`ContentError::Cancelled`], if somebody wants that.
    pub(crate) fn go_on(&self) -> Result<(), ContentError> {
        match &self.cancelled {
            Some(cancelled) if cancelled() => Err(ContentError::Cancelled),
            _ => Ok(()),
        }
    }

    /// How servers are reached, with our [`with_cancelled`](Self::with_cancelled).
    pub(crate) fn access_cancelled(&self) -> AccessOptions {
        match &self.cancelled {
            Some(cancelled) => self.access.clone().with_cancel(Arc::clone(cancelled)),
            None => self.access.clone(),
        }
    }

    /// Waits between tries.
    pub(crate) fn wait(&self, mut left: Duration) -> Result<(), ContentError> {
        loop {
            self.go_on()?;
            // Nobody to ask on the way.
            let now = if self.cancelled.is_some() { left.min(LONGEST_NAP) } else { left };
            if now.is_zero() {
                return Ok(());
            }
            (self.pause)(now);
            left -= now;
        }
    }
}

impl fmt::Debug for ContentOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentOptions")
            .field("access", &self.access)
            .field("package_hash", &self.package_hash)
            .field("retries", &self.retries)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retries = Retries::default();
        let waits: Vec<_> = (0..6).map(|number| retries.wait(number).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 10_000]);
        assert_eq!(retries.wait(u32::MAX), retries.longest_wait);
    }
}
