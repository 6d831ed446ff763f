//! Progress and cancellation.

use std::ops::ControlFlow;

/// Told after every buffer how far a stream is.
///
/// Implemented for `()`, which does not care, and for closures of the same shape.
pub trait Progress {
    /// `done` of `total` bytes of the image have passed. [`ControlFlow::Break`] ends the stream with
    /// [`StreamError::Cancelled`](crate::StreamError::Cancelled).
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        let _ = (done, total);
        ControlFlow::Continue(())
    }
}

impl Progress for () {}

impl<F: FnMut(u64, u64) -> ControlFlow<()>> Progress for F {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        self(done, total)
    }
}
