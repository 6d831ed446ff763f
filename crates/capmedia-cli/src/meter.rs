//! Where a run is, or a drive of it: the phase, the file, how fast, how long; in figures and as lines of
//! text.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use capmedia::Rate;
use extent_image::{Phase, Stage};

use crate::print::{size, steers};

/// What is known of one line of work.
pub(crate) struct Meter {
    /// Asked in one place; what is made of it is tested without.
    clock: Instant,
    /// The word for writing, which is called otherwise where nothing is made.
    writing: &'static str,
    /// The drive, padded so that several stand in columns.
    drive: Option<String>,
    stage: Option<Stage>,
    file: Option<(String, Range<u64>)>,
    done: u64,
    total: u64,
    /// What of these is work, where it is not all.
    work: Option<(u64, u64)>,
    rate: Rate,
}

/// The same at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures<'a> {
    pub(crate) stage: Option<Stage>,
    pub(crate) done: u64,
    pub(crate) total: u64,
    /// Both without what takes no work.
    pub(crate) work: (u64, u64),
    /// Bytes of work per second.
    pub(crate) rate: Option<u64>,
    pub(crate) left: Option<Duration>,
    /// Path, bytes of it that are done, and its length.
    pub(crate) file: Option<(&'a str, u64, u64)>,
}

/// What a program calls a phase.
pub(crate) fn name_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Compare => "compare",
        Phase::Wipe => "erase",
        Phase::Write => "write",
        Phase::Verify => "verify",
        Phase::Head => "finish",
        _ => "other",
    }
}

/// What is being done in it.
pub(crate) fn word_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Compare => "comparing",
        Phase::Wipe => "erasing",
        Phase::Write => "writing",
        Phase::Verify => "verifying",
        Phase::Head => "finishing",
        _ => "working",
    }
}

impl Meter {
    /// For a run whose writing is called `writing`: "Joining".
    pub(crate) fn new(writing: &'static str) -> Self {
        Self {
            clock: Instant::now(),
            writing,
            drive: None,
            stage: None,
            file: None,
            done: 0,
            total: 0,
            work: None,
            rate: Rate::new(),
        }
    }

    /// For a drive, whose name is padded to as many columns as the longest has.
    pub(crate) fn of_drive(name: &str, columns: usize) -> Self {
        Self { drive: Some(format!("{name:<columns$}")), ..Self::new("writing") }
    }

    pub(crate) fn stage(&self) -> Option<Stage> {
        self.stage
    }

    pub(crate) fn begin(&mut self, stage: Stage) {
        // The volumes of a set that is written are one to everybody who waits for them.
        let counts_on =
            |before: Stage| before.volume().is_some() && before.phase() == stage.phase();
        let counts_on = stage.phase() == Phase::Write && self.stage.is_some_and(counts_on);
        (self.stage, self.file) = (Some(stage), None);
        if !counts_on {
            (self.done, self.work, self.rate) = (0, None, Rate::new());
        }
    }

    pub(crate) fn file(&mut self, path: &str, place: Range<u64>) {
        self.file = Some((path.to_owned(), place));
    }

    /// What of the next bytes is work.
    pub(crate) fn work(&mut self, done: u64, total: u64) {
        self.work = Some((done, total));
    }

    /// Bytes of work that are done, and all of them.
    pub(crate) fn worked(&self) -> (u64, u64) {
        self.work.unwrap_or((self.done, self.total))
    }

    /// True where it counts anew.
    pub(crate) fn advance(&mut self, done: u64, total: u64) -> bool {
        self.advance_at(self.clock.elapsed(), done, total)
    }

    fn advance_at(&mut self, now: Duration, done: u64, total: u64) -> bool {
        let anew = done < self.done;
        (self.done, self.total) = (done, total);
        self.rate.advance(now, self.worked().0);
        anew
    }

    pub(crate) fn figures(&self) -> Figures<'_> {
        self.figures_at(self.clock.elapsed())
    }

    fn figures_at(&self, now: Duration) -> Figures<'_> {
        let of_file = |(path, place): &'_ (String, Range<u64>)| -> Option<(u64, u64)> {
            let _ = path;
            let is_past = self.done > place.end || self.done < place.start;
            let len = place.end.saturating_sub(place.start);
            (!is_past).then(|| (self.done.saturating_sub(place.start), len))
        };
        let file = self.file.as_ref();
        let work @ (_, of) = self.worked();
        Figures {
            work,
            stage: self.stage,
            done: self.done,
            total: self.total,
            rate: self.rate.bytes_per_second(now),
            // What has no length yet is not done.
            left: self.rate.left(now, of).filter(|_| of > 0),
            file: file.and_then(|file| of_file(file).map(|(done, len)| (&*file.0, done, len))),
        }
    }

    /// What is done: "Writing 2/3", "sdb  verifying".
    fn heading(&self) -> String {
        let phase = self.stage.map(|stage| stage.phase());
        match (&self.drive, phase) {
            (Some(drive), None) => format!("{drive} {:<9}", "waiting"),
            (Some(drive), Some(phase)) => format!("{drive} {:<9}", word_of(phase)),
            (None, None | Some(Phase::Write)) => self.of_volume(self.writing),
            (None, Some(phase)) => {
                let word = word_of(phase);
                let (first, rest) = word.split_at(1);
                self.of_volume(&format!("{}{rest}", first.to_ascii_uppercase()))
            }
        }
    }

    fn of_volume(&self, word: &str) -> String {
        match self.stage.and_then(|stage| stage.volume()) {
            Some((number, of)) => format!("{word} {number}/{of}"),
            None => word.to_owned(),
        }
    }

    /// A line of at most `columns`, with a bar where there is room; with the file at its end, if asked
    /// for.
    pub(crate) fn line(&self, columns: usize, with_file: bool) -> String {
        Line::new(self.heading(), &self.figures()).fit(columns, with_file)
    }

    /// The line below it: the file, and how far it is.
    pub(crate) fn file_line(&self, columns: usize) -> String {
        match self.figures().file {
            None => String::new(),
            Some((path, done, len)) => file_in(path, done, len, columns.saturating_sub(2), "  "),
        }
    }

    /// One sentence, where nothing can be drawn again.
    pub(crate) fn sentence(&self) -> String {
        let figures = self.figures();
        let mut text = format!(
            "{}: {} %, {} of {}",
            self.heading().trim_end(),
            percent(figures.work.0, figures.work.1),
            size(figures.work.0),
            size(figures.work.1)
        );
        if let Some(rate) = figures.rate {
            let _ = write!(text, ", {}/s", size(rate));
        }
        if let Some(left) = figures.left.filter(|left| !left.is_zero()) {
            let _ = write!(text, ", {} left", clock(left));
        }
        if let Some((path, ..)) = figures.file {
            let _ = write!(text, ", {path}");
        }
        text
    }
}

/// The parts of a line of progress.
struct Line {
    heading: String,
    share: (u64, u64),
    percent: String,
    sizes: String,
    rate: String,
    left: String,
    file: Option<(String, u64, u64)>,
}

/// Columns of a bar: fewer say nothing, and nobody needs more.
const BAR: Range<usize> = 10..40;

impl Line {
    fn new(heading: String, figures: &Figures<'_>) -> Self {
        let Figures { work: (done, total), rate, left, file, .. } = *figures;
        let left = left.filter(|left| !left.is_zero()).map(|left| format!("{} left", clock(left)));
        let known = total > 0;
        let some = |text: String| if known { text } else { String::new() };
        Self {
            heading,
            share: (done, total),
            // Of a width that stays, so that nothing moves but the figures.
            percent: some(format!("{:>3} %", percent(done, total))),
            sizes: some(format!("{:>16}", of(done, total))),
            rate: format!(
                "{:>11}",
                rate.map(|rate| format!("{}/s", size(rate))).unwrap_or_default()
            ),
            left: format!("{:<12}", left.unwrap_or_default()),
            file: file.map(|(path, done, len)| (path.to_owned(), done, len)),
        }
    }

    fn fit(self, columns: usize, with_file: bool) -> String {
        let Self { heading, share, percent, sizes, rate, left, file } = self;
        let mut text = cut(&heading, columns);
        let mut room = columns.saturating_sub(width(&text));
        let mut parts = Vec::new();
        // What matters most comes first, and what has no room is left out.
        let sizes = if with_file { String::new() } else { sizes };
        for (place, part) in [(0, percent), (3, left), (2, rate), (1, sizes)] {
            let needed = width(&part).saturating_add(1);
            if !part.is_empty() && needed <= room {
                room = room.saturating_sub(needed);
                parts.push((place, part));
            }
        }
        parts.sort_by_key(|(place, _)| *place);
        // A space and two brackets.
        let drawn = room.saturating_sub(3).min(BAR.end);
        let drawn = if with_file { drawn.min(BAR.start.saturating_add(2)) } else { drawn };
        if drawn >= BAR.start && share.1 > 0 {
            let _ = write!(text, " {}", bar(share, drawn));
            room = room.saturating_sub(drawn.saturating_add(3));
        }
        for (_, part) in parts {
            text.push(' ');
            text.push_str(&part);
        }
        if let (true, Some((path, done, len))) = (with_file, file) {
            text.push_str(&file_in(&path, done, len, room, " "));
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn bar((done, total): (u64, u64), columns: usize) -> String {
    let cells = u128::from(done.min(total)) * (columns as u128) / u128::from(total.max(1));
    let cells = usize::try_from(cells).unwrap_or(columns).min(columns);
    let mut text = "=".repeat(cells);
    if cells < columns {
        text.push('>');
    }
    format!("[{text:<columns$}]")
}

/// The end of a path, which tells more than its start, and the share of it that is done, in at most
/// `columns`; nothing where that would tell nothing.
fn file_in(path: &str, done: u64, len: u64, columns: usize, before: &str) -> String {
    const LEAST: usize = 8;
    let share = format!(" {:>3} %", percent(done, len));
    let Some(room) = columns.checked_sub(width(&share).saturating_add(width(before))) else {
        return String::new();
    };
    let clean: String = path.chars().filter(|c| !steers(*c)).collect();
    if width(&clean) <= room {
        return format!("{before}{clean}{share}");
    }
    if room < LEAST {
        return String::new();
    }
    let mut end = String::new();
    let mut left = room.saturating_sub(3);
    for c in clean.chars().rev() {
        let Some(now) = left.checked_sub(columns_of(c)) else { break };
        left = now;
        end.insert(0, c);
    }
    format!("{before}...{end}{share}")
}

fn cut(text: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |c: &char| match left.checked_sub(columns_of(*c)) {
        Some(now) => {
            left = now;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).collect()
}

fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// At most so many columns: East Asian letters take two, and they all come behind this one. What takes
/// none counts too.
fn columns_of(c: char) -> usize {
    if c < '\u{1100}' { 1 } else { 2 }
}

/// Whole ones, which keep their columns while they grow; never 100 of what is not quite done.
pub(crate) fn percent(done: u64, total: u64) -> u64 {
    let share = u128::from(done.min(total)) * 100 / u128::from(total.max(1));
    u64::try_from(share).unwrap_or(100)
}

/// `1.9/4.4 GiB`: both in the unit of the whole.
fn of(done: u64, total: u64) -> String {
    let (mut unit, mut each) = ("bytes", 1u64);
    for (larger, bytes) in [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)]
    {
        // As `size_text` has it: none of them is 1024.0 of the smaller unit.
        if total >= 1024 && total as f64 / bytes as f64 >= 1023.95 / 1024.0 {
            (unit, each) = (larger, bytes);
        }
    }
    if each == 1 {
        return format!("{done}/{total} {unit}");
    }
    let shown = |bytes: u64| bytes as f64 / each as f64;
    format!("{:.1}/{:.1} {unit}", shown(done), shown(total))
}

/// `0:43`, `1:02:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn meter() -> Meter {
        let mut meter = Meter::new("Writing");
        meter.begin(Stage::new(Phase::Write).with_volume(2, 3));
        meter
    }

    fn line(meter: &Meter, now: u64, columns: usize, with_file: bool) -> String {
        let figures = meter.figures_at(Duration::from_secs(now));
        Line::new(meter.heading(), &figures).fit(columns, with_file)
    }

    #[test]
    fn a_line_has_everything_in_eighty_columns() {
        let mut meter = meter();
        let total = 4400 * MIB;
        for second in 0..=20 {
            meter.advance_at(Duration::from_secs(second), second * 7 * MIB, total);
        }
        meter.file("sources/boot.wim", 100 * MIB..200 * MIB);
        let found = line(&meter, 20, 79, false);
        assert_eq!(
            found,
            "Writing 2/3 [>                ]   3 %      0.1/4.3 GiB   7.0 MiB/s 10:09 left"
        );
        assert_eq!(width(&found), 79 - 2);
        let figures = meter.figures_at(Duration::from_secs(20));
        assert_eq!(figures.file, Some(("sources/boot.wim", 40 * MIB, 100 * MIB)));
        meter.advance_at(Duration::from_secs(21), 201 * MIB, total);
        assert_eq!(meter.figures_at(Duration::from_secs(21)).file, None);
        meter.advance_at(Duration::from_secs(22), total, total);
        assert!(line(&meter, 22, 79, false).contains("====] 100 % "));
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        let mut meter = Meter::of_drive("sdb", 5);
        assert_eq!(line(&meter, 0, 79, true), "sdb   waiting");
        meter.begin(Stage::new(Phase::Verify));
        for second in 0..=20 {
            meter.advance_at(Duration::from_secs(second), second * 7 * MIB, 200 * MIB);
        }
        for path in
            ["a", "sources/boot.wim", "\u{1b}[2J\u{202e}tools/\u{30c6}\u{30b9}\u{30c8}/x.exe"]
        {
            meter.file(&path.repeat(3), 0..200 * MIB);
            for columns in 0..200 {
                for with_file in [true, false] {
                    let found = line(&meter, 20, columns, with_file);
                    assert!(width(&found) <= columns, "{columns}: {found}");
                    assert!(!found.contains(['\u{1b}', '\u{202e}']));
                }
                let (file, done, len) = meter.figures_at(Duration::from_secs(20)).file.unwrap();
                assert!(width(&file_in(file, done, len, columns, "  ")) <= columns);
            }
        }
        meter.file("sources/boot.wim", 0..200 * MIB);
        assert_eq!(
            line(&meter, 20, 79, true),
            "sdb   verifying [========>   ]  70 %   7.0 MiB/s 0:09 left    ...boot.wim  70 %"
        );
        assert_eq!(line(&meter, 20, 30, true), "sdb   verifying  70 %");
    }

    #[test]
    fn holes_are_no_work() {
        let mut meter = meter();
        for second in 0..=10 {
            meter.work(second * MIB, 20 * MIB);
            meter.advance_at(Duration::from_secs(second), second * MIB, 30_000 * MIB);
        }
        let now = Duration::from_secs(10);
        let figures = meter.figures_at(now);
        assert_eq!((figures.done, figures.total), (10 * MIB, 30_000 * MIB));
        assert_eq!((figures.rate, figures.left), (Some(MIB), Some(now)));
        assert!(line(&meter, 10, 79, false).contains(" 50 %    10.0/20.0 MiB"));
        // The hole itself.
        meter.work(20 * MIB, 20 * MIB);
        meter.advance_at(now, 29_000 * MIB, 30_000 * MIB);
        assert_eq!(meter.figures_at(now).left, Some(Duration::ZERO));
        // Nobody knows how long nothing takes.
        meter.begin(Stage::new(Phase::Wipe));
        meter.advance_at(now, 0, 0);
        assert_eq!(meter.figures_at(now).left, None);
    }

    #[test]
    fn counting_on_over_volumes_keeps_the_rate() {
        let mut meter = meter();
        for second in 0..=5 {
            assert!(!meter.advance_at(Duration::from_secs(second), second * MIB, 10 * MIB));
        }
        meter.begin(Stage::new(Phase::Write).with_volume(3, 3));
        assert!(!meter.advance_at(Duration::from_secs(6), 6 * MIB, 10 * MIB));
        assert_eq!(meter.figures_at(Duration::from_secs(6)).rate, Some(MIB));
        assert!(meter.advance_at(Duration::from_secs(7), MIB, 10 * MIB));
        assert_eq!(meter.figures_at(Duration::from_secs(7)).rate, None);
        meter.begin(Stage::new(Phase::Verify));
        assert!(!meter.advance_at(Duration::from_secs(8), 0, 10 * MIB));
    }

    #[test]
    fn times_and_shares() {
        assert_eq!(clock(Duration::from_secs(43)), "0:43");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
        assert_eq!((percent(0, 0), percent(99, 100), percent(9999, 10_000)), (0, 99, 99));
        assert_eq!((percent(100, 100), percent(u64::MAX, 1)), (100, 100));
        assert_eq!(of(19 << 20, 44 << 30), "0.0/44.0 GiB");
        assert_eq!(of(19, 44), "19/44 bytes");
        assert_eq!((&*of(0, 1023), &*of(0, 1_048_575)), ("0/1023 bytes", "0.0/1.0 MiB"));
    }
}
