//! USB images: the disk, the volume on it, and what is in the volume.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};

use disk_image::{Code, PartitionKind};
use extent_image::Digest;
use fat32_image::check::Volume;
use fatfs::{FileSystem, FsOptions};
use fscommon::StreamSlice;

use crate::support::{
    Files, Workshop, assert_same, description, expected, made_files, make, noise, read, sparse,
    stick_files, told,
};

const LABEL: &str = "Reference PC 24H2";

#[test]
fn a_stick_holds_what_the_boot_image_and_the_request_say() {
    let workshop = Workshop::new();
    let request = workshop.request("usb").with_label(LABEL);
    let made = make(&request).unwrap();
    let files = made_files(&request.clone().with_force(true));
    // What no file holds: the code of sector 0, of the volume's boot sector, and of its sectors 2-5.
    let image = fs::read(&request.path[0]).unwrap();
    let (sector_0, volume) = (&image[..440], &image[1 << 20..]);
    let code = [sector_0, &volume[0x5A..0x1FE], &volume[1024..3072]].concat();
    let code = Some(Digest::of(&code));
    let description = description(LABEL, "x64", &made.summary.set_id, code);
    let wim = fs::read(workshop.path("boot.wim")).unwrap();
    assert_same(&files, &expected("usb", &wim, LABEL, &description));
    let volume = &made.summary.volumes[0];
    assert_eq!((&*volume.boots, volume.shared_files), (&["BIOS".into(), "UEFI".into()][..], 0));
    assert_eq!((&*volume.labels[0].label, volume.labels[0].changed), ("REFERENCE P", true));
}

#[test]
fn the_disk_is_one_that_a_bios_starts() {
    let workshop = Workshop::new();
    make(&workshop.request("usb")).unwrap();
    let mut file = File::open(workshop.path("out/capture.img")).unwrap();
    let disk = disk_image::read(&mut file).unwrap();
    assert_eq!(disk.faults(), []);
    assert_eq!((disk.code(), disk.len()), (Code::Ours, 40 << 20));
    assert_ne!(disk.signature(), 0);
    assert_eq!(disk.partitions().len(), 1);
    let partition = disk.active().unwrap();
    assert_eq!((partition.kind(), partition.first_sector()), (PartitionKind::Mbr(0x0C), 2048));
    let range = partition.range();
    assert_eq!(range, 1 << 20..40 << 20);
    let mut volume = Volume::open(file, range.start, range.end - range.start).unwrap();
    assert_eq!(volume.facts().hidden_sectors, 2048);
    assert_eq!(volume.label().unwrap().as_deref(), Some("CONFIGURATI"));
    // FAT has no two entries for one content.
    let entries = volume.walk().unwrap();
    let cluster = |path: &str| {
        entries
            .iter()
            .find(|entry| entry.path() == path)
            .map(|entry| entry.first_cluster())
            .unwrap()
    };
    for name in ["segmono_boot.ttf", "wgl4_boot.ttf"] {
        let (bios, efi) =
            (format!("boot/fonts/{name}"), format!("EFI/Microsoft/Boot/fonts/{name}"));
        assert_ne!(cluster(&bios), cluster(&efi));
    }
}

#[test]
fn another_reader_finds_every_file() {
    let workshop = Workshop::new();
    let files = made_files(&workshop.request("usb"));
    let image = fs::read(workshop.path("out/capture.img")).unwrap();
    let len = image.len() as u64;
    let slice = StreamSlice::new(ReadOnly(io::Cursor::new(image)), 1 << 20, len).unwrap();
    let fs = FileSystem::new(slice, FsOptions::new()).unwrap();
    assert_eq!(fs.read_volume_label_from_root_dir().unwrap().as_deref(), Some("CONFIGURATI"));
    let mut found = Files::new();
    foreign(&fs.root_dir(), "", &mut found);
    assert_same(&found, &files);
}

type Foreign<'a> = fatfs::Dir<'a, StreamSlice<ReadOnly>>;

fn foreign(folder: &Foreign<'_>, path: &str, found: &mut Files) {
    for entry in folder.iter() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "." || name == ".." {
            continue;
        }
        let path = format!("{path}{name}");
        if entry.is_dir() {
            foreign(&entry.to_dir(), &format!("{path}/"), found);
        }
        let content = entry.is_file().then(|| read(entry.to_file()));
        found.insert(path, content);
    }
}

/// `fatfs` asks for a writer; a reader that writes is a failure.
struct ReadOnly(io::Cursor<Vec<u8>>);

impl Read for ReadOnly {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Seek for ReadOnly {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Write for ReadOnly {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn without_a_size_the_image_is_as_small_as_4_kib_clusters_allow_and_sparse() {
    let workshop = Workshop::new();
    let mut request = workshop.request("usb");
    request.image_size = None;
    let made = make(&request).unwrap();
    let path = workshop.path("out/capture.img");
    let len = fs::metadata(&path).unwrap().len();
    assert_eq!((made.summary.volumes[0].bytes, len % (1 << 20)), (len, 0));
    assert!((257..=262).contains(&(len >> 20)), "{len}");
    assert!(made.written_bytes < 8 << 20, "{}", made.written_bytes);
    let mut file = File::open(&path).unwrap();
    assert_eq!(stick_files(&mut file).len(), 24 + 12);

    // Content decides when there is much of it.
    sparse(&workshop.path("big"), 600 << 20);
    let request = request.with_force(true).with_add(workshop.add("big", "big"));
    let plan = capmedia::MediaPlan::new(&request.check().unwrap()).unwrap();
    let len = plan.plan().len() >> 20;
    assert!((600..=606).contains(&len), "{len} MiB");
}

#[test]
fn a_size_is_kept_to_the_sector() {
    let workshop = Workshop::new();
    for (size, len) in [("100MB", 99_999_744_u64), ("35MiB", 35 << 20), ("40000001B", 40_000_000)] {
        let request = workshop.request("usb").with_image_size(size).with_force(true);
        made_files(&request);
        assert_eq!(fs::metadata(workshop.path("out/capture.img")).unwrap().len(), len, "{size}");
    }
    workshop.put("data", noise(40 << 20, 1));
    let request = workshop.request("usb").with_force(true).with_add(workshop.add("data", "data"));
    let error = make(&request).unwrap_err();
    let text = told(&error);
    assert!(text.contains("the tree needs a volume of at least"), "{text}");
    assert_eq!(error.blame(), capmedia::Blame::Request);
}
