//! What is wrong with an image, in words, up to a limit: a hostile one would have millions.

/// Most faults that are listed.
const LISTED: usize = 10_000;

/// Collects faults; counts those beyond the limit.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<String>,
    more: usize,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: String) {
        if self.list.len() < LISTED {
            self.list.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Takes over all of `other`.
    pub(crate) fn append(&mut self, other: Self) {
        self.more += other.more;
        self.extend(other.list);
    }

    /// The faults; a last line counts those that are not listed.
    pub(crate) fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.list.push(format!("and {} more", self.more));
        }
        self.list
    }
}

impl Extend<String> for Faults {
    fn extend<I: IntoIterator<Item = String>>(&mut self, faults: I) {
        faults.into_iter().for_each(|fault| self.add(fault));
    }
}

impl IntoIterator for Faults {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.finish().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_counted() {
        let numbers = |range: std::ops::Range<usize>| range.map(|number| number.to_string());
        let mut inner = Faults::default();
        inner.extend(numbers(0..LISTED + 5));
        let mut faults = Faults::default();
        faults.add("first".into());
        faults.append(inner);
        let found = faults.finish();
        assert_eq!((found.len(), &*found[0], &*found[1]), (LISTED + 1, "first", "0"));
        assert_eq!(found[LISTED], "and 6 more");
        let mut few = Faults::default();
        few.extend(numbers(0..LISTED));
        assert_eq!(few.finish().len(), LISTED);
    }
}
