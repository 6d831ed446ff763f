//! `plan --map` and `plan --svg`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::command::{Bench, create, ended, json, names_in};
use crate::winpe::tool;

/// What all media of this file are asked for.
fn bench() -> Bench {
    let bench = Bench::new();
    for (name, len) in
        [("apps/setup.bin", 9 << 20), ("apps/a&b']].txt", 5), ("more/x.bin", 3 << 20)]
    {
        let bytes: Vec<u8> = name.bytes().cycle().take(len).collect();
        bench.put(name, bytes);
    }
    bench
}

/// The jobs of this file: name and command line.
fn jobs() -> [(&'static str, String); 6] {
    let line = |kind| create(kind).replacen("create", "plan", 1);
    let usb = line("usb");
    [
        (
            "set",
            format!(
                "{} --media-size 6MB --split-files --add apps=Apps --add more=M",
                line("cd-dvd")
            ),
        ),
        (
            "three discs",
            format!(
                "{} --media-size 8MB --split-files --add apps=Apps --add more=M",
                line("cd-dvd")
            ),
        ),
        ("mbr", format!("{usb} --add apps=Apps --add more=SMS/pkg/ABC00001")),
        ("gpt", format!("{usb} --partition-table gpt --add apps=Apps")),
        ("hybrid", format!("{} --add apps=Apps", line("hybrid"))),
        ("no partition table", format!("{usb} --partition-table none").replace("40MiB", "300MiB")),
    ]
}

/// Standard output of a command that must succeed, with this locale.
#[track_caller]
fn said(bench: &Bench, line: &str, locale: &str) -> String {
    let mut command = bench.command(line.split_whitespace());
    let ended = ended(command.env("LC_ALL", locale).env("TERM", "xterm"));
    assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
    String::from_utf8(ended.stdout).unwrap()
}

/// Below the summary.
fn map_of(text: &str) -> &str {
    text.split_once("\n\n").unwrap().1
}

#[test]
fn maps_are_as_they_were() {
    let bench = bench();
    let mut shown = String::new();
    for (name, line) in jobs() {
        let text = said(&bench, &format!("{line} --map"), "C.UTF-8");
        shown.push_str(&format!("# {name}\n{}\n", map_of(&text)));
    }
    let ascii = said(&bench, &format!("{} --map", jobs()[2].1), "C");
    shown.push_str(&format!("# ASCII\n{}", map_of(&ascii)));
    assert!(map_of(&ascii).is_ascii());
    assert!(shown.lines().all(|line| line.chars().count() <= 80));
    let expected = include_str!("maps.txt");
    if cfg!(windows) {
        // What reads a pipe there goes by a code page: all are drawn in ASCII.
        assert!(shown.is_ascii());
        let at = |text: &str| text.find("# ASCII").unwrap();
        assert_eq!(shown[at(&shown)..], expected[at(expected)..]);
    } else {
        assert_eq!(shown, expected, "{shown}");
    }
    assert!(bench.out().is_empty());
}

#[test]
fn a_map_for_programs() {
    let bench = bench();
    let line = &jobs()[0].1;
    let planned = json(said(&bench, &format!("{line} --map --json"), "C").as_bytes());
    let volumes = planned["map"]["volumes"].as_array().unwrap();
    assert!(volumes.len() >= 3 && planned["volumes"].as_array().unwrap().len() == volumes.len());
    for volume in volumes {
        let mut end = 0;
        for region in volume["regions"].as_array().unwrap() {
            assert_eq!(region["start"].as_u64().unwrap(), end, "{region}");
            end += region["bytes"].as_u64().unwrap();
        }
        assert_eq!(
            (volume["bytes"].as_u64(), volume["capacity"].as_u64()),
            (Some(end), Some(6 << 20))
        );
        assert!(volume["fill-permille"].as_u64().unwrap() <= 1000);
    }
    let without = json(said(&bench, &format!("{line} --json"), "C").as_bytes());
    assert_eq!(without["map"], Value::Null);
}

#[test]
fn pictures_are_files_like_others() {
    let bench = bench();
    let line = &jobs()[3].1;
    said(&bench, &format!("{line} --svg out/a.svg"), "C");
    let first = fs::read(bench.path("out/a.svg")).unwrap();
    assert_eq!(bench.out(), ["a.svg"]);
    // Never over another file unasked, nor over what the media is made of or will be.
    let refused = |svg: &str| {
        let ended = bench.run(&format!("{line} --svg {svg}"));
        (ended.code, ended.stderr.lines().last().unwrap_or_default().to_owned())
    };
    let (code, says) = refused("out/a.svg");
    assert_eq!(code, Some(5), "{says}");
    assert!(says.contains("out/a.svg exists already") && says.contains("--force"), "{says}");
    let before = fs::read(bench.path("boot.wim")).unwrap();
    for svg in ["boot.wim --force", "apps/setup.bin --force", "apps/new.svg", "out/capture.img"] {
        let (code, says) = refused(svg);
        assert!(code == Some(2) && says.contains("--svg "), "{svg}: {says}");
    }
    assert!(fs::read(bench.path("boot.wim")).unwrap() == before);
    let (code, says) = refused("out");
    assert!(code == Some(5) && says.contains("--svg out is a folder"), "{says}");
    let (code, _) = refused("nowhere/a.svg");
    assert_eq!(code, Some(5));
    fs::write(bench.path("out/a.svg"), "old").unwrap();
    said(&bench, &format!("{line} --svg out/a.svg --force"), "C");
    assert!(fs::read(bench.path("out/a.svg")).unwrap() == first);
    // Standard output has the picture alone.
    let out = bench.command(format!("{line} --svg - --map").split_whitespace()).output().unwrap();
    assert!(out.stdout == first);
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("Media: ") && said.contains("USB disk: CONFIGURATI"), "{said}");
    assert_eq!(bench.out(), ["a.svg"]);
    assert_eq!(names_in(&bench.path("apps")).len(), 2);
}

#[test]
fn there_is_no_map_of_what_is_not_laid_out() {
    let bench = bench();
    let line = "plan --boot-image boot.wim --media-type usb --no-format --path out \
                --capture-destination \\\\server\\share\\image.wim";
    for option in ["--map", "--svg a.svg"] {
        let ended = bench.run(&format!("{line} {option}"));
        let says = option.split(' ').next().unwrap();
        assert!(ended.code == Some(2) && ended.stderr.contains(says), "{}", ended.stderr);
    }
    let ended = bench.run(&format!("{} --print-request --map", jobs()[2].1));
    assert_eq!(ended.code, Some(2));
}

/// A rendered picture.
struct Pixels {
    width: usize,
    height: usize,
    channels: usize,
    bytes: Vec<u8>,
}

impl Pixels {
    /// Reads a PNG (W3C's specification, sections 5 to 9) of 8 bits a channel that is not interlaced:
    /// what rsvg-convert writes.
    fn read(path: &Path) -> Self {
        let png = fs::read(path).unwrap();
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let (width, height) = (number(16), number(20));
        assert_eq!((png[24], png[28]), (8, 0), "depth and interlacing");
        let channels = match png[25] {
            2 => 3,
            6 => 4,
            other => panic!("colour type {other}"),
        };
        let (mut packed, mut at) = (Vec::new(), 8);
        while at < png.len() {
            let len = number(at);
            if &png[at + 4..at + 8] == b"IDAT" {
                packed.extend(&png[at + 8..at + 8 + len]);
            }
            at += len + 12;
        }
        let rows = miniz_oxide::inflate::decompress_to_vec_zlib(&packed).unwrap();
        let stride = width * channels;
        let mut bytes = vec![0u8; stride * height];
        for y in 0..height {
            let row = &rows[y * (stride + 1)..(y + 1) * (stride + 1)];
            for x in 0..stride {
                let left = if x >= channels { bytes[y * stride + x - channels] } else { 0 };
                let up = if y > 0 { bytes[(y - 1) * stride + x] } else { 0 };
                let corner =
                    if y > 0 && x >= channels { bytes[(y - 1) * stride + x - channels] } else { 0 };
                let guess = match row[0] {
                    0 => 0,
                    1 => left,
                    2 => up,
                    3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                    4 => paeth(left, up, corner),
                    other => panic!("filter {other}"),
                };
                bytes[y * stride + x] = row[x + 1].wrapping_add(guess);
            }
        }
        Self { width, height, channels, bytes }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * self.channels;
        self.bytes[at..at + 3].try_into().unwrap()
    }

    /// Whether the colour is anywhere in a part of a column.
    fn has(&self, x: usize, rows: std::ops::Range<usize>, colour: [u8; 3]) -> bool {
        rows.into_iter().any(|y| self.at(x, y) == colour)
    }
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i32::from);
    let guess = a + b - c;
    let (to_a, to_b, to_c) = ((guess - a).abs(), (guess - b).abs(), (guess - c).abs());
    if to_a <= to_b && to_a <= to_c {
        left
    } else if to_b <= to_c {
        up
    } else {
        corner
    }
}

/// Colours of kinds: light and dark.
const COLOURS: [(&str, [[u8; 3]; 2]); 3] = [
    ("boot-image", [[0x56, 0xb4, 0xe9], [0x2f, 0x8f, 0xc6]]),
    ("packages", [[0x3f, 0xb2, 0x8f], [0x1d, 0x8a, 0x6a]]),
    ("free", [[0xf3, 0xf5, 0xf7], [0x22, 0x27, 0x2e]]),
];

/// The tops of the bars, by their outlines.
fn bars(svg: &str) -> Vec<usize> {
    let outlines = svg.lines().filter(|line| {
        line.starts_with("<rect class=\"cm-edge\"") && line.contains("height=\"44\"")
    });
    let top = |line: &str| line.split("y=\"").nth(1).unwrap().split('"').next().unwrap().parse();
    outlines.map(|line| top(line).unwrap()).collect()
}

#[test]
#[ignore = "needs rsvg-convert"]
fn pictures_show_what_is_planned() {
    let bench = bench();
    for (name, line) in jobs() {
        let name = name.replace(' ', "-");
        let planned = json(
            said(&bench, &format!("{line} --map --json --svg out/{name}.svg"), "C").as_bytes(),
        );
        let svg = fs::read_to_string(bench.path("out").join(format!("{name}.svg"))).unwrap();
        let volumes = planned["map"]["volumes"].as_array().unwrap();
        let tops = bars(&svg);
        assert_eq!(tops.len(), volumes.len());
        // rsvg-convert asks for no colour scheme, so the rules for the dark one are given as the only
        // ones.
        let rules = svg.split_once("@media (prefers-color-scheme:dark){\n").unwrap();
        let (dark, rest) = rules.1.split_once("\n}\n").unwrap();
        let dark = format!("{}{dark}\n{rest}", rules.0);
        for (scheme, svg) in [svg, dark].into_iter().enumerate() {
            let (from, to) = (bench.path("out/now.svg"), bench.path("out/now.png"));
            fs::write(&from, svg).unwrap();
            let told = tool(Command::new("rsvg-convert").arg(&from).arg("--output").arg(&to));
            assert_eq!(told, "");
            let picture = Pixels::read(&to);
            assert_eq!(picture.width, 960);
            assert!(picture.height > tops[tops.len() - 1] + 100);
            let back = [[0xff; 3], [0x0d, 0x11, 0x17]][scheme];
            assert_eq!(picture.at(0, 0), back);
            let mut seen = 0;
            for (volume, top) in volumes.iter().zip(&tops) {
                seen += assert_to_scale(&picture, volume, *top, scheme);
            }
            assert!(seen > 0, "{name}");
        }
    }
}

/// That the regions of a volume that are wide enough to see are where they are planned. Returns how
/// many they were.
fn assert_to_scale(picture: &Pixels, volume: &Value, top: usize, scheme: usize) -> usize {
    let span = volume["capacity"].as_u64().unwrap_or(volume["bytes"].as_u64().unwrap());
    let regions = volume["regions"].as_array().unwrap();
    let pixel = |byte: u64| 30 + usize::try_from(byte * 900 / span).unwrap();
    let mut seen = 0;
    for (kind, colours) in COLOURS {
        let of_kind = regions.iter().filter(|region| region["kind"] == kind);
        let largest = of_kind.max_by_key(|region| region["bytes"].as_u64());
        let Some(region) = largest else { continue };
        let [start, bytes] = ["start", "bytes"].map(|key| region[key].as_u64().unwrap());
        let (from, to) = (pixel(start), pixel(start + bytes));
        if to - from < 48 {
            continue;
        }
        seen += 1;
        // Above the plate of the label, and more than a square of the pattern.
        let has = |x| picture.has(x, top + 2..top + 12, colours[scheme]);
        assert!(has(from.midpoint(to)), "{kind} of {}", volume["name"]);
        // What is too small to be seen is drawn over its neighbour, two pixels for each kind.
        assert!((from + 14..to - 14).all(has), "{kind} of {}", volume["name"]);
        let is_other = |x: usize| {
            let mut others = regions.iter().filter(|other| other["kind"] == kind);
            !others.any(|other| {
                let [start, bytes] = ["start", "bytes"].map(|key| other[key].as_u64().unwrap());
                (pixel(start).saturating_sub(3)..pixel(start + bytes) + 3).contains(&x)
            })
        };
        for x in [from.saturating_sub(4), to + 3] {
            let is_inside = (32..928).contains(&x) && is_other(x);
            assert!(!is_inside || !has(x), "{kind} at {x}: {from} to {to}");
        }
    }
    seen
}
