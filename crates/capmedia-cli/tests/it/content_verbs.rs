//! `content list`, `fetch` and `check`, `create` from a library, and the password of `--user`.

use std::fs;
use std::io::{Read as _, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::command::{Bench, create, ended, names_in, of, slashes};
use crate::library_fixture::{FILETIME, LibraryFixture};
use crate::logs::entries;

const PASSWORD: &str = "Corr3ct-H0rse-Battery";

/// Two libraries with a boot image package and one of files.
struct Site {
    bench: Bench,
    one: LibraryFixture,
}

fn files(bench: &Bench) -> Vec<(&'static str, Vec<u8>)> {
    let big: Vec<u8> = (0..700_000_u32).map(|n| (n / 7) as u8).collect();
    vec![
        ("boot.PS100005.wim", fs::read(bench.path("boot.wim")).unwrap()),
        ("i386/client.msi", big),
        ("x64/a b#c%.txt", b"hello".to_vec()),
        ("empty.txt", Vec::new()),
    ]
}

impl Site {
    fn new() -> Self {
        let bench = Bench::new();
        let library = |name: &str| {
            let files = files(&bench);
            let files: Vec<(&str, &[u8])> = files.iter().map(|(path, of)| (*path, &**of)).collect();
            LibraryFixture::new(bench.path(name).join("SCCMContentLib"))
                .package("PS100005", 3, &files[..1])
                .package_with_folders("PS100001", 2, &files[1..], &["nothing"])
        };
        let one = library("one");
        library("two");
        Self { bench, one }
    }

    fn damage(&self, library: &str, bytes: &[u8]) {
        let stored = self.one.stored(bytes);
        let below = stored.strip_prefix(self.bench.path("one")).unwrap();
        let mut damaged = bytes.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        fs::write(self.bench.path(library).join(below), damaged).unwrap();
    }

    fn file(&self, path: &str) -> Vec<u8> {
        files(&self.bench).into_iter().find(|(name, _)| *name == path).unwrap().1
    }
}

#[test]
fn list_tells_packages_versions_files_and_sizes() {
    let Site { bench, .. } = Site::new();
    let text = String::from_utf8(bench.succeed("content list --distribution-point one")).unwrap();
    assert!(text.ends_with("    PS100001: PS100001.2\n    PS100005: PS100005.3\n"), "{text}");
    let line = "content list PS100001 --distribution-point one --distribution-point two";
    let text = String::from_utf8(bench.succeed(line)).unwrap();
    assert_eq!(text.matches("PS100001: PS100001.2, 3 files, 683.6 KiB").count(), 2, "{text}");
    assert!(text.contains("            700000  i386/client.msi\n"), "{text}");
    let json = bench.json("content list --sizes --distribution-point one --json");
    let packages = &json["locations"][0]["packages"];
    assert_eq!((&packages[0]["bytes"], &packages[0]["files"]), (&700_005.into(), &3.into()));
    assert_eq!(packages[1]["versions"], serde_json::json!(["PS100005.3"]));

    let ended = bench.run("content list --distribution-point one --distribution-point none");
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("none is not there; give"), "{}", ended.stderr);
    let ended = bench.run("content list");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--distribution-point"), "{}", ended.stderr);
}

#[test]
fn fetch_writes_packages_that_are_a_location_again() {
    let site = Site::new();
    let bench = &site.bench;
    let line =
        "content fetch PS100001 ps100005 --distribution-point one --to out/fetched --log a.log";
    let text = String::from_utf8(bench.succeed(line)).unwrap();
    assert!(text.contains("PS100001.2 from") && text.contains("verified"), "{text}");
    assert_eq!(names_in(&bench.path("out/fetched")), ["PS100001.2", "PS100005.3"]);
    let folder = bench.path("out/fetched/PS100001.2");
    assert_eq!(names_in(&folder), ["empty.txt", "i386", "nothing", "x64"]);
    for (path, bytes) in &files(bench)[1..] {
        let path = folder.join(path);
        assert!(fs::read(&path).unwrap() == *bytes);
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        let seconds = FILETIME / 10_000_000 - 11_644_473_600;
        // FAT and its kin aside, to the last 100 ns: or media from here would differ.
        let nanos = u32::try_from(FILETIME % 10_000_000 * 100).unwrap();
        let expected = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
        assert_eq!(modified, expected);
    }
    let log = entries(bench, "a.log");
    let has = |text: &str| log.iter().any(|(entry, _)| entry.contains(text));
    assert!(has("distribution-point") && has("100 %") && has("PS100005.3 from"), "{log:#?}");

    // What is there already, whole, is not fetched again.
    let text = String::from_utf8(bench.succeed(line)).unwrap();
    assert_eq!(text.matches("there already, verified").count(), 2, "{text}");
    // It is refused to write into anything else, and the rest is not begun.
    fs::write(folder.join("more.txt"), "").unwrap();
    let ended = bench.run(line);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("PS100001.2 is not empty"), "{}", ended.stderr);
    let json =
        bench.json("content fetch PS100005 --distribution-point out/fetched --to out/again --json");
    assert_eq!(json["packages"][0]["verified"], false);
    assert_eq!(json["packages"][0]["files"], 1);

    let ended = bench.run("content fetch PS100001 PS1000FF --distribution-point one --to out/no");
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("PS1000FF"), "{}", ended.stderr);
    assert!(ended.stderr.contains("_MISSINGPACKAGE "), "{}", ended.stderr);
    assert!(!bench.path("out/no").exists());
}

#[test]
fn a_damaged_copy_is_replaced_by_another_and_without_one_nothing_is_left() {
    let site = Site::new();
    let bench = &site.bench;
    site.damage("one", &site.file("i386/client.msi"));
    let fetch = "content fetch PS100001 --distribution-point one";
    let ended = bench.run(&format!("{fetch} --to out/a"));
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("client.msi of PS100001.2 at"), "{}", ended.stderr);
    assert!(ended.stderr.contains("is damaged: SHA-256"), "{}", ended.stderr);
    assert_eq!(bench.out(), [""; 0]);

    let ended = bench.run(&format!("{fetch} --distribution-point two --to out/a --log a.log"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("warning: i386/client.msi"), "{}", ended.stderr);
    let path = "out/a/PS100001.2/i386/client.msi";
    assert!(fs::read(bench.path(path)).unwrap() == site.file("i386/client.msi"));
    let log = entries(bench, "a.log");
    assert!(log.iter().any(|(text, kind)| *kind == '2' && text.contains("is damaged")), "{log:#?}");
}

/// What was bad before is told, too; each copy once in the log.
#[test]
fn all_bad_copies_are_told_when_none_is_left() {
    let site = Site::new();
    let bench = &site.bench;
    for name in ["one", "two"] {
        site.damage(name, &site.file("i386/client.msi"));
    }
    let fetch = "content fetch PS100005 PS100001 --distribution-point one --distribution-point two";
    let damaged = |text: &str| text.matches("is damaged: SHA-256").count();
    let ended = bench.run(&format!("{fetch} --to out/a --log a.log"));
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    for name in ["one", "two"] {
        let warning = format!("warning: i386/client.msi of PS100001.2 at {name}/SCCMContentLib");
        assert!(slashes(&ended.stderr).contains(&warning), "{}", ended.stderr);
    }
    // What was fetched before is named.
    assert!(ended.stderr.contains("1 of 2 packages were fetched (PS100005.3)"), "{}", ended.stderr);
    assert!(String::from_utf8(ended.stdout).unwrap().contains("PS100005.3 from"));
    let log = entries(bench, "a.log");
    assert_eq!(log.iter().map(|(text, _)| damaged(text)).sum::<usize>(), 2, "{log:#?}");
    let ended = bench.run(&format!("{fetch} --to out/a --quiet"));
    assert_eq!(damaged(&ended.stderr), 3, "{}", ended.stderr);

    let ended = bench.run(&format!("{fetch} --to out/a --json"));
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let json: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
    let bad = json["events"].as_array().unwrap().iter().filter(|it| it["kind"] == "bad-copy");
    assert_eq!(bad.count(), 2, "{json}");
    assert_eq!(json["packages"][0]["content-id"], "PS100005.3", "{json}");
    assert_eq!(json["packages"][0]["kept"], true, "{json}");
}

#[test]
fn what_is_no_folder_to_fetch_to() {
    let site = Site::new();
    let bench = &site.bench;
    bench.put("file", "");
    for (to, code, says) in [
        ("none/a", 5, "the folder none for none/a does not exist; create it first"),
        ("file", 5, "file is no folder"),
        ("one/SCCMContentLib/x", 2, "one/SCCMContentLib"),
    ] {
        let line = format!("content fetch PS100001 --distribution-point one --to {to}");
        let ended = bench.run(&line);
        assert_eq!(ended.code, Some(code), "{to}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{to}: {}", ended.stderr);
    }
    let line = "content fetch PS100001 --distribution-point one --to out/a";
    for (more, code) in [
        ("--log one/SCCMContentLib/x.log", 2),
        ("--ca-file none.pem", 3),
        ("--client-certificate none.pem", 3),
        ("--cache file", 5),
    ] {
        let ended = bench.run(&format!("{line} {more}"));
        assert_eq!(ended.code, Some(code), "{more}: {}", ended.stderr);
    }
    assert!(!bench.path("one/SCCMContentLib/x.log").exists());
    assert_eq!(bench.out(), [""; 0]);
}

/// Whoever mistypes an address, or stands before a firewall, reads what to look at.
#[test]
fn a_location_that_cannot_be_asked_has_a_way_out() {
    let bench = Bench::new();
    // Nobody listens where somebody did.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // It says the same to everybody.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let speaks = silent.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in silent.incoming() {
            let mut connection = connection.unwrap();
            let mut heard = Vec::new();
            let mut part = [0; 1024];
            // To the end of a request over HTTP; of TLS, its beginning.
            while !heard.ends_with(b"\r\n\r\n") && heard.first() != Some(&0x16) {
                match connection.read(&mut part) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => heard.extend(&part[..count]),
                }
            }
            let _ = connection.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let unreachable =
        "see whether the name and the port are right, the server runs and no firewall";
    for (location, says) in [
        (format!("http://127.0.0.1:{free}"), ["cannot be reached: ", unreachable]),
        (format!("https://127.0.0.1:{free}"), ["cannot be reached: ", unreachable]),
        (format!("smb://127.0.0.1:{free}"), ["cannot be reached: ", unreachable]),
        ("http://none.invalid".to_owned(), ["its name cannot be looked up (", unreachable]),
        ("smb://none.invalid".to_owned(), ["cannot be reached: ", unreachable]),
        (format!("https://127.0.0.1:{speaks}"), ["no TLS session: ", "or give http://"]),
        (format!("http://127.0.0.1:{speaks}"), ["HTTP 403", "see the permissions"]),
    ] {
        let line = format!("content list --distribution-point {location}");
        let ended = ended(bench.command(line.split(' ')).env_remove("http_proxy"));
        assert_eq!(ended.code, Some(4), "{location}: {}", ended.stderr);
        let last = ended.stderr.lines().last().unwrap();
        assert!(says.iter().all(|says| last.contains(says)), "{location}: {last}");
    }
    // The proxy is asked to open a tunnel, and does not.
    let mut list = bench.command("content list --distribution-point http://dp.invalid".split(' '));
    let ended = ended(list.env("http_proxy", format!("http://127.0.0.1:{speaks}")));
    let told = format!("the proxy 127.0.0.1:{speaks} answers 403 to CONNECT");
    assert!(ended.code == Some(4) && ended.stderr.contains(&told), "{}", ended.stderr);
    assert!(ended.stderr.contains("no_proxy"), "{}", ended.stderr);
}

/// Answers each request of the connections that come in the same way.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let (mut heard, mut part) = (Vec::<u8>::new(), [0; 4096]);
            while !heard.windows(4).any(|end| end == b"\r\n\r\n") {
                match connection.read(&mut part) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => heard.extend(&part[..count]),
                }
            }
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    format!("http://{at}")
}

/// One that says yes to everything is no distribution point without packages.
#[test]
fn an_empty_page_is_no_library() {
    let bench = Bench::new();
    let at = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let line = format!("content list --distribution-point {at}");
    let ended = ended(bench.command(line.split(' ')).env_remove("http_proxy"));
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("shows no content library"), "{}", ended.stderr);
}

/// What is wrong with a location is told with the result, and only there.
#[test]
fn a_refused_login_is_told_once() {
    let bench = Bench::new();
    let at = server(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n",
    );
    let line = format!("content list --distribution-point {at} --log a.log");
    let ended = ended(bench.command(line.split(' ')).env_remove("http_proxy"));
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let told = "an account is needed; give one with --user";
    assert_eq!(ended.stderr.matches(told).count(), 1, "{}", ended.stderr);
    let log = entries(&bench, "a.log");
    assert_eq!(log.iter().filter(|(entry, _)| entry.contains(told)).count(), 1, "{log:#?}");
}

#[test]
fn check_tells_all_faults() {
    let site = Site::new();
    let bench = &site.bench;
    bench.succeed("content check PS100001 PS100005.3 --distribution-point one --read");
    site.damage("one", &site.file("i386/client.msi"));
    site.damage("one", &site.file("x64/a b#c%.txt"));
    // What describes it is in order.
    bench.succeed("content check PS100001 --distribution-point one");
    let line = "content check PS100001 PS1000FF PS100005.9 --distribution-point one --read";
    let ended = bench.run(line);
    assert_eq!((ended.code, &*ended.stderr), (Some(4), ""), "an answer, not a failure");
    let text = String::from_utf8(ended.stdout).unwrap();
    for says in ["PS1000FF", "PS100005.9", "client.msi", "a b#c%.txt", "it has PS100005.3"] {
        assert!(text.contains(says), "{says}: {text}");
    }
    assert_eq!(text.matches("fault: ").count(), 4, "{text}");
    let ended = bench.run(&format!("{line} --json"));
    let json: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((ended.code, json["faults"].as_array().unwrap().len()), (Some(4), 4));
}

#[test]
fn the_cache_gives_what_came_before() {
    let site = Site::new();
    let bench = &site.bench;
    let fetch = "content fetch PS100001 --cache cache --distribution-point";
    bench.succeed(&format!("{fetch} one --to out/a"));
    // All that is left there is what describes the files.
    let bytes = site.file("i386/client.msi");
    fs::remove_file(site.one.stored(&bytes)).unwrap();
    bench.succeed(&format!("{fetch} one --to out/b"));
    assert!(fs::read(bench.path("out/b/PS100001.2/i386/client.msi")).unwrap() == bytes);
    let ended = bench.run("content fetch PS100001 --distribution-point one --to out/c");
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    // A damaged entry goes, and another copy comes.
    let hash = site.one.stored(&bytes).file_name().unwrap().to_str().unwrap().to_owned();
    let entry = bench.path("cache").join(&hash[..4]).join(&hash);
    fs::write(&entry, vec![0; bytes.len()]).unwrap();
    let ended = bench.run(&format!("{fetch} two --to out/c"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("it was removed there"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("instead of the cache"), "{}", ended.stderr);
    assert!(fs::read(bench.path("out/c/PS100001.2/i386/client.msi")).unwrap() == bytes);
    assert!(fs::read(&entry).unwrap() == bytes);
    // Somebody's folder is none.
    let ended = bench.run("content check PS100001 --distribution-point one --cache out");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("no cache of capmedia"), "{}", ended.stderr);
}

#[test]
fn two_runs_share_a_cache() {
    let site = Site::new();
    let bench = &site.bench;
    let start = |to: &str| {
        let line = format!("content fetch PS100001 PS100005 --distribution-point one --to {to}");
        let line = format!("{line} --cache cache");
        let mut command = bench.command(line.split_whitespace());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs: Vec<_> = (0..4).map(|run| start(&format!("out/{run}"))).collect();
    for run in runs {
        let ended = of(run.wait_with_output().unwrap());
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    }
    for run in 0..4 {
        let path = format!("out/{run}/PS100001.2/i386/client.msi");
        assert!(fs::read(bench.path(&path)).unwrap() == site.file("i386/client.msi"));
    }
    let mut kept: Vec<u64> = Vec::new();
    for prefix in names_in(&bench.path("cache")).iter().filter(|name| name.len() == 4) {
        for name in names_in(&bench.path("cache").join(prefix)) {
            assert!(!name.starts_with('.'), "{name}");
            kept.push(fs::metadata(bench.path("cache").join(prefix).join(name)).unwrap().len());
        }
    }
    kept.sort_unstable();
    assert_eq!(kept.len(), 3, "{kept:?}");
}

#[test]
fn media_from_a_library_is_that_from_the_file() {
    let site = Site::new();
    let bench = &site.bench;
    let line = format!("{} --distribution-point one --log a.log", create("cd-dvd"));
    bench.succeed(&line.replace("boot.wim", "PS100005"));
    let log = entries(bench, "a.log");
    let has = |text: &str| log.iter().any(|(entry, _)| entry.contains(text));
    assert!(has("boot-image = \"PS100005\"") && has("Written: "), "{log:#?}");
    // Its name in the report differs, the bytes of the WIM do not.
    assert_eq!(bench.out(), ["capture.iso"]);
    let missing = line.replace("boot.wim", "PS1000FF").replace("capture.iso", "b.iso");
    let ended = bench.run(&missing);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("PS1000FF"), "{}", ended.stderr);
}

#[test]
fn a_password_comes_from_file_environment_or_terminal_and_is_never_shown() {
    let site = Site::new();
    let bench = &site.bench;
    bench.put("password", format!("{PASSWORD}\r\n"));
    bench.put("two-lines", format!("{PASSWORD}\n{PASSWORD}\n"));
    let line = |options: &str| {
        format!(
            "content check PS100001 PS1000FF --distribution-point one --user LAB\\reader --log a.log {options}"
        )
    };
    let says_nothing = |ended: &crate::command::Ended| {
        assert!(!ended.stderr.contains(PASSWORD), "{}", ended.stderr);
        assert!(!String::from_utf8_lossy(&ended.stdout).contains(PASSWORD));
        assert!(!fs::read_to_string(bench.path("a.log")).unwrap().contains(PASSWORD));
    };
    // A folder wants no password, which is read nevertheless.
    for json in ["", " --json"] {
        let ended = bench.run(&(line("--password-file password") + json));
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        says_nothing(&ended);
    }
    let mut command = bench.command(line("").split_whitespace());
    let by_environment = ended(command.env("CAPMEDIA_PASSWORD", PASSWORD));
    assert_eq!(by_environment.code, Some(4), "{}", by_environment.stderr);
    says_nothing(&by_environment);
    for file in ["-", "/dev/stdin"] {
        if cfg!(windows) && file != "-" {
            continue;
        }
        let line = line(&format!("--password-file {file}"));
        let mut command = bench.command(line.split_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        let piped = of(child.wait_with_output().unwrap());
        assert_eq!(piped.code, Some(4), "{}", piped.stderr);
        says_nothing(&piped);
    }
    // There is no terminal here.
    let none = bench.run(&line(""));
    assert_eq!(none.code, Some(2), "{}", none.stderr);
    for way in ["--password-file FILE", "/dev/fd/N", "CAPMEDIA_PASSWORD"] {
        if cfg!(windows) && way == "/dev/fd/N" {
            continue;
        }
        assert!(none.stderr.contains(way), "{}", none.stderr);
    }
    for (file, fault) in [("two-lines", "more than one line"), ("none", "cannot read the password")]
    {
        let ended = bench.run(&line(&format!("--password-file {file}")));
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains(fault), "{}", ended.stderr);
        says_nothing(&ended);
    }
    // Who gives it where everybody can see it is not repeated.
    let ended = bench.run(&line(&format!("--password {PASSWORD}")));
    assert_eq!(ended.code, Some(2));
    says_nothing(&ended);
}
