//! Request files: what they say, what is wrong with them and where, and that printing loses nothing.

use std::path::{Path, PathBuf};

use media_model::{CaptureMediaRequest, Problem, ProblemKind, RequestFile, RequestOption, Slot};
use proptest::prelude::*;

fn read(text: &str) -> RequestFile {
    RequestFile::read("media.toml", text.as_bytes())
}

/// The whole line of every problem.
#[track_caller]
fn told(text: &str) -> Vec<String> {
    told_of(&read(text))
}

fn told_of(file: &RequestFile) -> Vec<String> {
    let problems = file.check().unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

/// With what is required, so that only the rest can be wrong.
fn with(text: &str) -> String {
    format!("version = 1\nboot-image = 'b.wim'\nmedia-type = 'cd-dvd'\npath = 'a.iso'\n{text}")
}

#[test]
fn a_good_file() {
    let text = with("add = [\"x=X\", 'y=\\Y',]\nforce = true\nboot-index = 0x2\n# the end");
    for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let file = read(&text);
        let checked = file.check().unwrap();
        assert_eq!(checked.boot_image().file(), Some(Path::new("b.wim")));
        assert_eq!((checked.add().len(), checked.force()), (2, true));
        assert_eq!(checked.boot_index(), Some(2));
        assert_eq!(file.request().check().as_ref(), Ok(&checked));
    }
}

#[test]
fn places_are_lines_and_characters() {
    for (text, expected) in [
        ("label = 'ö'", "media.toml:5:9: label: 'ö' at byte 0 cannot stand in a media label"),
        ("add = ['x=y', 'ö=z', 'z']", "media.toml:5:22: add: z has no ="),
        ("add = [\n  'x=y',\n  'x=y',\n]", "media.toml:7:3: add: x=\\y is given more than once"),
        ("Force = true", "media.toml:5:1: Force is no key of a request file; did you mean force?"),
        (
            "add = 'x=y'",
            "media.toml:5:7: add: the text 'x=y' stands where a list is due; write add = [\"x=y\"]",
        ),
        (
            "boot-prompt = false",
            "media.toml:5:15: boot-prompt: false stands where text is due; write boot-prompt = \"no\"",
        ),
        (
            "boot-manager = 2023",
            "media.toml:5:16: boot-manager: the number 2023 stands where text is due; write boot-manager = \"2023\"",
        ),
        (
            "boot-index = -1",
            "media.toml:5:14: boot-index: the number -1 stands where a whole number from 1 to 4294967295 is due",
        ),
        ("boot-index = 4294967296", "media.toml:5:14: boot-index: the number 4294967296 stands"),
        ("boot-index = 1.0", "media.toml:5:14: boot-index: the number 1.0 stands"),
        (
            "label = 1979-05-27",
            "media.toml:5:9: label: the time 1979-05-27 stands where text is due",
        ),
        (
            "require-hwid = ['*', ['b']]",
            "media.toml:5:22: require-hwid: a list stands where text is due",
        ),
        (
            "capture-password = 'x'",
            "media.toml:5:1: capture-password would be a password in the request file; take it out; give capture-password-file",
        ),
        ("'a\\u001b' = 1", "media.toml:5:1: a\\u001b is no key"),
        (
            "add = [\n  'x=y',\n  'y=z' 'z=a',\n]",
            "media.toml:7:9: add cannot be read: missing comma between array elements",
        ),
        ("label = 'a'\nlabel = 'b'", "media.toml:6:1: label is given a second time; give it once"),
        ("force = True", "media.toml:5:9: force cannot be read: invalid boolean"),
        ("hwids = \"C:\\devices\"", "media.toml:5:13: hwids cannot be read: missing escaped value"),
        ("add.x = 1", "media.toml:5:1: add: a table stands where a list is due"),
        (
            "[more]\nlabel = 'x'",
            "media.toml:5:2: more is no key of a request file; take it out; request files have no tables",
        ),
        (
            "media-size = '4GB'\nimage-size = '4GB'",
            "media.toml:6:14: image-size: an image size is for",
        ),
    ] {
        let told = told(&with(text));
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with(expected), "{}\n{expected}", told[0]);
    }
}

#[test]
fn what_follows_from_a_slip_is_not_told() {
    for (text, options) in [
        // What is named, but cannot be read, is not missing, nor does its absence matter.
        (with("media-size = 650\nsplit-files = true"), &["media-size"][..]),
        (
            with("capture-password-file = 'p'\ncapture-account = 'a'\nstore-password = 'yes'"),
            &["store-password"],
        ),
        (
            "version = 1\nboot-image = 1\nmedia-type 'usb'\npath = true".to_owned(),
            &["boot-image", "request", "path"],
        ),
        // Everything behind it lies in the list.
        (
            "version = 1\nadd = ['x=y'\nboot-image = 'b'\nmedia-type = 'usb'\npath = 'p'\n"
                .to_owned(),
            &["request"],
        ),
        (
            "version = 1\n[media]\nboot-image = 'b'\nmedia-type = 'usb'\npath = 'p'\n".to_owned(),
            &["request"],
        ),
        // Two of them are certain, whatever the file meant by force.
        (with("force = 1\nimage-size = '4GB'\nlabel = ''"), &["force", "image-size", "label"]),
        // A line with a key alone takes no other with it.
        (
            with("label\nimage-size = True\nhwids 'x'\nforce = 1\nla bel = 2\nchecksum = 3"),
            &["request", "request", "request", "force", "request", "checksum"],
        ),
        (with("checksum = 'x'\npath2 = '-'"), &["checksum", "request"]),
    ] {
        let problems = read(&text).check().unwrap_err();
        let found: Vec<_> = problems.iter().map(Problem::option).collect();
        assert_eq!(found, options, "{text}");
        assert!(problems.iter().all(|problem| problem.place().is_some()));
    }
}

/// What the parser tells without a place, or once for every line.
#[test]
fn slips_of_the_whole_file() {
    let deep = "a.".repeat(200) + "a = 1\n";
    let expected = "a cannot be read: recursion limit; write one key = value on a line";
    for (text, place) in [(with(&deep), "5:1"), (deep + &with(""), "1:1")] {
        let told = told(&text);
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with(&format!("media.toml:{place}: {expected}")), "{told:#?}");
    }
    let told = told(&with("label = 'x'").replace('\n', "\r"));
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with("media.toml:1:13: boot-image cannot be read: carriage return"));
    assert!(told[0].ends_with("as Windows (CR LF) or Unix (LF) has them"), "{}", told[0]);
}

#[test]
fn versions() {
    let told_of = |version: &str| told(&with("").replace("version = 1", version));
    for (version, expected) in [
        (
            "",
            "media.toml:1:1: the file does not say version = 1, the version of its form; write version = 1",
        ),
        (
            "version = 2",
            "media.toml:1:11: the version is the number 2, and 1 is known; write version = 1, or use a newer capmedia",
        ),
        (
            "version = '1'",
            "media.toml:1:11: the version is the text '1', and 1 is known; write version = 1, or use a newer capmedia",
        ),
    ] {
        assert_eq!(told_of(version), [expected]);
    }
}

#[test]
fn what_is_no_text_or_too_much() {
    let only = |bytes: &[u8]| {
        let problems = RequestFile::read("f", bytes).check().unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        (problems[0].kind(), problems[0].to_string())
    };
    assert_eq!(
        only(b"version = 1\nlabel = 'Gr\xf6\xdfe'\n"),
        (
            ProblemKind::Syntax,
            "f:2:12: byte 23 of the file is not UTF-8; save the file as UTF-8".into()
        )
    );
    assert_eq!(only(b"\xff\xfev\0").0, ProblemKind::Syntax);
    let long = with("label = 'x'").into_bytes();
    let long = [long, vec![b'\n'; RequestFile::MAX_BYTES]].concat();
    assert_eq!(only(&long).0, ProblemKind::OutOfRange);
    assert!(RequestFile::read("f", &long[..RequestFile::MAX_BYTES]).check().is_ok());

    let many: String = (0..150).map(|number| format!("x{number} = 1\n")).collect();
    let told = told(&with(&many));
    assert_eq!(told.len(), RequestFile::LISTED + 1);
    assert_eq!(
        told.last().unwrap(),
        "--request: 50 more problems are not listed; mend those that are"
    );
    // Depth and length cost no more than the file is long.
    for unit in ["=", "[", "{a=", "a.", "x = 1\n", "add = ['", "[[a]]\n", "\"\\"] {
        let text = unit.repeat(20_000 / unit.len());
        assert!(read(&text).check().unwrap_err().len() <= RequestFile::LISTED + 1);
    }
}

#[test]
fn relative_paths_start_from_the_folder_of_the_file() {
    let text = "version = 1\nboot-image = 'b.wim'\nmedia-type = 'usb'\npath = '-'\n\
                hwids = '/abs/ids'\nadd = ['x=X', '/y=Y', '=Z', 'w', 'a=b=C']\nimage-creator = 'me'";
    let request = read(text).relative_to(Path::new("sub/x")).request().clone();
    assert_eq!(request.boot_image, Some(PathBuf::from("sub/x/b.wim")));
    assert_eq!(request.path, [PathBuf::from("-")]);
    assert_eq!(request.hwids, Some(PathBuf::from("/abs/ids")));
    let add = request.add.iter().map(|add| add.replace('\\', "/")).collect::<Vec<_>>();
    assert_eq!(add, ["sub/x/x=X", "/y=Y", "=Z", "w", "sub/x/a=b=C"]);
    assert_eq!(request.image_creator.as_deref(), Some("me"));
    assert_eq!(read(text).relative_to(Path::new("")).request(), read(text).request());
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let bad = Path::new(OsStr::from_bytes(b"b\xff"));
    let request = CaptureMediaRequest::new(bad, "usb", "out.img").with_runtime(bad);
    let problems = request.to_toml().unwrap_err();
    let options: Vec<_> = problems.iter().map(Problem::option).collect();
    assert_eq!(options, ["boot-image", "runtime"]);
    assert!(problems[0].what().contains("is not Unicode"));
    // A path can be joined to such a folder, a text cannot.
    let file = read(&with("label = ''\nadd = ['x=y', '/y=z']")).relative_to(bad);
    let told = told_of(&file);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[1].starts_with("media.toml:6:8: add: it is relative to the folder b\u{fffd}"),
        "{}",
        told[1]
    );
}

#[test]
fn options_given_otherwise_override_the_file() {
    let file = read(&with("label = ''\nforce = true\nadd = ['x']\nmedia-size = 4"));
    let file = file.overridden(|option, slot| match (option.name(), slot) {
        ("label", Slot::Text(text)) => {
            *text = Some("a\u{7}".to_owned());
            Ok(true)
        }
        ("force", Slot::Flag(flag)) => {
            *flag = false;
            Ok(true)
        }
        ("add", Slot::List(list)) => {
            *list = vec!["y=Y".to_owned()];
            Ok(true)
        }
        _ => Ok(false),
    });
    assert!(!file.request().force);
    assert_eq!(file.request().add, ["y=Y"]);
    let told = told_of(&file);
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("media.toml:8:14: media-size"), "{}", told[0]);
    assert!(told[1].starts_with("--label: '\\u{7}' at byte 1"), "{}", told[1]);
}

/// A value on the command line that cannot be read is a problem beside the others, and what it would
/// decide is left open.
#[test]
fn options_given_otherwise_can_be_wrong_too() {
    let file = read(&with("boot-index = 'x'\nstore-password = true\nforce = true"));
    let file = file.overridden(|option, slot| {
        Ok(match (option.name(), slot) {
            ("boot-index", Slot::Number(number)) => {
                *number = Some(option.number("4294967296")?);
                true
            }
            ("store-password", Slot::Flag(flag)) => {
                *flag = option.flag("hunter2")?;
                true
            }
            ("force", Slot::Flag(flag)) => {
                *flag = option.flag("")?;
                true
            }
            _ => false,
        })
    });
    let told = told_of(&file);
    assert_eq!(
        told[0],
        "media.toml:5:14: boot-index: the text 'x' stands where a whole number from 1 to 4294967295 is due; write boot-index = 1"
    );
    assert_eq!(
        told[1..],
        [
            "--boot-index: 4294967296 stands where a whole number from 1 to 4294967295 is due; write a number, as in --boot-index 1",
            "--store-password: a text stands where true or false is due; write --store-password or --store-password=false",
            "--force: nothing stands where true or false is due; write --force or --force=false",
        ]
    );
}

#[test]
fn no_message_repeats_what_may_be_a_password() {
    let text = with(
        "store-password = 'hunter2'\ncapture-password-file = 7777\ncapture-password = 'hunter2'",
    );
    let file = read(&text);
    assert_eq!(
        told_of(&file)[..2],
        [
            "media.toml:5:18: store-password: a text stands where true or false is due; write store-password = true or store-password = false",
            "media.toml:6:25: capture-password-file: a number stands where text is due; write capture-password-file = \"FILE\"",
        ]
    );
    let debug = format!("{file:?} {:?}", file.check());
    assert!(debug.contains(&format!("Text({} bytes)", text.len())), "{debug}");
    assert!(!debug.contains("hunter2") && !debug.contains("7777"), "{debug}");
    for slip in ["capture-password =\nhunter2", "hunter2: x", "capture-password: hunter2"] {
        let told = told(&with(slip)).concat();
        assert!(told.contains(" cannot be read: ") && !told.contains("hunter2"), "{told}");
    }
}

/// A share is no place on a system that has it mounted somewhere.
#[cfg(not(windows))]
#[test]
fn paths_of_windows_are_told_elsewhere() {
    let text = "version = 1\nmedia-type = 'usb'\nboot-image = '\\\\server\\share\\boot.wim'\n\
                path = 'C:\\new.img'\nhwids = 'd:\\devices'\nlabel = 'a\\b'\n\
                capture-destination = '\\\\server\\share\\image.wim'\n";
    let file = RequestFile::read("media.toml", text.as_bytes()).relative_to(Path::new("/folder"));
    let problems = file.check().unwrap_err();
    let options: Vec<&str> = problems.iter().map(Problem::option).collect();
    assert_eq!(options, ["boot-image", "path", "hwids"], "{problems:#?}");
    for problem in &problems {
        assert!(problem.what().ends_with("is a path of Windows, and no place on this system"));
        assert!(problem.remedy().starts_with("mount the share"));
    }
    assert!(problems[0].what().starts_with(r"\\server\share\boot.wim"), "{problems:#?}");
}

/// `"C:\temp\new.iso"` has a tab and a line feed in it.
#[test]
fn windows_paths_in_double_quotes_are_told() {
    let text = "version = 1\nmedia-type = 'usb'\nboot-image = \"C:\\boot\"\npath = \"C:\\temp\\new.iso\"\n\
                hwids = \"C:\\fonts\"\nadd = [\"C:\\new=X\"]\n";
    let told = told(text);
    let places = ["3:14: boot-image", "4:8: path", "5:9: hwids", "6:8: add"];
    let found = ['\u{8}', '\t', '\u{c}', '\n'];
    assert_eq!(told.len(), 4, "{told:#?}");
    for ((told, place), c) in told.iter().zip(places).zip(found) {
        let expected = format!(
            "media.toml:{place}: {c:?} at byte 2 is a control character, which no path here may \
             hold; put paths with \\ in single quotes in a request file ('C:\\folder\\file'), or \
             rename the file"
        );
        assert_eq!(*told, expected);
    }
}

#[test]
fn printed() {
    let request = CaptureMediaRequest::new(r"C:\images\boot.wim", "usb", "it's.img")
        .with_label("a \"b\"")
        .with_boot_index(3)
        .with_require_hwid("x")
        .with_add("a=\\A")
        .with_add("b\nc='\"=B")
        .with_force(true)
        .with_source_date_epoch(Some(7));
    assert_eq!(
        request.to_toml().unwrap(),
        r#"version = 1
boot-image = 'C:\images\boot.wim'
media-type = "usb"
path = "it's.img"
label = 'a "b"'
boot-index = 3
require-hwid = ["x"]
add = [
    'a=\A',
    "b\nc='\"=B",
]
force = true
"#
    );
    assert_eq!(CaptureMediaRequest::default().to_toml().unwrap(), "version = 1\n");
}

/// Any text, often with what TOML treats in its own way.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-a-z0-9 ./\\\\]{0,20}",
        proptest::collection::vec(
            proptest::sample::select(vec![
                "'", "\"", "'''", "\"\"\"", "\\", "\\u", "\n", "\r\n", "\r", "\t", "\u{0}",
                "\u{7f}", "\u{85}", "\u{feff}", "#", "=", "[", "]", "ö", "😀", " ", "C:\\x",
                "\u{1b}",
            ]),
            0..8
        )
        .prop_map(|parts| parts.concat()),
    ]
}

/// Any request that text can hold.
pub(crate) fn request() -> impl Strategy<Value = CaptureMediaRequest> {
    let texts = proptest::collection::vec(text(), 0..4);
    let options = RequestOption::all().len();
    let value = (any::<bool>(), any::<u32>(), texts);
    proptest::collection::vec(proptest::option::of(value), options).prop_map(|values| {
        let mut request = CaptureMediaRequest::default();
        for ((_, slot), value) in request.options_mut().into_iter().zip(values) {
            let Some((flag, number, texts)) = value else { continue };
            match slot {
                Slot::Flag(slot) => *slot = flag,
                Slot::Number(slot) => *slot = Some(number),
                Slot::Text(slot) => *slot = texts.first().cloned(),
                Slot::Path(slot) => *slot = texts.first().map(PathBuf::from),
                Slot::Paths(slot) => *slot = texts.iter().map(PathBuf::from).collect(),
                Slot::List(slot) => *slot = texts,
                _ => unreachable!("every slot is known here"),
            }
        }
        request
    })
}

proptest! {
    #[test]
    fn every_request_comes_back(request in request()) {
        let text = request.to_toml().unwrap();
        let file = read(&text);
        prop_assert_eq!(file.request(), &request);
        // Nothing is wrong with the file itself: the problems are the request's own.
        let own = request.check().map_err(|problems| problems.len());
        prop_assert_eq!(file.check().map_err(|problems| problems.len()), own);
        prop_assert_eq!(file.request().to_toml().unwrap(), text);
    }

    #[test]
    fn any_bytes_are_read(text in text(), more in proptest::collection::vec(any::<u8>(), 0..64)) {
        for bytes in [text.as_bytes(), &more, with(&text).as_bytes()] {
            let file = RequestFile::read("f", bytes);
            if let Err(problems) = file.check() {
                prop_assert!(!problems.is_empty());
            }
        }
    }
}

#[test]
fn a_package_is_no_path() {
    let read = |text: &str| RequestFile::read("f", text.as_bytes()).relative_to(Path::new("sub"));
    let with = "version = 1\nboot-image = 'PS100005'\ndistribution-point = ['lib', 'http://dp']\n";
    let request = read(with).request().clone();
    assert_eq!(request.boot_image, Some(PathBuf::from("PS100005")));
    let lib = Path::new("sub").join("lib");
    assert_eq!(request.distribution_point, [lib.to_str().unwrap(), "http://dp"]);
    // Whether it is a package may be known only from what overrides the file.
    let without = read("version = 1\nboot-image = 'PS100005'\n");
    let path = without.request().boot_image.clone();
    assert_eq!(path, Some(Path::new("sub").join("PS100005")));
    let overridden = without.overridden(|option, slot| match slot {
        Slot::List(list) if option.name() == "distribution-point" => {
            list.push("http://dp".to_owned());
            Ok(true)
        }
        _ => Ok(false),
    });
    assert_eq!(overridden.request().boot_image, Some(PathBuf::from("PS100005")));
}
