//! FAT32 volumes with everything in a chosen place, for the boot record to find its way in: what a
//! well-behaved planner never makes. They may have far fewer clusters than FAT32 must have; the boot
//! record does not care, and a floppy holds them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use disk_image::boot_code;

use crate::image::write_at;

/// Sectors before the first FAT.
const RESERVED: u32 = 32;
/// What ends a chain.
pub(crate) const END: u32 = 0x0FFF_FFFF;

pub(crate) struct Volume {
    pub(crate) hidden: u32,
    pub(crate) sectors: u32,
    pub(crate) cluster_sectors: u32,
    pub(crate) fats: u32,
    /// The flags at 28h of the boot sector.
    pub(crate) ext_flags: u8,
    /// Clusters of the root folder, in the order of its chain.
    pub(crate) root: Vec<u32>,
    /// The root folder, one 32-byte slot after the other.
    pub(crate) slots: Vec<[u8; 32]>,
    /// Files: their clusters in the order of the chain, and their bytes.
    pub(crate) files: Vec<(Vec<u32>, Vec<u8>)>,
    /// FAT entries put in after all others.
    pub(crate) entries: Vec<(u32, u32)>,
    pub with_stage2: bool,
}

impl Volume {
    /// A volume in the partition at 1 MiB, whose root folder is cluster 2.
    pub(crate) fn new(mib: u32, cluster_sectors: u32) -> Self {
        Self {
            hidden: 2048,
            sectors: mib * 2048,
            cluster_sectors,
            fats: 2,
            ext_flags: 0,
            root: vec![2],
            slots: Vec::new(),
            files: Vec::new(),
            entries: Vec::new(),
            with_stage2: true,
        }
    }

    /// Adds a file at the given clusters, and its slot. Without clusters: one after the other from
    /// cluster 3.
    pub(crate) fn file(&mut self, name: &[u8; 11], clusters: Option<Vec<u32>>, bytes: Vec<u8>) {
        let count = u32::try_from(bytes.len().div_ceil(self.cluster_len())).unwrap();
        let clusters = clusters.unwrap_or_else(|| (3..3 + count).collect());
        assert!(clusters.len() >= count as usize);
        let len = u32::try_from(bytes.len()).unwrap();
        self.slots.push(slot(name, 0x20, clusters[0], len));
        self.files.push((clusters, bytes));
    }

    pub(crate) fn cluster_len(&self) -> usize {
        self.cluster_sectors as usize * 512
    }

    fn sectors_per_fat(&self) -> u32 {
        // More than the exact size, which is legal: every sector as a cluster.
        (self.sectors / self.cluster_sectors + 2).div_ceil(128)
    }

    /// Where cluster 2 begins, in sectors of the volume.
    pub(crate) fn data_sector(&self) -> u32 {
        RESERVED + self.fats * self.sectors_per_fat()
    }

    /// Writes the volume into a disk image that is all zeros where the volume goes.
    pub(crate) fn write(&self, image: &Path) {
        let file = File::options().write(true).create(true).truncate(false).open(image).unwrap();
        let at = u64::from(self.hidden) * 512;
        let put = |sector: u32, bytes: &[u8]| {
            write_at(&file, at + u64::from(sector) * 512, bytes);
        };
        file.set_len(file.metadata().unwrap().len().max(at + u64::from(self.sectors) * 512))
            .unwrap();

        put(0, &self.boot_sector());
        if self.with_stage2 {
            for (sector, bytes) in boot_code::FAT32_STAGE2 {
                put(sector, bytes);
            }
        }

        let mut fat = BTreeMap::from([(0, 0x0FFF_FFF8), (1, END)]);
        let chains = self.files.iter().map(|(clusters, _)| clusters).chain([&self.root]);
        for chain in chains {
            let next = chain.iter().skip(1).copied().chain([END]);
            fat.extend(chain.iter().copied().zip(next));
        }
        fat.extend(self.entries.iter().copied());
        // With mirroring off only the named FAT is right.
        let copies = if self.ext_flags & 0x80 == 0 {
            0..self.fats
        } else {
            u32::from(self.ext_flags & 15)..u32::from(self.ext_flags & 15) + 1
        };
        for copy in copies {
            let mut table = vec![0; self.sectors_per_fat() as usize * 512];
            for (&cluster, &next) in &fat {
                let at = cluster as usize * 4;
                // The reserved top bits are set: they do not count.
                table[at..at + 4].copy_from_slice(&(next | 0xA000_0000).to_le_bytes());
            }
            put(RESERVED + copy * self.sectors_per_fat(), &table);
        }

        let slots: Vec<u8> = self.slots.concat();
        let root = (&self.root, &slots);
        for (clusters, bytes) in self.files.iter().map(|(c, b)| (c, b)).chain([root]) {
            for (cluster, part) in clusters.iter().zip(bytes.chunks(self.cluster_len())) {
                put(self.data_sector() + (cluster - 2) * self.cluster_sectors, part);
            }
        }
    }

    fn boot_sector(&self) -> [u8; 512] {
        let mut sector = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| sector[at..at + bytes.len()].copy_from_slice(bytes);
        put(0x00, &[0xEB, 0x58, 0x90]);
        put(0x0B, &512_u16.to_le_bytes());
        put(0x0D, &[u8::try_from(self.cluster_sectors).unwrap()]);
        put(0x0E, &u16::try_from(RESERVED).unwrap().to_le_bytes());
        put(0x10, &[u8::try_from(self.fats).unwrap()]);
        put(0x15, &[0xF8]);
        put(0x18, &[63, 0, 255, 0]);
        put(0x1C, &self.hidden.to_le_bytes());
        put(0x20, &self.sectors.to_le_bytes());
        put(0x24, &self.sectors_per_fat().to_le_bytes());
        put(0x28, &[self.ext_flags]);
        put(0x2C, &self.root[0].to_le_bytes());
        put(0x30, &[1, 0, 6, 0]);
        // Not the drive the tests boot from: the boot record must put the firmware's here.
        put(0x40, &[0x99]);
        put(0x5A, boot_code::FAT32_BOOT_RECORD);
        put(0x1FE, &[0x55, 0xAA]);
        sector
    }
}

pub(crate) fn slot(name: &[u8; 11], attributes: u8, cluster: u32, len: u32) -> [u8; 32] {
    let mut slot = [0; 32];
    slot[..11].copy_from_slice(name);
    slot[11] = attributes;
    slot[20..22].copy_from_slice(&cluster.to_le_bytes()[2..]);
    slot[26..28].copy_from_slice(&cluster.to_le_bytes()[..2]);
    slot[28..].copy_from_slice(&len.to_le_bytes());
    slot
}
