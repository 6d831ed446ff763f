//! Reads any FAT16 or FAT32 volume, and reports everything in it that breaks the rules. FAT12, the
//! type of floppies, is refused.
//!
//! Written apart from the planner, from the format alone, sharing no code with it: shared layout
//! code would share its mistakes.
//!
//! Everything read is untrusted. Nothing here panics, and every walk over clusters ends. Memory is one
//! bit for each cluster that is really there (not for what the boot sector claims): 8 MiB for 2 TB in
//! clusters of 32 KiB, at most 32 MiB; and a few hundred bytes for each folder that is still to be
//! read. A check reads every FAT once, and the directories.
//!
//! ```
//! use std::io::Read;
//! use extent_image::{Data, Meta, NodeId, Timestamp, TreeBuilder};
//! use fat32_image::{VolumeOptions, check::Volume};
//!
//! let meta = Meta::at(Timestamp::FAT_EPOCH);
//! let mut tree = TreeBuilder::new(meta);
//! tree.file(NodeId::ROOT, "Read me.txt", meta, Data::bytes("text", "hello"))?;
//! let plan = fat32_image::plan(&tree.finish()?, &VolumeOptions::new())?.into_plan();
//!
//! let mut volume = Volume::open(plan.reader(), 0, plan.len())?;
//! assert_eq!(volume.check()?, []);
//! let entries = volume.walk()?;
//! assert_eq!(entries[0].path(), "Read me.txt");
//! let mut text = String::new();
//! volume.open_file(&entries[0]).read_to_string(&mut text)?;
//! assert_eq!(text, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

//! # Rules
//! What [`Volume::check`] knows. Each is a [`FaultKind`] with the byte of the volume where it is
//! broken; those in *italics* are [untidy](Severity::Untidy), the others damage.
//!
//! | part | rules |
//! |---|---|
//! | boot sector | jump E9h or EBh (*and 90h behind that*), 1 or 2 FATs, media byte, `55 AA`, extension signature; on FAT32 no root entries, no 16-bit sector count, no flags (every FAT kept equal), version 0, reserved bytes 0; *state clean, sectors per track, heads, drive number, name of the FAT type* |
//! | sizes | clusters within the FAT type, a FAT for all of them, clusters of at most 64 KiB, the volume no longer than what it lies on, hidden sectors where it begins |
//! | backup, FSInfo | inside the reserved sectors; *backup equal but for the state, three signatures, reserved bytes 0, both of FSInfo and its copy; free clusters right or unknown, next free one a cluster* |
//! | FAT | copies equal (*the first two entries too*); *media byte in FAT\[0\], end mark and clean marks in FAT\[1\], four highest bits 0, nothing behind the last cluster, every used cluster in a chain* |
//! | chains | a first cluster where there is content, links to clusters only, no cluster twice (loops, two owners), not shorter than the size; *not longer* |
//! | directories | `.` and `..` first, both folders, leading to the folder and to its parent (0 for the root; *not the root's number*); none in the root; at most 65,536 slots; *nothing but zeros behind the end mark* |
//! | short names | upper case, legal characters, spaces at the end only; none twice, none equal to a long name |
//! | long names | last part first, ordinals down to 1, one checksum, that of the short name, kind 0, cluster 0; 1 to 255 units of legal text, no dot or space at the end; none twice, ignoring case; *filled with FFFFh behind one 0, no parts without an entry* |
//! | slots | *attribute and case bits that exist, at most 199 hundredths, times and dates that are moments, a modification date, no size on folders* |
//! | label | *one, in the root, without size and cluster, upper case and legal, equal to that of the boot sector unless that is `NO NAME`* |
//!
//! What systems do is no fault: deleted slots, `System Volume Information`, unknown counts in FSInfo,
//! bad clusters, any of the eight end marks, marks of encryption in the case byte, names in a code
//! page, boot code of any kind. What a drive keeps that was pulled out while in use is told by
//! [`Fault::is_leftover`].

mod audit;
mod boot;
mod chain;
mod fault;
mod slots;
mod tables;

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use extent_image::Timestamp;

use self::audit::Audit;
use self::chain::{Link, TableCache};

pub(crate) use self::chain::ClusterSet;

pub use self::boot::{Facts, OpenError};
pub use self::fault::{Fault, FaultKind, Severity};

/// A FAT16 or FAT32 volume, or what claims to be one.
pub struct Volume<R> {
    disk: Disk<R>,
    facts: Facts,
    cache: TableCache,
}

/// A file or folder of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    folder: Arc<str>,
    name: String,
    short_name: String,
    attributes: u8,
    modified: Option<Timestamp>,
    first_cluster: u32,
    size: u32,
}

impl Entry {
    /// Path from the root, with `/` between names and none in front. Units that are no text appear
    /// as U+FFFD.
    pub fn path(&self) -> String {
        match &*self.folder {
            "" => self.name.clone(),
            folder => format!("{folder}/{}", self.name),
        }
    }

    /// The name: the long one where there is one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The short name, `BASE.EXT`.
    pub fn short_name(&self) -> &str {
        &self.short_name
    }

    /// True for a folder.
    pub fn is_folder(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// Bytes; 0 for a folder.
    pub fn size(&self) -> u32 {
        if self.is_folder() { 0 } else { self.size }
    }

    /// The attribute byte: 01h read-only, 02h hidden, 04h system, 10h folder, 20h archive.
    pub fn attributes(&self) -> u8 {
        self.attributes
    }

    /// Time of last modification, taken as UTC; `None` where the fields hold no moment.
    pub fn modified(&self) -> Option<Timestamp> {
        self.modified
    }

    /// Number of the first cluster; 0 for none.
    pub fn first_cluster(&self) -> u32 {
        self.first_cluster
    }
}

impl<R: Read + Seek> Volume<R> {
    /// Reads the boot sector of the volume in the `len` bytes of `reader` from `start` on.
    ///
    /// # Errors
    /// [`OpenError`]: not so much of FAT16 or FAT32 that its parts could be found, or FAT12. Everything
    /// else that is wrong is for [`check`](Self::check).
    pub fn open(reader: R, start: u64, len: u64) -> Result<Self, OpenError> {
        let mut disk = Disk { reader, start, len };
        let facts = boot::read(&mut disk)?;
        Ok(Self { disk, facts, cache: TableCache::default() })
    }

    /// What the boot sector says.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The label in the root directory, the one that Windows shows.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn label(&mut self) -> io::Result<Option<String>> {
        let mut audit = Audit::new(self, false);
        audit.root()?;
        Ok(audit.into_label())
    }

    /// Every file and folder, breadth first, in the order of their slots. What cannot be followed is
    /// left out; [`check`](Self::check) tells what and why.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn walk(&mut self) -> io::Result<Vec<Entry>> {
        let mut audit = Audit::new(self, false);
        audit.all()?;
        Ok(audit.into_entries())
    }

    /// Everything that breaks the rules of FAT, with its position: the boot sector, its backup
    /// and FSInfo (FAT32 only), both FATs, every directory, every chain, and clusters that belong to nothing.
    /// Stops listing at [`Fault::LISTED`].
    ///
    /// # Errors
    /// Those of the reader.
    pub fn check(&mut self) -> io::Result<Vec<Fault>> {
        self.check_and_claim().map(|(faults, _)| faults)
    }

    /// What [`check`](Self::check) finds, and the clusters that files and folders hold.
    pub(crate) fn check_and_claim(&mut self) -> io::Result<(Vec<Fault>, ClusterSet)> {
        let mut audit = Audit::new(self, true);
        audit.boot_area()?;
        audit.all()?;
        audit.tables()?;
        Ok(audit.into_faults_and_claims())
    }

    /// The content of a file, as far as size and chain agree; a chain that ends early, or leads
    /// nowhere, gives an [`io::ErrorKind::InvalidData`] error.
    pub fn open_file(&mut self, entry: &Entry) -> FileReader<'_, R> {
        let cluster = entry.first_cluster;
        let left = u64::from(entry.size());
        FileReader { volume: self, cluster, at: 0, left, steps: 0 }
    }

    /// The bytes of the volume that hold the content of a file, in order, touching runs joined. The
    /// last one ends with the file, not with its cluster.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for a broken chain, and those of the reader.
    pub fn extents(&mut self, entry: &Entry) -> io::Result<Vec<Range<u64>>> {
        let mut extents: Vec<Range<u64>> = Vec::new();
        let mut left = u64::from(entry.size());
        let mut cluster = entry.first_cluster;
        let mut steps = 0;
        while left > 0 {
            let start = self.facts.cluster_start(cluster).ok_or_else(|| no_cluster(cluster))?;
            let len = left.min(u64::from(self.facts.cluster_size));
            let end = start.saturating_add(len);
            match extents.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => extents.push(start..end),
            }
            left = left.saturating_sub(len);
            if left > 0 {
                cluster = self.follow(cluster, &mut steps)?;
            }
        }
        Ok(extents)
    }

    /// The next cluster of a chain; a chain with more steps than clusters runs in a circle.
    fn follow(&mut self, cluster: u32, steps: &mut u32) -> io::Result<u32> {
        *steps = steps.saturating_add(1);
        if *steps >= self.facts.reachable {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the chain through cluster {cluster} has no end"),
            ));
        }
        match self.cache.link(&mut self.disk, &self.facts, cluster)? {
            Link::Next(next) => Ok(next),
            Link::End => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the chain ends at cluster {cluster}, before the file does"),
            )),
            Link::Wrong(value) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("cluster {cluster} leads to {value:#x}, which is none"),
            )),
        }
    }
}

fn no_cluster(cluster: u32) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("there is no cluster {cluster}"))
}

/// Reads the content of a file; made by [`Volume::open_file`].
pub struct FileReader<'a, R> {
    volume: &'a mut Volume<R>,
    cluster: u32,
    /// Bytes of `cluster` already read.
    at: u64,
    left: u64,
    steps: u32,
}

impl<R: Read + Seek> Read for FileReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buf.is_empty() {
            return Ok(0);
        }
        let size = u64::from(self.volume.facts.cluster_size);
        if self.at >= size {
            self.cluster = self.volume.follow(self.cluster, &mut self.steps)?;
            self.at = 0;
        }
        let start = self.volume.facts.cluster_start(self.cluster);
        let start = start.ok_or_else(|| no_cluster(self.cluster))?;
        let room = size.saturating_sub(self.at).min(self.left);
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(buf.len());
        let Some(part) = buf.get_mut(..count) else { return Ok(0) };
        self.volume.disk.read_at(start.saturating_add(self.at), part)?;
        let count64 = u64::try_from(count).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(count64);
        self.left = self.left.saturating_sub(count64);
        Ok(count)
    }
}

/// The bytes of the volume within what is read.
struct Disk<R> {
    reader: R,
    start: u64,
    len: u64,
}

impl<R: Read + Seek> Disk<R> {
    /// Fills `buf` from `offset` of the volume.
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let wanted = u64::try_from(buf.len()).unwrap_or(u64::MAX);
        if offset.checked_add(wanted).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let position = self.start.checked_add(offset).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.reader.seek(SeekFrom::Start(position))?;
        self.reader.read_exact(buf)
    }
}

/// Two bytes of a record, little-endian; 0 past its end.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// Four bytes of a record, little-endian; 0 past its end.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// One byte of a record; 0 past its end.
fn u8_at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}
