//! A Linux machine with USB sticks, in which our example lists, writes and reads back.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../../../iso9660-image/tests/it/guest.rs"]
mod guest;

use guest::{Guest, Stick, static_program};

const MIB: u64 = 1 << 20;

/// The example `drives`, for the machine.
fn program() -> PathBuf {
    static_program(env!("CARGO_TARGET_TMPDIR"), "media-device", ["--example", "drives"])
}

fn image(folder: &Path, name: &str, mib: u64) -> PathBuf {
    let path = folder.join(name);
    File::create(&path).and_then(|file| file.set_len(mib * MIB)).unwrap();
    path
}

/// A stick as it is bought: one partition of FAT32 with a label, at 1 MiB.
fn formatted(folder: &Path, name: &str) -> PathBuf {
    let path = image(folder, name, 64);
    let table = "label: dos\nstart=2048, type=c, bootable\n";
    let sfdisk = format!("printf '{table}' | sfdisk -q {}", path.display());
    let mkfs = format!("mkfs.fat -F 32 -n HOLIDAY --offset 2048 {}", path.display());
    for command in [&sfdisk, &mkfs] {
        let output = Command::new("sh").args(["-c", command]).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }
    path
}

/// What was said behind `# name`.
fn part<'a>(said: &'a str, name: &str) -> &'a str {
    let behind = said.split_once(&format!("# {name}\n"));
    let (_, behind) = behind.unwrap_or_else(|| panic!("no {name} in {said}"));
    behind.split("# ").next().unwrap()
}

fn assert_says(said: &str, expected: &[&str]) {
    for text in expected {
        assert!(said.contains(text), "{text:?} is not in:\n{said}");
    }
}

#[test]
#[ignore = "needs QEMU, a Linux kernel, sfdisk and mkfs.fat"]
fn sticks_are_listed_guarded_written_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let holiday = formatted(folder, "holiday");
    let large = image(folder, "4kn", 64);
    let disk = image(folder, "disk", 64);
    let locked = image(folder, "locked", 64);
    let stick = |serial| Stick { serial, ..Stick::default() };
    let said = Guest::new()
        .with_program(&program())
        .with_stick(&holiday, &stick(Some("HOLIDAY0001")))
        .with_stick(&large, &Stick { block_size: 4096, ..stick(Some("LARGE")) })
        .with_stick(&disk, &Stick { fixed: true, ..stick(Some("DISK")) })
        .with_stick(&locked, &Stick { read_only: true, ..stick(Some("LOCKED")) })
        .run(
            "holiday=$(stick 0); large=$(stick 1); disk=$(stick 2); locked=$(stick 3)
            echo '# all'
            drives --all
            echo '# removable'
            drives
            echo '# partition'
            drives ${holiday}1
            mount -t vfat ${holiday}1 /mnt
            echo '# mounted'
            drives $holiday --write HOLIDAY0001
            echo '# busy'
            cd /mnt; drives $holiday --write HOLIDAY0001 --unmount; cd /
            echo '# another'
            drives $holiday --write HOLIDAY0002 --unmount
            echo '# unmounted'
            drives $holiday --write HOLIDAY0001 --unmount
            ls ${holiday}*
            echo '# 4Kn'
            drives $large --write LARGE
            echo '# fixed'
            drives $disk
            echo '# locked'
            drives $locked
            ",
        );
    let all = part(&said, "all");
    assert_says(
        all,
        &[
            "67108864 bytes, blocks of 512, USB, removable: QEMU QEMU HARDDISK, identity HOLIDAY0001\n",
            "1 66060288 bytes at 1048576, FAT32 \"HOLIDAY\"\n",
            "blocks of 4096, USB, removable: QEMU QEMU HARDDISK, identity LARGE\n",
            "blocks of 512, USB: QEMU QEMU HARDDISK, identity DISK\n",
            "USB, removable, read-only: QEMU QEMU HARDDISK, identity LOCKED\n",
            "/dev/vda 67108864 bytes, blocks of 512, virtio: without a name, identity diskseq:",
        ],
    );
    let removable = part(&said, "removable");
    assert_says(removable, &["HOLIDAY0001", "LARGE", "LOCKED"]);
    assert!(!removable.contains("DISK\n") && !removable.contains("vda"), "{removable}");
    assert_says(
        part(&said, "partition"),
        &["is partition 1 of the drive /dev/sd", "name the drive"],
    );
    let mounted = part(&said, "mounted");
    assert_says(mounted, &["mounted at /mnt (vfat)\n", "refused (mounted)", "--unmount\n"]);
    assert!(!mounted.contains("wrote"), "{mounted}");
    let busy = part(&said, "busy");
    assert_says(busy, &["error: cannot unmount /mnt; close what uses it\ncaused by: ", "busy"]);
    assert_says(part(&said, "another"), &["error: the drive is HOLIDAY0001, not HOLIDAY0002\n"]);
    let unmounted = part(&said, "unmounted");
    let wrote = "wrote and read back 4 MiB directly in";
    assert_says(unmounted, &["unmounted /mnt\n", wrote, "partitions read again\n"]);
    // The table was written over, and the kernel knows.
    assert_eq!(unmounted.matches("\n/dev/sd").count(), 1, "{unmounted}");
    assert_says(part(&said, "4Kn"), &["blocks of 4096", wrote]);
    assert_says(part(&said, "fixed"), &["refused (fixed)", "--allow-fixed"]);
    assert_says(part(&said, "locked"), &["refused (read-only)"]);

    for image in [holiday, large] {
        let written = std::fs::read(image).unwrap();
        // The second word of a pattern, as the example makes it.
        let word = |offset: u64| (offset + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
        for offset in [0, MIB, 62 * MIB, 63 * MIB] {
            assert_eq!(written[offset as usize + 8..][..8], word(offset), "{offset}");
        }
    }
}

#[test]
#[ignore = "needs QEMU and a Linux kernel"]
fn a_failing_stick_and_a_pulled_one_end_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let failing = image(folder, "failing", 64);
    let pulled = image(folder, "pulled", 64);
    let stick = |serial| Stick { serial: Some(serial), ..Stick::default() };
    let said = Guest::new()
        .with_program(&program())
        .with_stick(&failing, &Stick { fails_at: Some(62 * MIB + MIB / 2), ..stick("FAILS") })
        .with_stick(&pulled, &Stick { speed: Some(MIB / 4), ..stick("PULLED") })
        .with_pull("pull it", 1)
        .run(
            "echo '# failing'
            drives $(stick 0) --write FAILS
            echo \"exit $?\"
            echo '# pulled'
            drives $(stick 1) --write PULLED &
            sleep 4
            echo pull it >/dev/console
            wait $!
            echo \"exit $?\"
            echo '# left'
            drives
            ",
        );
    let failing = part(&said, "failing");
    assert_says(failing, &["failed in the MiB at 65011712: Input/output error", "exit 1\n"]);
    assert!(!failing.contains("taken out"), "{failing}");
    assert_says(
        part(&said, "pulled"),
        &[" failed in the MiB at ", "; the drive was taken out\nexit 1\n"],
    );
    let left = part(&said, "left");
    assert!(left.contains("FAILS") && !left.contains("PULLED"), "{left}");
}
