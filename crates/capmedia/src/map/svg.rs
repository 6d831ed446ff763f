//! A map as a picture: SVG 1.1, written as text. It is rectangles, words and one style sheet; a crate
//! for SVG would leave to us what is not trivial about that, the characters that XML cannot hold.

use std::fmt::Write as _;

use crate::figures::{percent_text as percent, size_text as size};
use crate::map::bar::columns;
use crate::map::figures::{fill, regions, unused};
use crate::map::style::{define, pattern};
use crate::map::{KindTotal, MapKind, MapRegion, MediaMap, VolumeMap};

/// Pixels of the picture and beside the bars.
const WIDTH: usize = 960;
const MARGIN: usize = 30;
/// Pixels of a column of a bar: what is shorter is drawn as wide as that.
const COLUMN: usize = 2;
/// Columns of the longest bar.
const COLUMNS: usize = (WIDTH - 2 * MARGIN) / COLUMN;
/// Columns of the shortest.
const FEWEST: usize = 16;
const BAR: usize = 44;
/// Legend: cells in a row, pixels of each.
const CELLS: usize = 3;
const CELL: (usize, usize) = ((WIDTH - 2 * MARGIN) / CELLS, 38);
/// Characters of a file's path that are told.
const LONGEST_NAME: usize = 160;

/// The map as an SVG picture of 960 pixels width: for each volume a bar, all to one scale, with how full
/// it is and what takes how much.
///
/// It is light or dark as its reader asks (`prefers-color-scheme`), and light on white for those that
/// do not ask; kinds have patterns and labels beside their colours, and title and description say all
/// in words. There are no scripts and nothing is loaded. However many regions there are, a bar has at
/// most 450 rectangles: below two pixels regions become one, by kind, and a kind that would not be seen
/// is drawn two pixels wide, which the picture says.
///
/// Names of files are untrusted: what XML cannot hold, or would turn the direction of writing around,
/// is written as `\u{1b}`. Equal maps give equal pictures.
pub fn map_svg(map: &MediaMap) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = picture(map, &mut out);
    out
}

fn picture(map: &MediaMap, out: &mut String) -> std::fmt::Result {
    let scale =
        Scale { longest: map.volumes.iter().map(VolumeMap::span).max().unwrap_or(1).max(1) };
    let mut body = String::new();
    let mut y = MARGIN + 20;
    let title = title(map);
    text(&mut body, MARGIN, y, "cm-text", "font-size=\"20\" font-weight=\"bold\"", &title)?;
    let mut stretched = false;
    y += 18;
    for volume in &map.volumes {
        y += 22;
        stretched |= describe(volume, scale, &mut y, &mut body)?;
    }
    y += 16;
    let pixel = size(scale.longest / (COLUMNS * COLUMN) as u64);
    let mut note = format!("To scale: a pixel is {pixel}.");
    if stretched {
        let _ = write!(note, " What is shorter than {COLUMN} pixels is drawn {COLUMN} wide.");
    }
    for note in [Some(note), unused(map)].into_iter().flatten() {
        text(&mut body, MARGIN, y, "cm-muted", "font-size=\"12\" fill=\"#57606a\"", &note)?;
        y += 18;
    }
    let height = y + MARGIN - 24;

    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"cm-title cm-desc\" \
         font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif\" font-size=\"13\" \
         fill=\"#1b1f24\">"
    )?;
    writeln!(out, "<title id=\"cm-title\">{}</title>", escaped(&title))?;
    writeln!(out, "<desc id=\"cm-desc\">{}</desc>", escaped(&words(map)))?;
    define(out)?;
    writeln!(
        out,
        "<rect class=\"cm-back\" width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>"
    )?;
    out.push_str(&body);
    out.write_str("</svg>\n")
}

/// Pixels of bytes.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// The bytes of the longest bar.
    longest: u64,
}

impl Scale {
    fn columns(self, bytes: u64) -> usize {
        let exact = u128::from(bytes) * COLUMNS as u128;
        let rounded = (exact + u128::from(self.longest) / 2) / u128::from(self.longest);
        usize::try_from(rounded).unwrap_or(COLUMNS).clamp(FEWEST, COLUMNS)
    }

    /// The distance of marks: a power of two, so that they are whole numbers of a unit, of which the
    /// longest bar has four to eight.
    fn step(self) -> u64 {
        (self.longest / 8 + 1).next_power_of_two()
    }
}

/// One volume from `y` on, which is moved behind it. Tells whether something is drawn wider than it is.
fn describe(
    volume: &VolumeMap,
    scale: Scale,
    y: &mut usize,
    out: &mut String,
) -> Result<bool, std::fmt::Error> {
    let span = volume.span();
    let count = scale.columns(span);
    out.write_str("<g>\n")?;
    *y += 16;
    let heading = format!("{}: {}", volume.name, volume.label);
    text(out, MARGIN, *y, "cm-text", "font-size=\"16\" font-weight=\"bold\"", &heading)?;
    *y += 19;
    text(out, MARGIN, *y, "cm-muted", "fill=\"#57606a\"", &fill_line(volume))?;
    *y += 10;
    let stretched = bar(volume, count, *y, out)?;
    *y += BAR;
    marks(span, count, scale, *y, out)?;
    *y += 30;
    let rest = span.saturating_sub(volume.bytes);
    let cells = volume.kinds.iter().map(|total| {
        let (kind, count) = (total.kind, regions(total.regions));
        let (bytes, part) = (size(total.bytes), percent(total.bytes, span));
        (Some(kind), kind.as_str(), format!("{count} · {bytes} · {part}"))
    });
    let rest = (rest > 0).then(|| {
        let (bytes, part) = (size(rest), percent(rest, span));
        (None, "not written", format!("{bytes} · {part}"))
    });
    let mut rows = 0;
    for (at, (kind, name, numbers)) in cells.chain(rest).enumerate() {
        let (x, row) = (MARGIN + at % CELLS * CELL.0, at / CELLS);
        let top = *y + row * CELL.1;
        rows = row + 1;
        rectangle(out, (x, top), (18, 18), kind, None)?;
        text(out, x + 26, top + 8, "cm-text", "font-weight=\"bold\"", name)?;
        text(out, x + 26, top + 24, "cm-muted", "font-size=\"12\" fill=\"#57606a\"", &numbers)?;
    }
    *y += rows * CELL.1;
    out.write_str("</g>\n")?;
    Ok(stretched)
}

/// The bar, as rectangles of columns that show one kind, each with a label where there is room.
fn bar(
    volume: &VolumeMap,
    count: usize,
    y: usize,
    out: &mut String,
) -> Result<bool, std::fmt::Error> {
    let span = volume.span();
    let columns = columns(volume, span, count);
    let stretched = columns.iter().flatten().any(|column| !column.is_to_scale);
    let mut from = 0;
    let mut labels = Vec::new();
    for run in columns.chunk_by(|a, b| a.map(|a| a.kind) == b.map(|b| b.kind)) {
        let (x, width) = (MARGIN + from * COLUMN, run.len() * COLUMN);
        let byte = |at: usize| {
            let byte = u128::from(span) * at as u128 / count as u128;
            u64::try_from(byte).unwrap_or(u64::MAX)
        };
        let kind = run.first().copied().flatten().map(|column| column.kind);
        let tip = kind.map(|kind| tip(volume, kind, byte(from), byte(from + run.len())));
        rectangle(out, (x, y), (width, BAR), kind, tip.as_deref())?;
        if let Some(kind) = kind {
            labels.push((x, width, kind));
        }
        from += run.len();
    }
    for (x, width, kind) in labels {
        label(volume, kind, (x, y), width, out)?;
    }
    let width = count * COLUMN;
    writeln!(
        out,
        "<rect class=\"cm-edge\" x=\"{MARGIN}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\" \
         fill=\"none\" stroke=\"#57606a\"/>"
    )?;
    Ok(stretched)
}

/// The name of a kind on its part of the bar, where it fits: the words are in the middle of a plate,
/// for no colour of letters can be read on all patterns.
fn label(
    volume: &VolumeMap,
    kind: MapKind,
    (x, y): (usize, usize),
    width: usize,
    out: &mut String,
) -> std::fmt::Result {
    // The widest letters of usual fonts, at 12 pixels.
    let room = |text: &str| text.chars().count() * 8 + 12;
    let total = volume.kinds.iter().find(|total| total.kind == kind);
    let long = total.map(|total| format!("{kind} {}", percent(total.bytes, volume.span())));
    let long = long.filter(|long| room(long) + 8 <= width);
    let words = long.unwrap_or_else(|| kind.as_str().to_owned());
    let plate = room(&words);
    if plate + 8 > width {
        return Ok(());
    }
    let (middle, top) = (x + width / 2, y + (BAR - 20) / 2);
    let left = middle - plate / 2;
    writeln!(
        out,
        "<rect class=\"cm-plate\" x=\"{left}\" y=\"{top}\" width=\"{plate}\" height=\"20\" rx=\"4\" \
         fill=\"#ffffff\" fill-opacity=\"0.86\"/>"
    )?;
    let attributes = "font-size=\"12\" text-anchor=\"middle\"";
    text(out, middle, top + 14, "cm-text", attributes, &words)
}

/// Marks below a bar.
fn marks(span: u64, count: usize, scale: Scale, y: usize, out: &mut String) -> std::fmt::Result {
    let step = scale.step();
    let (unit, name) = match step {
        0..0x400 => (1, "bytes"),
        0x400..0x10_0000 => (1 << 10, "KiB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MiB"),
        0x4000_0000..0x100_0000_0000 => (1 << 30, "GiB"),
        _ => (1_u64 << 40, "TiB"),
    };
    let width = count * COLUMN;
    for at in (0..).map(|mark: u64| mark.saturating_mul(step)).take_while(|at| *at <= span) {
        let x = u128::from(at) * width as u128 / u128::from(span.max(1));
        let x = MARGIN + usize::try_from(x).unwrap_or(width);
        writeln!(
            out,
            "<path class=\"cm-edge\" d=\"M{x} {y}v5\" fill=\"none\" stroke=\"#57606a\"/>"
        )?;
        let (words, anchor) = match at {
            0 => ("0".to_owned(), "start"),
            _ if x + 24 > WIDTH - MARGIN => (format!("{} {name}", at / unit), "end"),
            _ => (format!("{} {name}", at / unit), "middle"),
        };
        let attributes = format!("font-size=\"11\" text-anchor=\"{anchor}\" fill=\"#57606a\"");
        text(out, x, y + 17, "cm-muted", &attributes, &words)?;
    }
    Ok(())
}

/// What is at a part of the bar, for those who point at it.
fn tip(volume: &VolumeMap, kind: MapKind, from: u64, to: u64) -> String {
    let first = volume.regions.partition_point(|region| region.start + region.bytes <= from);
    let here = volume.regions.get(first..).unwrap_or_default().iter();
    let here = here.take_while(|region| region.start < to).filter(|region| region.kind == kind);
    let (count, bytes) =
        here.clone().fold((0u64, 0u64), |(n, bytes), region| (n + 1, bytes + region.bytes));
    match here.clone().next() {
        Some(MapRegion { name, bytes, .. }) if count == 1 => {
            let cut = match name.char_indices().nth(LONGEST_NAME) {
                Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default()),
                None => name.clone(),
            };
            format!("{kind}: {cut}, {}", size(*bytes))
        }
        Some(_) => format!("{kind}: {}, {}", regions(count), size(bytes)),
        // It is drawn beside its place.
        None => {
            let total = volume.kinds.iter().find(|total| total.kind == kind);
            let (count, bytes) = total.map_or((0, 0), |total| (total.regions, total.bytes));
            format!("{kind}: {}, {}", regions(count), size(bytes))
        }
    }
}

fn rectangle(
    out: &mut String,
    (x, y): (usize, usize),
    (width, height): (usize, usize),
    kind: Option<MapKind>,
    tip: Option<&str>,
) -> std::fmt::Result {
    write!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" ")?;
    match (kind, height) {
        (Some(kind), BAR) => write!(out, "fill=\"url(#{})\"", pattern(kind))?,
        (Some(kind), _) => {
            write!(out, "class=\"cm-edge\" fill=\"url(#{})\" stroke=\"#57606a\"", pattern(kind))?
        }
        (None, _) => write!(
            out,
            "class=\"cm-edge\" fill=\"none\" stroke=\"#57606a\" stroke-dasharray=\"3 3\""
        )?,
    }
    match tip {
        Some(tip) => writeln!(out, "><title>{}</title></rect>", escaped(tip)),
        None => writeln!(out, "/>"),
    }
}

fn text(
    out: &mut String,
    x: usize,
    y: usize,
    class: &str,
    attributes: &str,
    words: &str,
) -> std::fmt::Result {
    let words = escaped(words);
    writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" {attributes}>{words}</text>")
}

fn title(map: &MediaMap) -> String {
    match map.volumes.len() {
        1 => format!("Capture media: {}", map.label),
        count => format!("Capture media on {count} discs: {}", map.label),
    }
}

fn fill_line(volume: &VolumeMap) -> String {
    format!("{} · {}", volume.file_system, fill(volume))
}

/// All that the picture shows.
fn words(map: &MediaMap) -> String {
    let volume = |volume: &VolumeMap| {
        let span = volume.span();
        let kind = |total: &KindTotal| {
            format!("{} {} ({})", total.kind, size(total.bytes), percent(total.bytes, span))
        };
        let kinds: Vec<String> = volume.kinds.iter().map(kind).collect();
        format!("{}: {}. {}.", volume.name, fill_line(volume), kinds.join(", "))
    };
    map.volumes.iter().map(volume).chain(unused(map)).collect::<Vec<_>>().join(" ")
}

/// Text of an element or of an attribute. XML 1.0, section 2.2, has no way at all to hold control
/// characters and U+FFFE and U+FFFF; what turns the direction of writing (Unicode Standard Annex 9,
/// section 2) could make a name look like another.
fn escaped(words: &str) -> String {
    let mut clean = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => clean.push_str("&amp;"),
            '<' => clean.push_str("&lt;"),
            // Of `]]>`, which no text may hold.
            '>' => clean.push_str("&gt;"),
            '"' => clean.push_str("&quot;"),
            '\'' => clean.push_str("&apos;"),
            '\u{fffe}'
            | '\u{ffff}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => clean.extend(c.escape_unicode()),
            c if c.is_control() => clean.extend(c.escape_unicode()),
            c => clean.push(c),
        }
    }
    clean
}

#[cfg(test)]
#[path = "svg_tests.rs"]
mod tests;
