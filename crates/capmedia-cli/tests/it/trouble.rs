//! Exit codes and messages of runs that cannot do what they are asked.

use std::fs::{self, File};
#[cfg(unix)]
use std::process::{Command, Stdio};

use wim_image::Architecture;
use wim_image::write::{ImageBuilder, WimBuilder};

#[cfg(unix)]
use crate::command::ended;
use crate::command::{Bench, create};

/// The command must end with `code`, say all of `says`, print no result and leave `out` as it was.
#[track_caller]
fn assert_refused(bench: &Bench, line: &str, code: i32, says: &[&str]) -> String {
    let before = bench.out();
    let ended = bench.run(line);
    for part in says {
        assert!(ended.stderr.contains(part), "{line}: no {part:?} in\n{}", ended.stderr);
    }
    assert_eq!(ended.code, Some(code), "{line}: {}", ended.stderr);
    assert_eq!(ended.stdout, b"", "{line}");
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert_eq!(bench.out(), before, "{line}");
    ended.stderr
}

fn wim(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut image =
        ImageBuilder::new("test", capmedia::sample::TIME).with_architecture(Architecture::Amd64);
    for (path, bytes) in files {
        image = image.with_bytes(path, bytes.to_vec()).unwrap();
    }
    WimBuilder::new().with_image(image).with_boot_index(1).to_vec().unwrap()
}

/// What is written is all that a log cannot hold; the image is the same.
#[test]
#[cfg(target_os = "linux")]
fn an_output_whose_name_is_not_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let bench = Bench::new();
    let name = OsStr::from_bytes(b"out/\xff.iso");
    let line = create("cd-dvd").replace("out/capture.iso", "NAME --log a.log");
    let words = line.split_whitespace();
    let words = words.map(|word| if word == "NAME" { name } else { OsStr::new(word) });
    let made = ended(&mut bench.command(words));
    assert_eq!((made.code, &*made.stderr), (Some(0), ""));
    bench.succeed(create("cd-dvd"));
    let folder = bench.path(".");
    let read = |name: &OsStr| fs::read(folder.join(name)).unwrap();
    assert!(read(name) == read(OsStr::new("out/capture.iso")));
    let log = fs::read_to_string(bench.path("a.log")).unwrap();
    assert!(log.contains("is not Unicode"), "{log}");
}

#[test]
#[cfg(not(windows))]
fn inputs_with_paths_of_windows_and_addresses() {
    let bench = Bench::new();
    for add in [r"C:\x=Tools", r"\\server\share\x=Tools"] {
        let line = format!("{} --add {add}", create("cd-dvd"));
        let says = ["--add: ", "is a path of Windows", "mount the share or drive"];
        assert_refused(&bench, &line, 2, &says);
    }
    for line in [
        "inspect http://dp/boot.wim".to_owned(),
        create("cd-dvd").replace("boot.wim", "http://dp/boot.wim"),
    ] {
        assert_refused(&bench, &line, 3, &["that is an address", "capmedia content fetch"]);
    }
}

#[test]
fn inputs() {
    let bench = Bench::new();
    let whole = fs::read(bench.path("boot.wim")).unwrap();
    bench.put("cut.wim", &whole[..whole.len() / 2]);
    bench.put("text.wim", "no WIM at all");
    bench.put("bare.wim", wim(&[(r"Windows\System32\a.dll", b"a")]));
    bench.put("wrong.wim", wim(&[(r"Windows\Boot\EFI\bootmgfw.efi", b"no program")]));
    let mut flipped = whole.clone();
    let at = flipped.windows(21).position(|at| at == b"in place of boot.sdi\r").unwrap();
    flipped[at] ^= 1;
    bench.put("flipped.wim", flipped);
    let inputs: [(&str, &[&str]); 6] = [
        ("none.wim", &["cannot open the boot image none.wim", "os error 2"]),
        ("cut.wim", &["cut.wim"]),
        ("text.wim", &["text.wim", "WIM"]),
        (
            "bare.wim",
            &[r"EFI\Boot\bootx64.efi", r"bare.wim:\Windows\Boot\EFI\bootmgfw.efi", "--boot-files"],
        ),
        ("wrong.wim", &["bootmgfw.efi cannot be a boot manager", "no MZ signature"]),
        ("flipped.wim", &[r"flipped.wim:\Windows\Boot\DVD\PCAT\boot.sdi", "the WIM is damaged"]),
    ];
    for kind in ["cd-dvd", "usb"] {
        for (file, says) in inputs {
            assert_refused(&bench, &create(kind).replace("boot.wim", file), 3, says);
        }
        assert_refused(
            &bench,
            &format!("{} --add none=x", create(kind)),
            3,
            &["none", "to be added"],
        );
        let line = format!("{} --boot-files none", create(kind));
        assert_refused(&bench, &line, 3, &["none"]);
    }
    for (line, says) in [
        ("inspect none", "cannot read none"),
        ("inspect text.wim", "text.wim is no WIM, ISO 9660 image, disk image, boot"),
        ("inspect cut.wim", "cannot read the WIM cut.wim"),
        ("verify none", "cannot verify none"),
        ("verify text.wim", "text.wim"),
        ("verify out", "the image cannot be read"),
    ] {
        assert_refused(&bench, line, 3, &[says]);
    }
}

/// Windows would not hold such names in the first place.
#[test]
#[cfg(unix)]
fn names_and_sizes() {
    let bench = Bench::new();
    let long = "n".repeat(70);
    bench.put(&format!("long/{long}"), "x");
    bench.put("colon/a:b", "x");
    bench.put("dot/a.", "x");
    bench.put("case/a.txt", "x");
    bench.put("case/A.txt", "x");
    let disc = create("cd-dvd");
    let without_udf = format!("{disc} --file-system iso --add long=x");
    assert_refused(&bench, &without_udf, 3, &[&long, "Joliet", "rename"]);
    for line in [disc, create("usb")] {
        let refused = |what: &str, code, says: &[&str]| {
            assert_refused(&bench, &format!("{line} {what}"), code, says);
        };
        refused("--add colon=x", 3, &["colon/a:b", "':'"]);
        refused("--add dot=x", 3, &["dot/a.", "take the dot or space out"]);
        refused("--add case=x", 2, &["case/a.txt", "case/A.txt", "rename it"]);
        refused("--add boot.wim=bootmgr", 2, &[r"\bootmgr", "--boot-files"]);
        refused("--label Größe", 2, &["--label", "1 to 32 printable ASCII"]);
    }
    // Discs hold such a file.
    File::create(bench.path("big")).unwrap().set_len(1 << 32).unwrap();
    let line = format!("{} --add big=big.bin", create("usb"));
    assert_refused(&bench, &line, 3, &["big.bin", "4294967296", "split it"]);
    let line = format!("{} --file-system iso", create("usb"));
    assert_refused(&bench, &line, 2, &["--file-system", "cd-dvd"]);
    let line = format!("{disc} --file-system ntfs");
    assert_refused(&bench, &line, 2, &["--file-system", "bridge, iso"]);
    assert_refused(
        &bench,
        &format!("{disc} --media-size 2MB"),
        2,
        &["the media size has 1024", "the smallest media size that would do is 5MB"],
    );
    let usb = create("usb");
    fs::write(bench.path("data"), vec![1; 50 << 20]).unwrap();
    let says = ["the tree needs a volume of at least"];
    assert_refused(&bench, &format!("{usb} --add data=data"), 2, &says);
}

#[test]
fn outputs() {
    let bench = Bench::new();
    for kind in ["cd-dvd", "usb"] {
        let to = |path: &str| {
            create(kind).replace("out/capture.iso", path).replace("out/capture.img", path)
        };
        assert_refused(&bench, &to("no/a.iso"), 5, &["folder no for no/a.iso", "create it first"]);
        assert_refused(&bench, &to("out"), 5, &["out is a folder"]);
        assert_refused(&bench, &to("out/"), 2, &["--path: out/ names a folder"]);
        assert_refused(&bench, &to("boot.wim"), 2, &["the output is the boot image"]);
        fs::write(bench.path("out/old"), "old").unwrap();
        assert_refused(&bench, &to("out/old"), 5, &["out/old exists already", "--force"]);
        assert_eq!(fs::read(bench.path("out/old")).unwrap(), b"old");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_device() {
    let bench = Bench::new();
    for kind in ["cd-dvd", "usb"] {
        for (path, stdout) in [("-", true), ("/dev/full", false)] {
            let line = create(kind);
            let line = line.replace("out/capture.iso", path).replace("out/capture.img", path);
            let mut command = bench.command(line.split_whitespace());
            if stdout {
                command.stdout(File::options().write(true).open("/dev/full").unwrap());
            }
            let ended = ended(command.stderr(Stdio::piped()));
            assert_eq!(ended.code, Some(5), "{}", ended.stderr);
            assert!(ended.stderr.contains("No space left on device"), "{}", ended.stderr);
        }
    }
    // A result that cannot be printed is an output that failed, and the image is there.
    let mut command = bench.command(create("usb").split_whitespace());
    command.stdout(File::options().write(true).open("/dev/full").unwrap());
    let ended = ended(&mut command);
    assert_eq!(ended.code, Some(5));
    assert!(ended.stderr.contains("cannot print the result"), "{}", ended.stderr);
    bench.succeed("verify out/capture.img");
}

/// A file that may not grow further is how a full disk looks from inside, and needs no disk.
#[test]
#[cfg(unix)]
fn a_file_that_may_not_grow() {
    let bench = Bench::new();
    for kind in ["cd-dvd", "usb"] {
        let line = format!("{} --force", create(kind));
        let image = line.split_whitespace().find(|word| word.starts_with("out/")).unwrap();
        fs::write(bench.path(image), "old").unwrap();
        let before = bench.out();
        // 512 KiB or 1 MiB, as the shell counts.
        let limited = r#"trap "" XFSZ; ulimit -f 1024; exec "$@""#;
        let mut command = Command::new("sh");
        command.args(["-c", limited, "sh", env!("CARGO_BIN_EXE_capmedia")]);
        command.args(line.split_whitespace()).current_dir(bench.path(""));
        let ended = ended(&mut command);
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        assert!(ended.stderr.contains("was not made"), "{}", ended.stderr);
        assert!(ended.stderr.contains("cannot write at byte"), "{}", ended.stderr);
        assert!(ended.stderr.contains("File too large"), "{}", ended.stderr);
        assert_eq!(fs::read(bench.path(image)).unwrap(), b"old");
        assert_eq!(bench.out(), before);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_folder_that_takes_no_files() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let folder = bench.path("closed");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere but where the kernel itself says no.
    let may = fs::write(folder.join("probe"), "").is_ok();
    let folder = if may { "/sys".to_owned() } else { folder.display().to_string() };
    let line = create("cd-dvd").replace("out/capture.iso", &format!("{folder}/a.iso"));
    let told = assert_refused(&bench, &line, 5, &["cannot create", "a.iso.capmedia-part"]);
    // In containers `/sys` may be read-only besides.
    assert!(told.contains("Permission denied") || told.contains("Read-only"), "{told}");
}

/// Files that take no room, more of them than the disk has room for.
#[test]
fn more_than_the_disk_holds() {
    const LARGEST: u64 = (1 << 32) - 1;
    let bench = Bench::new();
    let free = extent_image::host::free_space(&bench.path("out")).unwrap().unwrap();
    let count = free / LARGEST + 2;
    if count > 1900 {
        return; // No ISO image is larger than such a disk.
    }
    fs::create_dir(bench.path("big")).unwrap();
    for number in 0..count {
        // Of different lengths, or they would be compared to be stored once.
        let file = File::create(bench.path(&format!("big/{number}"))).unwrap();
        file.set_len(LARGEST - number).unwrap();
    }
    bench.put("out/capture.iso", "old");
    let line = format!("{} --force --add big=big", create("cd-dvd"));
    let says = ["out/capture.iso needs", "free; make room, or choose a path"];
    assert_refused(&bench, &line, 5, &says);
    assert_eq!(fs::read(bench.path("out/capture.iso")).unwrap(), b"old");
}

#[test]
fn verify_answers_6_for_a_damaged_boot_image() {
    let bench = Bench::new();
    bench.succeed("verify boot.wim");
    let mut bytes = fs::read(bench.path("boot.wim")).unwrap();
    bytes[300] ^= 1;
    bench.put("damaged.wim", bytes);
    let ended = bench.run("verify damaged.wim");
    assert_eq!((ended.code, &*ended.stderr), (Some(6), ""));
    assert!(String::from_utf8(ended.stdout).unwrap().starts_with("fault: "));
}

#[test]
fn verify_answers_6_for_damage() {
    let bench = Bench::new();
    for (kind, image, file, structure) in [
        ("cd-dvd", "out/capture.iso", "bootmgr", 16 * 2048 + 80),
        ("usb", "out/capture.img", "bootmgr", (1 << 20) + 6 * 512 + 100),
    ] {
        bench.succeed(create(kind));
        let whole = fs::read(bench.path(image)).unwrap();
        // The first bytes of BOOTMGR, its length among them, are nowhere else but behind it in the
        // boot image.
        let start = whole.windows(8).position(|at| at == b"CMBM\0\x2A\x50\x06").unwrap();
        for (at, says) in [(start + 5000, file), (structure, "byte ")] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            bench.put(image, damaged);
            let ended = bench.run(&format!("verify {image}"));
            let text = String::from_utf8(ended.stdout).unwrap();
            assert_eq!((ended.code, &*ended.stderr), (Some(6), ""), "{text}");
            let faults: Vec<_> = text.lines().filter(|line| line.starts_with("fault: ")).collect();
            assert!(faults.iter().any(|fault| fault.contains(says)), "{says}: {text}");
            let report = crate::command::json(&bench.run(&format!("verify --json {image}")).stdout);
            assert_eq!(report["faults"].as_array().unwrap().len(), faults.len());
        }
        bench.put(image, &whole[..whole.len() - 4096]);
        assert_eq!(bench.run(&format!("verify --quiet {image}")).code, Some(6));
        fs::remove_file(bench.path(image)).unwrap();
    }
}
