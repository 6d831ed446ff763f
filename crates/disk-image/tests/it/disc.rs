//! ISO 9660 discs with everything in a chosen place, for the El Torito program to find its way in:
//! what a well-behaved planner never makes. Only what firmware and the program look at is there; no
//! path tables, no dates.

use disk_image::boot_code::EL_TORITO;

use crate::image::Image;

const SECTOR: usize = 2048;
/// El Torito fixes the place of its descriptor.
const BOOT_RECORD: u32 = 17;
const CATALOG: u32 = 20;
pub(crate) const PROGRAM: u32 = 21;
/// The root folder has room up to the folder `BOOT`.
pub(crate) const ROOT: u32 = 24;
pub(crate) const BOOT: u32 = 40;
/// Where [`Disc::file`] puts the file.
pub(crate) const FILE: u32 = 50;
/// The disc is this long, and longer when its file is.
const END: u32 = 100;

pub(crate) const FOLDER: u8 = 0x02;
pub(crate) const ASSOCIATED: u8 = 0x04;
pub(crate) const MORE_EXTENTS: u8 = 0x80;

pub(crate) struct Disc {
    /// Sector of the primary descriptor: 16, or 18 with descriptors of another kind before.
    pub(crate) primary: u32,
    pub(crate) block_len: u16,
    /// Records of the root folder behind the two that stand for itself.
    pub(crate) root: Vec<Vec<u8>>,
    /// The same of the folder `BOOT`, which the root must name to be found.
    pub(crate) boot: Vec<Vec<u8>>,
    /// Bytes of files, and where they begin.
    pub(crate) files: Vec<(u32, Vec<u8>)>,
}

impl Disc {
    pub(crate) fn new() -> Self {
        Self { primary: 16, block_len: 2048, root: vec![], boot: vec![], files: vec![] }
    }

    /// A disc with one file in its root folder.
    pub(crate) fn with_file(name: &str, bytes: Vec<u8>) -> Self {
        let mut disc = Self::new();
        disc.file(name, bytes);
        disc
    }

    /// Puts a file at [`FILE`], and its record behind all others of the root folder.
    pub(crate) fn file(&mut self, name: &str, bytes: Vec<u8>) {
        self.root.push(record(name.as_bytes(), FILE, bytes.len(), 0));
        self.files.push((FILE, bytes));
    }

    /// Sectors of the root folder.
    pub(crate) fn root_sectors(&self) -> usize {
        folder(ROOT, &self.root).len() / SECTOR
    }

    pub(crate) fn image(&self) -> Image {
        let mut bytes = vec![0; END as usize * SECTOR];
        let mut put = |sector: u32, content: &[u8]| {
            let at = sector as usize * SECTOR;
            bytes.resize(bytes.len().max((at + content.len()).next_multiple_of(SECTOR)), 0);
            bytes[at..at + content.len()].copy_from_slice(content);
        };
        for sector in 16..19 {
            put(sector, &descriptor(3));
        }
        put(19, &descriptor(255));

        let root = folder(ROOT, &self.root);
        let mut primary = descriptor(1);
        primary[128..130].copy_from_slice(&self.block_len.to_le_bytes());
        primary[156..190].copy_from_slice(&record(&[0], ROOT, root.len(), FOLDER));
        put(self.primary, &primary);
        put(ROOT, &root);
        put(BOOT, &folder(BOOT, &self.boot));

        let mut boot_record = descriptor(0);
        boot_record[7..30].copy_from_slice(b"EL TORITO SPECIFICATION");
        boot_record[71..75].copy_from_slice(&CATALOG.to_le_bytes());
        put(BOOT_RECORD, &boot_record);
        let mut catalog = [0; 64];
        catalog[0] = 1;
        // The sum of the words of this entry is zero.
        catalog[28..32].copy_from_slice(&[0xAA, 0x55, 0x55, 0xAA]);
        catalog[32] = 0x88;
        catalog[38] = (EL_TORITO.len() / 512) as u8;
        catalog[40..44].copy_from_slice(&PROGRAM.to_le_bytes());
        put(CATALOG, &catalog);
        put(PROGRAM, EL_TORITO);

        for (sector, content) in &self.files {
            put(*sector, content);
        }
        let image = Image::empty();
        std::fs::write(&image.path, bytes).unwrap();
        image
    }
}

fn descriptor(kind: u8) -> [u8; SECTOR] {
    let mut sector = [0; SECTOR];
    sector[0] = kind;
    sector[1..7].copy_from_slice(b"CD001\x01");
    sector
}

/// A folder at `at`: records never cross the end of a sector.
fn folder(at: u32, records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let own = [record(&[0], at, SECTOR, FOLDER), record(&[1], ROOT, SECTOR, FOLDER)];
    for record in own.iter().chain(records) {
        let room = SECTOR - bytes.len() % SECTOR;
        if record.len() > room {
            bytes.resize(bytes.len() + room, 0);
        }
        bytes.extend(record);
    }
    bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
    bytes
}

/// ECMA-119 9.1: a directory record without a date.
pub(crate) fn record(name: &[u8], at: u32, len: usize, flags: u8) -> Vec<u8> {
    let len = u32::try_from(len).unwrap();
    let mut record = vec![0; (33 + name.len()).next_multiple_of(2)];
    record[0] = record.len() as u8;
    record[2..6].copy_from_slice(&at.to_le_bytes());
    record[6..10].copy_from_slice(&at.to_be_bytes());
    record[10..14].copy_from_slice(&len.to_le_bytes());
    record[14..18].copy_from_slice(&len.to_be_bytes());
    record[25] = flags;
    record[28..32].copy_from_slice(&[1, 0, 0, 1]);
    record[32] = name.len() as u8;
    record[33..33 + name.len()].copy_from_slice(name);
    record
}
