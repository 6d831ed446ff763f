//! What servers say is in a folder: names go round through every format, and whatever comes, nothing
//! leads out of the folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dp_content::fuzzing::{listing, multistatus, signature_names};
use dp_content::{ContentPath, TransportEntry};
use proptest::prelude::*;

const BASE: &str = "SMS_DP_SMSPKG$";

/// What Windows lets a name be, nearly: no control characters, none of `<>:"/\|?*`, nor `.` or `..`.
/// Entities and escapes come often.
fn name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9._ -]{1,6}",
        1 => "[&#%;+{}^$~,=!@'()\\[\\]`]{1,3}",
        1 => "[äßéÅ漢😀]",
        1 => Just("&amp;".to_owned()),
        1 => Just("%20".to_owned()),
    ];
    let pieces = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    // A link's ends are trimmed, and Windows has no names with a space or a dot at the end.
    pieces.prop_filter("a name that can be", |name| {
        name.trim() == name && !name.ends_with('.') && !name.starts_with(['?', '#'])
    })
}

/// What is in a folder; none of two names for one thing.
fn entries() -> impl Strategy<Value = Vec<TransportEntry>> {
    let kinds = prop_oneof![Just(None), any::<u64>().prop_map(Some)];
    prop::collection::btree_map(name(), kinds, 0..8).prop_map(|entries: BTreeMap<_, _>| {
        let entry = |(name, len): (String, Option<u64>)| TransportEntry {
            name,
            is_folder: len.is_none(),
            len,
            modified: None,
        };
        entries.into_iter().map(entry).collect()
    })
}

fn folder() -> impl Strategy<Value = ContentPath> {
    prop::sample::select(&["X.1", "PS100005/i386", "a b/50%", "DataLib"])
        .prop_map(|path| ContentPath::new(path).unwrap())
}

fn encoded(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'/' | b'.' | b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// As a distribution point writes it, with `separator` before the names.
fn page(
    entries: &[TransportEntry],
    folder: &ContentPath,
    separator: char,
    write: impl Fn(&str) -> String,
) -> String {
    let mut page = String::new();
    for TransportEntry { name, len, .. } in entries {
        let kind = len.map_or_else(|| "&lt;dir&gt".to_owned(), |len| len.to_string());
        let link = format!("http://dp/{BASE}/{}{separator}{}", write(folder.as_str()), write(name));
        let row = format!("4/ 5/2023  8:24 pm {kind:>16} <a href=\"{link}\">{link}</a><br>\r\n");
        page.push_str(&row);
    }
    page
}

fn reply(entries: &[TransportEntry], folder: &ContentPath) -> String {
    let mut xml = "<m:multistatus xmlns:m=\"DAV:\">".to_owned();
    for TransportEntry { name, len, .. } in entries {
        let path = encoded(&format!("{BASE}/{folder}/{name}"));
        let property = len.map_or_else(
            || "<m:resourcetype><m:collection/></m:resourcetype>".to_owned(),
            |len| format!("<m:getcontentlength>{len}</m:getcontentlength>"),
        );
        write!(
            xml,
            "<m:response><m:href>/{path}</m:href><m:propstat><m:prop>{property}</m:prop>\
             </m:propstat></m:response>"
        )
        .unwrap();
    }
    xml + "</m:multistatus>"
}

fn tar(names: &[String]) -> Vec<u8> {
    let mut tar = Vec::new();
    for name in names {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[0x7C..0x7F].copy_from_slice(b"226");
        header[0x9C] = b'0';
        header[0x101..0x108].copy_from_slice(b"ustar  ");
        tar.extend_from_slice(&header);
        tar.extend_from_slice(&[0x18; 512]);
    }
    tar
}

/// Every name is one that can be joined to the folder.
fn stay_below(folder: &ContentPath, entries: &[TransportEntry]) {
    for entry in entries {
        let path = folder.join(&entry.name).unwrap();
        assert_eq!(path.names().count(), folder.names().count() + 1);
        assert!(!entry.name.contains(char::is_control));
    }
}

/// A page of pieces that mean something, in no order.
fn nonsense() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(&[
            "<a href=\"",
            "<a href='",
            "<a href=",
            "\">",
            "'>",
            ">",
            "<",
            "</a>",
            "<!--",
            "-->",
            "&lt;dir&gt ",
            "12 ",
            "\r\n",
            "http://dp/",
            "SMS_DP_SMSPKG$",
            "/",
            "\\",
            "X.1",
            "..",
            ".",
            "%2e%2e",
            "%2F",
            "%00",
            "%",
            "C:",
            "\0",
            "?",
            "#",
            "&amp;",
            "&#0;",
            "ä",
            " ",
            "<D:multistatus>",
            "</D:multistatus>",
            "<D:response>",
            "</D:response>",
            "<D:href>",
            "</D:href>",
            "<D:status>",
            "</D:status>",
            "HTTP/1.1 200 OK",
            "<![CDATA[",
            "]]>",
            "<!DOCTYPE",
            "<?xml",
            "?>",
        ])
        .prop_map(str::to_owned),
        name(),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Pages as they came from nginx and Apache.
#[test]
fn pages_of_other_web_servers() {
    let folders = ["i386", "x 64"];
    let files = [
        ("%20.txt", 2),
        ("50%25,=@$;.txt", 2),
        ("R&D;+~(1)[x]{y}!.txt", 2),
        ("a b#c%.txt", 6),
        ("ccmsetup.exe", 6_746_504),
        ("empty", 0),
        (
            "it's a very long name that nginx would cut in its text because it is longer than \
             fifty.txt",
            2,
        ),
        ("ä漢.txt", 2),
    ];
    let mut expected: Vec<_> = files.map(|(name, len)| (name.to_owned(), Some(len))).into();
    expected.extend(folders.map(|name| (name.to_owned(), None)));
    expected.sort();

    type Parse = fn(&[u8], &str, &ContentPath) -> Result<Vec<TransportEntry>, String>;
    let html: Parse = listing;
    let folder = ContentPath::new("PS1.1").unwrap();
    for (page, parse, base) in [
        (&include_bytes!("../fixtures/folder-pages/nginx.html")[..], html, BASE),
        (include_bytes!("../fixtures/folder-pages/nginx.xml"), multistatus, BASE),
        (include_bytes!("../fixtures/folder-pages/apache.html"), html, BASE),
        (
            include_bytes!("../fixtures/folder-pages/apache-fancy.html"),
            html,
            "fancy/SMS_DP_SMSPKG$",
        ),
        (include_bytes!("../fixtures/folder-pages/apache.xml"), multistatus, BASE),
    ] {
        let mut found: Vec<_> = parse(page, base, &folder)
            .unwrap()
            .into_iter()
            .map(|entry| {
                assert_eq!(entry.is_folder, folders.contains(&&*entry.name), "{}", entry.name);
                (entry.name, entry.len)
            })
            .collect();
        found.sort();
        // Apache does not tell lengths, or only those of files that are small.
        for ((name, len), (expected, expected_len)) in found.iter().zip(&expected) {
            assert_eq!(name, expected);
            assert!(len == expected_len || len.is_none(), "{name}: {len:?}");
        }
        assert_eq!(found.len(), expected.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn listings_go_round(entries in entries(), folder in folder(), slash in any::<bool>()) {
        let separator = if slash { '/' } else { '\\' };
        let html = page(&entries, &folder, separator, encoded);
        prop_assert_eq!(&listing(html.as_bytes(), BASE, &folder), &Ok(entries.clone()));
        // A name with a space or so makes the page known for raw.
        let raw = |text: &str| text.replace('&', "&amp;");
        let mut more = entries;
        more.retain(|entry| entry.name != "a b");
        more.push(TransportEntry { name: "a b".to_owned(), is_folder: false, len: Some(1), modified: None });
        let html = page(&more, &folder, separator, raw);
        prop_assert_eq!(listing(html.as_bytes(), BASE, &folder), Ok(more));
    }

    #[test]
    fn multistatus_goes_round(entries in entries(), folder in folder()) {
        let xml = reply(&entries, &folder);
        prop_assert_eq!(multistatus(xml.as_bytes(), BASE, &folder), Ok(entries));
    }

    #[test]
    fn signature_names_go_round(paths in prop::collection::vec(prop::collection::vec(name(), 1..3), 0..5)) {
        let paths: Vec<String> = paths.iter().map(|names| names.join("\\")).collect();
        prop_assume!(paths.iter().all(|path| path.len() <= 100));
        let names = signature_names(&*tar(&paths)).unwrap();
        let names: Vec<String> = names.iter().map(|path| path.as_str().replace('/', "\\")).collect();
        prop_assert_eq!(names, paths);
    }

    #[test]
    fn nonsense_stays_below(text in nonsense(), folder in folder()) {
        for found in [
            listing(text.as_bytes(), BASE, &folder),
            multistatus(text.as_bytes(), BASE, &folder),
            multistatus(format!("<D:multistatus>{text}</D:multistatus>").as_bytes(), BASE, &folder),
        ] {
            match found {
                Ok(entries) => stay_below(&folder, &entries),
                Err(error) => prop_assert!(error.len() < 2000),
            }
        }
    }

    #[test]
    fn damaged_pages_stay_below(
        entries in entries(),
        folder in folder(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut texts = [
            page(&entries, &folder, '\\', encoded).into_bytes(),
            reply(&entries, &folder).into_bytes(),
            tar(&["i386\\client.msi".to_owned(), "b".to_owned()]),
        ];
        for text in &mut texts {
            for (at, byte) in &damage {
                if !text.is_empty() {
                    let at = at.index(text.len());
                    text[at] = *byte;
                }
            }
        }
        let [html, xml, tar] = texts;
        let found = [listing(&html, BASE, &folder), multistatus(&xml, BASE, &folder)];
        for entries in found.into_iter().flatten() {
            stay_below(&folder, &entries);
        }
        if let Ok(names) = signature_names(&*tar) {
            prop_assert!(names.iter().all(|path| path.names().all(|name| name != "..")));
        }
    }
}
