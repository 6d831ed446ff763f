//! The command line that a request prints is read as that request again.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser as _;
use media_model::{CaptureMediaRequest, Slot};
use proptest::prelude::*;

use crate::{Cli, Verb};

/// Values that an option has a use for, beside any text.
fn usual(name: &str) -> &'static [&'static str] {
    match name {
        "distribution-point" => &["http://dp01", r"\\dp02", "smb://dp:445", "./lib", "-lib"],
        "package" => &["PS100005=Tools", r"PS100006.3=a\b", "PS100007=-x"],
        "user" => &[r"CONTOSO\reader", "reader@contoso.example"],
        "cache-size" | "bandwidth-limit" | "image-size" => &["20GiB", "10MB", "8GB"],
        "media-size" => &["650MB", "4GB", "unlimited", "none", "700MB"],
        "bcd-locale" => &["en-US", "de"],
        "require-hwid" => &[r"PCI\VEN_8086&DEV_15F3", "USB\\VID_1234"],
        "capture-destination" => &[r"\\server\share$\image.wim", r"\\server\it's\a b.wim"],
        "capture-account" => &[r"CONTOSO\capture"],
        "add" => &["tools=Tools", "a b='c'", "-x=-y", "./=x", "größe=g"],
        "label" => &["Configuration Manager", "Lab 7", "--force", "$(x) `y` \"z\" 'w' \\", ""],
        _ => &["it's here", "-", "--", "a=b", "", "C:\\my tools\\", "x"],
    }
}

fn text(name: &'static str, words: &'static [&'static str]) -> BoxedStrategy<String> {
    let known = |words: &'static [&'static str]| {
        proptest::sample::select(words).prop_map(str::to_owned).boxed()
    };
    if words.is_empty() {
        let any = prop_oneof!["[ -~]{0,12}", "\\PC{0,12}", any::<String>()];
        prop_oneof![3 => known(usual(name)), 1 => any].boxed()
    } else {
        known(words)
    }
}

/// A path; not only of characters where a system has such.
fn path(text: String, broken: bool) -> PathBuf {
    let path = OsString::from(text);
    #[cfg(unix)]
    if broken {
        use std::os::unix::ffi::OsStringExt as _;
        let mut bytes = path.into_vec();
        bytes.extend([0xff, b'\'', 0xc3]);
        return OsString::from_vec(bytes).into();
    }
    let _ = broken;
    path.into()
}

/// Any request without problems.
fn checked() -> impl Strategy<Value = CaptureMediaRequest> {
    let mut request = CaptureMediaRequest::default();
    let options: Vec<_> = request
        .options_mut()
        .into_iter()
        .map(|(option, _)| {
            let texts = proptest::collection::vec(text(option.name(), option.words()), 1..3);
            proptest::option::weighted(0.4, (any::<u32>(), any::<u8>(), texts))
        })
        .collect();
    let base = prop_oneof![
        Just(("cd-dvd", "out/a b.iso")),
        Just(("usb", "a.img")),
        Just(("usb", "/dev/sdz")),
        Just(("hybrid", "-")),
        Just(("cd-dvd", "--path")),
    ];
    let boot_image = prop_oneof![Just("boot.wim"), Just("-b.wim"), Just("PS100005")];
    (options, base, boot_image).prop_map(|(values, (media_type, path_text), boot_image)| {
        let mut request = CaptureMediaRequest::default();
        for ((_, slot), value) in request.options_mut().into_iter().zip(values) {
            let Some((number, broken, texts)) = value else { continue };
            let broken = broken < 32;
            match slot {
                Slot::Flag(flag) => *flag = true,
                Slot::Number(slot) => *slot = Some(number),
                Slot::Text(slot) => *slot = texts.into_iter().next(),
                Slot::Path(slot) => *slot = texts.into_iter().next().map(|it| path(it, broken)),
                Slot::Paths(slot) => *slot = texts.into_iter().map(|it| path(it, broken)).collect(),
                Slot::List(slot) => *slot = texts,
                _ => unreachable!("every slot is known here"),
            }
        }
        request.boot_image = Some(boot_image.into());
        request.media_type = Some(media_type.to_owned());
        request.path = vec![path_text.into()];
        // Whatever has problems is left out, until there are none.
        while let Err(problems) = request.check() {
            let wrong: HashSet<_> = problems.iter().map(|problem| problem.option()).collect();
            for (option, slot) in request.options_mut() {
                if !wrong.contains(option.name()) {
                    continue;
                }
                match slot {
                    Slot::Flag(flag) => *flag = false,
                    Slot::Number(slot) => *slot = None,
                    Slot::Text(slot) => *slot = None,
                    Slot::Path(slot) => *slot = None,
                    Slot::Paths(slot) => *slot = Vec::new(),
                    Slot::List(slot) => *slot = Vec::new(),
                    _ => unreachable!("every slot is known here"),
                }
            }
            if wrong.contains("boot-image") {
                request.boot_image = Some("boot.wim".into());
            }
            if wrong.contains("media-type") || wrong.contains("path") {
                request.media_type = Some("cd-dvd".to_owned());
                request.path = vec!["a.iso".into()];
                // It may lie in a folder that they name.
                request.add.clear();
                for (_, slot) in request.options_mut().into_iter().skip(1) {
                    if let Slot::Path(slot) = slot {
                        *slot = None;
                    }
                }
            }
        }
        request
    })
}

/// What the command makes of words.
fn parsed(words: &[OsString]) -> CaptureMediaRequest {
    let cli = Cli::try_parse_from(words).unwrap();
    let Verb::Create(args) = cli.verb else { panic!("another verb") };
    args.request_of_words().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_request_comes_back(request in checked()) {
        let line = request.command_line().unwrap();
        let back = parsed(line.words());
        // Defaults are left out.
        prop_assert_eq!(back.check(), request.check());
        prop_assert_eq!(back.command_line().unwrap(), line);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_words(request in checked()) {
        let line = request.command_line().unwrap();
        let told = shell_words("sh", &line.quoted(media_model::Shell::Posix).unwrap());
        prop_assert_eq!(told, line.words());
    }
}

/// The words that a shell makes of a text.
#[cfg(unix)]
fn shell_words(shell: &str, text: &str) -> Vec<OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    let script = format!("printf '%s\\0' {text}");
    let out = std::process::Command::new(shell).arg("-c").arg(&script).output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{script}: {out:?}");
    let words = out.stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let mut words: Vec<_> = words.map(OsString::from_vec).collect();
    words.pop();
    words
}
