//! What somebody may have meant who wrote a key that there is not.

/// The candidate that differs least from `word`, when that is little. Case, hyphens and underscores
/// do not count, so that `BootImage` and `boot_image` are `boot-image`.
pub(super) fn nearest(word: &str, candidates: &[&'static str]) -> Option<&'static str> {
    // Longer than any option with all the mistakes one could make.
    const LONGEST: usize = 64;
    let word = plain(word);
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let by_distance =
        candidates.iter().map(|candidate| (distance(&word, &plain(candidate)), *candidate));
    let (distance, candidate) = by_distance.min_by_key(|(distance, _)| *distance)?;
    let allowed = (word.len() / 4).max(1);
    (distance <= allowed).then_some(candidate)
}

fn plain(word: &str) -> Vec<char> {
    let kept = word.chars().filter(|c| !matches!(c, '-' | '_'));
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// Characters to put in, take out, change or swap with the next (the optimal string alignment
/// distance).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_a = None;
    for (row, a) in a.iter().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        let mut previous_b = None;
        let mut left = row.saturating_add(1);
        for (column, b) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let changed = at(&last, column).saturating_add(usize::from(a != b));
            let put_in = left.saturating_add(1);
            let taken_out = at(&last, column.saturating_add(1)).saturating_add(1);
            let mut least = changed.min(put_in).min(taken_out);
            if previous_a == Some(b) && previous_b == Some(a) {
                let swapped = at(&before_last, column.saturating_sub(1)).saturating_add(1);
                least = least.min(swapped);
            }
            current.push(least);
            left = least;
            previous_b = Some(b);
        }
        previous_a = Some(a);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let of = |a: &str, b: &str| distance(&plain(a), &plain(b));
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("label", "lable", 1),
            ("label", "labell", 1),
            ("label", "babel", 1),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
        ] {
            assert_eq!(of(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn near_words() {
        let words = ["boot-image", "boot-index", "label", "add", "path"];
        for (word, expected) in [
            ("BootImage", Some("boot-image")),
            ("boot_image", Some("boot-image")),
            ("bootindx", Some("boot-index")),
            ("lable", Some("label")),
            ("pth", Some("path")),
            ("volume", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(nearest(word, &words), expected, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), &words), None);
    }
}
