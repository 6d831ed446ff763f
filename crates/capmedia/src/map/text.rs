//! A map as text for terminals.

use std::fmt::Write as _;

use crate::figures::{percent_text as percent, size_text as size};
use crate::map::bar::{Column, columns};
use crate::map::figures::{fill, regions, unused};
use crate::map::{MapKind, MediaMap, VolumeMap};

/// Most columns of a bar.
const WIDEST: usize = 76;
/// Fewest; below that nothing could be told.
const NARROWEST: usize = 16;

/// The signs of a kind in a bar: where it is most of a column, and where it would be too small to be
/// seen. Letters stay letters with Unicode: there are no eight shades that everybody can tell apart.
struct Signs {
    ascii: char,
    unicode: char,
    small: char,
}

fn signs(kind: MapKind) -> Signs {
    let (ascii, unicode, small) = match kind {
        MapKind::BootStructures => ('B', 'B', 'b'),
        MapKind::Tables => ('T', 'T', 't'),
        MapKind::Directories => ('D', 'D', 'd'),
        MapKind::BootImage => ('I', '█', 'i'),
        MapKind::Packages => ('P', '▓', 'p'),
        MapKind::OtherFiles => ('F', '▒', 'f'),
        MapKind::Padding => ('-', '-', '-'),
        MapKind::Free => ('.', '·', ','),
    };
    Signs { ascii, unicode, small }
}

/// The map in lines of at most `width` columns, 80 on a usual terminal: for each volume its name and
/// label, a bar of at most 76 columns, how full it is, and what takes how much. No line is longer than
/// 80 columns; below 64 those of the legend are longer than asked for. There is no colour in it, and
/// without `unicode` nothing but ASCII.
///
/// The bar is to scale. What is too short for a column is drawn as one nevertheless, with another sign,
/// and a line below says so. Of all names only the labels are told, which have no control characters.
pub fn map_text(map: &MediaMap, width: usize, unicode: bool) -> String {
    let count = width.saturating_sub(4).clamp(NARROWEST, WIDEST);
    let mut text = String::new();
    let mut columns_told = Told::default();
    for (at, volume) in map.volumes.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        // Writing to a string does not fail.
        let _ = describe(&mut text, volume, count, unicode, &mut columns_told);
    }
    let _ = columns_told.explain(&mut text);
    if let Some(unused) = unused(map) {
        let _ = writeln!(text, "{unused}");
    }
    text
}

/// What is to be explained below the bars.
#[derive(Default)]
struct Told {
    /// Signs of what is not to scale.
    small: Vec<char>,
    /// Bytes of a column, where all have the same number.
    column: Option<u64>,
    differs: bool,
}

impl Told {
    fn bar(&mut self, column: u64) {
        self.differs |= self.column.is_some_and(|other| other != column);
        self.column = Some(column);
    }

    fn explain(&self, text: &mut String) -> std::fmt::Result {
        let Some(column) = self.column else { return Ok(()) };
        writeln!(text)?;
        match self.differs {
            false => writeln!(text, "A column of the bar is {}.", size(column))?,
            true => writeln!(text, "Each bar has a scale of its own.")?,
        }
        if !self.small.is_empty() {
            let small: Vec<String> = self.small.iter().map(char::to_string).collect();
            let small = small.join(" ");
            writeln!(text, "Less than half a column, but drawn as a whole one: {small}")?;
        }
        Ok(())
    }
}

fn describe(
    text: &mut String,
    volume: &VolumeMap,
    count: usize,
    unicode: bool,
    told: &mut Told,
) -> std::fmt::Result {
    let span = volume.span();
    told.bar(span / count as u64);
    let bar = columns(volume, span, count);
    let drawn = |column: &Option<Column>| {
        column.map_or(' ', |column| sign(column.kind, column.is_to_scale, unicode))
    };
    writeln!(text, "{}: {}", volume.name, volume.label)?;
    writeln!(text, "  [{}]", bar.iter().map(drawn).collect::<String>())?;
    writeln!(text, "  {}", volume.file_system)?;
    writeln!(text, "  {}", fill(volume))?;
    for total in &volume.kinds {
        let kind = total.kind;
        let has = |to_scale| {
            let mut of_kind = bar.iter().flatten().filter(|column| column.kind == kind);
            of_kind.any(|column| column.is_to_scale == to_scale)
        };
        let mut signs: Vec<char> = Vec::new();
        for to_scale in [true, false].into_iter().filter(|to_scale| has(*to_scale)) {
            let sign = sign(kind, to_scale, unicode);
            if !signs.contains(&sign) {
                signs.push(sign);
            }
            if !to_scale && kind != MapKind::Padding && !told.small.contains(&sign) {
                told.small.push(sign);
            }
        }
        let signs: Vec<String> = signs.iter().map(char::to_string).collect();
        row(text, &signs.join(" "), kind.as_str(), &regions(total.regions), total.bytes, span)?;
    }
    match span.saturating_sub(volume.bytes) {
        0 => Ok(()),
        rest => row(text, "", "not written", "", rest, span),
    }
}

fn row(
    text: &mut String,
    signs: &str,
    name: &str,
    regions: &str,
    bytes: u64,
    span: u64,
) -> std::fmt::Result {
    let (bytes, part) = (size(bytes), percent(bytes, span));
    writeln!(text, "    {signs:<4}{name:<16}{regions:>15}{bytes:>13}{part:>10}")
}

fn sign(kind: MapKind, to_scale: bool, unicode: bool) -> char {
    let signs = signs(kind);
    match (to_scale, unicode) {
        (false, _) => signs.small,
        (true, true) => signs.unicode,
        (true, false) => signs.ascii,
    }
}
