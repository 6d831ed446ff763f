//! Put a tree of files onto a FAT32 volume that is there already, in place: only what differs is
//! written, files of others stay, and a plug pulled at any moment leaves the old files or the new.
//!
//! [`prepare`] reads, compares and works everything out; [`Update::apply`] writes. Files whose bytes
//! are the same keep their clusters, times and attributes. All else goes to clusters that are free, and
//! so does a new copy of every directory with a change anywhere below it (its child directories come
//! along, for their `..` entries). Then one write of one sector of the root directory, the *switch*,
//! lets all changed names lead to the new clusters at once.
//!
//! # The order of writing
//! Each group is flushed before the next begins. "Old" and "new" are the files of the caller; files of
//! others are whole at every point.
//!
//! 1. The volume is marked as in use: bit 27 of the second FAT entry in every copy, bit 0 of byte 41h
//!    of the boot sector, and in FSInfo a mark of our own in reserved bytes, with both numbers of free
//!    clusters unknown. *Old files.*
//! 2. Where that mark was there already, an update was cut off: clusters that it lost are freed, and
//!    all copies of the FAT made equal. *Old files.*
//! 3. Directories and files, into free clusters. *Old files.*
//! 4. The FAT entries of these clusters, each piece into one copy after the other. *Old files; the
//!    clusters belong to nothing yet.*
//! 5. Where the root directory has to grow: the entry that hangs new, empty clusters behind its last
//!    one. *Old files.*
//! 6. New names of the root folder that need not come with the switch, and slots marked as deleted
//!    that fill gaps; each sector flushed. *Old files, and further ones that no list of files names.*
//! 7. **The switch.** *From here on the new files; names that go may still be there.*
//! 8. Names of the root folder that go are marked as deleted; the label is set.
//! 9. The clusters of old content are freed, in every copy.
//! 10. FSInfo gets its two numbers again, and our mark is taken away.
//! 11. The marks of use are taken away.
//!
//! # What is guaranteed
//! Provided that a sector is never half written and that a flush does what it says, then whatever
//! part of the writes since the last flush has reached the medium:
//!
//! * all old files are there, complete, or all new ones, and all files of others;
//! * readers of the root folder see all changed names and all of [`UpdateOptions::with_switch`] old, or
//!   all of them new;
//! * nothing is worse than clusters that belong to no file and a count of free clusters that is not
//!   right. Two exceptions cannot be avoided, as FAT has no way to change two places at once. Copies
//!   of the FAT may differ, in the marks of use, in entries of clusters that no name reaches, and
//!   where the root directory was being extended; each copy is right then. And a long name in the root
//!   folder whose slots lie in two sectors may keep slots without a file when it is removed (new names
//!   are placed so that this cannot happen to them, unless they have more than 195 characters).
//!
//! The next update sees by the mark that one was cut off, goes on with whichever files are there, and
//! frees the lost clusters: all of them are then the update's own, for it leaves that mark only where
//! none was lost before. The mark counts while the volume is marked as in use and FSInfo does not know
//! how many clusters are free: a system that cleans the volume or gives out clusters writes that. Lost
//! clusters without the mark may be somebody's file and are left alone, with a
//! [note](UpdateNote::LostClusters). On the rare volume without FSInfo there is no mark: what a cut-off
//! left there is for fsck.fat or chkdsk.
//!
//! # What is refused
//! Before the first write, each with a way out: FAT16, FAT12 and what is no FAT; FATs that are not kept
//! equal, or differ; any damage that [`check`](crate::check) finds beyond untidiness and odd names,
//! which are kept (slots of long names that belong to no file are not, where a folder moves);
//! files in the way that are not the caller's, all listed; names that must change at once and lie in
//! several sectors of the root directory; too little room for the new content beside the old.
//!
//! # Costs
//! Preparing reads the FATs and all directories, and every file of the tree that the volume has with
//! equal length, on both sides. Where a folder moves, all folders below it do, those of others too: each
//! takes its clusters twice until the old ones are freed, and is written whole. Memory: three bits for
//! each cluster (24 MiB for 2 TiB in clusters of 32 KiB), the slots in use of directories that change,
//! and some MiB. The FAT is never held in memory.
//!
//! ```
//! # use extent_image::{Data, FileStorage, Meta, NodeId, Storage, StreamOptions, Timestamp, TreeBuilder};
//! # use fat32_image::update::{UpdateOptions, prepare};
//! # use fat32_image::{VolumeOptions, plan};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("stick.img");
//! # let meta = Meta::at(Timestamp::FAT_EPOCH);
//! # let volume = plan(&TreeBuilder::new(meta).finish()?, &VolumeOptions::new())?.into_plan();
//! # let _ = volume.write_file(&std::fs::File::create(&path)?, &StreamOptions::default(), &mut ())?;
//! let mut tree = TreeBuilder::new(meta);
//! tree.file(NodeId::ROOT, "notes.txt", meta, Data::bytes("notes", "hello"))?;
//! let tree = tree.finish()?;
//!
//! let stick = FileStorage::open(&path)?;
//! let update = prepare(&stick, 0..stick.len(), &tree, &UpdateOptions::new(), &mut ())?;
//! assert_eq!(update.changes()[0].path(), "notes.txt");
//! let report = update.apply(&mut ())?;
//! assert_eq!(report.content_written, 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apply;
mod build;
mod clusters;
mod compare;
mod disk;
mod error;
mod folder;
mod layout;
mod mark;
mod model;
mod prepare;
mod request;
mod root;
mod table;
mod writer;

use std::ops::Range;

use extent_image::{Progress, Storage, Tree};

use crate::check::Fault;

use self::clusters::{Bits, Free};
use self::disk::Disk;
use self::layout::Layout;
use self::model::Model;

pub use self::error::{Collision, Faults, Left, UpdateError, UpdateNote};
pub use self::request::{Change, ChangeKind, UpdateOptions, UpdateReport};

/// An update that is worked out; nothing has been written yet.
#[must_use]
pub struct Update<'a> {
    disk: Disk<'a>,
    layout: Layout,
    tree: &'a Tree,
    model: Model,
    notes: Vec<UpdateNote>,
    tolerated: Vec<Fault>,
    unchanged_files: u64,
    unchanged_bytes: u64,
    bytes_to_write: u64,
    clusters_needed: u64,
    clusters_free: u64,
    /// Clusters that the root directory gets.
    root_growth: Vec<Range<u32>>,
    writes: root::Writes,
    boot_label: Option<[u8; 11]>,
    /// A mark of use is there and can go, even when nothing changes.
    is_left_dirty: bool,
    /// What an update that was cut off left has to be tidied up.
    is_repair: bool,
    reclaimed: Bits,
    /// Free clusters once the new ones are taken.
    free: Free,
    /// The mark of use was there before, with clusters that somebody lost.
    stays_dirty: bool,
    /// Every cluster that is lost when this update is cut off is its own.
    marks_lost: bool,
}

impl Update<'_> {
    /// What is done, by path; empty when the volume holds the tree already.
    pub fn changes(&self) -> &[Change] {
        &self.model.changes
    }

    /// Files of the tree that the volume holds already, byte for byte.
    pub fn unchanged_files(&self) -> u64 {
        self.unchanged_files
    }

    /// Bytes of the files that the volume holds already.
    pub fn unchanged_bytes(&self) -> u64 {
        self.unchanged_bytes
    }

    /// Bytes of files and directories to be written, folders of others that move along included. The
    /// FAT comes on top: 4 bytes for each cluster and copy, in whole sectors.
    pub fn bytes_to_write(&self) -> u64 {
        self.bytes_to_write
    }

    /// Clusters that the new content takes while the old is still there.
    pub fn clusters_needed(&self) -> u64 {
        self.clusters_needed
    }

    /// Clusters that are free now.
    pub fn clusters_free(&self) -> u64 {
        self.clusters_free
    }

    /// Bytes per cluster.
    pub fn cluster_size(&self) -> u32 {
        self.layout.cluster_size
    }

    /// What the owner of the volume should know.
    pub fn notes(&self) -> &[UpdateNote] {
        &self.notes
    }

    /// What [`check`](crate::check) finds wrong with the volume now, and what does not stand in the
    /// way. Who checks the volume after the update will find the [kinds](Fault::kind) of some of them
    /// again, in files of others at other positions.
    pub fn tolerated(&self) -> &[Fault] {
        &self.tolerated
    }

    /// Writes.
    ///
    /// # Errors
    /// [`UpdateError`]; [`UpdateError::left`] tells what the volume holds then.
    pub fn apply(self, progress: &mut dyn Progress) -> Result<UpdateReport, UpdateError> {
        apply::Run::new(&self, progress).go()
    }
}

impl std::fmt::Debug for Update<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Update").field("changes", &self.changes()).finish_non_exhaustive()
    }
}

/// Works out what must be written so that the volume in the bytes `volume` of `storage` holds
/// `tree`. Only reads.
///
/// # Errors
/// [`UpdateError`]: there is no FAT32 volume that can be updated, something is in the way, or there
/// is no room.
pub fn prepare<'a>(
    storage: &'a dyn Storage,
    volume: Range<u64>,
    tree: &'a Tree,
    options: &UpdateOptions,
    progress: &mut dyn Progress,
) -> Result<Update<'a>, UpdateError> {
    prepare::prepare(storage, volume, tree, options, progress)
}
