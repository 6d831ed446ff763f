//! Media whose content comes from distribution points: the same bytes as from files, wherever they
//! come from, and whatever is damaged on the way as long as one copy is right.

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use capmedia::{Blame, Error, Made, MediaPlan, Target, verify};
use dp_content::{
    AccessError, Content, ContentError, ContentOptions, FileId, Listed, Location, Package,
    open_folder,
};
use fat32_image::check::Volume;
use media_model::{CaptureMediaRequest, ConfigMgrError, PackageId};
use wim_image::Architecture;

use crate::boot_index::two_images;
use crate::library_fixture::{FILETIME, LibraryFixture};
use crate::support::{Workshop, make as make_local, noise, pe, small_parts, small_wim, told, wim};

/// Package id of the boot image, and that of files.
pub(crate) const BOOT: &str = "PS100005";
pub(crate) const TOOLS: &str = "PS100001";

/// Files of the second package, with odd names, an empty one and the same bytes twice.
fn tools() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("setup.exe", noise(300_000, 1)),
        ("i386/client.msi", noise(4096, 2)),
        ("x64/a b#c%.txt", b"hello".to_vec()),
        ("x64/hello.txt", b"hello".to_vec()),
        ("empty.txt", Vec::new()),
        ("images/data.wim", data_wim()),
        ("images/disk.bin", noise(2_500_000, 3)),
        ("Sub/Deep/dup.bin", noise(300_000, 1)),
    ]
}

/// A WIM larger than the discs of the test of sets, of files smaller than them.
fn data_wim() -> Vec<u8> {
    let part = |seed: u64| (format!(r"data\{seed}"), noise(700_000, 10 + seed));
    wim(None, &(1..=4).map(part).collect())
}

/// A workshop whose `boot.wim` and folder `tools` are what the package hold, and libraries of the same.
pub(crate) struct Site {
    pub(crate) workshop: Workshop,
    pub(crate) wim: Vec<u8>,
}

impl Site {
    pub(crate) fn new(wim: Vec<u8>) -> Self {
        let workshop = Workshop::with_boot_image(&wim);
        for (path, bytes) in tools() {
            workshop.put(&format!("tools/{path}"), bytes);
        }
        fs::create_dir_all(workshop.path("tools/none/at all")).unwrap();
        set_times(&workshop.path("tools"));
        set_times(&workshop.path("boot.wim"));
        Self { workshop, wim }
    }

    /// A library of both packages in the folder `name`.
    pub(crate) fn library(&self, name: &str) -> LibraryFixture {
        let tools = tools();
        let tools: Vec<_> = tools.iter().map(|(path, bytes)| (*path, &bytes[..])).collect();
        LibraryFixture::new(self.workshop.path(name).join("SCCMContentLib"))
            .package(BOOT, 3, &[("boot.PS100005.wim", &self.wim)])
            .package_with_folders(TOOLS, 2, &tools, &["none/at all"])
    }

    /// From files of this machine.
    fn of_files(&self, kind: &str) -> CaptureMediaRequest {
        self.workshop.request(kind).with_add(self.workshop.add("tools", "Tools")).with_force(true)
    }

    /// From the libraries in these folders.
    pub(crate) fn of_libraries(&self, kind: &str, names: &[&str]) -> CaptureMediaRequest {
        let mut request = self.boot_image_alone(kind, names);
        request.package.push(format!("{TOOLS}=Tools"));
        request
    }

    pub(crate) fn boot_image_alone(&self, kind: &str, names: &[&str]) -> CaptureMediaRequest {
        let mut request = self.workshop.request(kind).with_force(true);
        request.boot_image = Some(BOOT.into());
        let folders = names.iter().map(|name| self.workshop.path(name).display().to_string());
        request.distribution_point = folders.collect();
        request
    }
}

/// Gives everything at and below a path the time of the fixture's files.
fn set_times(path: &Path) {
    let since_1601 = Duration::from_nanos(FILETIME % 10_000_000 * 100)
        + Duration::from_secs(FILETIME / 10_000_000);
    let time = SystemTime::UNIX_EPOCH + (since_1601 - Duration::from_secs(11_644_473_600));
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| set_times(&entry.unwrap().path()));
    }
    let mut options = File::options();
    // Windows sets times through what was opened for writing, and opens folders on demand
    // (FILE_FLAG_BACKUP_SEMANTICS); Unix opens no folder for writing.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(options.write(true), 0x0200_0000);
    options.read(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Content at the folders that a request names.
pub(crate) fn content(request: &CaptureMediaRequest) -> Content {
    let locations = request.distribution_point.iter();
    let locations = locations.map(|folder| open_folder(Path::new(folder)).unwrap());
    Content::with_locations(locations.collect(), ContentOptions::new())
}

fn make(request: &CaptureMediaRequest) -> Result<Made, Error> {
    make_from(request, &content(request))
}

fn make_from(request: &CaptureMediaRequest, content: &Content) -> Result<Made, Error> {
    let request = request.check().expect("a request without problems");
    let target = Target::of(&request).unwrap();
    MediaPlan::with_content(&request, content)?.publish(&target, &mut ())
}

pub(crate) fn images(made: &Made) -> Vec<Vec<u8>> {
    made.images.iter().map(|image| fs::read(&image.path).unwrap()).collect()
}

/// A boot image of so many MiB.
pub(crate) fn large_wim(mebibytes: u64) -> Vec<u8> {
    let mut parts = small_parts(Architecture::Amd64);
    for at in 0..mebibytes {
        parts.insert(format!(r"Windows\{at:02}"), noise(1 << 20, 100 + at));
    }
    wim(Some(Architecture::Amd64), &parts)
}

#[test]
fn media_are_the_same_wherever_content_comes_from() {
    let site = Site::new(small_wim());
    site.library("a");
    let expanded = site.workshop.path("expanded");
    site.library("b").expand(&expanded, str::to_owned);
    set_times(&expanded);
    for (kind, media_size) in
        [("usb", None), ("cd-dvd", None), ("hybrid", None), ("cd-dvd", Some("2MB"))]
    {
        let change = |mut request: CaptureMediaRequest| {
            if kind == "usb" {
                request = request.with_image_size("48MiB");
            }
            request.media_size = media_size.map(str::to_owned);
            request.with_split_files(media_size.is_some())
        };
        let from_files = make_local(&change(site.of_files(kind))).unwrap();
        let expected = images(&from_files);
        assert_eq!(expected.len() > 1, media_size.is_some());
        let made = make(&change(site.of_libraries(kind, &["a"]))).unwrap();
        assert!(images(&made) == expected, "{kind} differs");
        let summary = made.summary;
        assert_eq!(summary.set_id, from_files.summary.set_id);
        assert_eq!(summary.warnings, from_files.summary.warnings, "{kind}");
        let content = summary.content.unwrap();
        assert_eq!(content.events, []);
        let [boot, tools] = &*content.packages else { panic!("{:?}", content.packages) };
        assert_eq!((&*boot.id, &*boot.content_id, &boot.media_path), (BOOT, "PS100005.3", &None));
        assert_eq!((boot.files, boot.bytes), (1, site.wim.len() as u64));
        assert_eq!(
            (&*tools.content_id, tools.media_path.as_deref()),
            ("PS100001.2", Some("Tools"))
        );
        assert_eq!(tools.files, 8);
        assert!(tools.location.contains("SCCMContentLib"), "{}", tools.location);
    }
    let expected = images(&make_local(&site.of_files("cd-dvd")).unwrap());
    let made = make(&site.of_libraries("cd-dvd", &["expanded"])).unwrap();
    assert!(images(&made) == expected, "that of expanded packages differs");
}

#[test]
fn a_copy_with_another_header_is_the_same_too() {
    let site = Site::new(two_images(Some(1)));
    site.library("a");
    for kind in ["usb", "cd-dvd"] {
        let from_file = site.workshop.request(kind).with_force(true).with_boot_index(2);
        let expected = images(&make_local(&from_file).unwrap());
        let request = site.boot_image_alone(kind, &["a"]).with_boot_index(2);
        assert!(images(&make(&request).unwrap()) == expected, "{kind} differs");
    }
}

/// Where a byte of the boot image is turned over, and what it is there.
fn places(wim: &[u8]) -> Vec<(usize, &'static str)> {
    // The header's resource entries: seven bytes of length, a byte of flags, the offset.
    let offset =
        |entry: usize| u64::from_le_bytes(wim[entry + 8..entry + 16].try_into().unwrap()) as usize;
    let find = |text: &[u8]| wim.windows(text.len()).position(|window| window == text).unwrap();
    vec![
        (0, "the magic number"),
        (13, "the version"),
        (44, "the number of images"),
        (120, "the boot index"),
        (offset(48) + 8, "the lookup table"),
        (offset(96) + 60, "the metadata"),
        (offset(72) + 20, "the XML"),
        (find(b"stands in for bootmgr"), "a boot file"),
        (find(&pe(Architecture::Amd64)) + 0x84, "the machine of a boot manager"),
        (wim.len() / 2, "the middle"),
        (wim.len() - 1, "the end"),
    ]
}

#[test]
fn a_damaged_copy_is_named_and_the_other_one_is_used() {
    let site = Site::new(small_wim());
    let expected = {
        let request = site.workshop.request("cd-dvd").with_force(true);
        images(&make_local(&request).unwrap())
    };
    for (at, what) in places(&site.wim) {
        let (good, bad) = (format!("good {at}"), format!("bad {at}"));
        site.library(&good);
        site.library(&bad).flip_byte(&site.wim, at);
        let made = make(&site.boot_image_alone("cd-dvd", &[&bad, &good]))
            .unwrap_or_else(|error| panic!("{what}: {}", told(&error)));
        assert!(images(&made) == expected, "{what}");
        let warnings: Vec<_> = made.summary.warnings.iter().map(|w| w.as_str()).collect();
        let named = warnings.iter().filter(|warning| warning.contains("is damaged"));
        let [named] = &*named.collect::<Vec<_>>() else { panic!("{what}: {warnings:?}") };
        assert!(named.contains(&bad) && named.contains("boot.PS100005.wim"), "{what}: {named}");
        let events = made.summary.content.unwrap().events;
        assert_eq!(events.iter().filter(|event| event.kind == "bad-copy").count(), 1, "{what}");

        // The good copy first: nobody asks the other.
        let made = make(&site.boot_image_alone("cd-dvd", &[&good, &bad])).unwrap();
        assert_eq!(made.summary.content.unwrap().events, [], "{what}");
    }
}

#[test]
fn where_all_copies_are_damaged_no_image_is_made() {
    let site = Site::new(small_wim());
    for (at, what) in places(&site.wim) {
        let names = [format!("one {at}"), format!("two {at}")];
        names.iter().for_each(|name| site.library(name).flip_byte(&site.wim, at));
        let request = site.boot_image_alone("cd-dvd", &[&names[0], &names[1]]);
        let path = request.path[0].clone();
        fs::write(&path, "old").unwrap();
        let error = make(&request).unwrap_err();
        let text = told(&error);
        assert_eq!(error.blame(), Blame::Content, "{what}: {text}");
        assert_eq!(error.config_mgr_error(), Some(ConfigMgrError::HashValue), "{what}: {text}");
        assert!(text.contains(&names[1]) && text.contains("redistribute"), "{what}: {text}");
        assert!(text.contains("boot.PS100005.wim"), "{what}: {text}");
        assert_eq!(fs::read(&path).unwrap(), b"old", "{what}");
        assert_eq!(site.workshop.out(), ["capture.iso"], "{what}");
    }
}

#[test]
fn a_package_with_damaged_files_is_taken_from_elsewhere() {
    let site = Site::new(small_wim());
    let expected = images(&make_local(&site.of_files("cd-dvd")).unwrap());
    let (bad, good) = (site.library("bad"), site.library("good"));
    let files = tools();
    bad.flip_byte(&files[0].1, 299_999);
    bad.flip_byte(&files[1].1, 0);
    // Another one of the other location, and each file is right somewhere.
    good.flip_byte(b"hello", 2);
    let request = site.of_libraries("cd-dvd", &["bad", "good"]);
    let made = make(&request).unwrap();
    assert!(images(&made) == expected);
    let events = made.summary.content.unwrap().events;
    let damaged: Vec<_> = events.iter().filter(|event| event.kind == "bad-copy").collect();
    assert_eq!(damaged.len(), 2, "{events:?}");
    assert!(damaged.iter().all(|event| event.is_warning() && event.text.contains("bad")));

    // Nor is what has another length.
    bad.store_instead(&files[1].1, b"short");
    bad.remove_stored(&files[0].1);
    assert!(images(&make(&request).unwrap()) == expected);
    good.remove_stored(&files[0].1);
    let before = site.workshop.out();
    let error = make(&request).unwrap_err();
    assert_eq!(error.blame(), Blame::Content, "{}", told(&error));
    assert_eq!(site.workshop.out(), before);
}

#[test]
fn what_went_into_a_pipe_cannot_be_taken_back() {
    let wim = large_wim(4);
    // Where no range is that a plan needs.
    let noise = noise(64, 102);
    let at = wim.windows(64).position(|window| window == noise).unwrap();
    let site = Site::new(wim);
    site.library("bad").flip_byte(&site.wim, at + (1 << 19));
    site.library("good");
    let request = site.boot_image_alone("cd-dvd", &["bad", "good"]);
    let content = content(&request);
    let checked = request.check().unwrap();
    let plan = MediaPlan::with_content(&checked, &content).unwrap();
    let mut out = Vec::new();
    let error = plan.write_to(&mut out, &mut ()).unwrap_err();
    let text = told(&error);
    assert!(matches!(error, Error::WentOut(_)) && !out.is_empty(), "{text}");
    assert_eq!(error.blame(), Blame::Content);
    for part in ["discard it", "--path", "--distribution-point", "boot.PS100005.wim"] {
        assert!(text.contains(part), "{part} not in: {text}");
    }
    // The same run can make it into a file, or a pipe that is empty.
    let plan = MediaPlan::with_content(&checked, &content).unwrap();
    let mut again = Vec::new();
    let made = plan.write_to(&mut again, &mut ()).unwrap();
    assert!(verify(std::io::Cursor::new(again), &mut ()).unwrap().is_clean());
    assert!(made.summary.warnings.iter().any(|warning| warning.as_str().contains("is damaged")));
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let site = Site::new(small_wim());
    site.library("a");
    LibraryFixture::new(site.workshop.path("b").join("SCCMContentLib")).package(
        "PS1000AA",
        1,
        &[("a.txt", b"a")],
    );
    let mut request = site.of_libraries("cd-dvd", &["a", "b"]);
    request.package.push("PS1000AA=A".into());
    let made = make(&request).unwrap();
    let packages = made.summary.content.unwrap().packages;
    assert!(packages[0].location.contains("a") && packages[2].location.contains("b"));
    for id in ["PS1000FE", "PS1000FF", "PS1000AA.2"] {
        request.package.push(format!("{id}=X/{id}"));
    }
    let error = make(&request).unwrap_err();
    let Error::Packages(missing) = &error else { panic!("{error}") };
    assert_eq!(missing.rows().len(), 6);
    let text = told(&error);
    for part in ["3 packages", "PS1000FE", "PS1000FF", "PS1000AA.2", "PS1000AA.1"] {
        assert!(text.contains(part), "{part} not in: {text}");
    }
    assert!(!text.contains("PS100005"), "{text}");
    assert_eq!(error.blame(), Blame::Content);
    assert_eq!(error.config_mgr_error(), Some(ConfigMgrError::MissingPackage));
}

#[test]
fn a_boot_image_package_holds_one_boot_image() {
    let site = Site::new(small_wim());
    let library = |name: &str, files: &[(&str, &[u8])]| {
        let root = site.workshop.path(name).join("SCCMContentLib");
        LibraryFixture::new(root).package(BOOT, 1, files);
        make(&site.boot_image_alone("usb", &[name]))
    };
    for (name, files) in [
        ("none", &[("setup.exe", &b"x"[..])][..]),
        ("two", &[("a.wim", &site.wim[..]), ("sub/b.WIM", b"x")]),
    ] {
        let error = library(name, files).unwrap_err();
        assert!(matches!(&error, Error::Content(_)), "{error}");
        assert_eq!(error.blame(), Blame::Content);
        let text = told(&error);
        assert!(text.contains("PS100005.1") && text.contains("*.wim"), "{text}");
        assert!(name == "none" || text.contains("a.wim") && text.contains("b.WIM"), "{text}");
    }
    library("named", &[("a.wim", b"x"), ("boot.ps100005.WIM", &site.wim)]).unwrap();
    assert_eq!(site.workshop.out(), ["capture.img"]);
}

#[test]
fn names_and_attributes_of_a_package() {
    let site = Site::new(small_wim());
    let library = site.library("a");
    let ini = library.file_ini("PS100001.2", "setup.exe");
    library.edit(&ini, "Attributes=00000020", "Attributes=00000023");
    let request = site.of_libraries("usb", &["a"]);
    let request = request.with_image_size("48MiB");
    let made = make(&request).unwrap();
    let mut image = File::open(&made.path).unwrap();
    let range = disk_image::read(&mut image).unwrap().partitions()[0].range();
    let mut volume = Volume::open(&mut image, range.start, range.end - range.start).unwrap();
    let marked = volume.walk().unwrap().into_iter().filter(|entry| entry.attributes() & 3 == 3);
    assert_eq!(marked.map(|entry| entry.path()).collect::<Vec<_>>(), ["Tools/setup.exe"]);
    // It is replaced, which Windows refuses while it is open.
    drop(image);

    // No time, no digest for the package.
    let ini = library.file_ini("PS100005.3", "boot.PS100005.wim");
    library.edit(&ini, &format!("TimeModified={FILETIME}\r\n"), "");
    let made = make(&request).unwrap();
    let warnings = &made.summary.warnings;
    assert!(warnings.iter().any(|w| w.as_str().contains("1980-01-01")), "{warnings:?}");

    // A name that media cannot have; nor can files of Windows, and so no library there.
    if cfg!(windows) {
        return;
    }
    let root = site.workshop.path("names").join("SCCMContentLib");
    LibraryFixture::new(root).package(BOOT, 3, &[("boot.PS100005.wim", &site.wim)]).package(
        TOOLS,
        2,
        &[("sub/what?.txt", b"x")],
    );
    let error = make(&site.of_libraries("cd-dvd", &["names"])).unwrap_err();
    let text = told(&error);
    assert_eq!(error.blame(), Blame::Content, "{text}");
    assert!(text.contains("PS100001.2") && text.contains("sub/what?.txt"), "{text}");
}

/// A location that counts what it is asked for.
pub(crate) struct Counting {
    pub(crate) inner: Arc<dyn Location>,
    pub(crate) opened: Arc<AtomicUsize>,
    pub(crate) bytes: Arc<AtomicUsize>,
}

impl Location for Counting {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        self.inner.packages()
    }

    fn package(&self, id: &PackageId) -> Result<Package, ContentError> {
        self.inner.package(id)
    }

    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let bytes = Arc::clone(&self.bytes);
        let reader = self.inner.open(file, range)?;
        Ok(Box::new(Counted { reader, bytes }))
    }
}

struct Counted<'a> {
    reader: Box<dyn Read + Send + 'a>,
    bytes: Arc<AtomicUsize>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buf)?;
        self.bytes.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }
}

#[test]
fn a_plan_fetches_a_few_ranges_and_media_each_byte_once() {
    let site = Site::new(large_wim(24));
    site.library("a");
    let (opened, bytes) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let inner = open_folder(&site.workshop.path("a")).unwrap();
    let counting = Counting { inner, opened: Arc::clone(&opened), bytes: Arc::clone(&bytes) };
    let content = Content::with_locations(vec![Arc::new(counting)], ContentOptions::new());
    let request = site.of_libraries("cd-dvd", &["a"]);
    let checked = request.check().unwrap();
    let plan = MediaPlan::with_content(&checked, &content).unwrap();
    let (of_plan, fetched) = (opened.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed));
    assert!(of_plan <= 20, "{of_plan} requests for a plan");
    assert!(fetched <= 6 << 20, "{fetched} bytes for a plan");
    let made = plan.publish(&Target::of(&checked).unwrap(), &mut ()).unwrap();
    let (opened, bytes) = (opened.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed));
    let whole: u64 = made.summary.content.unwrap().packages.iter().map(|p| p.bytes).sum();
    assert!(bytes as u64 <= whole + (12 << 20), "{bytes} bytes fetched of {whole}");
    // One for each file, and those of the boot image's parts.
    assert!(opened - of_plan <= 8 + 20, "{} requests for media", opened - of_plan);
}

#[test]
fn a_package_counts_as_on_the_media_wherever_it_is_put() {
    let site = Site::new(small_wim());
    site.library("a");
    let mut sequence = media_model::task_sequence::CaptureOptions::new().sequence();
    sequence.references.references.push(media_model::task_sequence::PackageReference::new(TOOLS));
    let path = site.workshop.put("sequence.xml", sequence.to_xml().unwrap());
    let request = |request: CaptureMediaRequest| request.with_task_sequence(&path);
    let missing = make(&request(site.boot_image_alone("cd-dvd", &["a"]))).unwrap_err();
    assert!(told(&missing).contains(TOOLS), "{}", told(&missing));
    make(&request(site.of_libraries("cd-dvd", &["a"]))).unwrap();
}

#[test]
fn nothing_is_left_of_a_set_whose_content_is_damaged() {
    let site = Site::new(small_wim());
    site.library("a").flip_byte(&data_wim(), 1_000_000);
    let mut request = site.of_libraries("cd-dvd", &["a"]).with_split_files(true);
    request.media_size = Some("2MB".into());
    // The parts of a WIM are on discs that are written already when the last of its bytes is read.
    let error = make(&request).unwrap_err();
    let text = told(&error);
    assert!(text.contains("data.wim of PS100001.2"), "{text}");
    assert_eq!(error.blame(), Blame::Content, "{text}");
    assert!(site.workshop.out().is_empty());
}

#[test]
fn the_password_of_the_account_stays_off_the_media() {
    let site = Site::new(small_wim());
    site.library("a");
    let password = site.workshop.put("tools/password.txt", "Geheim-4711");
    let request = site.boot_image_alone("cd-dvd", &["a"]).with_add(site.workshop.add("tools", "T"));
    let mut request = request;
    request.user = Some(r"CONTOSO\reader".into());
    request.password_file = Some(password);
    let error = make(&request).unwrap_err();
    let text = told(&error);
    assert!(text.contains("password.txt") && text.contains("--add"), "{text}");
    request.add.clear();
    let made = make(&request).unwrap();
    let shown = serde_json::to_string(&made).unwrap() + &format!("{made:?}");
    assert!(!shown.contains("Geheim") && !shown.contains("reader"));
}
