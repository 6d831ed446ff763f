//! Values as lines for people.

use std::io::{self, Write};

use capmedia::{Made, Summary, Warning};
use serde::Serialize;

/// One JSON object.
pub(crate) fn json(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value)?;
    writeln!(to)
}

/// Text that may hold names out of an image or a WIM: control characters other than the end of a
/// line are written as `\u{1b}`, so that they reach no terminal.
pub(crate) fn plain(to: &mut dyn Write, text: &str) -> io::Result<()> {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => clean.push(c),
            c if c.is_control() => clean.extend(c.escape_unicode()),
            c => clean.push(c),
        }
    }
    to.write_all(clean.as_bytes())
}

pub(crate) fn warnings(to: &mut dyn Write, warnings: &[Warning]) -> io::Result<()> {
    warnings.iter().try_for_each(|warning| plain(to, &format!("warning: {warning}\n")))
}

pub(crate) fn summary(to: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(to, "Media:        {} for {} computers", summary.media_type, summary.architecture)?;
    writeln!(to, "Boot image:   {}", summary.boot_image)?;
    writeln!(to, "Label:        {}", summary.label)?;
    for volume in &summary.volumes {
        for label in volume.labels.iter().filter(|label| label.changed) {
            writeln!(to, "              {} in {}", label.label, label.place)?;
        }
    }
    for volume in &summary.volumes {
        let number = if summary.volumes.len() > 1 {
            format!(" {} of {}", volume.number, summary.volumes.len())
        } else {
            String::new()
        };
        writeln!(
            to,
            "Volume{number}:       {}, {} ({} bytes), boots under {}",
            volume.file_system,
            size(volume.bytes),
            volume.bytes,
            volume.boots.join(" and ")
        )?;
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

pub(crate) fn made(to: &mut dyn Write, made: &Made) -> io::Result<()> {
    summary(to, &made.summary)?;
    writeln!(to, "Written:      {}", made.path)?;
    if let Some(sha256) = &made.sha256 {
        writeln!(to, "SHA-256:      {sha256}")?;
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
        plain(&mut out, "a\u{1b}[2Jb\tc\nd é").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\\u{1b}[2Jb\\u{9}c\nd é");
    }

    #[test]
    fn sizes() {
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(4_700_372_992), "4.4 GiB");
    }
}
