//! Drives that are opened, written and read back: loop devices, as root.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use media_device::{Drive, Identity, OpenDrive, OpenError, Permissions, System};
use tempfile::tempdir;

use crate::loops::{Loop, LoopLock, Mounted, run, text};

const MIB: u64 = 1 << 20;
const PIECE: usize = 1 << 20;

fn listed(made: &Loop) -> Drive {
    System::new().drive(&made.path).unwrap()
}

/// Bytes that differ everywhere, from an address that is on no multiple of anything.
struct Unaligned(Vec<u8>);

impl Unaligned {
    fn new(len: usize, seed: u8) -> Self {
        let odd = |at: usize| (at as u8).wrapping_mul(31) ^ (at >> 8) as u8 ^ seed;
        Self((0..len + 1).map(odd).collect())
    }

    fn bytes(&self) -> &[u8] {
        let bytes = &self.0[1..];
        if bytes.as_ptr().addr().is_multiple_of(2) { &self.0[..self.0.len() - 1] } else { bytes }
    }
}

fn write_and_read_back(block_size: u32) {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let file = folder.path().join("drive");
    let made = Loop::with_len(&lock, &file, 16 * MIB, block_size);
    let drive = listed(&made);
    assert_eq!((drive.len, drive.logical_block_size), (16 * MIB, block_size));
    assert_eq!(drive.backing_file.as_deref(), Some(file.as_path()));
    assert!(matches!(drive.identity(), Identity::DiskSequence(_)), "{drive:?}");
    let open = OpenDrive::open(&drive).unwrap();
    assert!(open.is_direct() && open.is_present());
    assert_eq!(
        (open.len(), open.block_size(), open.describe()),
        (16 * MIB, block_size, text(&made.path).to_owned())
    );
    let block = u64::from(block_size);

    // Longer than a piece of aligned memory, and not a multiple of it.
    let bytes = Unaligned::new(2 * PIECE + block_size as usize, 7);
    open.write_at(block, bytes.bytes()).unwrap();
    let end = Unaligned::new(block_size as usize, 9);
    open.write_at(16 * MIB - block, end.bytes()).unwrap();
    open.flush().unwrap();
    open.forget_cached().unwrap();
    let mut back = vec![0; bytes.bytes().len() + 1];
    open.read_at(block, &mut back[1..]).unwrap();
    assert!(back[1..] == *bytes.bytes());
    let mut back = vec![0; PIECE];
    open.read_at(16 * MIB - MIB, &mut back).unwrap();
    assert!(back.ends_with(end.bytes()));
    let whole = fs::read(&file).unwrap();
    assert!(
        whole[block_size as usize..].starts_with(bytes.bytes()) && whole.ends_with(end.bytes())
    );

    for (offset, len) in [(1, block), (0, 1), (16 * MIB, block), (u64::MAX - block + 1, block)] {
        let mut memory = vec![0; len as usize];
        let refused = open.write_at(offset, &memory).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{offset} {len}");
        assert_eq!(
            open.read_at(offset, &mut memory).unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
        let range = offset..offset.saturating_add(len);
        assert_eq!(open.discard(range).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    open.write_at(16 * MIB, &[]).unwrap();

    // A loop device passes it on as a hole, unless somebody told the kernel not to.
    let limit = format!("/sys/block/{}/queue/discard_max_bytes", made.name());
    let discards = fs::read_to_string(limit).unwrap().trim() != "0";
    assert_eq!(open.discard(0..16 * MIB).unwrap(), discards);
    open.read_at(block, &mut back).unwrap();
    assert_eq!(back.iter().all(|byte| *byte == 0), discards);
}

#[test]
#[ignore = "needs root and loop devices"]
fn what_is_written_comes_back() {
    write_and_read_back(512);
}

#[test]
#[ignore = "needs root and loop devices"]
fn drives_of_large_blocks_are_written() {
    write_and_read_back(4096);
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_second_writer_is_kept_out() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let made = Loop::with_len(&lock, &folder.path().join("drive"), 4 * MIB, 512);
    let drive = listed(&made);
    let first = OpenDrive::open(&drive).unwrap();
    let second = OpenDrive::open(&drive).unwrap_err();
    assert!(matches!(&second, OpenError::Busy { drive } if *drive == first.describe()));
    drop(first);
    OpenDrive::open(&drive).unwrap();
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_mounted_partition_keeps_the_drive_shut_until_it_is_unmounted() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let made = Loop::with_len(&lock, &folder.path().join("drive"), 64 * MIB, 512);
    // Known before the mount: nothing but the kernel's refusal stands then.
    let before = listed(&made);
    let script = format!("printf 'label: dos\\nstart=2048\\n' | sfdisk -q {}", text(&made.path));
    run("sh", &["-c", &script]);
    made.add_partitions();
    let part = made.partition(1);
    run("mkfs.ext4", &["-q", "-L", "KEEP ME", text(&part)]);
    let folder = folder.path().join("a place\twith\\odd");
    fs::create_dir(&folder).unwrap();
    let _mounted = Mounted::new(&[text(&part)], &folder);
    let again = folder.with_extension("again");
    fs::create_dir(&again).unwrap();
    let _bound = Mounted::new(&["--bind", text(&folder)], &again);

    assert!(matches!(OpenDrive::open(&before), Err(OpenError::Busy { .. })));
    let system = System::new().with_labels(true);
    let drive = system.drive(&made.path).unwrap();
    let [found] = drive.partitions.as_slice() else { panic!("{drive:?}") };
    let file_system = found.file_system.as_ref().unwrap();
    assert_eq!((file_system.kind, file_system.label.as_deref()), ("ext4", Some("KEEP ME")));
    assert_eq!((found.number, found.start, found.len), (1, MIB, 63 * MIB));
    let places: Vec<_> = drive.all_mounts().map(|mount| mount.path.clone()).collect();
    assert_eq!(places, [folder.clone(), again.clone()]);
    let permissions = Permissions { allow_fixed: true, ..Permissions::default() };
    let refusals = drive.refusals(&permissions);
    assert_eq!(refusals.iter().map(|refusal| refusal.code()).collect::<Vec<_>>(), ["mounted"]);
    match system.drive(&part) {
        Err(media_device::PathError::Partition { number: 1, drive, .. }) => {
            assert_eq!(drive, made.path)
        }
        other => panic!("{other:?}"),
    }

    let busy = File::open(folder.join("lost+found")).unwrap();
    let refused = system.unmount(&drive).unwrap_err();
    assert!(
        matches!(&refused, media_device::UnmountError::Failed { mount, .. } if *mount == folder)
    );
    drop(busy);
    assert_eq!(system.unmount(&drive).unwrap(), [folder]);
    assert!(system.unmount(&drive).unwrap().is_empty());
    let drive = system.drive(&made.path).unwrap();
    assert_eq!(drive.refusals(&Permissions { unmount: true, ..permissions }), []);
    OpenDrive::open(&drive).unwrap();
}

/// What lies over the drive's file system is of someone else, and stays.
#[test]
#[ignore = "needs root and loop devices"]
fn what_is_mounted_over_a_drive_is_not_unmounted() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let made = Loop::with_len(&lock, &folder.path().join("drive"), 16 * MIB, 512);
    run("mkfs.ext4", &["-q", text(&made.path)]);
    let place = folder.path().join("place");
    let below = place.join("below");
    fs::create_dir_all(&below).unwrap();
    let system = System::new();
    let covered = |mount: &Path| {
        let drive = listed(&made);
        let refused = system.unmount(&drive).unwrap_err();
        assert!(
            matches!(&refused, media_device::UnmountError::Covered { mount: told } if told == mount),
            "{refused}"
        );
    };
    // Right over it, and over the folder above it.
    for (mount, over) in [(&place, &place), (&below, &place)] {
        let _drive = Mounted::new(&[text(&made.path)], mount);
        let other = Mounted::new(&["-t", "tmpfs", "other"], over);
        fs::write(over.join("precious"), "x").unwrap();
        covered(mount);
        assert!(over.join("precious").exists());
        if over != mount {
            // There is something at the path, but not the drive.
            fs::create_dir(mount).unwrap();
            covered(mount);
        }
        drop(other);
        assert_eq!(&system.unmount(&listed(&made)).unwrap(), std::slice::from_ref(mount));
    }
}

/// The kernel escapes blanks, tabs and line feeds, and nothing else.
#[test]
#[ignore = "needs root and loop devices"]
fn a_mount_point_with_a_carriage_return_is_that_one() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let made = Loop::with_len(&lock, &folder.path().join("drive"), 16 * MIB, 512);
    run("mkfs.ext4", &["-q", text(&made.path)]);
    let (short, long) = (folder.path().join("a"), folder.path().join("a\rb\u{c}c"));
    for place in [&short, &long] {
        fs::create_dir(place).unwrap();
    }
    let _other = Mounted::new(&["-t", "tmpfs", "other"], &short);
    let _drive = Mounted::new(&[text(&made.path)], &long);
    fs::write(short.join("precious"), "x").unwrap();
    assert_eq!(System::new().unmount(&listed(&made)).unwrap(), [long]);
    assert!(short.join("precious").exists());
}

/// Through a loop device nothing is seen of what is behind it: what is mounted, and who has it open.
#[test]
#[ignore = "needs root and loop devices"]
fn a_loop_over_a_drive_is_refused() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let made = Loop::with_len(&lock, &folder.path().join("drive"), 16 * MIB, 512);
    let over = Loop::new(&lock, &made.path, 512);
    let permissions = Permissions { allow_fixed: true, ..Permissions::default() };
    assert_eq!(listed(&made).refusals(&permissions), []);
    let refusals = listed(&over).refusals(&permissions);
    assert_eq!(refusals.iter().map(|refusal| refusal.code()).collect::<Vec<_>>(), ["loop"]);
    let expected = format!("is a loop device over {}", made.path.display());
    assert!(refusals[0].to_string().contains(&expected), "{}", refusals[0]);
    drop(over);
    // By whatever name.
    let node = folder.path().join("an image");
    let number = fs::read_to_string(format!("/sys/block/{}/dev", made.name())).unwrap();
    let (major, minor) = number.trim().split_once(':').unwrap();
    run("mknod", &[text(&node), "b", major, minor]);
    let over = Loop::new(&lock, &node, 512);
    fs::remove_file(&node).unwrap();
    assert_eq!(listed(&over).refusals(&permissions).len(), 1);
}

#[test]
#[ignore = "needs root and loop devices"]
fn two_loops_over_one_file_are_one_medium() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let (file, link) = (folder.path().join("drive"), folder.path().join("link"));
    let one = Loop::with_len(&lock, &file, 4 * MIB, 512);
    fs::hard_link(&file, &link).unwrap();
    let two = Loop::new(&lock, &link, 512);
    assert!(listed(&one).is_same_medium(&listed(&two)));
    assert!(listed(&one).is_same_medium(&listed(&one)));
    drop(two);
    let other = Loop::with_len(&lock, &folder.path().join("other"), 4 * MIB, 512);
    assert!(!listed(&one).is_same_medium(&listed(&other)));
}

#[test]
#[ignore = "needs root and loop devices"]
fn another_medium_of_the_same_name_is_not_written() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let made = Loop::with_len(&lock, &folder.path().join("first"), 4 * MIB, 512);
    let drive = listed(&made);
    let other = folder.path().join("second");
    for (len, expected) in [(4 * MIB, "number of the connection"), (8 * MIB, "length")] {
        File::create(&other).and_then(|file| file.set_len(len)).unwrap();
        made.change_file(&other);
        match OpenDrive::open(&drive) {
            Err(OpenError::Changed { what, listed, found, .. }) => {
                assert_eq!(what, expected);
                assert_ne!(listed, found);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(OpenDrive::open(&listed(&made)).is_ok());
    run("losetup", &["-d", text(&made.path)]);
    let gone = OpenDrive::open(&drive);
    assert!(matches!(gone, Err(OpenError::Changed { .. } | OpenError::Gone { .. })), "{gone:?}");
}

#[test]
#[ignore = "needs root and loop devices"]
fn a_read_only_drive_says_so() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let made = Loop::with_len(&lock, &folder.path().join("drive"), 4 * MIB, 512);
    let drive = listed(&made);
    run("blockdev", &["--setro", text(&made.path)]);
    let refused = OpenDrive::open(&drive);
    run("blockdev", &["--setrw", text(&made.path)]);
    assert!(matches!(refused, Err(OpenError::ReadOnly { .. })), "{refused:?}");
}

#[test]
#[ignore = "needs root and loop devices"]
fn partitions_are_read_again() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let file = folder.path().join("drive");
    File::create(&file).and_then(|file| file.set_len(4 * MIB)).unwrap();
    let made = Loop::new(&lock, &file, 512);
    // A loop device has no partitions unless it is told so, and says that.
    let open = OpenDrive::open(&listed(&made)).unwrap();
    assert_eq!(open.reread_partitions().unwrap_err().kind(), io::ErrorKind::InvalidInput);
    // One that it was given is forgotten, so that nobody mounts what is being overwritten.
    run("addpart", &[text(&made.path), "1", "2048", "2048"]);
    assert_eq!(listed(&made).partitions.len(), 1);
    assert!(open.reread_partitions().is_err());
    assert_eq!(listed(&made).partitions, []);
    drop(open);
    run("losetup", &["-d", text(&made.path)]);
    run("losetup", &["-P", text(&made.path), text(&file)]);
    let open = OpenDrive::open(&listed(&made)).unwrap();
    open.reread_partitions().unwrap();
}

/// A file system with room for a part of a drive: writing fails in the middle, when it is full.
#[test]
#[ignore = "needs root and loop devices"]
fn a_write_error_in_the_middle_is_an_error() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let _small = Mounted::new(&["-t", "tmpfs", "-o", "size=6m", "none"], folder.path());
    let made = Loop::with_len(&lock, &folder.path().join("drive"), 16 * MIB, 512);
    let open = OpenDrive::open(&listed(&made)).unwrap();
    let bytes = vec![1; PIECE];
    let failed = (0..16)
        .find_map(|piece| open.write_at(piece * MIB, &bytes).err().map(|error| (piece, error)));
    let (piece, error) = failed.unwrap();
    assert!((4..=6).contains(&piece), "{piece}");
    assert!(matches!(error.raw_os_error(), Some(5 | 28)), "{error:?}");
    assert!(open.is_present(), "it is still there");
}

/// What is read back is what the medium has, not what was written.
#[test]
#[ignore = "needs root and loop devices"]
fn reading_back_sees_a_medium_that_lost_what_was_written() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let file = folder.path().join("drive");
    let made = Loop::with_len(&lock, &file, 4 * MIB, 512);
    let open = OpenDrive::open(&listed(&made)).unwrap();
    open.write_at(0, &vec![1; 2 * PIECE]).unwrap();
    open.flush().unwrap();
    // Some other program has the old bytes in the drive's cache.
    let mut cached = [0; 512];
    File::open(&made.path).unwrap().read_exact_at(&mut cached, MIB).unwrap();
    damage(&file, MIB);
    open.forget_cached().unwrap();
    let mut back = [0; 1024];
    open.read_at(MIB - 512, &mut back).unwrap();
    assert_eq!((back[511], back[512], back[513]), (1, 2, 1));
    File::open(&made.path).unwrap().read_exact_at(&mut cached, MIB).unwrap();
    assert_eq!(cached[0], 2, "the cache was dropped, too");
}

fn damage(file: &Path, at: u64) {
    File::options().write(true).open(file).unwrap().write_all_at(&[2], at).unwrap();
}

/// As containers mount: no list of this process shows it.
#[test]
#[ignore = "needs root and loop devices"]
fn what_is_mounted_for_others_only_is_refused_by_the_kernel() {
    let (lock, folder) = (LoopLock::take(), tempdir().unwrap());
    let made = Loop::with_len(&lock, &folder.path().join("drive"), 16 * MIB, 512);
    run("mkfs.ext4", &["-q", text(&made.path)]);
    let place = folder.path().join("place");
    fs::create_dir(&place).unwrap();
    let script = format!("mount {} {} && echo ready && cat", text(&made.path), text(&place));
    let mut other = Command::new("unshare");
    other.args(["--mount", "sh", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut other = other.spawn().unwrap();
    let mut said = [0; 6];
    other.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"ready\n");

    let drive = listed(&made);
    let permissions = Permissions { allow_fixed: true, ..Permissions::default() };
    assert_eq!(drive.refusals(&permissions), [], "nobody says so");
    assert!(matches!(OpenDrive::open(&drive), Err(OpenError::Busy { .. })));
    // It ends with its input, and its mounts with it.
    drop(other.stdin.take());
    other.wait().unwrap();
    OpenDrive::open(&listed(&made)).unwrap();
}
