//! What cannot be done is refused with the file and the way out, and leaves nothing behind.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::ControlFlow;

use capmedia::{Blame, Error, MediaPlan, PublishError, Target, create};
use extent_image::StreamError;
use media_model::CaptureMediaRequest;
use wim_image::Architecture;

use crate::places::X64;
use crate::support::{
    Workshop, assert_sound, make, noise, pe, small_parts, small_wim, sparse, told, wim,
};

const KINDS: [&str; 2] = ["cd-dvd", "usb"];

/// The request must fail, say all of `says`, and leave `out` as it was.
#[track_caller]
fn assert_refused(workshop: &Workshop, request: &CaptureMediaRequest, blame: Blame, says: &[&str]) {
    let before = workshop.out();
    let error = make(request).expect_err("media was made");
    let text = told(&error);
    for part in says {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
    assert_eq!(error.blame(), blame, "{text}");
    assert_eq!(workshop.out(), before, "{text}");
}

/// Makes a request with an image in its place that must survive.
fn over_an_old_image(workshop: &Workshop, kind: &str) -> CaptureMediaRequest {
    let request = workshop.request(kind).with_force(true);
    fs::write(&request.path[0], "old").unwrap();
    request
}

fn assert_old(request: &CaptureMediaRequest) {
    assert_eq!(fs::read(&request.path[0]).unwrap(), b"old");
}

#[test]
fn no_boot_manager_anywhere() {
    let mut parts = small_parts(Architecture::Amd64);
    let manager = r"Windows\Boot\EFI\bootmgfw.efi";
    parts.remove(manager);
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Amd64), &parts));
    let in_image = format!(r"{}:\{manager}", workshop.path("boot.wim").display());
    for kind in KINDS {
        let request = workshop.request(kind);
        let says = [r"EFI\Boot\bootx64.efi", &*in_image, "--boot-files DIR"];
        assert_refused(&workshop, &request, Blame::Input, &says);

        fs::create_dir_all(workshop.path("none")).unwrap();
        let in_folder = ["EFI/Boot/bootx64.efi", "media/EFI/Boot/bootx64.efi", "bootmgfw.efi"]
            .map(|name| workshop.path(&format!("none/{name}")).display().to_string());
        let says = [&*in_image, &in_folder[0], &in_folder[1], &in_folder[2]];
        let request = request.with_boot_files(workshop.path("none"));
        assert_refused(&workshop, &request, Blame::Input, &says);
    }
    // Every needed file in one message, and not those that are merely nice to have.
    let workshop = Workshop::with_boot_image(&wim(
        Some(Architecture::Amd64),
        &[(r"Windows\System32\a.dll".to_owned(), vec![1])].into(),
    ));
    let needed = ["bootmgr", "bootx64.efi", "boot.sdi"];
    for kind in KINDS {
        let request = workshop.request(kind);
        assert_refused(&workshop, &request, Blame::Input, &needed);
        let error = told(&make(&request).unwrap_err());
        for name in ["etfsboot.com", "efisys.bin", "bootfix.bin", "memtest", "bcd"] {
            assert!(!error.contains(name), "{error}");
        }
    }
}

#[test]
fn architectures_that_do_not_fit() {
    let parts = small_parts(Architecture::Arm64);
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Amd64), &parts));
    let says =
        ["boot.wim is for x64", r"bootmgfw.efi is a boot manager for arm64", "belong together"];
    assert_refused(&workshop, &workshop.request("cd-dvd"), Blame::Input, &says);

    // The boot files given are looked at too.
    let workshop = Workshop::with_boot_image(&small_wim());
    let manager = workshop.put("adk/bootmgfw.efi", pe(Architecture::X86));
    let request = workshop.request("usb").with_boot_files(workshop.path("adk"));
    let manager = format!("{} is a boot manager for x86", manager.display());
    let says = ["boot.wim is for x64", &*manager];
    assert_refused(&workshop, &request, Blame::Input, &says);

    let workshop =
        Workshop::with_boot_image(&wim(Some(Architecture::Ia64), &small_parts(Architecture::Ia64)));
    let says = ["boot.wim is for ia64", "x64, x86 and arm64"];
    assert_refused(&workshop, &workshop.request("cd-dvd"), Blame::Input, &says);

    let mut parts = small_parts(Architecture::Amd64);
    parts.insert(r"Windows\Boot\EFI\bootmgfw.efi".into(), b"no program".to_vec());
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Amd64), &parts));
    let says = ["bootmgfw.efi cannot be a boot manager", "--boot-files", "no MZ signature"];
    assert_refused(&workshop, &workshop.request("cd-dvd"), Blame::Input, &says);

    // Without a word in the XML the boot manager decides.
    let workshop = Workshop::with_boot_image(&wim(None, &small_parts(Architecture::Amd64)));
    assert_eq!(make(&workshop.request("cd-dvd")).unwrap().summary.architecture, "x64");
}

#[test]
fn what_is_no_boot_image() {
    let workshop = Workshop::new();
    for (name, bytes, says) in [
        ("empty.wim", &b""[..], "WIM"),
        ("text.wim", b"not a WIM at all, only text that goes on for more than a header has", "WIM"),
        ("pipable.wim", &[&b"WLPWM\0\0\0"[..], &[0; 300]].concat(), "pipable"),
    ] {
        let mut request = workshop.request("cd-dvd");
        request.boot_image = Some(workshop.put(name, bytes));
        assert_refused(&workshop, &request, Blame::Input, &[name, says]);
    }
    for name in ["missing.wim", "out"] {
        let mut request = workshop.request("cd-dvd");
        request.boot_image = Some(workshop.path(name));
        assert_refused(&workshop, &request, Blame::Input, &["cannot open the boot image", name]);
    }
    let mut parts = small_parts(Architecture::Amd64);
    parts.remove(X64[0].1);
    let image = wim_image::write::ImageBuilder::new("no boot", capmedia::sample::TIME);
    let not_bootable = wim_image::write::WimBuilder::new().with_image(image).to_vec().unwrap();
    let workshop = Workshop::with_boot_image(&not_bootable);
    let says = ["boot.wim", "boot index 0", "--boot-index 1,"];
    assert_refused(&workshop, &workshop.request("usb"), Blame::Input, &says);
}

/// Windows would not hold such names in the first place.
#[test]
#[cfg(unix)]
fn names_that_media_cannot_hold() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let long = "n".repeat(70);
    let add = |workshop: &Workshop, kind, folder: &str| {
        workshop.request(kind).with_add(workshop.add(folder, "x"))
    };
    // 64 UTF-16 units are what Joliet holds; UDF and FAT hold 254 and 255.
    workshop.put(&format!("long/{long}"), "x");
    workshop.put("semicolon/a;b", "x");
    for (folder, name) in [("long", &*long), ("semicolon", "a;b")] {
        let request = add(&workshop, "cd-dvd", folder);
        let joliet_alone = request.clone().with_file_system("iso");
        assert_refused(&workshop, &joliet_alone, Blame::Input, &[name, "Joliet", "rename"]);
        let made = make(&request).unwrap();
        let warning = made.summary.warnings[0].to_string();
        assert!(made.summary.warnings.len() == 1 && warning.contains(name), "{warning}");
        let path = workshop.path("out/capture.iso");
        assert_sound(&path);
        let files =
            crate::support::disc_files(File::open(&path).unwrap(), iso9660_image::TreeKind::Udf);
        assert!(files.contains_key(&format!("x/{name}")));
        fs::remove_file(path).unwrap();
        make(&add(&workshop, "usb", folder)).unwrap();
        fs::remove_file(workshop.path("out/capture.img")).unwrap();
    }

    for (name, says) in [
        ("a:b", "':'"),
        ("dot.", "ends in a dot or space"),
        ("space ", "ends in a dot or space"),
        (r"back\slash", "'\\\\'"),
        ("control\u{7}", "'\\u{7}'"),
    ] {
        let folder = format!("bad{}", name.len());
        let path = workshop.put(&format!("{folder}/below/{name}"), "x");
        for kind in KINDS {
            let path = path.display().to_string();
            let request = add(&workshop, kind, &folder);
            assert_refused(&workshop, &request, Blame::Input, &[&*path, says]);
        }
        fs::remove_dir_all(workshop.path(&folder)).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn names_and_things_of_unix_alone() {
    use std::os::unix::ffi::OsStrExt;
    let workshop = Workshop::with_boot_image(&small_wim());
    fs::create_dir(workshop.path("odd")).unwrap();
    let name = std::ffi::OsStr::from_bytes(b"latin \xE4");
    fs::write(workshop.path("odd").join(name), "x").unwrap();
    let request = workshop.request("usb").with_add(workshop.add("odd", ""));
    assert_refused(&workshop, &request, Blame::Input, &["latin", "not valid Unicode; rename it"]);

    fs::create_dir(workshop.path("linked")).unwrap();
    std::os::unix::fs::symlink(workshop.path("out"), workshop.path("linked/out")).unwrap();
    let request = workshop.request("usb").with_add(workshop.add("linked", ""));
    assert_refused(&workshop, &request, Blame::Input, &["linked/out is a link to a folder"]);

    let request = workshop.request("usb").with_add("/dev/null=null");
    assert_refused(&workshop, &request, Blame::Input, &["/dev/null", "not a regular file"]);
}

#[test]
fn two_names_that_differ_only_in_case() {
    let workshop = Workshop::with_boot_image(&small_wim());
    workshop.put("tools/a.txt", "1");
    workshop.put("tools/A.txt", "2");
    if fs::read_dir(workshop.path("tools")).unwrap().count() < 2 {
        return; // The file system here is one that takes them for one.
    }
    for kind in KINDS {
        let request = workshop.request(kind).with_add(workshop.add("tools", "Tools"));
        let says = ["tools/a.txt", "tools/A.txt", "rename"];
        assert_refused(&workshop, &request, Blame::Request, &says);
    }
}

#[test]
fn what_is_to_be_added_is_not_there() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let request = workshop.request("usb").with_add(workshop.add("missing", "x"));
    let says = ["missing", "which is to be added", "os error 2"];
    assert_refused(&workshop, &request, Blame::Input, &says);
    let request = workshop.request("usb").with_boot_files(workshop.path("boot.wim"));
    assert_refused(&workshop, &request, Blame::Input, &["folder of boot files", "boot.wim"]);
    workshop.put("file", "x");
    let request = workshop.request("usb").with_add(workshop.add("file", ""));
    assert_refused(&workshop, &request, Blame::Request, &["file", "after the `=`"]);
}

#[test]
fn files_of_4_gib() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let big = workshop.path("big");
    sparse(&big, 1 << 32);
    let request = workshop.request("usb").with_add(workshop.add("big", "Big.bin"));
    let says = ["Big.bin", "4294967296 bytes", "4294967295", "leave it out"];
    assert_refused(&workshop, &request, Blame::Input, &says);
    // A disc has it in sections in one tree and whole in another.
    for file_system in ["bridge", "iso"] {
        let request = workshop.request("cd-dvd").with_file_system(file_system);
        let request = request.with_add(workshop.add("big", "Big.bin"));
        let media = MediaPlan::new(&request.check().unwrap()).unwrap();
        assert!(media.plan().len() > 1 << 32);
    }
    // One byte less can be planned.
    sparse(&big, (1 << 32) - 1);
    for kind in KINDS {
        let mut request = workshop.request(kind).with_add(workshop.add("big", "Big.bin"));
        request.image_size = None;
        let plan = MediaPlan::new(&request.check().unwrap()).unwrap();
        assert!(plan.plan().len() > 1 << 32);
    }
    assert!(workshop.out().is_empty());
}

#[test]
fn more_than_the_media_holds() {
    let workshop = Workshop::new();
    let request = over_an_old_image(&workshop, "cd-dvd").with_media_size("3MB");
    let says = ["sectors", "1536", "the smallest media size that would do is 5MB"];
    assert_refused(&workshop, &request, Blame::Request, &says);
    assert_old(&request);
    sparse(&workshop.path("big"), 660 << 20);
    let request = request.with_add(workshop.add("big", "big")).with_media_size("650MB");
    assert_refused(&workshop, &request, Blame::Request, &["332800", "661MB", "--split-files"]);
    let request = workshop.request("cd-dvd").with_media_size("5MB").with_force(true);
    make(&request).unwrap();
}

#[test]
fn labels_that_are_none() {
    let workshop = Workshop::with_boot_image(&small_wim());
    for label in ["", "Größe", "tab\t", &"n".repeat(33)] {
        let problems = workshop.request("usb").with_label(label).check().unwrap_err();
        let [problem] = &*problems else { panic!("{problems:?}") };
        assert_eq!(problem.option(), "label");
        assert!(problem.remedy().contains("1 to 32 printable ASCII characters"));
    }
}

#[test]
fn outputs_that_are_none() {
    let workshop = Workshop::with_boot_image(&small_wim());
    for kind in KINDS {
        let mut request = workshop.request(kind);
        request.path = vec![workshop.path("no/such/a.iso")];
        let folder = workshop.path("no/such").display().to_string();
        let says = [&*folder, "does not exist; create it first"];
        assert_refused(&workshop, &request, Blame::Output, &says);
        request.path = vec![workshop.path("out")];
        assert_refused(&workshop, &request, Blame::Output, &["out is a folder"]);

        let request = over_an_old_image(&workshop, kind).with_force(false);
        assert_refused(&workshop, &request, Blame::Output, &["exists already", "--force"]);
        assert_old(&request);
    }
    // So is an old checksum that nobody said may go.
    let request = workshop.request("cd-dvd").with_checksum(true);
    fs::rename(workshop.path("out/capture.iso"), workshop.path("out/capture.iso.sha256")).unwrap();
    assert_refused(&workshop, &request, Blame::Output, &["capture.iso.sha256 exists already"]);
}

/// Takes some bytes and then has no room.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = buf.len().min(self.0);
        self.0 -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_pipe_that_takes_no_more() {
    let workshop = Workshop::with_boot_image(&small_wim());
    for kind in KINDS {
        for room in [0, 1, 40_000] {
            let mut request = workshop.request(kind);
            request.path = vec!["-".into()];
            let media = MediaPlan::new(&request.check().unwrap()).unwrap();
            let error = media.write_to(Full(room), &mut ()).unwrap_err();
            assert_eq!(error.blame(), Blame::Output);
            assert!(told(&error).contains("no storage space"), "{}", told(&error));
        }
    }
    assert!(workshop.out().is_empty());
}

/// What happens to a source between plan and stream.
type Mishap = fn(&std::path::Path);

const MISHAPS: [(&str, Mishap); 5] = [
    ("shorter", |path| File::options().write(true).open(path).unwrap().set_len(100).unwrap()),
    ("longer", |path| File::options().append(true).open(path).unwrap().write_all(b"+").unwrap()),
    ("replaced by one of the same length", |path| {
        let len = fs::metadata(path).unwrap().len();
        let other = path.with_extension("other");
        fs::write(&other, vec![7; len as usize]).unwrap();
        fs::rename(&other, path).unwrap();
    }),
    ("written to", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, bytes).unwrap();
    }),
    ("gone", |path| fs::remove_file(path).unwrap()),
];

#[test]
fn sources_that_change_after_the_plan() {
    for kind in KINDS {
        for (what, mishap) in MISHAPS {
            for source in ["boot.wim", "data.bin"] {
                let makes_way = what.starts_with("replaced") || what == "gone";
                if cfg!(windows) && source == "boot.wim" && makes_way {
                    continue; // The plan has it open, and Wine lets nobody take its name then.
                }
                let workshop = Workshop::with_boot_image(&small_wim());
                let path = workshop.put("data.bin", noise(70_000, 3));
                let add = workshop.add("data.bin", "data.bin");
                let request = over_an_old_image(&workshop, kind).with_add(add).with_checksum(true);
                let checked = request.check().unwrap();
                let plan = MediaPlan::new(&checked).unwrap();
                mishap(&path.with_file_name(source));
                let error = plan.publish(&Target::of(&checked).unwrap(), &mut ());
                let error = error.expect_err(what);
                let text = told(&error);
                assert!(text.contains(source), "{what}: {text}");
                assert_eq!(error.blame(), Blame::Input, "{what}: {text}");
                if what != "gone" {
                    assert!(text.contains("changed while it was being read"), "{what}: {text}");
                }
                assert_old(&request);
                assert_eq!(workshop.out().len(), 1, "{what}: {:?}", workshop.out());
            }
        }
    }
}

#[test]
fn a_source_that_changes_while_it_is_read() {
    for kind in KINDS {
        let workshop = Workshop::with_boot_image(&small_wim());
        let path = workshop.put("data.bin", noise(12 << 20, 4));
        let request = over_an_old_image(&workshop, kind).with_add(workshop.add("data.bin", "data"));
        let checked = request.check().unwrap();
        let plan = MediaPlan::new(&checked).unwrap();
        let mut shrink = |done, _| {
            if done > 3 << 20 {
                File::options().write(true).open(&path).unwrap().set_len(5 << 20).unwrap();
            }
            ControlFlow::Continue(())
        };
        let error = plan.publish(&Target::of(&checked).unwrap(), &mut shrink).unwrap_err();
        let Error::Publish(PublishError::Stream { source, .. }) = &error else { panic!("{error}") };
        let StreamError::SourceChanged { planned, found, .. } = source else { panic!("{source}") };
        assert_eq!((*planned, *found), (12 << 20, 5 << 20));
        assert_eq!(error.blame(), Blame::Input);
        assert!(told(&error).contains("data.bin"));
        assert_old(&request);
        assert_eq!(workshop.out().len(), 1);
    }
}

#[test]
fn a_run_that_is_stopped_anywhere_leaves_the_old_image() {
    let workshop = Workshop::new();
    for kind in KINDS {
        let request = over_an_old_image(&workshop, kind);
        let checked = request.check().unwrap();
        let mut calls = 0;
        make(&request).unwrap();
        create(&checked, &mut |_, _| {
            calls += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(calls > 2);
        fs::write(&request.path[0], "old").unwrap();
        for stop_at in 1..=calls {
            let mut call = 0;
            let mut stop = |_, _| {
                call += 1;
                if call == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let error = create(&checked, &mut stop).unwrap_err();
            assert_eq!(error.blame(), Blame::Cancelled);
            assert_old(&request);
        }
    }
    assert_eq!(workshop.out(), ["capture.img", "capture.iso"]);
}

#[test]
fn two_runs_on_one_target() {
    let workshop = Workshop::with_boot_image(&small_wim());
    let request = over_an_old_image(&workshop, "cd-dvd");
    let checked = request.check().unwrap();
    let mut second = None;
    let mut meanwhile = |_, _| {
        second.get_or_insert_with(|| make(&request).map(|_| ()));
        ControlFlow::Continue(())
    };
    create(&checked, &mut meanwhile).unwrap();
    let error = second.expect("progress was told").expect_err("two runs at once");
    assert!(told(&error).contains("another run is writing"), "{}", told(&error));
    assert_eq!(error.blame(), Blame::Output);
    assert_sound(&workshop.path("out/capture.iso"));
    assert_eq!(workshop.out(), ["capture.iso"]);
}

#[test]
fn a_part_file_of_a_dead_run_is_taken_over() {
    let workshop = Workshop::with_boot_image(&small_wim());
    for kind in KINDS {
        let request = workshop.request(kind);
        let name = request.path[0].file_name().unwrap().to_str().unwrap();
        workshop.put(&format!("out/.{name}.capmedia-part"), noise(60 << 20, 5));
        make(&request).unwrap();
        assert_sound(&request.path[0]);
    }
    assert_eq!(workshop.out(), ["capture.img", "capture.iso"]);
}
