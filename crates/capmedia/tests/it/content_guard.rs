//! Nothing is written to a content library that media comes from, whatever its path is spelt like.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use capmedia::{Blame, ContentAccess, Error, MediaPlan, Target, create, refuse_in_library};
use media_model::CaptureMediaRequest;

use crate::library_fixture::LibraryFixture;
use crate::support::{Workshop, noise, small_wim};

const BOOT: &str = "PS100005";

/// `dp/SCCMContentLib` with a boot image and a file on another drive, `expanded`, and links to them.
struct Site {
    workshop: Workshop,
    stored: PathBuf,
}

impl Site {
    fn new() -> Self {
        let wim = small_wim();
        let workshop = Workshop::with_boot_image(&wim);
        let library = LibraryFixture::new(workshop.path("dp/SCCMContentLib"))
            .package(BOOT, 3, &[("boot.PS100005.wim", &wim)])
            .package("PS100001", 2, &[("a.bin", b"on another drive"), ("b.bin", b"here")]);
        library.expand(&workshop.path("expanded"), str::to_owned);
        library.move_to_drive(&workshop.path("dp/SCCMContentLibD"), b"on another drive");
        let stored = library.stored(&wim);
        symlink(workshop.path("dp/SCCMContentLib"), workshop.path("library link")).unwrap();
        symlink(workshop.path("dp/SCCMContentLib/FileLib"), workshop.path("FileLib link")).unwrap();
        symlink(&stored, workshop.path("out/link.iso")).unwrap();
        symlink("link.iso", workshop.path("out/link to link.iso")).unwrap();
        symlink(&stored, workshop.path("out/sum.iso.sha256")).unwrap();
        symlink(stored.with_file_name("new"), workshop.path("out/dangling.iso")).unwrap();
        Self { workshop, stored }
    }

    fn request(&self, location: &Path, output: &Path) -> CaptureMediaRequest {
        let mut request = self.workshop.request("cd-dvd").with_force(true).with_checksum(true);
        request.boot_image = Some(BOOT.into());
        request.distribution_point = vec![location.display().to_string()];
        request.path = vec![output.to_owned()];
        request
    }

    /// Everything but what is in `out`.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.workshop.path("dp"), self.workshop.path("expanded")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        files
    }
}

/// The same path from the current folder, by way of the root.
fn relative(path: &Path) -> PathBuf {
    let here = env::current_dir().unwrap();
    let up = here.components().filter(|part| matches!(part, Component::Normal(_)));
    let down = path.components().filter(|part| matches!(part, Component::Normal(_)));
    up.map(|_| Component::ParentDir).chain(down).collect()
}

#[test]
fn no_output_lies_where_content_is_read() {
    let site = Site::new();
    let path = |name: &str| site.workshop.path(name);
    let before = site.files();
    let library = [
        path("dp"),
        path("dp/SCCMContentLib"),
        path("dp/./SCCMContentLib/"),
        path("out/../dp/SCCMContentLib"),
        path("dp/SCCMContentLib/FileLib/.."),
        path("library link"),
        relative(&path("dp/SCCMContentLib")),
    ];
    let name = site.stored.strip_prefix(path("dp/SCCMContentLib/FileLib")).unwrap();
    let outputs = [
        site.stored.clone(),
        relative(&site.stored),
        path("FileLib link").join(name),
        path("library link/FileLib").join(name),
        path("out/../dp/SCCMContentLib/FileLib").join(name),
        path("library link/../SCCMContentLib/FileLib").join(name),
        path("out/link.iso"),
        path("out/link to link.iso"),
        path("out/sum.iso"),
        path("out/dangling.iso"),
        path("dp/SCCMContentLib/new.iso"),
        path("dp/SCCMContentLib/no folder/new.iso"),
        path("dp/SCCMContentLib"),
        path("dp/SCCMContentLibD/FileLib/new.iso"),
    ];
    let expanded = [
        path("expanded/PS100005.3/boot.PS100005.wim"),
        path("expanded/new.iso"),
        relative(&path("expanded/PS100001.2/b.bin")),
    ];
    let library = library.iter().flat_map(|dp| outputs.iter().map(move |output| (dp, output)));
    let location = path("expanded");
    let expanded = expanded.iter().map(|output| (&location, output));
    for (location, output) in library.chain(expanded) {
        let request = site.request(location, output).check().unwrap();
        let from = format!("{} from {}", output.display(), location.display());
        let refused = |error: Error| {
            assert!(matches!(error, Error::OutputInContent { .. }), "{from}: {error}");
            assert_eq!(error.blame(), Blame::Request);
            assert!(error.to_string().contains("only read"), "{error}");
        };
        refused(create(&request, &mut ()).unwrap_err());
        let content = ContentAccess::new().open(request.content().unwrap()).unwrap();
        refused(MediaPlan::with_content(&request, &content).unwrap_err());
        if !output.ends_with("sum.iso") {
            refused(refuse_in_library(output, request.content().unwrap()).unwrap_err());
        }
        // A plan for another place must not get there either.
        let elsewhere = site.request(location, &path("out/good.iso")).check().unwrap();
        let plan = MediaPlan::with_content(&elsewhere, &content).unwrap();
        let target = Target::of(&request).unwrap();
        refused(plan.publish(&target, &mut ()).unwrap_err());
    }
    assert!(site.files() == before);
    assert!(!path("out/good.iso").exists());
}

#[test]
fn the_discs_of_a_set_do_not_go_there_either() {
    let site = Site::new();
    let path = |name: &str| site.workshop.path(name);
    let mut request = site.request(&path("dp"), &path("out/set.iso"));
    site.workshop.put("large", noise(5 << 20, 1));
    request.media_size = Some("4MB".to_owned());
    request.split_files = true;
    request.add.push(site.workshop.add("large", "large"));
    symlink(&site.stored, path("out/set-2.iso")).unwrap();
    let before = site.files();
    let request = request.check().unwrap();
    let plan = MediaPlan::new(&request).unwrap();
    assert!(plan.volumes().count() > 1);
    let error = plan.publish(&Target::of(&request).unwrap(), &mut ()).unwrap_err();
    assert!(matches!(error, Error::OutputInContent { .. }), "{error}");
    assert!(site.files() == before);
}

#[test]
fn the_cache_is_no_place_for_output_nor_a_location_for_the_cache() {
    let site = Site::new();
    let path = |name: &str| site.workshop.path(name);
    let with_cache = |output: &Path, cache: &Path| {
        let mut request = site.request(&path("dp"), output);
        request.cache = Some(cache.to_owned());
        create(&request.check().unwrap(), &mut ())
    };
    with_cache(&path("out/good.iso"), &path("cache")).unwrap();
    symlink(path("cache"), path("cache link")).unwrap();
    for (output, cache) in [
        ("cache link/x.iso", "cache"),
        ("cache/x.iso", "cache link"),
        ("out/../cache/x.iso", "cache"),
        ("out/x.iso", "dp/SCCMContentLib/cache"),
        ("out/x.iso", "library link"),
        ("out/x.iso", "FileLib link/new"),
    ] {
        let error = with_cache(&path(output), &path(cache)).unwrap_err();
        assert!(matches!(error, Error::OutputInContent { .. }), "{output}, {cache}: {error}");
    }
    assert!(!path("out/x.iso").exists() && !path("dp/SCCMContentLib/cache").exists());
}

#[test]
fn what_lies_beside_a_library_is_no_part_of_it() {
    let site = Site::new();
    let path = |name: &str| site.workshop.path(name);
    fs::write(path("target.iso"), "old").unwrap();
    symlink(path("target.iso"), path("out/away.iso")).unwrap();
    for output in ["dp/capture.iso", "dp/SCCMContentLib.iso", "out/away.iso"] {
        let request = site.request(&path("dp"), &path(output)).check().unwrap();
        create(&request, &mut ()).unwrap();
    }
}
