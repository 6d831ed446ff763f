//! Which location gave which bytes of a file.

use extent_image::Digest;

/// Runs of bytes, each from one location, without gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origins {
    /// Where each run starts, and the location.
    runs: Vec<(u64, usize)>,
}

impl Origins {
    /// From `at` on bytes come from `place`.
    pub(crate) fn push(&mut self, at: u64, place: usize) {
        if self.runs.last().is_none_or(|(_, last)| *last != place) {
            self.runs.push((at, place));
        }
    }

    /// The locations, each once, the one that was first first.
    pub(crate) fn places(&self) -> Vec<usize> {
        let mut places = Vec::new();
        for (_, place) in &self.runs {
            if !places.contains(place) {
                places.push(*place);
            }
        }
        places
    }
}

/// Bytes of a file that were given out before anybody knew whether they are right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) digest: Digest,
    pub(crate) origins: Origins,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_once() {
        let mut origins = Origins::default();
        for (at, place) in [(0, 1), (5, 1), (10, 0), (20, 1)] {
            origins.push(at, place);
        }
        assert_eq!(origins.places(), [1, 0]);
        assert_eq!(origins.runs, [(0, 1), (10, 0), (20, 1)]);
    }
}
