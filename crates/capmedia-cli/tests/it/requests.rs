//! Request files: their mistakes, what overrides them, where their paths start, and that the guide
//! tells of every option.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use media_model::{Absent, CaptureMediaRequest, RequestOption, Slot};
use serde_json::{Value, json};

use crate::command::{Bench, ended, of, slashes};

/// Without one, a warning says that it must be given at run time.
const DESTINATION: &str = r"\\server\share\image.wim";

const OPTIONS: &str = include_str!("../../../../docs/options.md");
const REQUEST_FILES: &str = include_str!("../../../../docs/request-files.md");

/// One mistake on each line but the first and the two marked as good; they contradict each other, too.
const TWELVE_MISTAKES: &str = r#"version = 1
boot-image = "images/"
media-type = "usb"                      # good
path = "-"                              # good
label = "Größe"
media-size = "4GB"
image-size = 8
lable = "Lab 7"
force = true
add = ["tools", 'x=\boot\bcd']
boot-index = 0
hwids = "C:\devices.txt"
capture-password = "hunter2"
checksum = True
"#;

#[test]
fn twelve_mistakes_are_told_in_one_run() {
    let bench = Bench::new();
    bench.put("requests/media.toml", TWELVE_MISTAKES);
    let expected = "\
error: the request has 12 problems
  requests/media.toml:2:14: boot-image: requests/images/ names a folder, not a file
      give the path of a Windows PE boot image (a .wim file)
  requests/media.toml:5:9: label: 'ö' at byte 2 cannot stand in a media label
      use 1 to 32 printable ASCII characters (space to ~)
  requests/media.toml:6:14: media-size: a media size is for --media-type cd-dvd
      leave it out; --image-size sets the size of a USB image
  requests/media.toml:7:14: image-size: the number 8 stands where text is due
      write image-size = \"8\"
  requests/media.toml:8:1: lable is no key of a request file
      did you mean label?
  requests/media.toml:9:9: force: standard output replaces no file
      leave it out, or give --path a file
  requests/media.toml:10:8: add: tools has no = between host path and media path
      write HOST=MEDIA_PATH, such as tools=\\Tools; the last = divides
  requests/media.toml:10:17: add: \\boot\\bcd is a file that capmedia makes itself
      give another media path; to bring your own boot files use --boot-files, to bring a file of the \
media data --template or --task-sequence
  requests/media.toml:11:14: boot-index: the images of a WIM are numbered from 1
      give the number of the image to start; capmedia inspect lists them
  requests/media.toml:12:13: hwids cannot be read: missing escaped value, expected `b`, `e`, `f`, \
`n`, `r`, `\\`, `\"`, `x`, `u`, `U`
      put paths with \\ in single quotes: key = 'C:\\folder\\file'
  requests/media.toml:13:1: capture-password would be a password in the request file
      take it out; give capture-password-file the path of a file that only you can read
  requests/media.toml:14:12: checksum cannot be read: invalid boolean, expected `true`
      write true or false, in small letters
";
    for verb in ["create", "plan", "plan --print-request"] {
        let ended = bench.run(&format!("{verb} --request requests/media.toml"));
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{verb}");
        let folder = "requests\\images/";
        assert_eq!(ended.stderr.replace(folder, "requests/images/"), expected, "{verb}");
        assert!(!ended.stderr.contains("hunter2"));
    }
    assert!(bench.out().is_empty());

    let ended = bench.run("create --json --request requests/media.toml");
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
    let told: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(
        (&told["exit-code"], &told["error"]),
        (&json!(2), &json!("the request has 12 problems"))
    );
    let problems = told["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 12);
    assert_eq!(
        problems[4],
        json!({
            "place": { "file": "requests/media.toml", "line": 8, "column": 1 },
            "option": "request",
            "kind": "unknown-key",
            "what": "lable is no key of a request file",
            "remedy": "did you mean label?",
        })
    );
}

#[test]
fn the_command_line_has_the_last_word() {
    let bench = Bench::new();
    bench.put(
        "sub/media.toml",
        "version = 1\nboot-image = '../boot.wim'\nmedia-type = 'floppy'\npath = '../out/a.img'\n\
         label = 'file'\nforce = true\nbcd-text-mode = true\nadd = ['tools=T', 'more=M']\n\
         image-size = 'x'\n",
    );
    let line = "--request sub/media.toml --media-type usb --image-size 40MiB --force=false \
                --bcd-text-mode --add tools=Other --boot-index 1";
    let printed = bench.succeed(&format!("plan --print-request {line}"));
    let expected = "\
version = 1
boot-image = \"sub/../boot.wim\"
media-type = \"usb\"
path = \"sub/../out/a.img\"
label = \"file\"
image-size = \"40MiB\"
bcd-text-mode = true
boot-index = 1
add = [\"tools=Other\"]
";
    let shown = slashes(std::str::from_utf8(&printed).unwrap());
    // A path with \ is in single quotes.
    assert_eq!(shown.replace('\'', "\""), expected);
    // The same from a file in the current folder and from standard input.
    bench.put("printed.toml", &printed);
    assert_eq!(bench.succeed("plan --print-request --request printed.toml"), printed);
    let mut piped = bench.command(["plan", "--print-request", "--request", "-"]);
    let mut piped =
        piped.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(&printed).unwrap();
    let piped = of(piped.wait_with_output().unwrap());
    assert_eq!((piped.code, piped.stdout, &*piped.stderr), (Some(0), printed, ""));

    // What was wrong in the file and is still in force is told.
    let ended = bench.run("plan --request sub/media.toml --media-type usb --label=");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("sub/media.toml:9:14: image-size: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("  --label: the media label is empty"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("floppy"), "{}", ended.stderr);
}

#[test]
fn media_by_a_request_file_is_media_by_options() {
    let bench = Bench::new();
    bench.put("sub/tools/t.txt", "tool");
    bench.put(
        "sub/media.toml",
        format!(
            "version = 1\nboot-image = '../boot.wim'\nmedia-type = 'cd-dvd'\n\
             path = '../out/file.iso'\nlabel = 'Lab'\nadd = ['tools=Tools']\nchecksum = true\n\
             capture-destination = '{DESTINATION}'\n"
        ),
    );
    bench.succeed("create --request sub/media.toml");
    bench.succeed(&format!(
        "create --boot-image boot.wim --media-type cd-dvd --path out/options.iso --label Lab --add \
         sub/tools=Tools --capture-destination {DESTINATION}"
    ));
    assert_eq!(bench.out(), ["file.iso", "file.iso.sha256", "options.iso"]);
    let [one, other] =
        ["out/file.iso", "out/options.iso"].map(|p| fs::read(bench.path(p)).unwrap());
    assert!(one == other);
}

#[test]
fn files_that_cannot_be_read() {
    let bench = Bench::new();
    bench.put("long.toml", vec![b'#'; 2 << 20]);
    bench.put("wide.toml", b"\xff\xfev\0e\0r\0");
    for (file, says) in [
        ("no.toml", "cannot read the request file no.toml"),
        ("out", "cannot read the request file out"),
        ("long.toml", "long.toml:1:1: the file has more than 1048576 bytes"),
        ("wide.toml", "wide.toml:1:1: byte 0 of the file is not UTF-8"),
    ] {
        let ended = bench.run(&format!("create --request {file}"));
        assert_eq!(ended.code, Some(2), "{file}");
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    }
}

/// A name of Configuration Manager's stands behind the message, and in a field for programs.
#[test]
fn configuration_managers_names() {
    let bench = Bench::new();
    let line = "create --boot-image boot.wim --media-type cd-dvd --media-size 1MB --path out/a.iso";
    let ended = bench.run(line);
    let first = ended.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert_eq!(
        (ended.code, first),
        (
            Some(2),
            "error: no set of discs can be made of this content [CREATETSMEDIA_E_PACKAGETOOLARGE \
             0x8004000C]"
        )
    );
    let ended = bench.run(&format!("{line} --json"));
    let told: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(told["exit-code"], 2);
    assert_eq!(told["because"].as_array().unwrap().len(), 1);
    let name = json!({ "name": "CREATETSMEDIA_E_PACKAGETOOLARGE", "hresult": "0x8004000C" });
    assert_eq!(told["config-mgr-error"], name);
    // What a task sequence needs and nobody put there.
    let exported = "../media-model/tests/fixtures/task-sequence/export-3.10.xml";
    let exported = Path::new(env!("CARGO_MANIFEST_DIR")).join(exported);
    bench.put("export.xml", fs::read(exported).unwrap());
    let sequence =
        "plan --boot-image boot.wim --media-type usb --path a --task-sequence export.xml";
    let ended = bench.run(sequence);
    let name = "[CREATETSMEDIA_E_MISSINGPACKAGE 0x80040003]";
    assert_eq!((ended.code, ended.stderr.contains(name)), (Some(3), true), "{}", ended.stderr);
    // And where it has none, there is none.
    let ended = bench.run("inspect --json out");
    let told: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!((ended.code, told["config-mgr-error"].is_null()), (Some(3), true));
}

#[test]
fn every_option_is_in_the_help() {
    let bench = Bench::new();
    for verb in ["create", "plan"] {
        let help = String::from_utf8(bench.succeed(&format!("{verb} --help"))).unwrap();
        let words: Vec<&str> = help.split_whitespace().collect();
        let mut request = CaptureMediaRequest::default();
        for (option, slot) in request.options_mut() {
            let long = format!("--{}", option.name());
            let long = if matches!(slot, Slot::Flag(_)) { long + "[=<true|false>]" } else { long };
            assert!(words.contains(&long.as_str()), "{long} in {help}");
        }
        assert!(help.contains("--request <FILE>"));
    }
}

/// The rows of the one table, as cells.
fn rows() -> Vec<Vec<String>> {
    let table = OPTIONS.lines().skip_while(|line| !line.starts_with("| option | default |"));
    let rows = table.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        // A | of a cell is written as \|.
        let row = row.replace("\\|", "\u{0}");
        row.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
    })
    .collect()
}

#[test]
fn the_guide_has_every_option_and_every_parameter() {
    let rows = rows();
    let of = |option: &str| {
        let head = format!("`--{option}");
        let is_it = |cell: &String| {
            cell.strip_prefix(&head).is_some_and(|rest| rest.starts_with([' ', '`']))
        };
        rows.iter().find(|row| is_it(&row[0])).unwrap_or_else(|| panic!("no row for --{option}"))
    };
    let mut request = CaptureMediaRequest::default();
    for (option, slot) in request.options_mut() {
        let row = of(option.name());
        assert_eq!(row.len(), 5, "{row:?}");
        let default = match (option.absent(), slot) {
            (Absent::Refused, _) => "required".to_owned(),
            (Absent::Is(value), _) => format!("`{value}`"),
            (Absent::Means(words), _) => words.to_owned(),
            (_, Slot::Flag(_)) => "off".to_owned(),
            _ => "none".to_owned(),
        };
        assert_eq!(row[1], default, "--{}", option.name());
        if !option.words().is_empty() {
            assert!(row[0].contains(&option.words().join("|")), "{row:?}");
        }
    }
    let known: Vec<&str> = RequestOption::all().iter().map(RequestOption::name).collect();
    for row in &rows {
        let Some(name) = row[0].strip_prefix("`--") else { continue };
        let name = name.split([' ', '`']).next().unwrap();
        let others = ["request", "extents", "print-request", "json", "quiet", "log"];
        assert!(known.contains(&name) || others.contains(&name), "{row:?}");
    }
    // All of New-CMCaptureMedia's own parameters (configmgr-media 1.2).
    for parameter in [
        "AllowUacPrompt",
        "BootImage",
        "DistributionPoint",
        "Force",
        "FormatMedia",
        "MediaType",
        "NoAutoRun",
        "Path",
        "SiteCode",
        "TemporaryFolder",
        "DisableWildcardHandling",
        "ForceWildcardHandling",
        "Confirm",
        "WhatIf",
    ] {
        let cell = format!("`-{parameter}`");
        assert!(rows.iter().any(|row| row[3].contains(&cell)), "{cell}");
    }
}

#[test]
fn the_request_file_of_the_guide_makes_media() {
    let (_, after) = REQUEST_FILES.split_once("```toml\n").unwrap();
    let (text, _) = after.split_once("```").unwrap();
    let bench = Bench::new();
    bench.put("media.toml", text);
    bench.put("tools/t.txt", "tool");
    let ended = ended(&mut bench.command(["plan", "--request", "media.toml", "--quiet"]));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
}
