//! The largest volumes: how they are laid out, what they cost, and that others read them.

use std::fs::File;
use std::time::{Duration, Instant};

use extent_image::StreamOptions;
use fat32_image::check::Volume;
use fat32_image::{Label, SectorSize, VolumeOptions, VolumeSize, plan};

use crate::image::Image;
use crate::model::sample;

/// 2 TB as drives are sold.
const TWO_TB: u64 = 2_000_000_000_000;

fn options(len: u64, sector_size: SectorSize) -> VolumeOptions {
    VolumeOptions::new()
        .with_size(VolumeSize::Bytes(len))
        .with_sector_size(sector_size)
        .with_label(Label::new("LARGE").unwrap())
}

const PATHS: [(&str, usize); 4] =
    [("BOOTMGR", 413_738), ("sources/", 0), ("sources/boot.wim", 3 << 20), ("A long name.txt", 7)];

/// The largest volumes there are, in memory: only what is in use is held.
#[test]
fn the_last_sector_that_can_be_counted() {
    for (sector_size, cluster_size) in [(SectorSize::B512, 32_768), (SectorSize::B4096, 65_536)] {
        let len = 0xFFFF_FFFF * u64::from(sector_size.bytes());
        let planned = plan(&sample(&PATHS), &options(len, sector_size)).unwrap();
        assert_eq!(planned.geometry().cluster_size(), cluster_size);
        assert_eq!(planned.geometry().total_sectors(), 0xFFFF_FFFF);
        let mut volume = Volume::open(Image::new(planned.plan()), 0, len).unwrap();
        assert_eq!(volume.check().unwrap(), []);
        assert_eq!(volume.label().unwrap().as_deref(), Some("LARGE"));
        assert_eq!(volume.walk().unwrap().len(), PATHS.len());
    }
}

#[cfg(target_os = "linux")]
mod memory {
    use std::process::Command;

    use super::*;

    /// Set for the process that measures itself.
    const CHILD: &str = "FAT32_IMAGE_MEMORY";

    /// The most memory this process ever held, in bytes.
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// In a process of its own, since the peak of this one is that of all tests.
    #[test]
    fn two_terabytes_in_megabytes() {
        if std::env::var_os(CHILD).is_none() {
            let name = "large::memory::two_terabytes_in_megabytes";
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args([name, "--exact", "--nocapture"]).env(CHILD, "1");
            let output = child.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
            return;
        }
        let file = tempfile::tempfile().unwrap();
        let tree = sample(&PATHS);
        let before = resident();
        let begun = Instant::now();
        let planned = plan(&tree, &options(TWO_TB, SectorSize::B512)).unwrap();
        let _ = planned.plan().write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
        let (made, after_plan) = (begun.elapsed(), resident());
        let mut volume = Volume::open(&file, 0, TWO_TB).unwrap();
        assert_eq!(volume.check().unwrap(), []);
        let after_check = resident();
        println!(
            "made in {made:?} and {} KiB, checked in {:?} and {} KiB more",
            (after_plan - before) >> 10,
            begun.elapsed() - made,
            (after_check - after_plan) >> 10
        );
        // Buffers for what is streamed; then one bit for each of the 61 million clusters.
        assert!(after_plan - before < 16 << 20, "{} bytes to make it", after_plan - before);
        assert!(
            after_check - after_plan < 16 << 20,
            "{} bytes to check it",
            after_check - after_plan
        );
    }
}

#[test]
#[ignore = "needs fsck.fat and mtools"]
fn others_read_large_volumes() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("large.img");
    for (len, sector_size) in [
        (64_000_000_000, SectorSize::B512),
        (256_000_000_000, SectorSize::B512),
        (TWO_TB, SectorSize::B512),
        (64_000_000_000, SectorSize::B4096),
        (TWO_TB, SectorSize::B4096),
    ] {
        let options = options(len, sector_size);
        let tree = sample(&PATHS);
        let file = File::create(&path).unwrap();
        let begun = Instant::now();
        let planned = plan(&tree, &options).unwrap();
        let _ = planned.plan().write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
        let made = begun.elapsed();
        // A debug build on a busy machine; the content is 3.5 MB.
        assert!(made < Duration::from_secs(10), "{made:?}");
        assert_eq!(file.metadata().unwrap().len(), len);
        crate::oracles::fsck(&path, tree.len());
        assert_eq!(crate::oracles::label(&path), "LARGE");
        let mut volume = Volume::open(File::open(&path).unwrap(), 0, len).unwrap();
        assert_eq!(volume.check().unwrap(), []);
        assert_eq!(volume.label().unwrap().as_deref(), Some("LARGE"));
        println!("{len} bytes in sectors of {}: made in {made:?}", sector_size.bytes());
    }
}
