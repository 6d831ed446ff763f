//! Values as lines for people.

use std::fmt::Display;
use std::io::{self, Write};

use capmedia::{
    BootConfiguration, BootManagerSummary, ContentSummary, DeviceSummary, Made, Summary,
    VolumeSummary, Warning,
};
/// How numbers read, in all that is said.
pub(crate) use capmedia::{percent_text as percent, size_text as size};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::events;

/// The result as one JSON object; where events are told, it comes with the last of them.
pub(crate) fn json(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    if events::keep_report(value)? {
        return Ok(());
    }
    serde_json::to_writer_pretty(&mut *to, value)?;
    writeln!(to)
}

/// One line of text that may hold names out of an image, a WIM or a drive: control characters, and
/// those that turn the direction of writing around, are written as `\u{1b}`, so that none reaches a
/// terminal, no name makes a line of its own, and none makes others read differently.
pub(crate) fn line(to: &mut (impl Write + ?Sized), text: impl Display) -> io::Result<()> {
    let mut clean = clean(&text.to_string());
    clean.push('\n');
    to.write_all(clean.as_bytes())
}

fn clean(text: &str) -> String {
    let mut clean = String::new();
    for c in text.chars() {
        if steers(c) { clean.extend(c.escape_unicode()) } else { clean.push(c) }
    }
    clean
}

/// Whether a terminal does not show the character but obeys it: control characters, what ends lines,
/// and what turns the direction of writing (Unicode Standard Annex 9, section 2).
pub(crate) fn steers(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// Columns of a line of text, where its words allow it.
pub(crate) const WIDTH: usize = 80;

/// `start` and the words of `text`, which may hold names as in [`line`]; further lines begin with
/// `indent` spaces.
pub(crate) fn wrapped(
    to: &mut impl Write,
    start: &str,
    indent: usize,
    text: &str,
) -> io::Result<()> {
    wrapped_to(to, WIDTH, start, indent, text)
}

/// The same in `width` columns.
pub(crate) fn wrapped_to(
    to: &mut impl Write,
    width: usize,
    start: &str,
    indent: usize,
    text: &str,
) -> io::Result<()> {
    let text = clean(text);
    let mut row = start.to_owned();
    // What begins the row is no word after which it could end.
    let mut columns = row.width();
    let mut first = true;
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match words.last_mut() {
            // An option stays with its value.
            Some(last) if last.starts_with("--") && !last.contains(' ') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    for word in words {
        let wide = word.width().saturating_add(usize::from(!first));
        if !first && columns.saturating_add(wide) > width {
            line(to, &row)?;
            row = " ".repeat(indent);
            columns = indent;
            first = true;
        }
        if !first {
            row.push(' ');
        }
        row.push_str(&word);
        columns = columns.saturating_add(wide);
        first = false;
    }
    line(to, row)
}

/// Cuts the lines of a text.
pub(crate) type Fold = fn(Vec<u8>) -> Vec<u8>;

/// Cuts none.
pub(crate) fn as_it_is(text: Vec<u8>) -> Vec<u8> {
    text
}

/// Text of ours in lines, which may hold names: the same, but for the ends of lines.
pub(crate) fn plain(to: &mut (impl Write + ?Sized), text: &str) -> io::Result<()> {
    text.lines().try_for_each(|text| line(to, text))
}

/// Warnings, each on its line; where `quiet`, only those that are told nevertheless.
pub(crate) fn warnings(to: &mut impl Write, warnings: &[Warning], quiet: bool) -> io::Result<()> {
    let mut told = warnings.iter().filter(|warning| !quiet || warning.is_loud());
    told.try_for_each(|warning| line(to, format_args!("warning: {warning}")))
}

pub(crate) fn summary(to: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let target = &summary.target_architecture;
    writeln!(to, "Media:        {} for {target} computers", summary.media_type)?;
    let image = match summary.boot_index {
        1 => String::new(),
        index => format!(", image {index}"),
    };
    let architecture = &summary.architecture;
    line(to, format_args!("Boot image:   {}{image} ({architecture})", summary.boot_image))?;
    summary.content.as_ref().map_or(Ok(()), |content| packages(to, content))?;
    boot_manager(to, &summary.boot_manager)?;
    for (at, bcd) in summary.boot_configuration.iter().enumerate() {
        let heading = if at == 0 { "Boot config:" } else { "" };
        line(to, format_args!("{heading:<14}{}: {}", bcd.firmware, configuration(bcd)))?;
    }
    devices(to, &summary.devices)?;
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

/// The packages that media is made of, and what happened on the way that is no warning.
fn packages(to: &mut dyn Write, content: &ContentSummary) -> io::Result<()> {
    let mut heading = "Packages:";
    for package in &content.packages {
        let place = match package.media_path.as_deref() {
            None => "boot image".to_owned(),
            Some(path) => format!("to /{path}"),
        };
        let id = &package.content_id;
        let location = locations(&package.location, &package.came_from);
        let files = match package.files {
            1 => "1 file".to_owned(),
            files => format!("{files} files"),
        };
        let bytes = size(package.bytes);
        let row = format_args!("{heading:<14}{id} found at {location}, {files}, {bytes}, {place}");
        line(to, row)?;
        heading = "";
    }
    let told = content.events.iter().filter(|event| !event.is_warning());
    told.clone()
        .take(EVENTS)
        .try_for_each(|event| line(to, format_args!("              {}", event.text)))?;
    match told.count().saturating_sub(EVENTS) {
        0 => Ok(()),
        more => writeln!(to, "              and {more} more events; --json tells all"),
    }
}

/// Where the files of a package came from, or where it was found as long as nobody knows.
pub(crate) fn locations(found: &str, came_from: &[String]) -> String {
    if came_from.is_empty() { found.to_owned() } else { came_from.join(" and ") }
}

/// Events that are told one by one.
const EVENTS: usize = 40;

/// What UEFI starts, why that, and which machines refuse it.
fn boot_manager(to: &mut dyn Write, chosen: &BootManagerSummary) -> io::Result<()> {
    let BootManagerSummary { asked, generation, reason, found, loaders, notes, .. } = chosen;
    let generation = match generation.as_str() {
        "absent" => "none",
        "none" => "under no certificate",
        generation => generation,
    };
    line(to, format_args!("Boot manager: {generation} (--boot-manager {asked}: {reason})"))?;
    let mut loaders = found.iter().zip(loaders).peekable();
    while let Some((place, loader)) = loaders.next() {
        line(to, format_args!("              {} from {place}", loader.path))?;
        // What holds for those that follow each other is told behind the last.
        if loaders.peek().is_none_or(|(_, next)| next.secure_boot != loader.secure_boot) {
            line(to, format_args!("              {}", loader.secure_boot))?;
        }
    }
    notes.iter().try_for_each(|note| line(to, format_args!("              note: {note}")))
}

/// The devices that need a driver, with it; of the others how many there are.
fn devices(to: &mut dyn Write, devices: &[DeviceSummary]) -> io::Result<()> {
    let (needed, others): (Vec<_>, Vec<_>) = devices.iter().partition(|device| device.needed);
    let mut heading = "Drivers:";
    for device in needed {
        let driver = device.driver.as_deref().unwrap_or("none");
        let note = device.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        line(to, format_args!("{heading:<14}{driver} for {}{note}", device.device))?;
        heading = "";
    }
    if !others.is_empty() {
        let count = others.len();
        line(to, format_args!("{heading:<14}{count} other devices need none in a boot image"))?;
    }
    Ok(())
}

fn configuration(bcd: &BootConfiguration) -> String {
    if let Some(found) = &bcd.found {
        return found.clone();
    }
    let locale = bcd.locale.as_deref().unwrap_or_default();
    let reason = bcd.reason.as_ref().map(|reason| format!(" ({reason})"));
    format!("made by capmedia, {locale}{}", reason.unwrap_or_default())
}

/// The labels that are not the one asked for.
fn labels(to: &mut dyn Write, volume: &VolumeSummary) -> io::Result<()> {
    let mut changed = volume.labels.iter().filter(|label| label.changed);
    changed.try_for_each(|label| writeln!(to, "              {} in {}", label.label, label.place))
}

/// The images that were made.
pub(crate) fn written(to: &mut dyn Write, made: &Made) -> io::Result<()> {
    for image in &made.images {
        writeln!(to, "Written:      {}", image.path)?;
        if let Some(sha256) = &image.sha256 {
            writeln!(to, "SHA-256:      {sha256}")?;
        }
    }
    Ok(())
}

/// So many files.
pub(crate) fn files(count: u64) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
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
    fn words_go_to_the_next_line() {
        let mut out = Vec::new();
        wrapped(&mut out, "Start: ", 4, &["word"; 17].join(" ")).unwrap();
        wrapped(&mut out, "S: ", 2, &"x".repeat(90)).unwrap();
        wrapped(&mut out, "S: ", 2, "").unwrap();
        let text = String::from_utf8(out).unwrap();
        let rows: Vec<_> = text.lines().collect();
        assert_eq!(rows[0], format!("Start: {}", ["word"; 14].join(" ")));
        assert_eq!(rows[1], "    word word word");
        assert_eq!(rows[2].len(), 93);
        assert_eq!(rows[3..], ["S: "]);
        let mut out = Vec::new();
        wrapped(&mut out, "", 0, &format!("{} --boot-index 1 now", "x".repeat(66))).unwrap();
        assert!(out.ends_with(b"x\n--boot-index 1 now\n"));
    }
}
