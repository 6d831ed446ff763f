//! What only Windows has: its paths, its names, and files that others have open.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::command::{Bench, Ended, create, ended};

const FILE_SHARE_READ: u32 = 1;
const FILE_SHARE_WRITE: u32 = 2;
const FILE_SHARE_DELETE: u32 = 4;

/// `create` for a small disc from `boot.wim`, at `path` and with more options.
fn make<'a>(bench: &Bench, path: &Path, more: impl IntoIterator<Item = &'a str>) -> Ended {
    let options = ["create", "--boot-image", "boot.wim", "--media-type", "cd-dvd", "--quiet"];
    let options = options.into_iter().chain(["--path"]);
    let mut args: Vec<OsString> = options.map(OsString::from).collect();
    args.push(path.into());
    args.extend(more.into_iter().map(OsString::from));
    ended(&mut bench.command(args))
}

#[track_caller]
fn made(bench: &Bench, path: impl AsRef<Path>, more: &[&str]) {
    let ended = make(bench, path.as_ref(), more.iter().copied());
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{}", path.as_ref().display());
}

#[track_caller]
fn refused(bench: &Bench, path: impl AsRef<Path>, more: &[&str], code: i32, says: &str) {
    let before = bench.out();
    let ended = make(bench, path.as_ref(), more.iter().copied());
    assert!(
        ended.stderr.contains(says),
        "{}: no {says:?} in\n{}",
        path.as_ref().display(),
        ended.stderr
    );
    assert_eq!((ended.code, bench.out()), (Some(code), before), "{}", ended.stderr);
}

/// The drive of a path and what is behind it: `C:` and `\folder`.
fn drive_and_rest(path: &Path) -> (String, String) {
    let text = path.to_str().unwrap();
    let (drive, rest) = text.split_at(2);
    assert!(drive.ends_with(':'), "{text}");
    (drive.to_owned(), rest.to_owned())
}

#[test]
fn every_form_of_a_path_is_the_same_file() {
    let bench = Bench::new();
    made(&bench, r"out\plain.iso", &[]);
    let plain = fs::read(bench.path("out/plain.iso")).unwrap();
    let (drive, folder) = drive_and_rest(&bench.path(""));
    let folder = folder.trim_end_matches('\\');
    for (name, path) in [
        ("absolute.iso", format!(r"{drive}{folder}\out\absolute.iso")),
        ("slashes.iso", format!("{drive}{}/out/slashes.iso", folder.replace('\\', "/"))),
        // On its drive, from the folder that is current there.
        ("here.iso", format!(r"{drive}out\here.iso")),
        ("root.iso", format!(r"{folder}\out\root.iso")),
        ("dots.iso", r".\out\..\out\.\dots.iso".to_owned()),
        ("verbatim.iso", format!(r"\\?\{drive}{folder}\out\verbatim.iso")),
    ] {
        made(&bench, &path, &[]);
        assert!(fs::read(bench.path("out").join(name)).unwrap() == plain, "{path}");
        refused(&bench, &path, &[], 5, "exists already");
        made(&bench, &path, &["--force"]);
    }
    refused(&bench, &drive, &["--force"], 5, "is a folder");
    for path in [format!(r"{drive}\"), r"out\".to_owned(), r"out\.".to_owned()] {
        refused(&bench, &path, &[], 2, "names a folder");
    }
    refused(&bench, format!(r"{drive}no\a.iso"), &[], 5, "create it first");
}

#[test]
fn paths_longer_than_260_characters() {
    let bench = Bench::new();
    let folder = (0..8).fold(bench.path("out"), |folder, _| folder.join("n".repeat(50)));
    fs::create_dir_all(&folder).unwrap();
    let relative = folder.strip_prefix(bench.path("")).unwrap();
    fs::copy(bench.path("boot.wim"), folder.join("boot.wim")).unwrap();
    fs::create_dir(folder.join("in")).unwrap();
    fs::write(folder.join("in/file.txt"), "x").unwrap();
    made(&bench, "out/plain.iso", &[]);
    for folder in [&*folder, relative] {
        let inner = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        assert!(inner("a.iso").len() > 400);
        made(&bench, inner("a.iso"), &["--checksum", "--add", &format!("{}=Long", inner("in"))]);
        made(&bench, inner("a.iso"), &["--checksum", "--force"]);
        let verified = ended(&mut bench.command(["verify", "--quiet", &inner("a.iso")]));
        assert_eq!((verified.code, &*verified.stderr), (Some(0), ""));
        let (wim, image) = (inner("boot.wim"), inner("a.img"));
        let line = ["create", "--boot-image", &wim, "--media-type", "usb", "--path", &image];
        let line = line.iter().chain(&["--image-size", "40MiB", "--quiet"]);
        let ended = ended(&mut bench.command(line));
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
        let here = bench.path("").join(folder);
        fs::remove_file(here.join("a.iso")).unwrap();
        fs::remove_file(here.join("a.iso.sha256")).unwrap();
        fs::remove_file(here.join("a.img")).unwrap();
        assert_eq!(fs::read_dir(&here).unwrap().count(), 2);
    }
    // A request file there, whose relative paths start from its folder.
    let text = "version = 1\nboot-image = 'boot.wim'\nmedia-type = 'cd-dvd'\npath = 'b.iso'\n";
    fs::write(folder.join("request.toml"), text).unwrap();
    let request = relative.join("request.toml");
    let ended =
        ended(&mut bench.command(["create", "--quiet", "--request", request.to_str().unwrap()]));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert!(folder.join("b.iso").is_file());
}

#[test]
#[ignore = "needs the share \\\\localhost\\C$, as administrators have it"]
fn shares() {
    let bench = Bench::new();
    made(&bench, "out/plain.iso", &[]);
    let (drive, folder) = drive_and_rest(&bench.path(""));
    let share = format!(r"\\localhost\{}${folder}", drive.trim_end_matches(':'));
    bench.put(r"docs\a.txt", "a");
    for root in [share.clone(), share.replacen(r"\\", r"\\?\UNC\", 1)] {
        let root = root.trim_end_matches('\\');
        let path = format!(r"{root}\out\share.iso");
        let options = ["create", "--quiet", "--media-type", "cd-dvd", "--checksum", "--boot-image"];
        let wim = format!(r"{root}\boot.wim");
        let add = format!(r"{root}\docs=Docs");
        let line = [&options[..], &[&wim, "--path", &path, "--add", &add]].concat();
        let shared = ended(&mut bench.command(line));
        assert_eq!((shared.code, &*shared.stderr), (Some(0), ""), "{path}");
        made(&bench, "out/local.iso", &["--add", r"docs=Docs", "--force"]);
        let [one, other] = ["share", "local"]
            .map(|name| fs::read(bench.path(&format!("out/{name}.iso"))).unwrap());
        assert!(one == other, "{path}");
        let verified = ended(&mut bench.command(["verify", "--quiet", &path]));
        assert_eq!((verified.code, &*verified.stderr), (Some(0), ""));
        // The same file by another path.
        let ended = make(&bench, wim.as_ref(), ["--force"]);
        assert!(ended.stderr.contains("that the media is made of"), "{}", ended.stderr);
        fs::remove_file(bench.path("out/share.iso")).unwrap();
        fs::remove_file(bench.path("out/share.iso.sha256")).unwrap();
    }
    assert_eq!(bench.out(), ["local.iso", "plain.iso"]);
    refused(&bench, r"\\localhost\C$", &[], 2, "names a folder");
    refused(&bench, r"\\localhost\no-such-share\a.iso", &[], 5, "does not exist");
}

#[test]
fn files_to_add_and_request_files_name_drives() {
    let bench = Bench::new();
    bench.put(r"a=b\file.txt", "x");
    let add = format!("{}=Tools\\Lab", bench.path("a=b").display());
    made(&bench, r"out\add.iso", &["--add", &add]);
    made(&bench, r"out\same.iso", &["--add", "a=b=Tools/Lab"]);
    let same = |one: &str, other: &str| {
        let read = |name: &str| fs::read(bench.path(name)).unwrap();
        assert!(read(one) == read(other), "{one} {other}");
    };
    same("out/add.iso", "out/same.iso");

    let root = bench.path("").display().to_string();
    let root = root.trim_end_matches('\\');
    let (drive, _) = drive_and_rest(&bench.path(""));
    let text = format!(
        "\u{feff}version = 1\r\nboot-image = '{drive}boot.wim'\r\nmedia-type = \"cd-dvd\"\r\n\
         path = '{root}\\out\\request.iso'\r\nadd = ['a=b=Tools\\Lab']\r\n"
    );
    bench.put("request.toml", &text);
    bench.succeed("create --quiet --request request.toml");
    same("out/add.iso", "out/request.iso");
    let shown = format!("{}", PathBuf::from(root).join("out").display()).replace('\\', "\\\\");
    bench.put(
        "escaped.toml",
        text.replace(
            &format!("'{root}\\out\\request.iso'"),
            &format!("\"{shown}\\\\escaped.iso\""),
        ),
    );
    bench.succeed("create --quiet --request escaped.toml");
    same("out/add.iso", "out/escaped.iso");
    // The commonest slip.
    bench.put(
        "slip.toml",
        "version = 1\nboot-image = \"C:\\images\\boot.wim\"\nmedia-type = 'usb'\npath = 'a.img'\n",
    );
    let ended = bench.run("create --request slip.toml");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("put paths with \\ in single quotes"), "{}", ended.stderr);
}

#[test]
fn names_that_are_no_files() {
    let bench = Bench::new();
    for (path, says) in [
        (r"out\CON", "a device of Windows"),
        ("nul.iso", "a device of Windows"),
        (r"out\com1.iso", "a device of Windows"),
        (r"out\a.iso:stream", "a stream inside another file"),
        (r"out\a.iso.", "dot or space at its end"),
        (r"out\a.iso ", "dot or space at its end"),
        (r"out\a?.iso", "no name on Windows"),
        (r"\\.\C:", "is a device"),
    ] {
        refused(&bench, path, &[], 5, says);
        refused(&bench, path, &["--force"], 5, says);
    }
    for path in ["NUL", "nul", r"\\.\NUL"] {
        made(&bench, path, &[]);
    }
    assert_eq!(bench.out(), [""; 0]);
}

#[test]
fn what_is_read_back_is_a_file_or_a_drive() {
    let bench = Bench::new();
    let folder = bench.path("out").to_str().unwrap().to_owned();
    for (path, says) in [
        (r"\\.\PhysicalDrive4000", "`capmedia drives` lists what is connected"),
        (r"\\.\CdRom4000", "`capmedia drives` lists what is connected"),
        ("?:", "os error"),
        (&*folder, "is a directory"),
    ] {
        for verb in ["verify", "inspect"] {
            let ended = ended(&mut bench.command([verb, path]));
            assert!(ended.stderr.contains(says), "{path}: no {says:?} in\n{}", ended.stderr);
            assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        }
    }
}

#[test]
fn names_differ_by_more_than_case() {
    let bench = Bench::new();
    refused(&bench, "BOOT.WIM", &["--force"], 2, "that the media is made of");
    fs::hard_link(bench.path("boot.wim"), bench.path("out/link.iso")).unwrap();
    refused(&bench, r"out\link.iso", &["--force"], 2, "that the media is made of");
    made(&bench, r"out\capture.iso", &[]);
    refused(&bench, r"OUT\Capture.ISO", &[], 5, "exists already");
    made(&bench, r"OUT\Capture.ISO", &["--force"]);
    assert_eq!(bench.out().len(), 2);
}

#[test]
fn an_image_that_is_open_elsewhere_stays() {
    let bench = Bench::new();
    let old = bench.put("out/old.iso", "old");
    for share in [0, FILE_SHARE_READ, FILE_SHARE_READ | FILE_SHARE_WRITE] {
        let held = OpenOptions::new().read(true).share_mode(share).open(&old).unwrap();
        refused(
            &bench,
            r"out\old.iso",
            &["--force"],
            5,
            r"out\old.iso cannot be replaced while another",
        );
        drop(held);
        assert_eq!(fs::read(&old).unwrap(), b"old");
    }
    let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    let held = OpenOptions::new().read(true).share_mode(share).open(&old).unwrap();
    let ended = make(&bench, r"out\old.iso".as_ref(), ["--force"]);
    drop(held);
    // Not every file system lets a file go that is open; Wine does not.
    match ended.code {
        Some(0) => assert!(fs::metadata(&old).unwrap().len() > 1 << 20),
        _ => {
            assert!(ended.stderr.contains("while another program has it open"), "{}", ended.stderr);
            assert_eq!((ended.code, fs::read(&old).unwrap()), (Some(5), b"old".to_vec()));
        }
    }
    assert_eq!(bench.out(), ["old.iso"]);
}

#[test]
fn a_read_only_image_stays() {
    let bench = Bench::new();
    let old = bench.put("out/old.iso", "old");
    let writable = fs::metadata(&old).unwrap().permissions();
    let mut read_only = writable.clone();
    read_only.set_readonly(true);
    fs::set_permissions(&old, read_only).unwrap();
    refused(&bench, r"out\old.iso", &["--force"], 5, r"out\old.iso is read-only");
    fs::set_permissions(&old, writable).unwrap();
    assert_eq!(fs::read(&old).unwrap(), b"old");
}

#[test]
fn part_files_of_others() {
    let bench = Bench::new();
    let part = bench.put("out/.a.iso.capmedia-part", "of a run that died");
    made(&bench, r"out\a.iso", &[]);
    assert_eq!(bench.out(), ["a.iso"]);
    fs::remove_file(bench.path("out/a.iso")).unwrap();

    let running = File::create(&part).unwrap();
    running.try_lock().unwrap();
    refused(&bench, r"out\a.iso", &[], 5, "another run is writing");
    drop(running);
    // Removed, and not gone until it is closed.
    let held = File::open(&part).unwrap();
    fs::remove_file(&part).unwrap();
    let ended = make(&bench, r"out\a.iso".as_ref(), []);
    drop(held);
    assert!(matches!(ended.code, Some(0 | 5)), "{}", ended.stderr);
    made(&bench, r"out\a.iso", &["--force"]);
    assert_eq!(bench.out(), ["a.iso"]);
}

/// What the program says of itself to Windows.
#[test]
fn the_manifest_is_in_the_program() {
    let program = fs::read(env!("CARGO_BIN_EXE_capmedia")).unwrap();
    for says in ["longPathAware", "activeCodePage", "UTF-8", "asInvoker", "supportedOS"] {
        let found = program.windows(says.len()).any(|at| at == says.as_bytes());
        assert!(found, "{says}");
    }
}

#[test]
fn an_image_through_a_pipe_is_the_file() {
    let bench = Bench::new();
    bench.put("ends.txt", "a\nb\r\nc\u{1a}d");
    let line = format!("{} --add ends.txt=ends.txt", create("cd-dvd"));
    bench.succeed(&line);
    let piped = bench.run(&line.replace("out/capture.iso", "-"));
    assert_eq!(piped.code, Some(0), "{}", piped.stderr);
    assert!(piped.stdout == fs::read(bench.path("out/capture.iso")).unwrap());
}
