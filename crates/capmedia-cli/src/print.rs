//! Values as lines for people.

use std::fmt::Display;
use std::io::{self, Write};

use capmedia::{Made, Summary, VolumeSummary, Warning};
use serde::Serialize;

/// One JSON object.
pub(crate) fn json(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value)?;
    writeln!(to)
}

/// One line of text that may hold names out of an image or a WIM: control characters are written as
/// `\u{1b}`, so that none reaches a terminal and no name makes a line of its own.
pub(crate) fn line(to: &mut impl Write, text: impl Display) -> io::Result<()> {
    let mut clean = String::new();
    for c in text.to_string().chars() {
        if c.is_control() { clean.extend(c.escape_unicode()) } else { clean.push(c) }
    }
    clean.push('\n');
    to.write_all(clean.as_bytes())
}

/// Text of ours in lines, which may hold names: the same, but for the ends of lines.
pub(crate) fn plain(to: &mut impl Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|text| line(to, text))
}

pub(crate) fn warnings(to: &mut impl Write, warnings: &[Warning]) -> io::Result<()> {
    warnings.iter().try_for_each(|warning| line(to, format_args!("warning: {warning}")))
}

pub(crate) fn summary(to: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(to, "Media:        {} for {} computers", summary.media_type, summary.architecture)?;
    writeln!(to, "Boot image:   {}", summary.boot_image)?;
    writeln!(to, "Label:        {}", summary.label)?;
    let several = summary.volumes.len() > 1;
    if let [volume] = &*summary.volumes {
        labels(to, volume)?;
    }
    for volume in &summary.volumes {
        let number = match several {
            true => format!(" {} of {}", volume.number, summary.volumes.len()),
            false => String::new(),
        };
        let boots = match volume.boots.is_empty() {
            true => String::new(),
            false => format!(", boots under {}", volume.boots.join(" and ")),
        };
        let fill = match volume.capacity {
            Some(capacity) => format!(", {} full", percent(volume.bytes, capacity)),
            None => String::new(),
        };
        writeln!(
            to,
            "{:<14}{}, {} ({} bytes{fill}){boots}",
            format!("Volume{number}: "),
            volume.file_system,
            size(volume.bytes),
            volume.bytes
        )?;
        if several {
            labels(to, volume)?;
        }
        let shared = match volume.shared_files {
            0 => String::new(),
            count => format!(", {count} of them stored once with another"),
        };
        writeln!(
            to,
            "Content:      {} files, {}{shared}",
            volume.files,
            size(volume.content_bytes)
        )?;
    }
    writeln!(to, "Set id:       {}", summary.set_id)
}

/// The labels that are not the one asked for.
fn labels(to: &mut dyn Write, volume: &VolumeSummary) -> io::Result<()> {
    let mut changed = volume.labels.iter().filter(|label| label.changed);
    changed.try_for_each(|label| writeln!(to, "              {} in {}", label.label, label.place))
}

/// Never 100 % of what is not quite full.
fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1000 / u128::from(whole.max(1));
    format!("{}.{} %", tenths / 10, tenths % 10)
}

pub(crate) fn made(to: &mut dyn Write, made: &Made) -> io::Result<()> {
    summary(to, &made.summary)?;
    for image in &made.images {
        writeln!(to, "Written:      {}", image.path)?;
        if let Some(sha256) = &image.sha256 {
            writeln!(to, "SHA-256:      {sha256}")?;
        }
    }
    Ok(())
}

/// A length for people: three digits and a binary unit.
pub(crate) fn size(bytes: u64) -> String {
    let mut unit = "bytes";
    let mut shown = bytes as f64;
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if shown < 1024.0 {
            break;
        }
        (shown, unit) = (shown / 1024.0, larger);
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{shown:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_reach_no_terminal() {
        let mut out = Vec::new();
        plain(&mut out, "a\u{1b}[2Jb\tc\nd é\n").unwrap();
        line(&mut out, "e\nno faults\r").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "a\\u{1b}[2Jb\\u{9}c\nd é\ne\\u{a}no faults\\u{d}\n");
    }

    #[test]
    fn sizes() {
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(4_700_372_992), "4.4 GiB");
        assert_eq!(percent(681_574_399, 681_574_400), "99.9 %");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0 %");
    }
}
