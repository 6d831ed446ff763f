//! Names: what a long name may hold, when a short one is enough, and how short names are made
//! (fat-format 6.2 to 6.4).

use std::collections::HashSet;

use extent_image::fold_case;

use crate::disk::dir_entry::UNITS;
use crate::error::Problem;

/// Bit of the case byte: the base is in lower case.
pub(crate) const LOWER_BASE: u8 = 0x08;
/// Bit of the case byte: the extension is in lower case.
pub(crate) const LOWER_EXTENSION: u8 = 0x10;
/// Where the extension begins in a short name.
const BASE: usize = 8;
/// Where it ends.
const SHORT: usize = 11;

/// How a name is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// In one slot, with the bits of its case byte.
    Short([u8; 11], u8),
    /// In long-name slots before the slot of this generated short name.
    Long([u8; 11]),
}

/// A name of the form 8.3, in any case.
struct Exact {
    name: [u8; 11],
    /// The bits of the case byte; `None` when base or extension mixes cases.
    case: Option<u8>,
}

/// The upper-case form of a character that a short name may hold.
fn short_byte(c: char) -> Option<u8> {
    let byte = u8::try_from(c).ok()?.to_ascii_uppercase();
    (byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'()-@^_`{}~".contains(&byte))
        .then_some(byte)
}

fn exact(name: &str) -> Option<Exact> {
    let (base, extension) = name.split_once('.').map_or((name, None), |(b, e)| (b, Some(e)));
    let mut short = [b' '; SHORT];
    let (base_room, extension_room) = short.split_at_mut(BASE);
    let base_case = exact_part(base, base_room, LOWER_BASE)?;
    let extension_case = match extension {
        None => Some(0),
        Some(extension) => exact_part(extension, extension_room, LOWER_EXTENSION)?,
    };
    let case = base_case.zip(extension_case).map(|(base, extension)| base | extension);
    Some(Exact { name: short, case })
}

/// Fills one part of a short name; `None` when it does not fit, else the case bit, which is `None`
/// when cases are mixed.
fn exact_part(part: &str, room: &mut [u8], lower: u8) -> Option<Option<u8>> {
    if part.is_empty() || part.len() > room.len() {
        return None;
    }
    for (slot, c) in room.iter_mut().zip(part.chars()) {
        *slot = short_byte(c)?;
    }
    let has_lower = part.bytes().any(|b| b.is_ascii_lowercase());
    let has_upper = part.bytes().any(|b| b.is_ascii_uppercase());
    Some(match (has_lower, has_upper) {
        (true, true) => None,
        (true, false) => Some(lower),
        (false, _) => Some(0),
    })
}

/// Slots that a name takes: one, and one for each 13 UTF-16 units when it needs a long name.
pub(crate) fn slots(name: &str) -> usize {
    match exact(name) {
        Some(Exact { case: Some(_), .. }) => 1,
        _ => name.encode_utf16().count().div_ceil(UNITS).saturating_add(1),
    }
}

/// Everything that keeps a name out of FAT, except another name beside it.
pub(crate) fn problems(name: &str, path: &dyn Fn() -> String) -> Vec<Problem> {
    let mut found = Vec::new();
    // FFFFh fills the units behind a long name.
    let refused = |c: char| c < ' ' || c == '\u{FFFF}' || "\"*/:<>?\\|".contains(c);
    for (position, character) in name.chars().enumerate().filter(|(_, c)| refused(*c)) {
        found.push(Problem::Character { path: path(), character, position });
    }
    let units = name.encode_utf16().count();
    if units > Problem::MAX_NAME {
        found.push(Problem::NameLength { path: path(), found: units });
    }
    if let Some(character) = name.chars().last().filter(|c| matches!(c, '.' | ' ')) {
        found.push(Problem::Ending { path: path(), character });
    }
    found
}

/// True for a name that Win32 takes for a device, whatever its extension.
pub(crate) fn is_device(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let base = base.to_ascii_uppercase();
    match base.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        _ => {
            let port = base.strip_prefix("COM").or_else(|| base.strip_prefix("LPT"));
            let mut rest = port.unwrap_or_default().chars();
            // Windows takes the superscript digits for digits here.
            matches!((rest.next(), rest.next()), (Some('1'..='9' | '¹' | '²' | '³'), None))
        }
    }
}

/// The form in which two names are compared; see [`fold_case`].
pub(crate) fn upcase(name: &str) -> String {
    name.chars().map(fold_case).collect()
}

/// The short names of one folder.
pub(crate) struct ShortNames {
    taken: HashSet<[u8; 11]>,
}

impl ShortNames {
    /// Sets aside every name that is of the form 8.3 itself, so that a generated one can equal
    /// neither a short nor a long name of the folder.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        // Other systems fold more letters into ASCII than Windows does; all of them are avoided.
        let taken = names.filter_map(|name| exact(&name.to_uppercase())).map(|exact| exact.name);
        Self { taken: taken.collect() }
    }

    /// Sets aside a short name that is there already.
    pub(crate) fn reserve(&mut self, short: [u8; 11]) {
        self.taken.insert(short);
    }

    /// How to store a name; `None` when every short name that could stand for it is taken, for
    /// which a folder is too small.
    pub(crate) fn store(&mut self, name: &str) -> Option<Stored> {
        match exact(name) {
            Some(Exact { name, case: Some(case) }) => Some(Stored::Short(name, case)),
            // Only case is lost, and `new` kept the name free for it.
            Some(Exact { name, case: None }) => Some(Stored::Long(name)),
            None => self.generate(name).map(Stored::Long),
        }
    }

    /// A short name for one that is not of the form 8.3: `~1` to `~4` on six characters of the
    /// base, then two characters, four hexadecimal digits of a hash of the name, and `~1` to `~9`.
    /// A folder holds 65,536 names and each beginning has 589,824 hashed ones, so a free one is
    /// found at the first or second try even among thousands of similar names.
    fn generate(&mut self, name: &str) -> Option<[u8; 11]> {
        let packed: String = name.chars().filter(|c| *c != ' ').collect();
        let packed = packed.trim_start_matches('.');
        let (base, extension) = packed.rsplit_once('.').unwrap_or((packed, ""));
        let mapped = |part: &str, room: usize| -> Vec<u8> {
            let kept = part.chars().filter(|c| *c != '.').take(room);
            kept.map(|c| short_byte(c).unwrap_or(b'_')).collect()
        };
        let (base, extension) = (mapped(base, 6), mapped(extension, 3));
        let plain = (1..=4).map(|n| (base.clone(), format!("~{n}")));
        let stem: Vec<u8> = base.iter().copied().take(2).collect();
        // After many probes of the hash, which only names made for it can need: one by one, so that
        // the search ends.
        let hashes = (0..64).map(|probe| hash(name, probe)).chain(0..=u16::MAX);
        let hashed = hashes.flat_map(|hash| {
            let stem = stem.clone();
            (1..=9).map(move |n| (stem.clone(), format!("{hash:04X}~{n}")))
        });
        let mut candidates = plain.chain(hashed).map(|(stem, tail)| {
            let mut short = [b' '; SHORT];
            let (base_room, extension_room) = short.split_at_mut(BASE);
            fill(base_room, stem.iter().chain(tail.as_bytes()));
            fill(extension_room, extension.iter());
            short
        });
        candidates.find(|short| self.taken.insert(*short))
    }
}

fn fill<'a>(room: &mut [u8], bytes: impl Iterator<Item = &'a u8>) {
    for (slot, byte) in room.iter_mut().zip(bytes) {
        *slot = *byte;
    }
}

fn hash(name: &str, probe: u8) -> u16 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[probe]);
    crc.update(name.as_bytes());
    let [a, b, _, _] = crc.finalize().to_le_bytes();
    u16::from_le_bytes([a, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_all(names: &[&str]) -> Vec<Stored> {
        let mut short = ShortNames::new(names.iter().copied());
        names.iter().map(|name| short.store(name).unwrap()).collect()
    }

    #[test]
    fn one_slot_names() {
        for (name, short, case) in [
            ("BOOTMGR", b"BOOTMGR    ", 0),
            ("bootmgr", b"BOOTMGR    ", 8),
            ("bootmgr.efi", b"BOOTMGR EFI", 24),
            ("BOOTX64.efi", b"BOOTX64 EFI", 16),
            ("boot.SDI", b"BOOT    SDI", 8),
            ("1", b"1          ", 0),
            ("a-b_c~1.{}", b"A-B_C~1 {} ", 8),
            ("12345678.123", b"12345678123", 0),
        ] {
            assert_eq!(store_all(&[name]), [Stored::Short(*short, case)], "{name}");
            assert_eq!(slots(name), 1, "{name}");
        }
    }

    #[test]
    fn long_names_and_their_short_ones() {
        for (name, short, slot_count) in [
            ("MediaLabel.txt", b"MEDIAL~1TXT", 3),
            ("Boot", b"BOOT       ", 2),
            ("Readme.Txt", b"README  TXT", 2),
            ("a b", b"AB~1       ", 2),
            (".gitignore", b"GITIGN~1   ", 2),
            ("tar.tar.gz", b"TARTAR~1GZ ", 2),
            ("index.html", b"INDEX~1 HTM", 2),
            ("a+b,c;d=[e].x", b"A_B_C_~1X  ", 2),
            ("Größe", b"GR__E~1    ", 2),
            ("日本語.日本語", b"___~1   ___", 2),
            ("123456789", b"123456~1   ", 2),
            ("x.12345", b"X~1     123", 2),
            ("😀", b"_~1        ", 2),
        ] {
            assert_eq!(store_all(&[name]), [Stored::Long(*short)], "{name}");
            assert_eq!(slots(name), slot_count, "{name}");
        }
        assert_eq!(slots(&"x".repeat(13)), 2);
        assert_eq!(slots(&"x".repeat(14)), 3);
        assert_eq!(slots(&"x".repeat(255)), 21);
        assert_eq!(slots(&"😀".repeat(7)), 3);
    }

    /// Microsoft's FAT specification, "Short and long directory entries", and what its driver does.
    #[test]
    fn short_names_by_the_book() {
        for (names, expected) in [
            // Leading dots and all spaces are dropped, dots but the last too.
            (&["..config file.d.conf"][..], &[b"CONFIG~1CON"][..]),
            (&["foo.bar.baz"], &[b"FOOBAR~1BAZ"]),
            // What a short name cannot have becomes _, and what OEM code pages differ in.
            (&["a+b=[c];,.t+t"], &[b"A_B__C~1T_T"]),
            (&["Größe.日本"], &[b"GR__E~1 __ "]),
            (&["😀"], &[b"_~1        "]),
            // Too long in one part only.
            (&["index.html"], &[b"INDEX~1 HTM"]),
            (&["123456789.c"], &[b"123456~1C  "]),
            // A name that only mixes cases keeps its form.
            (&["ReadMe.Md"], &[b"README  MD "]),
            // The tails count up, and step over names that are there, whatever their order.
            (
                &["program files", "program data", "PROGRA~1"],
                &[b"PROGRA~2   ", b"PROGRA~3   ", b"PROGRA~1   "],
            ),
            (
                &["Progra~2", "program files", "progra~1"],
                &[b"PROGRA~2   ", b"PROGRA~3   ", b"PROGRA~1   "],
            ),
        ] {
            let stored = store_all(names).into_iter().map(|stored| match stored {
                Stored::Short(short, _) | Stored::Long(short) => short,
            });
            assert_eq!(
                stored.collect::<Vec<_>>(),
                expected.iter().map(|name| **name).collect::<Vec<_>>(),
                "{names:?}"
            );
        }
    }

    #[test]
    fn generated_names_avoid_every_other_name() {
        // "Foobar~1.Txt" is a long name that reads like what "foobar long.txt" would get.
        let stored = store_all(&[
            "Foobar~1.Txt",
            "foobar long.txt",
            "FOOBAR~2.TXT",
            "long s ſ.x",
            "longsſ~1.x",
        ]);
        assert_eq!(stored[0], Stored::Long(*b"FOOBAR~1TXT"));
        assert_eq!(stored[1], Stored::Long(*b"FOOBAR~3TXT"));
        assert_eq!(stored[2], Stored::Short(*b"FOOBAR~2TXT", 0));
        // The long s is an S in upper case, so the last name would answer to LONGSS~1.X.
        let stored = store_all(&["longss s.x", "longsſ~1.x"]);
        assert_eq!(stored[0], Stored::Long(*b"LONGSS~2X  "));
    }

    #[test]
    fn tails_then_hashes() {
        let names: Vec<String> = (0..7).map(|n| format!("driver package {n}.inf")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let stored = store_all(&names);
        assert_eq!(stored[3], Stored::Long(*b"DRIVER~4INF"));
        for name in &stored[4..] {
            let Stored::Long(short) = name else { panic!("{name:?}") };
            assert_eq!((&short[..2], &short[6..]), (&b"DR"[..], &b"~1INF"[..]));
        }
        assert_eq!(stored, store_all(&names));
    }

    #[test]
    fn a_full_folder_of_similar_names() {
        let names: Vec<String> = (0..32_768).map(|n| format!("similar{n:05}.x")).collect();
        let mut short = ShortNames::new(names.iter().map(String::as_str));
        let stored: HashSet<[u8; 11]> = names
            .iter()
            .map(|name| match short.store(name).unwrap() {
                Stored::Long(short) | Stored::Short(short, _) => short,
            })
            .collect();
        assert_eq!(stored.len(), names.len());
    }

    #[test]
    fn refused_names() {
        let path = || "p".to_owned();
        let character =
            |character, position| vec![Problem::Character { path: path(), character, position }];
        assert_eq!(problems("a:b", &path), character(':', 1));
        assert_eq!(problems("ä\u{1}", &path), character('\u{1}', 1));
        assert_eq!(problems("a ", &path), [Problem::Ending { path: path(), character: ' ' }]);
        assert_eq!(problems("...", &path), [Problem::Ending { path: path(), character: '.' }]);
        assert_eq!(problems(&"😀".repeat(127), &path), []);
        assert_eq!(
            problems(&"😀".repeat(128), &path),
            [Problem::NameLength { path: path(), found: 256 }]
        );
        assert_eq!(problems("?*.", &path).len(), 3);
        assert_eq!(problems(" .a+b,;=[]~\u{7f}é", &path), []);
    }

    #[test]
    fn devices() {
        for device in ["CON", "nul.txt", "Com1", "lpt9.a.b", "COM²", "conin$", "aux .txt"] {
            assert!(is_device(device), "{device}");
        }
        for file in ["CONS", "COM", "COM0", "COM10", "xNUL", "LPT", "COM1x"] {
            assert!(!is_device(file), "{file}");
        }
    }

    #[test]
    fn upper_case_is_simple() {
        assert_eq!(upcase("straße ŉ ÿ ᾳ ᾁ ǆ 𐐨"), "STRAßE ŉ Ÿ ᾼ ᾉ Ǆ 𐐨");
    }
}
