//! The asynchronous runtime that smb2 needs, on a thread of its own. Everything outside this folder
//! blocks; nothing here panics when a caller is itself inside a runtime.

use std::future::Future;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio::sync::oneshot;

use crate::access::options::Cancel;

/// A thread that runs futures until it is dropped.
pub(super) struct Runtime {
    handle: Handle,
    /// The thread ends when this is dropped. It is not joined: what it still does is only closing.
    _stop: oneshot::Sender<()>,
}

impl Runtime {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new().name("smb".to_owned()).spawn(move || {
            // Ends with an error as soon as the sender is gone, which is what is waited for.
            let _ = runtime.block_on(stopped);
            // A name look-up that hangs must not hold the thread.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _stop: stop })
    }

    /// Starts a future; its result is waited for apart.
    pub(super) fn start_work<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Pending<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // Nobody may be waiting any more.
            let _ = sender.send(work.await);
        });
        Pending(receiver)
    }

    /// Lets what is dropped in its scope start work of its own.
    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }
}

/// What a future will give.
pub(super) struct Pending<T>(mpsc::Receiver<T>);

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoResult {
    /// Not in time.
    Late,
    /// The future ended without one: it panicked, or its thread has ended.
    Gone,
    /// Nobody wants it any more.
    Cancelled,
}

/// How long a cancelled run waits at most.
const TURN: Duration = Duration::from_millis(250);

impl<T> Pending<T> {
    /// Waits for the result. The future itself must end in time.
    pub(super) fn wait(&self, cancel: &Cancel) -> Result<T, NoResult> {
        self.wait_for(Duration::MAX, cancel)
    }

    /// Waits for the result for `limit` at most.
    pub(super) fn wait_for(&self, limit: Duration, cancel: &Cancel) -> Result<T, NoResult> {
        let mut left = limit;
        loop {
            let turn = left.min(TURN);
            match self.0.recv_timeout(turn) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Disconnected) => return Err(NoResult::Gone),
                Err(RecvTimeoutError::Timeout) => {}
            }
            left -= turn;
            if left.is_zero() {
                return Err(NoResult::Late);
            }
            if cancel.is_cancelled() {
                return Err(NoResult::Cancelled);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_late_or_never() {
        let runtime = Runtime::start().unwrap();
        assert_eq!(runtime.start_work(async { 7 }).wait(&Cancel::default()), Ok(7));
        let slow = runtime.start_work(async { tokio::time::sleep(Duration::from_secs(60)).await });
        assert_eq!(
            slow.wait_for(Duration::from_millis(20), &Cancel::default()),
            Err(NoResult::Late)
        );
        drop(runtime);
        assert_eq!(slow.wait_for(Duration::from_secs(5), &Cancel::default()), Err(NoResult::Gone));
    }

    #[test]
    fn a_caller_may_be_in_a_runtime_of_its_own() {
        let outer = Builder::new_current_thread().build().unwrap();
        outer.block_on(async {
            let runtime = Runtime::start().unwrap();
            assert_eq!(runtime.start_work(async { 7 }).wait(&Cancel::default()), Ok(7));
        });
    }
}
