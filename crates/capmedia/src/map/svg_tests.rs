use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::map::{LargerDrive, map_text};

fn region(kind: MapKind, name: &str, start: u64, bytes: u64) -> MapRegion {
    let content_bytes = None;
    MapRegion { kind, name: name.to_owned(), start, bytes, content_bytes, shared_with: 0 }
}

/// A map of one disc.
fn map(label: &str, capacity: Option<u64>, regions: Vec<MapRegion>) -> MediaMap {
    let bytes = regions.iter().map(|region| region.bytes).sum();
    let of = |kind| regions.iter().filter(move |region| region.kind == kind);
    let total = |kind: MapKind| KindTotal {
        kind,
        regions: of(kind).count() as u64,
        bytes: of(kind).map(|region| region.bytes).sum(),
    };
    let kinds = MapKind::ALL.map(total).into_iter().filter(|total| total.regions > 0).collect();
    let free: u64 = of(MapKind::Free).map(|region| region.bytes).sum();
    let volume = VolumeMap {
        number: 1,
        name: "Disc".to_owned(),
        label: label.to_owned(),
        file_system: "UDF".to_owned(),
        bytes,
        capacity,
        used: bytes - free,
        free: capacity.unwrap_or(bytes) - (bytes - free),
        fill_permille: 0,
        kinds,
        regions,
    };
    MediaMap {
        media_type: "cd-dvd".to_owned(),
        label: label.to_owned(),
        volumes: vec![volume],
        larger_drives: Vec::new(),
    }
}

/// The text of all elements of this name, of well-formed XML.
fn texts(svg: &str, wanted: &str) -> Vec<String> {
    let mut reader = Reader::from_str(svg);
    reader.config_mut().check_end_names = true;
    let (mut found, mut inside, mut depth) = (Vec::new(), false, 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(start) => {
                start.attributes().for_each(|attribute| drop(attribute.unwrap()));
                depth += 1;
                inside = start.name().as_ref() == wanted;
                if inside {
                    found.push(String::new());
                }
            }
            Event::Empty(start) => start.attributes().for_each(|a| drop(a.unwrap())),
            Event::End(_) => {
                depth -= 1;
                inside = false;
            }
            Event::Text(text) if inside => {
                found.last_mut().unwrap().push_str(&text.xml10_content());
            }
            Event::GeneralRef(name) if inside => {
                let c = match &*name {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "apos" => '\'',
                    other => panic!("{other}"),
                };
                found.last_mut().unwrap().push(c);
            }
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    found
}

#[test]
fn names_cannot_leave_their_place() {
    let name = "a]]><script>&\"'\u{1b}[2J\u{fffe}\u{202e}\u{0}\né";
    let svg = map_svg(&map("<&>", None, vec![region(MapKind::Packages, name, 0, 1 << 20)]));
    let tips = texts(&svg, "title");
    assert_eq!(tips[0], "Capture media: <&>");
    let shown = "a]]><script>&\"'\\u{1b}[2J\\u{fffe}\\u{202e}\\u{0}\\u{a}é";
    assert_eq!(tips[1], format!("packages: {shown}, 1.0 MiB"));
    assert!(!svg.contains("<script") && !svg.contains("]]>"));
    let long = "ü".repeat(1000);
    let svg = map_svg(&map("L", None, vec![region(MapKind::Packages, &long, 0, 1 << 20)]));
    assert!(texts(&svg, "title")[1].contains(&format!("{}..., 1.0 MiB", &long[..320])));
}

#[test]
fn a_million_files_are_few_rectangles() {
    let kinds = [MapKind::Packages, MapKind::OtherFiles];
    let regions = (0..1_000_000)
        .map(|at| region(kinds[usize::from(at % 3 == 0)], "f", at * 4096, 4096))
        .collect();
    let map = map("L", Some(5 << 30), regions);
    let svg = map_svg(&map);
    assert!(svg.matches("<rect").count() < COLUMNS + 40, "{}", svg.matches("<rect").count());
    assert!(svg.len() < 60_000, "{}", svg.len());
    // Both are there, and what is drawn too wide is told.
    for kind in ["packages", "other"] {
        assert!(svg.contains(&format!("height=\"44\" fill=\"url(#cm-p-{kind})\"")), "{kind}");
    }
    assert!(svg.contains("drawn 2 wide"));
    assert_eq!(svg, map_svg(&map));
}

#[test]
fn widths_are_to_scale() {
    let parts = [(MapKind::BootImage, 30), (MapKind::Packages, 50), (MapKind::Free, 20)];
    let mut start = 0;
    let regions = parts.map(|(kind, part)| {
        let region = region(kind, "x", start, part << 20);
        start += part << 20;
        region
    });
    let svg = map_svg(&map("L", Some(125 << 20), regions.into()));
    for (x, width, name) in [(30, 216, "boot-image"), (246, 360, "packages"), (606, 144, "free")] {
        let wanted = format!(
            "<rect x=\"{x}\" y=\"135\" width=\"{width}\" height=\"44\" fill=\"url(#cm-p-{name})\""
        );
        assert!(svg.contains(&wanted), "{wanted}");
    }
    assert!(
        svg.contains("<rect x=\"750\" y=\"135\" width=\"180\" height=\"44\" class=\"cm-edge\"")
    );
    assert!(!svg.contains("drawn"));
    texts(&svg, "text");
}

#[test]
fn text_is_narrow_and_plain() {
    let regions = vec![
        region(MapKind::BootStructures, "b", 0, 512),
        region(MapKind::Tables, "t", 512, 4096),
        region(MapKind::BootImage, "i", 4608, 400 << 20),
        region(MapKind::Free, "f", 4608 + (400 << 20), 100 << 20),
    ];
    let map = map(&"L".repeat(32), Some(1000 << 20), regions);
    let text = map_text(&map, 80, false);
    assert!(text.is_ascii());
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let bar = text.lines().nth(1).unwrap();
    assert_eq!(bar, format!("  [bt{}{}{}]", "I".repeat(28), ".".repeat(8), " ".repeat(38)));
    assert!(text.contains("drawn as a whole one: b t\n"), "{text}");
    let text = map_text(&map, 80, true);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    assert!(text.contains("[bt███"));
    let narrow = map_text(&map, 0, true);
    assert_eq!(narrow.lines().nth(1).unwrap().chars().count(), 16 + 4);
    let whole = map_text(&map, usize::MAX, true);
    assert_eq!(whole.lines().nth(1).unwrap().chars().count(), 76 + 4);
}

#[test]
fn nothing_to_show_is_shown() {
    let nothing = MediaMap {
        media_type: "usb".to_owned(),
        label: "L".to_owned(),
        volumes: Vec::new(),
        larger_drives: Vec::new(),
    };
    texts(&map_svg(&nothing), "text");
    assert_eq!(map_text(&nothing, 80, true), "");
    let tiny = map("L", None, vec![region(MapKind::Tables, "t", 0, 1)]);
    texts(&map_svg(&tiny), "text");
    assert!(map_text(&tiny, 80, true).contains("1 bytes in all"));
}

#[test]
fn larger_drives_are_told_in_picture_and_text() {
    let mut map = map("L", None, vec![region(MapKind::BootImage, "i", 0, 64 << 20)]);
    assert!(!map_svg(&map).contains("larger") && !map_text(&map, 80, true).contains("larger"));
    for (unused, told) in [
        (vec![16 << 20], "One drive is larger: 16.0 MiB of it stay unused."),
        (vec![16 << 20, 1 << 40], "2 drives are larger: up to 1.0 TiB of each stay unused."),
    ] {
        let drive = |unused_bytes| LargerDrive { path: "/dev/sdb".to_owned(), unused_bytes };
        map.larger_drives = unused.into_iter().map(drive).collect();
        let svg = map_svg(&map);
        assert_eq!(texts(&svg, "text").last().map(String::as_str), Some(told));
        assert!(texts(&svg, "desc")[0].ends_with(told));
        assert!(map_text(&map, 80, false).ends_with(&format!("{told}\n")));
    }
}
