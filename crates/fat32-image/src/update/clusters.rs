//! Which clusters are free, and runs of them for new content.

use std::ops::Range;

/// A set of clusters, one bit each.
pub(super) struct Bits {
    words: Vec<u64>,
    count: u64,
}

impl Bits {
    /// The empty set of clusters below `end`.
    pub(super) fn new(end: u32) -> Self {
        let words = usize::try_from(end.div_ceil(64)).unwrap_or(0);
        Self { words: vec![0; words], count: 0 }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn insert(&mut self, cluster: u32) {
        if let Some(word) = self.words.get_mut(word_of(cluster)) {
            let bit = 1 << (cluster % 64);
            self.count = self.count.saturating_add(u64::from(*word & bit == 0));
            *word |= bit;
        }
    }

    /// Adds all members of another set.
    pub(super) fn extend(&mut self, other: &Self) {
        self.count = 0;
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
            self.count = self.count.saturating_add(word.count_ones().into());
        }
    }

    fn remove(&mut self, run: &Range<u32>) {
        for cluster in run.clone() {
            if let Some(word) = self.words.get_mut(word_of(cluster)) {
                let bit = 1 << (cluster % 64);
                self.count = self.count.saturating_sub(u64::from(*word & bit != 0));
                *word &= !bit;
            }
        }
    }

    pub(super) fn contains(&self, cluster: u32) -> bool {
        self.words.get(word_of(cluster)).is_some_and(|word| word & (1 << (cluster % 64)) != 0)
    }

    /// The first member from `from` on.
    fn next(&self, from: u32) -> Option<u32> {
        let mut index = word_of(from);
        let mut word = self.words.get(index)? & (u64::MAX << (from % 64));
        while word == 0 {
            index = index.saturating_add(1);
            word = *self.words.get(index)?;
        }
        let base = u32::try_from(index).ok()?.checked_mul(64)?;
        base.checked_add(word.trailing_zeros())
    }

    /// The first run of members from `from` on, of at most `most`.
    fn run(&self, from: u32, most: u32) -> Option<Range<u32>> {
        let start = self.next(from)?;
        let mut end = start;
        while end.saturating_sub(start) < most {
            let word = self.words.get(word_of(end)).copied().unwrap_or(0);
            let ones = (!(word >> (end % 64))).trailing_zeros();
            if ones == 0 {
                break;
            }
            let left = 64u32.saturating_sub(end % 64);
            end = end.saturating_add(ones.min(left));
            if ones < left {
                break;
            }
        }
        Some(start..end.min(start.saturating_add(most)))
    }
}

fn word_of(cluster: u32) -> usize {
    usize::try_from(cluster / 64).unwrap_or(usize::MAX)
}

/// The free clusters of a volume.
pub(super) struct Free {
    bits: Bits,
    /// Behind the last run that was given: things that are written one after the other lie so.
    next: u32,
    /// Nothing below is free.
    lowest: u32,
    /// There is no run of so many.
    hopeless: u32,
}

impl Free {
    pub(super) fn new(bits: Bits) -> Self {
        Self { bits, next: 0, lowest: 0, hopeless: u32::MAX }
    }

    pub(super) fn count(&self) -> u64 {
        self.bits.count
    }

    /// The first free cluster from the last one given on: the hint of FSInfo.
    pub(super) fn hint(&self) -> Option<u32> {
        self.bits.next(self.next).or_else(|| self.bits.next(0))
    }

    /// Takes so many clusters: one run where there is one so long, else the first that are free.
    pub(super) fn take(&mut self, count: u64) -> Option<Vec<Range<u32>>> {
        if count == 0 {
            return Some(Vec::new());
        }
        let wanted = u32::try_from(count).ok().filter(|_| count <= self.bits.count)?;
        if wanted < self.hopeless {
            let ahead = self.whole(self.next, u32::MAX, wanted);
            if let Some(run) = ahead.or_else(|| self.whole(self.lowest, self.next, wanted)) {
                self.bits.remove(&run);
                self.next = run.end;
                return Some(vec![run]);
            }
            self.hopeless = wanted;
        }
        let (mut runs, mut left) = (Vec::new(), wanted);
        while left > 0 {
            let run = self.bits.run(self.lowest, left)?;
            left = left.saturating_sub(run.end.saturating_sub(run.start));
            self.bits.remove(&run);
            self.lowest = run.end;
            runs.push(run);
        }
        Some(runs)
    }

    /// The first run of `wanted` that begins in `from..until`.
    fn whole(&self, from: u32, until: u32, wanted: u32) -> Option<Range<u32>> {
        let mut from = from;
        loop {
            let run = self.bits.run(from, wanted).filter(|run| run.start < until)?;
            if run.end.saturating_sub(run.start) == wanted {
                return Some(run);
            }
            from = run.end;
        }
    }
}

/// Clusters of some runs.
pub(super) fn clusters_in(runs: &[Range<u32>]) -> u64 {
    runs.iter().fold(0, |sum, run| sum.saturating_add(u64::from(run.end.saturating_sub(run.start))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(runs: &[Range<u32>]) -> Free {
        let mut bits = Bits::new(1000);
        runs.iter().flat_map(|run| run.clone()).for_each(|cluster| bits.insert(cluster));
        Free::new(bits)
    }

    fn one(free: &mut Free, count: u64) -> Range<u32> {
        let runs = free.take(count).unwrap();
        assert_eq!(runs.len(), 1);
        runs[0].clone()
    }

    #[test]
    fn one_run_where_there_is_one() {
        let mut free = free(&[2..5, 60..70, 100..300]);
        assert_eq!(free.count(), 213);
        assert_eq!(free.take(0), Some(vec![]));
        assert_eq!(one(&mut free, 4), 60..64);
        assert_eq!(one(&mut free, 150), 100..250);
        assert_eq!(one(&mut free, 3), 250..253);
        assert_eq!(one(&mut free, 47), 253..300);
        // Behind the end, so from the start again.
        assert_eq!(one(&mut free, 6), 64..70);
        assert_eq!(one(&mut free, 3), 2..5);
        assert_eq!(free.take(1), None);
        assert_eq!((free.count(), free.hint()), (0, None));
    }

    #[test]
    fn pieces_where_there_is_no_run() {
        let mut free = free(&[2..5, 63..65, 127..130, 999..1000]);
        assert_eq!(free.take(10), None);
        assert_eq!(free.take(6), Some(vec![2..5, 63..65, 127..128]));
        assert_eq!(one(&mut free, 2), 128..130);
        assert_eq!(free.hint(), Some(999));
        assert_eq!(one(&mut free, 1), 999..1000);
    }
}
