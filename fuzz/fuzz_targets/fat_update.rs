//! Any bytes as a volume, or a good volume with bytes changed anywhere, and a small tree put onto it:
//! preparing and applying end, without a panic. What is taken for sound holds the tree afterwards.

#![no_main]

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, OnceLock};

use extent_image::{Content, Data, Meta, NodeId, Storage, Timestamp, Tree, TreeBuilder};
use fat32_image::check::{FaultKind, Severity, Volume};
use fat32_image::update::{UpdateOptions, prepare};
use fat32_image::{ClusterSize, Label, VolumeOptions, plan};
use libfuzzer_sys::fuzz_target;

const SECTOR: usize = 512;

/// A volume in memory, zero behind its first bytes.
struct Memory {
    bytes: Vec<u8>,
    len: u64,
    written: Mutex<BTreeMap<u64, [u8; SECTOR]>>,
}

impl Memory {
    fn new(bytes: Vec<u8>, len: u64) -> Self {
        Self { bytes, len, written: Mutex::default() }
    }

    fn fill(&self, offset: u64, bytes: &mut [u8]) {
        let written = self.written.lock().unwrap();
        for (sector, room) in (offset / 512..).zip(bytes.chunks_mut(SECTOR)) {
            let at = sector as usize * SECTOR;
            let there = self.bytes.get(at..).unwrap_or_default();
            let there = &there[..there.len().min(room.len())];
            room.fill(0);
            room[..there.len()].copy_from_slice(there);
            if let Some(bytes) = written.get(&sector) {
                room.copy_from_slice(&bytes[..room.len()]);
            }
        }
    }
}

impl Storage for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn block_size(&self) -> u32 {
        512
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        assert!(offset % 512 == 0 && bytes.len() % SECTOR == 0);
        assert!(offset + bytes.len() as u64 <= self.len && bytes.len() <= 4 << 20);
        self.fill(offset, bytes);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        assert!(offset % 512 == 0 && bytes.len() % SECTOR == 0);
        assert!(offset + bytes.len() as u64 <= self.len);
        let mut written = self.written.lock().unwrap();
        for (sector, bytes) in (offset / 512..).zip(bytes.as_chunks().0) {
            written.insert(sector, *bytes);
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a sector at most at a time.
struct Reader<'a> {
    memory: &'a Memory,
    position: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let within = (self.position % 512) as usize;
        let left = self.memory.len.saturating_sub(self.position);
        let count = bytes.len().min(SECTOR - within).min(left as usize);
        let mut sector = [0; SECTOR];
        self.memory.fill(self.position - within as u64, &mut sector);
        bytes[..count].copy_from_slice(&sector[within..within + count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.memory.len.checked_add_signed(by),
        };
        self.position = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

fn tree(content: &'static str) -> Tree {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut builder = TreeBuilder::new(meta);
    let boot = builder.folder(NodeId::ROOT, "Boot", meta).unwrap();
    let deep = builder.folder(boot, "a longer name", meta).unwrap();
    for (folder, name) in [(NodeId::ROOT, "SUMS"), (boot, "BCD"), (deep, "boot image.wim")] {
        let data = Data::bytes("text", content.repeat(40));
        builder.file(folder, name, meta, data).unwrap();
    }
    builder.finish().unwrap()
}

/// A good volume: its first bytes and its length.
fn good() -> &'static (Vec<u8>, u64) {
    static GOOD: OnceLock<(Vec<u8>, u64)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let options = VolumeOptions::new()
            .with_cluster_size(ClusterSize::B512)
            .with_label(Label::new("OLD").unwrap());
        let plan = plan(&tree("old content "), &options).unwrap().into_plan();
        let used = match plan.extents().last() {
            Some(extent) if matches!(extent.content(), Content::Free) => extent.start(),
            _ => plan.len(),
        };
        let mut bytes = Vec::new();
        plan.reader().take(used).read_to_end(&mut bytes).unwrap();
        (bytes, plan.len())
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let memory = if kind & 1 == 0 {
        Memory::new(data.to_vec(), (data.len() / SECTOR * SECTOR) as u64)
    } else {
        let (mut bytes, len) = good().clone();
        // Places in the sectors that matter, and what is put there.
        for patch in data.chunks_exact(4).take(64) {
            let places = [0, 512, bytes.len() - 4096, 32 * 512];
            let within = u16::from_le_bytes([patch[1], patch[2]]) as usize % 4096;
            let at = (places[usize::from(patch[0] % 4)] + within) % bytes.len();
            bytes[at] = patch[3];
        }
        Memory::new(bytes, len)
    };
    let tree = tree("new content ");
    let options = UpdateOptions::new()
        .with_replace(kind & 2 != 0)
        .with_owned(["SUMS", "Boot/BCD", "Boot/old.txt"])
        .with_switch(["SUMS"])
        .with_label(Some(Label::new("NEW").unwrap()));
    let update = match prepare(&memory, 0..memory.len(), &tree, &options, &mut ()) {
        Ok(update) => update,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    let tolerated: Vec<FaultKind> =
        update.tolerated().iter().map(|fault| fault.kind().clone()).collect();
    let _ = update.notes().iter().map(ToString::to_string).collect::<String>();
    let _ = update.apply(&mut ()).unwrap();
    let reader = Reader { memory: &memory, position: 0 };
    let mut volume = Volume::open(reader, 0, memory.len()).unwrap();
    // What is damage now was damage before.
    for fault in volume.check().unwrap() {
        let is_old = tolerated.contains(fault.kind());
        assert!(is_old || fault.severity() == Severity::Untidy, "{fault}");
    }
    let mut seen = HashSet::new();
    for entry in volume.walk().unwrap() {
        // Of several with one name the first is the one that is found.
        if !seen.insert(entry.path().to_lowercase()) {
            continue;
        }
        if let Some(id) = tree.find(&entry.path()).filter(|id| tree.path(*id) == entry.path())
            && let Some(Data::Source(source)) = tree.data(id)
        {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            source.open(0).unwrap().read_to_end(&mut ours).unwrap();
            volume.open_file(&entry).read_to_end(&mut theirs).unwrap();
            assert_eq!(ours, theirs, "{}", entry.path());
        }
    }
});
