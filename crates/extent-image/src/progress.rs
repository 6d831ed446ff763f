//! Progress and cancellation.

use std::ops::{ControlFlow, Range};

use crate::drives::Phase;

/// Told after every buffer how far a stream is.
///
/// Implemented for `()`, which does not care, and for closures of the shape of
/// [`advance`](Self::advance), which hear of nothing else. Whatever stands between a run and its
/// listener must pass **all** methods on: those that it leaves out are lost without a word.
pub trait Progress {
    /// `done` of `total` bytes of the image have passed. [`ControlFlow::Break`] ends the stream with
    /// [`StreamError::Cancelled`](crate::StreamError::Cancelled).
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        let _ = (done, total);
        ControlFlow::Continue(())
    }

    /// Of the bytes that the next [`advance`](Self::advance) counts, `done` of `total` are work; the others
    /// take none, such as those that become holes of a file. A rate and the time that is left follow from
    /// these. Told before each `advance` of a stage or before none: all bytes are work then. A stream
    /// tells none.
    fn work(&mut self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Another stage of the work begins. Within a stage, `done` does not go back; the next one may count
    /// from 0 again, and so does work that has to be done again. Work of one stage may leave this out,
    /// as a stream does.
    fn begin(&mut self, stage: Stage) {
        let _ = stage;
    }

    /// Of the bytes that [`advance`](Self::advance) counts in this stage, `place` are those of the file at
    /// `path`, with `/` as its volume has it. Told before it advances into them; of small files that pass
    /// in one buffer, only the last one may be told. Other bytes are of no file. A stream knows no files
    /// and tells none.
    fn file(&mut self, path: &str, place: Range<u64>) {
        let _ = (path, place);
    }
}

/// A part of the work that has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stage {
    phase: Phase,
    volume: Option<(u32, u32)>,
}

impl Stage {
    /// A stage for all of the work at once.
    pub fn new(phase: Phase) -> Self {
        Self { phase, volume: None }
    }

    /// Of several volumes, the one with this number, from 1, of so many. They may count on.
    #[must_use]
    pub fn with_volume(self, number: u32, of: u32) -> Self {
        Self { volume: Some((number, of)), ..self }
    }

    /// What is done.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The number of the volume, from 1, and how many there are.
    pub fn volume(&self) -> Option<(u32, u32)> {
        self.volume
    }
}

impl Progress for () {}

impl<F: FnMut(u64, u64) -> ControlFlow<()>> Progress for F {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        self(done, total)
    }
}

impl Progress for &mut (dyn Progress + '_) {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        (**self).advance(done, total)
    }

    fn work(&mut self, done: u64, total: u64) {
        (**self).work(done, total);
    }

    fn begin(&mut self, stage: Stage) {
        (**self).begin(stage);
    }

    fn file(&mut self, path: &str, place: Range<u64>) {
        (**self).file(path, place);
    }
}

impl Progress for Box<dyn Progress + '_> {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        (**self).advance(done, total)
    }

    fn work(&mut self, done: u64, total: u64) {
        (**self).work(done, total);
    }

    fn begin(&mut self, stage: Stage) {
        (**self).begin(stage);
    }

    fn file(&mut self, path: &str, place: Range<u64>) {
        (**self).file(path, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Progress for Heard {
        fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
            self.0.push(format!("{done}/{total}"));
            ControlFlow::Break(())
        }

        fn work(&mut self, done: u64, total: u64) {
            self.0.push(format!("work {done}/{total}"));
        }

        fn begin(&mut self, stage: Stage) {
            self.0.push(format!("{:?}", stage.phase()));
        }

        fn file(&mut self, path: &str, place: Range<u64>) {
            self.0.push(format!("{path} {place:?}"));
        }
    }

    fn tell(mut progress: impl Progress) {
        progress.begin(Stage::new(Phase::Write));
        progress.file("a", 1..2);
        progress.work(1, 2);
        assert!(progress.advance(3, 4).is_break());
    }

    #[test]
    fn references_and_boxes_pass_all_on() {
        let expected = ["Write", "a 1..2", "work 1/2", "3/4"];
        let mut heard = Heard::default();
        tell(&mut heard as &mut dyn Progress);
        assert_eq!(heard.0, expected);
        heard.0.clear();
        let boxed: Box<dyn Progress + '_> = Box::new(&mut heard as &mut dyn Progress);
        tell(boxed);
        assert_eq!(heard.0, expected);
    }
}
