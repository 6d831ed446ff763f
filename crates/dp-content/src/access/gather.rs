//! Many small requests, a few at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Requests on the way at once: what distribution points are used to from one client.
const AT_ONCE: usize = 4;

/// Below this, threads are not worth their making.
const FEW: usize = 8;

/// Asks for each item and gives the answers in the order of the items. A first error ends it; of
/// several, that of the earliest item is given.
pub(crate) fn gather<T: Send, R: Send, E: Send>(
    items: Vec<T>,
    ask: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if items.len() <= FEW {
        return items.into_iter().map(ask).collect();
    }
    let items = Mutex::new(items.into_iter().enumerate());
    let failed = AtomicBool::new(false);
    let work = || {
        let mut answers = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let next = items.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
            let Some((index, item)) = next else { break };
            let answer = ask(item);
            failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            answers.push((index, answer));
        }
        answers
    };
    let mut answers = thread::scope(|scope| {
        let workers: Vec<_> = (1..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let mut answers = work();
        for worker in workers {
            match worker.join() {
                Ok(more) => answers.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        answers
    });
    // Items are taken in order, so when one fails all before it have been asked for.
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn in_order() {
        for count in [0, 1, FEW, FEW + 1, 1000] {
            let items: Vec<_> = (0..count).collect();
            assert_eq!(gather(items.clone(), Ok::<_, ()>), Ok(items));
        }
    }

    #[test]
    fn the_earliest_error() {
        let asked = AtomicUsize::new(0);
        let result: Result<Vec<usize>, _> = gather((0..10_000).collect(), |item| {
            asked.fetch_add(1, Ordering::Relaxed);
            if item < 100 { Ok(item) } else { Err(item) }
        });
        assert_eq!(result, Err(100));
        assert!(asked.into_inner() <= 100 + AT_ONCE);
    }
}
