//! `--no-format`: media brought up to date where it is.

use std::fs::{self, File};
use std::process::Command;

use media_model::Shell;
use serde_json::json;

use crate::command::{Bench, create};
use crate::qemu::{ALL_WELL, BIOS_LIMIT, Qemu, UEFI_LIMIT};
use crate::stick_tools::{Stick, change_boot_image, spoil_second_fat};
use crate::winpe::tool;

const REFRESH: &str = "create --boot-image boot.wim --media-type usb --no-format \
                       --capture-destination \\\\server\\share\\image.wim --path out/capture.img";

/// Makes a stick of so many MiB that holds the sample.
fn made(options: &str) -> Bench {
    let bench = Bench::new();
    let line = create("usb").replace("--image-size 40MiB", options);
    bench.succeed(&line);
    bench
}

#[track_caller]
fn refused(bench: &Bench, line: &str, code: i32, says: &[&str]) {
    let ended = bench.run(line);
    assert_eq!(ended.code, Some(code), "{line}: {}", ended.stderr);
    for says in says {
        assert!(ended.stderr.contains(says), "{says}\nis not in\n{}", ended.stderr);
    }
}

#[test]
fn only_what_differs_is_written() {
    let bench = made("--image-size 60MiB");
    let before = bench.json("verify --json out/capture.img");
    let made = bench.json(&format!("{REFRESH} --json"));
    assert_eq!((&made["files-written"], &made["bytes-written"]), (&json!(0), &json!(0)));
    assert_eq!(made["files-unchanged"], before["files"]);
    let all = made["bytes-saved"].as_u64().unwrap();

    change_boot_image(&bench, b"[LaunchApp]\r\n");
    bench.put("a/tool.txt", "tool");
    let line = format!("{REFRESH} --add a=Tools");
    let made = bench.json(&format!("{line} --label Refreshed --json"));
    assert_eq!((&made["guarantee"], &made["verified"]), (&json!("media"), &json!(true)));
    let (written, saved) = (made["bytes-written"].as_u64().unwrap(), &made["bytes-saved"]);
    let boot_image = fs::metadata(bench.path("boot.wim")).unwrap().len();
    assert!(written >= boot_image && written < boot_image + (64 << 10), "{made}");
    assert!(saved.as_u64().unwrap() > 0 && saved.as_u64().unwrap() < all, "{made}");
    let found = bench.json("verify --json out/capture.img");
    assert_eq!((&found["faults"], &found["unlisted"]), (&json!([]), &json!([])));
    let inspected = String::from_utf8(bench.succeed("inspect --json out/capture.img")).unwrap();
    assert!(inspected.contains("REFRESHED"), "{inspected}");

    let ended = bench.run(REFRESH);
    assert!(ended.code == Some(0) && ended.stderr.contains("Tools/tool.txt"), "{}", ended.stderr);
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(told.contains("saved)") && told.contains("Removed:      Tools/tool.txt"), "{told}");
    let found = bench.json("verify --json out/capture.img");
    assert_eq!((&found["faults"], &found["unlisted"]), (&json!([]), &json!([])));
    assert_eq!(bench.out(), ["capture.img"]);
}

/// Beside what changes with the boot image, the first sector of the root has room for one more folder.
#[test]
fn a_folder_that_a_refresh_adds_changes_later_with_all_else() {
    let bench = made("--image-size 60MiB");
    let line = format!("{REFRESH} --add a=Tools");
    for (round, file) in [&b"1"[..], b"22", b"333"].into_iter().enumerate() {
        bench.put("a/tool.txt", file);
        change_boot_image(&bench, file);
        let made = bench.json(&format!("{line} --label Round{round} --json"));
        assert_ne!(made["files-written"], json!(0), "{made}");
        let found = bench.json("verify --json out/capture.img");
        assert_eq!(found["faults"], json!([]), "{found}");
    }
    assert_eq!(bench.json(&format!("{line} --label Round2 --json"))["files-written"], json!(0));
}

/// A request is whole: what it does not give is not on the media any more. It is told before, with what
/// keeps it.
#[test]
fn settings_of_the_old_media_that_go_are_told() {
    let bench = Bench::new();
    bench.put("a/tool.txt", "tool");
    bench.put("password", "hunter2-of-the-media");
    let told = bench.run(
        "create --boot-image boot.wim --media-type usb --image-size 60MiB --path out/capture.img \
         --label Berlin --include-autorun --add a=TOOLS --capture-account CONTOSO\\capture \
         --capture-destination \\\\server\\share\\image.wim --image-creator Ann \
         --image-description Office --image-version 7 --capture-password-file password \
         --store-password",
    );
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let bare = "--boot-image boot.wim --media-type usb --no-format --path out/capture.img";
    let quoted = |value: &str| Shell::of_target().quoted(value).unwrap();
    let options = [
        ("label", "Berlin"),
        ("capture-destination", r"\\server\share\image.wim"),
        ("capture-account", r"CONTOSO\capture"),
        ("image-creator", "Ann"),
        ("image-description", "Office"),
        ("image-version", "7"),
    ];
    let options = options.map(|(option, value)| format!("--{option} {}", quoted(value)));
    let made_with = format!("made with {}, and", options.join(", "));
    let lost = [
        &*made_with,
        "holds a password in its task sequence, and the new media will not; give \
         --capture-password-file and --store-password",
        "has an autorun.inf, and the new media will not; give --include-autorun",
        "was made with TOOLS/tool.txt, and this request does not give it",
    ];
    // Whoever gives a setting another value means that.
    let others = "--label Bonn --capture-destination \\\\server\\share\\other.wim \
                  --capture-account CONTOSO\\other --image-creator Bob --image-description Home \
                  --image-version 8 --include-autorun --add a=TOOLS";
    let ended = bench.run(&format!("plan {bare} {others}"));
    assert!(ended.code == Some(0) && !ended.stderr.contains("made with"), "{}", ended.stderr);
    assert!(ended.stderr.contains(lost[1]), "{}", ended.stderr);

    let all = |told: &str| lost.iter().all(|lost| told.contains(lost));
    let planned = bench.run(&format!("plan {bare}"));
    assert!(planned.code == Some(0) && all(&planned.stderr), "{}", planned.stderr);
    assert!(!planned.stderr.contains("hunter2"), "{}", planned.stderr);
    let made = bench.run(&format!("create {bare} --json"));
    assert!(made.code == Some(0), "{}", made.stderr);
    let report =
        String::from_utf8(made.stdout).unwrap().replace("\\\\", "\\").replace("\\\"", "\"");
    assert!(all(&report), "{report}");
    // What is gone is told once.
    let again = bench.run(&format!("create {bare}"));
    assert!(again.code == Some(0) && !again.stderr.contains("the media there"), "{}", again.stderr);
}

#[test]
fn a_task_sequence_of_the_old_media_is_told_too() {
    let bench = made("--image-size 60MiB");
    let line = "create --boot-image boot.wim --media-type usb --no-format --path out/capture.img";
    let step = |kind: &str, runs: &str| {
        format!(
            "<step type=\"{kind}\" name=\"{kind}\" runIn=\"{runs}\"><action>run.exe</action></step>"
        )
    };
    let sequence = format!(
        "<sequence version=\"3.10\">{}{}</sequence>",
        step("SMS_TaskSequence_RunCommandLineAction", "WinPEandFullOS"),
        step("SMS_TaskSequence_CaptureSystemImageAction", "WinPE"),
    );
    bench.put("own.xml", &sequence);
    let made = bench.run(&format!("{line} --task-sequence own.xml --label Berlin"));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let kept = bench.run(&format!("{line} --task-sequence own.xml"));
    assert!(kept.stderr.contains("made with --label Berlin, and"), "{}", kept.stderr);
    assert!(!kept.stderr.contains("of its own"), "{}", kept.stderr);
    let ended = bench.run(line);
    let told = "has a task sequence of its own, and this request names none";
    assert!(ended.code == Some(0) && ended.stderr.contains(told), "{}", ended.stderr);
    assert!(ended.stderr.contains("copy SMS/data/TaskSequence.xml"), "{}", ended.stderr);
    let ended = bench.run(line);
    assert!(ended.code == Some(0) && !ended.stderr.contains("of its own"), "{}", ended.stderr);
}

#[test]
fn what_is_no_fat32_is_refused_by_its_name_in_configuration_manager() {
    let bench = Bench::new();
    let image = |bytes: &[(usize, &[u8])]| {
        let mut disk = vec![0; 1 << 20];
        for (at, bytes) in bytes {
            disk[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        bench.put("out/capture.img", disk);
    };
    let unknown = "CREATETSMEDIA_E_UFD_FS_UNKNOWN 0x8004000B";
    image(&[]);
    refused(&bench, REFRESH, 5, &["no partition table", unknown, "leave --no-format out"]);
    image(&[(0x438, &[0x53, 0xEF])]);
    refused(&bench, REFRESH, 5, &["holds ext2, ext3 or ext4", unknown]);
    image(&[(3, b"NTFS    "), (510, &[0x55, 0xAA])]);
    refused(&bench, REFRESH, 5, &["NTFS", unknown]);
    // A FAT16 partition of an MBR.
    let entry = [0, 0, 0, 0, 0x06, 0, 0, 0, 0x80, 0, 0, 0, 0, 4, 0, 0];
    image(&[(446, &entry), (510, &[0x55, 0xAA])]);
    refused(&bench, REFRESH, 5, &["FAT16", "CREATETSMEDIA_E_UFD_FS_FAT16 0x8004000A"]);
    fs::remove_file(bench.path("out/capture.img")).unwrap();
    refused(&bench, REFRESH, 5, &["cannot open out/capture.img"]);
    let folder = REFRESH.replace("out/capture.img", "out");
    // Elsewhere the folder passes for the root of a stick, with a warning.
    if cfg!(target_os = "linux") {
        refused(&bench, &folder, 5, &["out holds", unknown]);
    }
    assert!(bench.out().is_empty());
    bench.put("out/capture.img", [1; 700]);
    refused(&bench, REFRESH, 5, &["no disk (700 bytes", unknown, "--force"]);
    fs::remove_file(bench.path("out/capture.img")).unwrap();
    let log = format!("{folder} --log out/log.txt");
    refused(&bench, &log, 2, &["is on the stick"]);
    assert!(bench.out().is_empty());
    let twice = format!("{REFRESH} --path boot.wim");
    refused(&bench, &twice, 2, &["one stick is brought up to date at a time"]);
}

/// Nobody can tell which copy is right, and a wrong one would give clusters of a file away.
#[test]
fn a_volume_whose_fats_differ_is_refused() {
    let bench = made("--image-size 60MiB");
    let image = bench.path("out/capture.img");
    spoil_second_fat(&image, 1 << 20);
    change_boot_image(&bench, b"[LaunchApp]\r\n");
    let before = fs::read(&image).unwrap();
    let says = [
        "out/capture.img was not brought up to date",
        "FAT 2 differs from FAT 1 in sector",
        "run fsck.fat or chkdsk first",
    ];
    for line in [REFRESH, &format!("{REFRESH} --force"), &REFRESH.replace("create ", "plan ")] {
        refused(&bench, line, 5, &says);
        assert!(fs::read(&image).unwrap() == before, "{line}");
    }
}

#[test]
fn a_plan_says_what_would_be_done_and_does_nothing() {
    let bench = made("--image-size 60MiB --add boot.wim=Old");
    change_boot_image(&bench, b"[LaunchApp]\r\n");
    let before = fs::read(bench.path("out/capture.img")).unwrap();
    let plan = REFRESH.replace("create ", "plan ");
    let planned = bench.json(&format!("{plan} --json"));
    let ended = bench.run(&plan);
    assert!(ended.code == Some(0) && ended.stderr.contains("made with Old"), "{}", ended.stderr);
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(told.contains(" to write (") && told.contains("To remove:    Old"), "{told}");
    assert!(fs::read(bench.path("out/capture.img")).unwrap() == before);
    refused(&bench, &format!("{plan} --extents"), 2, &["--no-format makes none"]);
    let made = bench.json(&format!("{REFRESH} --json"));
    for (planned_key, made_key) in [
        ("files-to-write", "files-written"),
        ("bytes-to-write", "bytes-written"),
        ("files-unchanged", "files-unchanged"),
        ("bytes-saved", "bytes-saved"),
        ("to-remove", "removed"),
        ("foreign", "foreign"),
        ("partition", "partition"),
    ] {
        assert_eq!(planned[planned_key], made[made_key], "{planned_key}");
        assert!(!made[made_key].is_null(), "{made_key}");
    }
}

#[test]
fn a_disc_that_is_a_stick_too_is_not_divided() {
    let bench = Bench::new();
    bench.succeed(create("hybrid"));
    let line = REFRESH.replace("capture.img", "capture.iso");
    refused(&bench, &line, 2, &["a disc as well as a stick", "--media-type hybrid"]);
}

#[test]
fn sticks_with_any_table_and_sectors_are_refreshed() {
    for options in [
        "--image-size 60MiB --partition-table gpt",
        "--image-size 60MiB --partition-table none",
        "--image-size 300MiB --sector-size 4096",
    ] {
        let bench = Bench::new();
        let ended = bench.run(&create("usb").replace("--image-size 40MiB", options));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        change_boot_image(&bench, b"[LaunchApp]\r\n");
        let made = bench.json(&format!("{REFRESH} --json"));
        assert_ne!(made["files-written"], json!(0), "{options}");
        let found = bench.json("verify --json out/capture.img");
        assert_eq!(found["faults"], json!([]), "{options}");
        let made = bench.json(&format!("{REFRESH} --json"));
        assert_eq!(made["files-written"], json!(0), "{options}");
    }
}

#[test]
fn a_boot_image_on_the_image_itself_is_refused() {
    let bench = made("--image-size 60MiB");
    let line = REFRESH.replace("--path out/capture.img", "--path boot.wim");
    let ended = bench.run(&line);
    assert_ne!(ended.code, Some(0));
    assert!(fs::read(bench.path("boot.wim")).unwrap().starts_with(b"MSWIM"));
}

#[test]
#[ignore = "needs mtools, fsck.fat and sha256sum"]
fn what_is_not_of_the_media_stays_and_what_collides_is_named() {
    let bench = Bench::new();
    bench.put("a/one.txt", "one");
    bench.put("b/two.txt", "two");
    let options = "--image-size 80MiB --partition-table none --add a=Apps";
    bench.succeed(&create("usb").replace("--image-size 40MiB", options));
    let stick = Stick::new(bench);
    stick.put("Apps/two.txt", b"mine");
    stick.put("Apps/mine.txt", b"mine");
    let line = format!("{REFRESH} --add b=Apps");
    refused(&stick.bench, &line, 5, &["Apps/two.txt", "not of the media", "--force"]);
    assert_eq!(stick.get("Apps/one.txt"), b"one");
    let made = stick.bench.json(&format!("{line} --force --json"));
    assert_eq!(made["removed"], json!(["Apps/one.txt"]));
    assert_eq!(made["foreign"], json!(["Apps/mine.txt"]));
    assert_eq!(stick.get("Apps/two.txt"), b"two");
    assert_eq!(stick.get("Apps/mine.txt"), b"mine");
    let _ = stick.whole_media();
    assert_eq!(stick.complaints(), [""; 0]);

    // A stick with no room beside the old boot image.
    let file = File::create(stick.bench.path("big")).unwrap();
    file.set_len(90 << 20).unwrap();
    let line = format!("{REFRESH} --add b=Apps --add big=big.bin");
    refused(&stick.bench, &line, 5, &["out/capture.img was not brought up to date", "free"]);
    // A folder that somebody made behind the first sector of the root cannot change with the others.
    let _ = stick.mtools("mmd", &["::Data"]);
    let line = format!("{REFRESH} --add b=Data");
    refused(&stick.bench, &line, 5, &["lie in different sectors of the root directory"]);
    let _ = stick.whole_media();
}

/// A stick without a partition table that mkfs.fat formatted.
fn formatted(mib: u64, options: &[&str]) -> Stick {
    let stick = Stick::new(Bench::new());
    let image = stick.bench.path("out/capture.img");
    File::create(&image).and_then(|file| file.set_len(mib << 20)).unwrap();
    tool(Command::new("mkfs.fat").args(["-F", "32"]).args(options).arg(&image));
    stick
}

#[track_caller]
fn done(bench: &Bench, line: &str) -> serde_json::Value {
    let ended = bench.run(&format!("{line} --json"));
    assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
    let made = crate::command::json(&ended.stdout);
    assert_eq!(made["verified"], json!(true));
    made
}

#[test]
#[ignore = "needs mkfs.fat, fsck.fat, mtools and sha256sum"]
fn a_stick_of_somebody_else_is_refreshed_again_and_again() {
    for there in [&[][..], &["System Volume Information"], &["EFI", "EFI/BOOT"], &["boot"]] {
        let stick = formatted(100, &["-s", "1"]);
        for folder in there {
            let made = stick.mtools("mmd", &[&format!("::{folder}")]);
            assert!(made.status.success());
        }
        stick.bench.put("a/tool.txt", "tool");
        let line = format!("{REFRESH} --add a=Packages");
        for file in [&b"[LaunchApp]"[..], b"[LaunchApp]\r\n", b"\r\n[LaunchApp]"] {
            change_boot_image(&stick.bench, file);
            stick.bench.put("a/tool.txt", file);
            let made = done(&stick.bench, &line);
            assert_ne!(made["files-written"], json!(0), "{there:?}");
            // Folders keep the case that they have there, which sha256sum on Linux does not look past.
            if !there.contains(&"EFI") {
                let _ = stick.whole_media();
            }
        }
        assert_eq!(stick.complaints(), [""; 0], "{there:?}");
    }
}

#[test]
#[ignore = "needs mkfs.fat"]
fn what_was_wrong_before_is_no_fault_of_the_refresh() {
    // Too few clusters for FAT32 by the book.
    let stick = formatted(700, &["-s", "128"]);
    let made = done(&stick.bench, REFRESH);
    assert!(made["warnings"].to_string().contains("clusters"), "{made}");
}

#[test]
#[ignore = "needs mtools"]
fn files_that_somebody_changed_are_not_lost() {
    let bench = Bench::new();
    bench.put("a/tool.txt", "tool");
    let options = "--image-size 80MiB --partition-table none --add a=Tools";
    bench.succeed(&create("usb").replace("--image-size 40MiB", options));
    let stick = Stick::new(bench);
    stick.put("Tools/tool.txt", b"mine");
    let made = done(&stick.bench, REFRESH);
    assert_eq!((&made["removed"], &made["foreign"]), (&json!([]), &json!(["Tools/tool.txt"])));
    assert!(made["warnings"].to_string().contains("Tools/tool.txt is not of the new media"));
    assert_eq!(stick.get("Tools/tool.txt"), b"mine");

    stick.put("sources/boot.wim", b"another");
    change_boot_image(&stick.bench, b"[LaunchApp]\r\n");
    let says = ["sources/boot.wim", "changed since or damaged", "--force"];
    refused(&stick.bench, REFRESH, 5, &says);
    assert_eq!(stick.get("sources/boot.wim"), b"another");
    let _ = done(&stick.bench, &format!("{REFRESH} --force"));
    assert!(stick.get("sources/boot.wim").starts_with(b"MSWIM"));
}

#[test]
#[ignore = "needs mkfs.fat, fsck.fat, mtools and sha256sum"]
fn a_stick_of_somebody_else_gets_media() {
    let stick = Stick::new(Bench::new());
    let image = stick.bench.path("out/capture.img");
    let file = File::create(&image).unwrap();
    file.set_len(100 << 20).unwrap();
    tool(Command::new("mkfs.fat").args(["-F", "16"]).arg(&image));
    refused(&stick.bench, REFRESH, 5, &["holds FAT16", "CREATETSMEDIA_E_UFD_FS_FAT16"]);
    tool(Command::new("mkfs.fat").args(["-F", "32", "-s", "1"]).arg(&image));
    stick.put("letter.txt", b"dear");
    let ended = stick.bench.run(&format!("{REFRESH} --json"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let made = crate::command::json(&ended.stdout);
    let warnings = made["warnings"].to_string();
    assert!(warnings.contains("does not start BOOTMGR"), "{warnings}");
    assert_eq!((&made["bytes-saved"], &made["foreign"]), (&json!(0), &json!(["letter.txt"])));
    let _ = stick.whole_media();
    assert_eq!(stick.complaints(), [""; 0]);
    let boot = Qemu::uefi().with_usb_stick("qemu-xhci", &image).run(UEFI_LIMIT);
    assert_eq!(boot.code, Some(ALL_WELL), "{:?}", boot.serial);
}

#[test]
#[ignore = "needs qemu-system-x86_64 and OVMF"]
fn a_refreshed_stick_boots_under_bios_and_uefi() {
    let bench = made("--image-size 300MiB");
    change_boot_image(&bench, b"[LaunchApp]\r\n");
    let made = bench.json(&format!("{REFRESH} --label Refreshed --json"));
    assert_ne!(made["bytes-saved"], json!(0));
    let image = bench.path("out/capture.img");
    let boot = Qemu::bios().with_usb_stick("qemu-xhci", &image).run(BIOS_LIMIT);
    assert_eq!(boot.code, Some(ALL_WELL), "{:?}", boot.serial);
    let boot = Qemu::uefi().with_usb_stick("qemu-xhci", &image).run(UEFI_LIMIT);
    assert_eq!(boot.code, Some(ALL_WELL), "{:?}", boot.serial);
}
