//! The result as Markdown.

use std::fmt::Write as _;

use crate::bench::measure::Usage;

/// What became of a contender.
pub(super) enum Outcome {
    /// The least of its runs.
    Used(Usage),
    /// Why there is no number.
    LeftOut(String),
}

/// What one input came to.
pub(super) struct Table {
    pub(super) title: String,
    /// The row that is 1.
    pub(super) against: &'static str,
    pub(super) rows: Vec<(&'static str, Outcome)>,
}

/// A number that a row should not pass.
pub(super) struct Target {
    pub(super) what: Quantity,
    pub(super) of: &'static str,
    /// The row that is 1; for memory none, which is told in MiB.
    pub(super) against: &'static str,
    pub(super) at_most: f64,
}

#[derive(Clone, Copy)]
pub(super) enum Quantity {
    Cpu,
    Wall,
    Peak,
}

impl Quantity {
    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Wall => "wall time",
            Self::Peak => "peak MiB",
        }
    }

    fn of(self, used: Usage) -> f64 {
        match self {
            Self::Cpu => used.cpu,
            Self::Wall => used.wall,
            Self::Peak => used.peak,
        }
    }
}

impl Table {
    fn used(&self, name: &str) -> Option<Usage> {
        self.rows.iter().find_map(|(of, outcome)| match outcome {
            Outcome::Used(used) if *of == name => Some(*used),
            _ => None,
        })
    }

    pub(super) fn markdown(&self, targets: &[Target]) -> String {
        let one = self.used(self.against).unwrap_or(Usage::NEVER);
        let mut text = format!("\n### {}\n\n", self.title);
        text += "| | CPU s | ratio | wall s | ratio | peak MiB |\n|---|---:|---:|---:|---:|---:|\n";
        for (name, outcome) in &self.rows {
            let _ = match outcome {
                Outcome::Used(Usage { wall, cpu, peak }) => writeln!(
                    text,
                    "| {name} | {cpu:.3} | {} | {wall:.3} | {} | {peak:.0} |",
                    ratio(cpu / one.cpu),
                    ratio(wall / one.wall)
                ),
                Outcome::LeftOut(reason) => writeln!(text, "| {name} | {reason} | | | | |"),
            };
        }
        for Target { what, of, against, at_most } in targets {
            let Some(used) = self.used(of) else { continue };
            let (found, against) = match self.used(against) {
                Some(one) => (what.of(used) / what.of(one), format!(" against {against}")),
                None => (what.of(used), String::new()),
            };
            let verdict = if found <= *at_most { "met" } else { "**missed**" };
            let found = ratio(found);
            let _ = writeln!(
                text,
                "\n{} of {of}{against}: {found}, at most {at_most} wanted: {verdict}.",
                what.name()
            );
        }
        text
    }
}

/// Two digits after the point, or as many as show anything.
fn ratio(value: f64) -> String {
    match value {
        _ if value < 0.095 => format!("{value:.4}"),
        _ if value < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_targets_and_gaps_are_shown() {
        let used = |cpu, peak| Outcome::Used(Usage { wall: 2.0, cpu, peak });
        let missing = Outcome::LeftOut("not installed".to_owned());
        let rows = vec![("tar", used(1.0, 5.0)), ("ours", used(0.5, 70.0)), ("other", missing)];
        let table = Table { title: "t".to_owned(), against: "tar", rows };
        let targets = [
            Target { what: Quantity::Cpu, of: "ours", against: "tar", at_most: 1.1 },
            Target { what: Quantity::Peak, of: "ours", against: "", at_most: 64.0 },
        ];
        let text = table.markdown(&targets);
        for line in [
            "| tar | 1.000 | 1.00 | 2.000 | 1.00 | 5 |",
            "| ours | 0.500 | 0.50 | 2.000 | 1.00 | 70 |",
            "| other | not installed | | | | |",
            "CPU of ours against tar: 0.50, at most 1.1 wanted: met.",
            "peak MiB of ours: 70.00, at most 64 wanted: **missed**.",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert_eq!(ratio(0.0012), "0.0012");
    }
}
