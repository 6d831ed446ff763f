//! Media from distribution points: from real servers, and from one in this process that breaks down.
//! The bytes are those of media from a file.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use extent_image::{BytesSource, Digest};
use serde_json::Value;
use wim_image::Wim;
use wim_image::write::{ImageBuilder, WimBuilder};

use crate::command::{Bench, Ended, ended, json, names_in};
use crate::fake_dp::{FakeDp, Fault, Options, Rule};
use crate::library_fixture::{FILETIME, LibraryFixture};
use crate::peers::Peers;

/// A boot image as a file, and what is asked for when it is a package.
struct Site {
    bench: Bench,
    id: &'static str,
    wim: Vec<u8>,
}

impl Site {
    /// The sample with so many MiB of noise in it. Ids and seeds are of one test each.
    fn new(id: &'static str, mib: usize) -> Self {
        let bench = Bench::new();
        let wim = boot_image(id, mib << 20);
        fs::write(bench.path("boot.wim"), &wim).unwrap();
        set_time(&bench.path("boot.wim"));
        fs::create_dir(bench.path("temporary")).unwrap();
        Self { bench, id, wim }
    }

    fn name(&self) -> String {
        format!("boot.{}.wim", self.id)
    }

    /// A library with the boot image in the folder `name`.
    fn library(&self, name: &str) -> LibraryFixture {
        let root = self.bench.path(name).join("SCCMContentLib");
        LibraryFixture::new(root).package(self.id, 3, &[(&self.name(), &self.wim)])
    }

    /// `create` without a boot image.
    fn create(&self, kind: &str) -> Command {
        let words = ["create", "--media-type", kind, "--path", "out/capture", "--force"];
        let mut command = self.bench.command(words);
        command.env("TMPDIR", self.bench.path("temporary")).env_remove("CAPMEDIA_PASSWORD");
        command
    }

    /// The same from locations, in this order, with a report for programs and a log.
    fn create_from(&self, kind: &str, locations: &[&str]) -> Command {
        let mut command = self.create(kind);
        command.args(["--boot-image", self.id, "--json", "--log", "out/log"]);
        for location in locations {
            command.args(["--distribution-point", location]);
        }
        command
    }

    /// Media from the file, which is taken away again.
    #[track_caller]
    fn expected(&self, kind: &str) -> Digest {
        let ended = ended(self.create(kind).args(["--boot-image", "boot.wim"]));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        self.take()
    }

    /// The digest of what was made, which is taken away.
    #[track_caller]
    fn take(&self) -> Digest {
        let path = self.bench.path("out/capture");
        let digest = Digest::of(&fs::read(&path).unwrap());
        fs::remove_file(path).unwrap();
        digest
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.bench.path("out/log")).unwrap()
    }
}

fn boot_image(seed: &str, noise_len: usize) -> Vec<u8> {
    let sample = BytesSource::new("sample", capmedia::sample::boot_image().unwrap());
    let wim = Wim::open(Arc::new(sample)).unwrap();
    let mut image = ImageBuilder::new("large", capmedia::sample::TIME)
        .with_architecture(wim_image::Architecture::Amd64);
    for entry in wim.image(1).unwrap().walk().filter(|entry| !entry.is_folder()) {
        let file = Arc::new(wim.file(entry).unwrap());
        image = image.with_file(&entry.path(), file, entry.modified()).unwrap();
    }
    let image = image.with_bytes(r"Windows\noise.bin", noise(seed, noise_len)).unwrap();
    WimBuilder::new().with_image(image).with_boot_index(1).to_vec().unwrap()
}

/// No two MiB are equal.
fn noise(seed: &str, len: usize) -> Vec<u8> {
    let mut noise = Vec::with_capacity(len);
    for number in 0.. {
        if noise.len() >= len {
            break;
        }
        let digest = Digest::of(format!("{seed} {number}").as_bytes());
        noise.extend(digest.as_bytes().repeat(1 << 15));
    }
    noise.truncate(len);
    noise
}

/// The time that libraries say all files have.
fn set_time(path: &Path) {
    let fraction = Duration::from_nanos(FILETIME % 10_000_000 * 100);
    let since_1601 = Duration::from_secs(FILETIME / 10_000_000) + fraction;
    let time = SystemTime::UNIX_EPOCH + (since_1601 - Duration::from_secs(11_644_473_600));
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// What happened, by its word: `resumed`, `fell-over`, `bad-copy`.
fn events(report: &Value, kind: &str) -> Vec<String> {
    let events = report["content"]["events"].as_array().expect("events").iter();
    let events = events.filter(|event| event["kind"] == kind);
    events.map(|event| event["text"].as_str().unwrap().to_owned()).collect()
}

/// Text in UTF-8 or UTF-16, wherever it stands.
fn holds(bytes: &[u8], text: &str) -> bool {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [text.as_bytes(), &wide].iter().any(|text| bytes.windows(text.len()).any(|part| part == *text))
}

#[track_caller]
fn succeeded(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    json(&ended.stdout)
}

#[test]
#[ignore = "needs Samba, nginx and Apache"]
fn media_is_the_same_from_a_file_a_folder_and_every_server() {
    let peers = Peers::require();
    let site = Site::new("E2E00001", 9);
    peers.add_package(site.id, 3, &[(&site.name(), &site.wim)]);
    let library = peers.library().to_str().unwrap().to_owned();
    let [ca, certificate] = [peers.ca_file(), peers.client_certificate()];
    let tls = [
        "--ca-file".as_ref(),
        ca.as_os_str(),
        "--client-certificate".as_ref(),
        certificate.as_os_str(),
    ];
    for kind in ["usb", "cd-dvd", "hybrid"] {
        let expected = site.expected(kind);
        for (location, logs_in) in [
            (library.clone(), false),
            (peers.nginx_url(), false),
            (peers.nginx_slow_url(), false),
            (peers.nginx_no_ranges_url(), false),
            (peers.https_url(), false),
            (peers.apache_url(), true),
            (peers.smb_url(), true),
        ] {
            let mut command = site.create_from(kind, &[&location]);
            if logs_in {
                command.args(["--user", &peers.account()]);
                command.env("CAPMEDIA_PASSWORD", peers.password());
            }
            if location.starts_with("https") {
                command.args(tls);
            }
            let ended = ended(&mut command);
            let report = succeeded(&ended);
            assert!(site.take() == expected, "{kind} from {location} differs");
            let package = &report["content"]["packages"][0];
            assert_eq!(package["content-id"], format!("{}.3", site.id), "{location}");
            assert_eq!(package["bytes"], site.wim.len(), "{location}");
            assert_eq!(report["content"]["events"], Value::Array(Vec::new()), "{location}");
            for said in [&ended.stdout[..], ended.stderr.as_bytes(), &site.log()] {
                assert!(!holds(said, peers.password()), "{location}: a password was told");
            }
        }
    }
    assert_eq!(names_in(&site.bench.path("temporary")), [] as [&str; 0]);
}

#[test]
#[ignore = "needs Samba and Apache"]
fn a_wrong_password_is_not_told_and_makes_no_media() {
    const WRONG: &str = "Corr3ct-H0rse-Battery";
    let peers = Peers::require();
    let site = Site::new("E2E00002", 1);
    peers.add_package(site.id, 3, &[(&site.name(), &site.wim)]);
    for location in [peers.apache_url(), peers.smb_url()] {
        let mut command = site.create_from("cd-dvd", &[&location]);
        command.args(["--user", &peers.account()]).env("CAPMEDIA_PASSWORD", WRONG);
        let ended = ended(&mut command);
        assert_eq!(ended.code, Some(4), "{location}: {}", ended.stderr);
        assert!(ended.stderr.contains(&location), "{location}: {}", ended.stderr);
        for said in [&ended.stdout[..], ended.stderr.as_bytes(), &site.log()] {
            assert!(!holds(said, WRONG), "{location}: a password was told");
        }
        assert_eq!(site.bench.out(), ["log"]);
    }
}

/// Twenty cuts and a location that dies: the media is the same, nothing is fetched twice, memory
/// stays small and nothing is staged.
#[test]
#[ignore = "takes half a minute and 1.3 GiB of disk"]
#[cfg(target_os = "linux")]
fn twenty_cuts_and_a_dead_location_change_nothing() {
    use crate::memory::{LIMIT_KIB, most_memory};

    const PIECE: u64 = 19 << 20;
    let site = Site::new("E2E00003", 400);
    let library = site.library("a");
    let expected = site.expected("cd-dvd");
    let [first, second] = [(); 2].map(|()| FakeDp::new(Options::new(library.root())));
    first.on(Rule::path(&site.name()), Fault::Cut { after: PIECE });
    // After the twentieth piece, in the middle of another.
    first.die_after(20 * PIECE + (PIECE >> 1));

    let mut command = site.create_from("cd-dvd", &[&first.url(), &second.url()]);
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| site.bench.path(name));
    command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
    let mut child = command.spawn().unwrap();
    let most = most_memory(&mut child);
    let code = child.wait().unwrap().code();
    let stderr = fs::read_to_string(stderr).unwrap();
    let ended = Ended { code, stdout: fs::read(stdout).unwrap(), stderr };

    let report = succeeded(&ended);
    assert!(site.take() == expected, "the bytes differ");
    let resumed = events(&report, "resumed");
    assert!(resumed.len() >= 20, "{resumed:#?}");
    let [fell_over] = &*events(&report, "fell-over") else { panic!("{report:#}") };
    assert!(fell_over.contains(&first.url()) && fell_over.contains(&second.url()), "{fell_over}");
    // No start from zero. What is asked for twice are the ranges that show what is in the boot image,
    // and what a cut connection had under way.
    let served = first.sent(&site.name()) + second.sent(&site.name());
    let len = site.wim.len() as u64;
    assert!(served < len + (16 << 20), "{} MiB more", (served - len) >> 20);
    assert!(second.sent(&site.name()) < len - 20 * PIECE + (16 << 20));
    assert!(most > 0 && most < LIMIT_KIB, "{most} KiB");
    println!("{most} KiB at most; {} KiB fetched more than once", (served - len) >> 10);
    assert_eq!(names_in(&site.bench.path("temporary")), [] as [&str; 0]);
}

/// Where a byte is turned over: in the header, among the boot files, in the noise, in the XML.
fn places(wim: &[u8]) -> [usize; 4] {
    [24, 208 + 1000, wim.len() / 2, wim.len() - 100]
}

#[test]
fn a_damaged_copy_is_passed_over_and_told() {
    let site = Site::new("E2E00004", 3);
    let expected = site.expected("cd-dvd");
    let [bad, good] = [site.library("bad"), site.library("good")];
    let good = FakeDp::new(Options::new(good.root()));
    for at in places(&site.wim) {
        let bad = FakeDp::new(Options::new(bad.root()));
        bad.on(Rule::path(&site.name()), Fault::Flip { offset: at as u64 });
        let mut command = site.create_from("cd-dvd", &[&bad.url(), &good.url()]);
        let report = succeeded(&ended(&mut command));
        assert!(site.take() == expected, "byte {at} is wrong");
        let [told] = &*events(&report, "bad-copy") else { panic!("{at}: {report:#}") };
        let digest = Digest::of(&site.wim).to_string();
        for part in [&*bad.url(), &site.name(), &digest, "redistribute"] {
            assert!(told.contains(part), "{at}: {told}");
        }
        assert!(!told.contains(&good.url()), "{at}: {told}");
    }
}

#[test]
fn only_damaged_copies_make_no_media() {
    let site = Site::new("E2E00005", 3);
    let library = site.library("a");
    for at in places(&site.wim) {
        let locations = [(); 2].map(|()| FakeDp::new(Options::new(library.root())));
        for location in &locations {
            location.on(Rule::path(&site.name()), Fault::Flip { offset: at as u64 });
        }
        let urls = locations.each_ref().map(FakeDp::url);
        let ended = ended(&mut site.create_from("cd-dvd", &[&urls[0], &urls[1]]));
        assert_eq!(ended.code, Some(4), "{at}: {}", ended.stderr);
        let digest = Digest::of(&site.wim).to_string();
        for part in [&*urls[1], &site.name(), &digest, "redistribute"] {
            assert!(ended.stderr.contains(part), "{at}, {part}: {}", ended.stderr);
        }
        // The error is about the last copy; the log tells of each.
        assert!(urls.iter().all(|url| holds(&site.log(), url)), "{at}");
        assert_eq!(site.bench.out(), ["log"], "{at}");
    }
}
