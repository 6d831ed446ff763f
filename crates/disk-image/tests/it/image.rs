//! Disk images in files.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::num::NonZeroU32;
use std::path::PathBuf;

use disk_image::{DiskOptions, Mbr, Table, disk};
use extent_image::{Plan, PlanBuilder, StreamOptions};
use tempfile::TempDir;

use crate::volume::Volume;

/// An image in a folder that goes away with it.
pub(crate) struct Image {
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

impl Image {
    /// The volume in a disk with our master boot record.
    pub(crate) fn of(volume: &Volume) -> Self {
        let mut inner = PlanBuilder::new();
        inner.free_to("volume", u64::from(volume.sectors) * 512).unwrap();
        let table = Table::Mbr(Mbr::new(NonZeroU32::new(0x1234_5678).unwrap()));
        let options = DiskOptions::new(table)
            .with_start(u64::from(volume.hidden) * 512)
            .with_disk_len(u64::from(volume.hidden + volume.sectors) * 512);
        let image = Self::of_plan(&disk(&inner.finish(), &options).unwrap());
        volume.write(&image.path);
        image
    }

    pub(crate) fn of_plan(plan: &Plan) -> Self {
        let image = Self::empty();
        let file = File::create(&image.path).unwrap();
        let report = plan.write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
        assert_eq!(report.len, plan.len());
        image
    }

    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("disk.img"), _folder: folder }
    }

    pub(crate) fn patch(&self, at: u64, bytes: &[u8]) {
        let file = File::options().write(true).open(&self.path).unwrap();
        write_at(&file, at, bytes);
    }
}

pub(crate) fn write_at(mut file: &File, at: u64, bytes: &[u8]) {
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}
