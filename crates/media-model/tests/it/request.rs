//! Whole requests: every problem at once, each with its option and kind, and the serde form.

use std::path::Path;

use media_model::{
    BcdChoice, BcdResolution, BootManagerChoice, CaptureMediaRequest, GptType, HardwareId,
    MediaSize, MediaType, PartitionTable, ProblemKind, RequestFile, SectorSize, Slot, TargetArch,
};
use serde_json::json;

fn disc() -> CaptureMediaRequest {
    CaptureMediaRequest::new("boot.wim", MediaType::CdDvd, "out/capture.iso")
}

fn usb() -> CaptureMediaRequest {
    CaptureMediaRequest::new("boot.wim", MediaType::Usb, "out/capture.img")
}

fn problems(request: &CaptureMediaRequest) -> Vec<(&'static str, ProblemKind)> {
    let problems = request.check().unwrap_err();
    for problem in &problems {
        assert!(!problem.what().is_empty() && !problem.remedy().is_empty());
        for text in [problem.what(), problem.remedy()] {
            assert!(!text.ends_with('.') && !text.contains("  "), "{text}");
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
    problems.iter().map(|problem| (problem.option(), problem.kind())).collect()
}

#[test]
fn defaults_are_the_wizards() {
    let checked = disc().check().unwrap();
    assert_eq!(checked.boot_image().to_string(), "boot.wim");
    assert_eq!(checked.media_type(), MediaType::CdDvd);
    assert_eq!(checked.output().to_string(), "out/capture.iso");
    assert_eq!(checked.label().as_str(), "Configuration Manager");
    assert_eq!(checked.media_size(), MediaSize::UNLIMITED);
    assert_eq!((checked.image_size(), checked.boot_files()), (None, None));
    assert!(!checked.include_autorun() && !checked.checksum() && !checked.force());
    assert!(checked.add().is_empty());
    assert_eq!(checked.source_date_epoch(), None);
}

#[test]
fn every_option_arrives() {
    let checked = usb()
        .with_label("Lab 7")
        .with_include_autorun(true)
        .with_image_size("8GB")
        .with_boot_files("adk/media")
        .with_add("tools=\\Tools")
        .with_add("more=Tools")
        .with_add("extra=")
        .with_checksum(true)
        .with_force(true)
        .with_source_date_epoch(Some(1_700_000_000))
        .check()
        .unwrap();
    assert_eq!(checked.label().as_str(), "Lab 7");
    assert!(checked.include_autorun() && checked.checksum() && checked.force());
    assert_eq!(checked.image_size().map(|size| size.bytes()), Some(8_000_000_000));
    assert_eq!(checked.boot_files().and_then(|path| path.to_str()), Some("adk/media"));
    let add: Vec<_> = checked.add().iter().map(ToString::to_string).collect();
    assert_eq!(add, ["tools=\\Tools", "more=\\Tools", "extra=\\"]);
    assert_eq!(checked.source_date_epoch(), Some(1_700_000_000));

    let limited = disc().with_media_size("650MB").check().unwrap();
    assert_eq!(limited.media_size().sectors(), Some(332_800));
}

#[test]
fn the_options_of_the_boot_image_arrive() {
    let checked = usb()
        .with_target_arch("x64")
        .with_boot_manager("2023")
        .with_bcd("own")
        .with_bcd_locale("de-DE")
        .with_bcd_resolution("highest")
        .with_boot_index(2)
        .with_require_hwid(r"PCI\VEN_8086&DEV_15F3")
        .with_require_hwid("*PNP0A03")
        .with_hwids("devices.txt")
        .with_task_sequence("capture.zip")
        .with_capture_destination(r"\\server\share\image.wim")
        .with_capture_account(r"LAB\capture")
        .with_capture_password_file("password.txt")
        .with_store_password(true)
        .with_image_creator("lab")
        .with_image_description("reference")
        .with_image_version("7")
        .with_runtime("osd")
        .with_template("ours")
        .check()
        .unwrap();
    assert_eq!(checked.target_arch(), Some(TargetArch::X64));
    assert_eq!(checked.boot_manager(), BootManagerChoice::Ca2023);
    assert_eq!(checked.bcd(), BcdChoice::Own);
    assert_eq!(checked.bcd_locale().unwrap().as_str(), "de-DE");
    assert_eq!(checked.bcd_resolution(), Some(BcdResolution::Highest));
    assert_eq!((checked.bcd_text_mode(), checked.boot_index()), (false, Some(2)));
    let ids: Vec<_> = checked.require_hwids().iter().map(HardwareId::as_str).collect();
    assert_eq!(ids, [r"PCI\VEN_8086&DEV_15F3", "*PNP0A03"]);
    let paths = [
        checked.hwids(),
        checked.task_sequence(),
        checked.capture_password_file(),
        checked.runtime(),
        checked.template(),
    ];
    let paths: Vec<_> = paths.iter().map(|path| path.unwrap().to_str().unwrap()).collect();
    assert_eq!(paths, ["devices.txt", "capture.zip", "password.txt", "osd", "ours"]);
    assert!(checked.store_password());
    let xml = checked.capture().sequence().to_xml().unwrap();
    for text in [r"\\server\share\image.wim", r"LAB\capture", ">lab<", ">reference<", ">7<"] {
        assert!(xml.contains(text), "{text}");
    }
}

/// A log, a picture or a drive that is erased must be none of them: whoever adds an option with a path
/// says here whether it is read.
#[test]
fn every_path_that_is_read_is_among_those() {
    let mut request = usb()
        .with_distribution_point("https://dp")
        .with_package("PS100001=Tools")
        .with_user(r"LAB\dp")
        .with_capture_account(r"LAB\capture")
        .with_store_password(true)
        .with_add("added=Added");
    let mut given = Vec::new();
    for (option, slot) in request.options_mut() {
        if let Slot::Path(slot) = slot
            && !["boot-image", "cache"].contains(&option.name())
        {
            *slot = Some(option.name().into());
            given.push(option.name());
        }
    }
    given.extend(["boot.wim", "added", "request.toml"]);
    let checked = request.check().unwrap().with_read_file("request.toml");
    let content = checked.content().unwrap();
    let read: Vec<_> = checked.read_paths().chain(content.read_paths()).collect();
    for name in &given {
        assert!(read.contains(&Path::new(name)), "{name} is not in {read:?}");
    }
    assert_eq!(read.len(), given.len());
}

#[test]
fn the_options_of_the_boot_image_are_checked_together() {
    use ProblemKind::{Conflict, Malformed, NotApplicable, OutOfRange};
    let request = disc()
        .with_target_arch("ia64")
        .with_boot_manager("2012")
        .with_bcd_locale("en_US")
        .with_bcd_resolution("640x480")
        .with_boot_index(0)
        .with_require_hwid("PCI VEN")
        .with_capture_destination("")
        .with_image_version("x".repeat(33))
        .with_hwids("")
        .with_capture_password_file("password.txt")
        .with_template("out");
    assert_eq!(
        problems(&request),
        [
            ("target-arch", Malformed),
            ("boot-manager", Malformed),
            ("bcd-locale", Malformed),
            ("bcd-resolution", Malformed),
            ("boot-index", OutOfRange),
            ("require-hwid", Malformed),
            ("capture-destination", Malformed),
            ("image-version", Malformed),
            ("hwids", Malformed),
            ("capture-password-file", Conflict),
            ("capture-password-file", Conflict),
            ("path", Conflict),
        ]
    );
    let request = disc().with_bcd("image").with_bcd_text_mode(true).with_store_password(true);
    assert_eq!(
        problems(&request),
        [("bcd-text-mode", Conflict), ("store-password", NotApplicable)]
    );
    let request = disc().with_bcd_resolution("800x600").with_bcd_text_mode(true);
    assert_eq!(problems(&request), [("bcd-resolution", Conflict)]);
}

#[test]
fn everything_wrong_at_once() {
    use ProblemKind::{Conflict, Malformed, Missing, NotApplicable, Reserved};
    assert_eq!(
        problems(&CaptureMediaRequest::default()),
        [("boot-image", Missing), ("media-type", Missing), ("path", Missing)]
    );
    let request = CaptureMediaRequest::new("images/", "hybrid\u{1b}[2J", "")
        .with_label("")
        .with_media_size("5GB")
        .with_image_size("8")
        .with_boot_files("")
        .with_add("tools")
        .with_add("x=a\\..\\b")
        .with_add("a=\\BOOT\\bcd")
        .with_add("b=logs\\aux.log")
        .with_add("c=d")
        .with_add("./c=\\D")
        .with_add("c/=/d");
    assert_eq!(
        problems(&request),
        [
            ("boot-image", Malformed),
            ("media-type", Malformed),
            ("path", Malformed),
            ("label", Malformed),
            ("media-size", Malformed),
            ("image-size", Malformed),
            ("boot-files", Malformed),
            ("add", Malformed),
            ("add", Malformed),
            ("add", Reserved),
            ("add", Reserved),
            ("add", Conflict),
        ]
    );
    let mut request = usb().with_media_size("4GB").with_checksum(true).with_force(true);
    request.path = vec!["-".into()];
    assert_eq!(
        problems(&request),
        [("media-size", NotApplicable), ("checksum", NotApplicable), ("force", NotApplicable)]
    );
    assert_eq!(problems(&disc().with_image_size("8GB")), [("image-size", NotApplicable)]);
}

#[test]
fn sizes_of_usb_images() {
    for size in ["34MiB", "35147264B", "2048GiB"] {
        assert!(usb().with_image_size(size).check().is_ok(), "{size}");
    }
    for size in ["35147263B", "33MiB", "1B", "2199023255553B", "3000GB"] {
        let problems = problems(&usb().with_image_size(size));
        assert_eq!(problems, [("image-size", ProblemKind::OutOfRange)], "{size}");
    }
}

#[test]
fn output_over_input() {
    for add in ["out=\\", "./out/capture.iso=x.iso", ".=\\"] {
        let problems = problems(&disc().with_add(add));
        assert_eq!(problems, [("path", ProblemKind::Conflict)], "{add}");
    }
    assert!(disc().with_add("out2=\\").check().is_ok());
    let request = CaptureMediaRequest::new("./a//boot.wim", MediaType::Usb, "a/./boot.wim");
    assert_eq!(problems(&request), [("path", ProblemKind::Conflict)]);
    let request = CaptureMediaRequest::new("-", MediaType::Usb, "-");
    assert_eq!(problems(&request), [("boot-image", ProblemKind::Malformed)]);
}

#[test]
fn autorun_is_ours_only_when_asked_for() {
    let request = disc().with_add("mine.inf=autorun.inf");
    assert!(request.check().is_ok());
    assert_eq!(problems(&request.with_include_autorun(true)), [("add", ProblemKind::Reserved)]);
}

#[test]
fn problem_text() {
    let problems = usb().with_media_size("4GB").with_add("x=NUL").check().unwrap_err();
    let text: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "--media-size: a media size is for --media-type cd-dvd; leave it out; --image-size \
             sets the size of a USB image",
            "--add: NUL in \\NUL is a device name that Windows will not open; give the file or \
             folder another name",
        ]
    );
    assert_eq!(
        serde_json::to_value(&problems[0]).unwrap(),
        json!({
            "option": "media-size",
            "kind": "not-applicable",
            "what": "a media size is for --media-type cd-dvd",
            "remedy": "leave it out; --image-size sets the size of a USB image",
        })
    );
}

#[test]
fn serde_form() {
    let request = usb()
        .with_label("Lab 7")
        .with_include_autorun(true)
        .with_image_size("8GB")
        .with_boot_files("adk")
        .with_add("tools=\\Tools")
        .with_checksum(true)
        .with_force(true);
    let value = json!({
        "version": 1,
        "boot-image": "boot.wim",
        "media-type": "usb",
        "path": "out/capture.img",
        "label": "Lab 7",
        "include-autorun": true,
        "image-size": "8GB",
        "boot-files": "adk",
        "add": ["tools=\\Tools"],
        "checksum": true,
        "force": true,
    });
    assert_eq!(serde_json::to_value(&request).unwrap(), value);
    assert_eq!(serde_json::from_value::<CaptureMediaRequest>(value).unwrap(), request);

    let epoch = serde_json::to_value(usb().with_source_date_epoch(Some(7))).unwrap();
    assert_eq!(
        epoch,
        json!({
            "version": 1,
            "boot-image": "boot.wim",
            "media-type": "usb",
            "path": "out/capture.img",
        })
    );
    // Bad values are read and found by check, together with all others.
    let bad = json!({ "version": 1, "label": "", "media-size": "x" });
    let bad: CaptureMediaRequest = serde_json::from_value(bad).unwrap();
    assert_eq!(bad.check().unwrap_err().len(), 5);
}

#[test]
fn serde_refusals() {
    for (value, part) in [
        (json!({}), "missing field `version`"),
        (json!({ "version": 2 }), "version 2 of the request format is not known"),
        (json!({ "version": 1, "boot_image": "x" }), "unknown field `boot_image`"),
        (json!({ "version": 1, "source-date-epoch": 1 }), "unknown field `source-date-epoch`"),
        (json!({ "version": 1, "force": "yes" }), "invalid type"),
    ] {
        let error = serde_json::from_value::<CaptureMediaRequest>(value).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn only_discs_of_a_limited_size_split_files() {
    let split = |request: CaptureMediaRequest| {
        let checked = request.with_split_files(true).check();
        checked
            .map(|checked| checked.split_files())
            .map_err(|problems| problems.iter().map(|problem| problem.option()).collect::<Vec<_>>())
    };
    let disc = CaptureMediaRequest::new("boot.wim", "cd-dvd", "a.iso");
    assert_eq!(split(disc.clone().with_media_size("650MB")), Ok(true));
    assert_eq!(split(disc.clone()), Err(vec!["split-files"]));
    assert_eq!(split(disc.with_media_size("unlimited")), Err(vec!["split-files"]));
    let stick = CaptureMediaRequest::new("boot.wim", "usb", "a.img");
    assert_eq!(split(stick), Err(vec!["split-files"]));
}

#[test]
fn packages_come_from_distribution_points() {
    use media_model::{BootImageSource, CheckedContent, PackageHashCheck};
    let request = CaptureMediaRequest::new("ps100005.3", MediaType::Usb, "m.img")
        .with_distribution_point("http://dp")
        .with_distribution_point("lib")
        .with_package(r"PS100012=\Tools")
        .with_user(r"CONTOSO\reader")
        .with_password_file("-")
        .with_cache("cache")
        .with_bandwidth_limit("10MB");
    let checked = request.check().unwrap();
    assert!(
        matches!(checked.boot_image(), BootImageSource::Package(id) if id.version() == Some(3))
    );
    let content = checked.content().unwrap();
    let shown: Vec<_> = content.locations().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["http://dp", "lib"]);
    assert_eq!(content.cache_size(), CheckedContent::CACHE_SIZE);
    assert_eq!(content.bandwidth_limit(), Some(10_000_000));
    assert_eq!(content.package_hash(), PackageHashCheck::Error);
    assert_eq!(checked.packages()[0].media().to_slash(), "Tools");
    // Without locations the same text is a file, and with ./ it always is.
    let file = CaptureMediaRequest::new("PS100005", MediaType::Usb, "m.img");
    assert!(file.check().unwrap().boot_image().file().is_some());
    let forced = CaptureMediaRequest::new("./PS100005", MediaType::Usb, "m.img")
        .with_distribution_point("lib")
        .with_package("PS100012=");
    assert!(forced.check().unwrap().boot_image().file().is_some());
}

#[test]
fn options_of_content_are_checked_together() {
    let options = |request: CaptureMediaRequest| -> Vec<&'static str> {
        request.check().unwrap_err().iter().map(|problem| problem.option()).collect()
    };
    let file = || CaptureMediaRequest::new("b.wim", MediaType::Usb, "m.img");
    let alone = file().with_package("PS100012=").with_user("u").with_ca_file("ca").with_cache("c");
    assert_eq!(options(alone), ["user", "ca-file", "cache", "package"]);
    assert_eq!(options(file().with_distribution_point("lib")), ["distribution-point"]);
    let of_package = || CaptureMediaRequest::new("PS100005", MediaType::Usb, "m.img");
    // What looks like a package id and is none.
    for (name, option) in [
        ("PS1000", "boot-image"),
        ("PS10000G", "boot-image"),
        ("PS1000055.3", "boot-image"),
        ("PS1000.wim", "distribution-point"),
        ("./PS1000", "distribution-point"),
        ("bootimage", "distribution-point"),
    ] {
        let request = CaptureMediaRequest::new(name, MediaType::Usb, "m.img");
        let request = request.with_distribution_point("lib");
        assert_eq!(options(request.clone()), [option], "{name}");
        if option == "boot-image" {
            let told = request.check().unwrap_err()[0].to_string();
            assert!(told.contains(name) && told.contains("is read as a file"), "{told}");
        }
    }
    let twice = of_package()
        .with_distribution_point("http://dp")
        .with_distribution_point("http://dp/")
        .with_package("PS100012=a")
        .with_package("ps100012=A")
        .with_package("PS100013=nul")
        .with_password_file("p")
        .with_cache_size("1GB");
    let expected = ["distribution-point", "password-file", "cache-size", "package", "package"];
    assert_eq!(options(twice), expected);
    let alone = CaptureMediaRequest::default().with_user("u").check_content().unwrap_err();
    assert_eq!(alone.last().unwrap().option(), "distribution-point");
}

/// What is said of a stick, and of several of them, and what is then wrong.
#[test]
fn sticks() {
    let usb = || CaptureMediaRequest::new("boot.wim", "usb", "/dev/sdb");
    let several = usb().with_path("/dev/sdc").check().unwrap();
    let paths: Vec<_> = several.outputs().iter().map(|output| output.file().unwrap()).collect();
    assert_eq!(paths, [Path::new("/dev/sdb"), Path::new("/dev/sdc")]);
    assert_eq!(several.output(), &several.outputs()[0]);
    assert_eq!(several.partition_table(), None);

    let gpt =
        usb().with_partition_table("gpt").with_gpt_type("efi-system").with_sector_size("4096");
    let gpt = gpt.check().unwrap();
    assert_eq!(gpt.partition_table(), Some(PartitionTable::Gpt));
    assert_eq!(gpt.gpt_type(), GptType::EfiSystem);
    assert_eq!(gpt.sector_size().map(SectorSize::bytes), Some(4096));
    assert!(usb().with_no_format(true).check().unwrap().no_format());
    let folder = CaptureMediaRequest::new("boot.wim", "usb", "stick/").with_no_format(true);
    assert_eq!(folder.check().unwrap().output().file(), Some(Path::new("stick/")));

    let wrong = |request: CaptureMediaRequest| {
        let problems = request.check().unwrap_err();
        problems.iter().map(|problem| problem.option()).collect::<Vec<_>>()
    };
    let disc = |path: &str| CaptureMediaRequest::new("boot.wim", "cd-dvd", path);
    for (request, expected) in [
        (usb().with_path("./x").with_path("x"), vec!["path"]),
        (usb().with_path("-"), vec!["path"]),
        (usb().with_path("a/"), vec!["path"]),
        (disc("a").with_path("b"), vec!["path"]),
        (usb().with_path("b").with_checksum(true), vec!["checksum"]),
        (disc("a").with_partition_table("mbr"), vec!["partition-table"]),
        (disc("a").with_no_format(true), vec!["no-format"]),
        (disc("a").with_no_verify(true), vec!["no-verify"]),
        (usb().with_gpt_type("efi-system"), vec!["gpt-type"]),
        (usb().with_gpt_type("efi-system").with_no_format(true), vec!["gpt-type"]),
        (usb().with_sector_size("2048"), vec!["sector-size"]),
        (
            usb().with_no_format(true).with_image_size("1GiB").with_checksum(true),
            vec!["image-size", "checksum"],
        ),
        (
            usb().with_path("/dev/sdc").with_no_format(true).with_image_size("1GiB"),
            vec!["path", "image-size"],
        ),
        (usb().with_sector_size("4096").with_image_size("128MiB"), vec!["image-size"]),
        (usb().with_image_size("2049GiB"), vec!["image-size"]),
    ] {
        assert_eq!(wrong(request.clone()), expected, "{request:?}");
    }
    let large = usb().with_sector_size("4096").with_image_size("4096GiB");
    assert!(large.check().is_ok());
}

#[test]
fn one_path_is_a_text_and_several_are_a_list() {
    let one = CaptureMediaRequest::new("boot.wim", "usb", "a.img");
    let several = one.clone().with_path("b.img");
    for (request, text) in [(&one, r#""path":"a.img""#), (&several, r#""path":["a.img","b.img"]"#)]
    {
        let json = serde_json::to_string(request).unwrap();
        assert!(json.contains(text), "{json}");
        assert_eq!(&serde_json::from_str::<CaptureMediaRequest>(&json).unwrap(), request);
        let toml = RequestFile::read("f", request.to_toml().unwrap().as_bytes());
        assert_eq!(toml.request(), request);
    }
}
