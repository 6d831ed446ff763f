//! Media onto a FAT32 volume in an image file or on a drive, which is changed from below.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::ops::Range;

use disk_image::{Partition, PartitionKind, ReadError, TableKind};
use extent_image::{Digest, Phase, Progress, Stage, Storage, Tree};
use fat32_image::check;
use fat32_image::update::{self, ChangeKind, Update, UpdateOptions};
use fat32_image::{FatType, Label};
use media_model::{ConfigMgrError, MediaPath};

use super::error::{RefreshError, TargetKind};
use super::old_media::{LARGEST_LIST, LARGEST_SEQUENCE, OldMedia, fold, on_media};
use super::report::{Changes, Guarantee};
use super::storage_reader::StorageReader;
use super::switch::{LAST, SWITCH, own_places, root_order};
use super::volume_files::{Edited, is_same};
use crate::boot::code::{self, StickCode};
use crate::error::chain;
use crate::plan::stick::FoundStart;
use crate::report::Warning;
use crate::tree::manifest::{DESCRIPTION, MANIFEST};
use crate::tree::sequence::SEQUENCE;

/// What a boot record looks for in the root: the short name of BOOTMGR. Microsoft's has it as ours has.
const BOOTMGR: &[u8; 11] = b"BOOTMGR    ";
/// Where boot code may lie in a volume: its reserved sectors, as many as anybody uses.
const BOOT_AREA: u64 = 16 * 512;
/// Types of FAT16 partitions in a master boot record.
const FAT16: [u8; 3] = [0x04, 0x06, 0x0E];

/// A volume with media, or for it.
#[derive(Debug)]
pub(super) struct VolumeThere {
    kind: TargetKind,
    /// The number of its partition; `None` where there is no table.
    pub(super) partition: Option<u32>,
    /// How many partitions hold FAT32.
    volumes: usize,
    /// The bytes of the volume.
    pub(super) range: Range<u64>,
    pub(super) start: FoundStart,
    pub(super) old: Option<OldMedia>,
    /// The text of its task sequence.
    pub(super) sequence: Option<Vec<u8>>,
    /// Its files by folded path.
    pub(super) files: HashMap<String, check::Entry>,
}

/// Everything that a refresh of a volume will do.
pub(super) struct Prepared<'a> {
    update: Update<'a>,
    pub(super) changes: Changes,
}

impl VolumeThere {
    /// Looks for the volume; of a disk, in the partition with this number where one is given.
    pub(super) fn find(
        storage: &dyn Storage,
        number: Option<u32>,
        kind: TargetKind,
    ) -> Result<Self, RefreshError> {
        let target = storage.describe();
        let unread = |source| RefreshError::Read { target: target.clone(), source };
        let mut reader = StorageReader::new(storage);
        let holds = |holds: String, error| RefreshError::FileSystem {
            target: target.clone(),
            holds,
            error,
            kind,
        };
        let disk = match disk_image::read(&mut reader) {
            Ok(disk) => disk,
            Err(ReadError::Io(source)) => return Err(unread(source)),
            Err(error) => {
                let found = known_system(&mut reader, 0).map_err(unread)?;
                let found =
                    found.map_or_else(|| format!("no disk ({})", chain(&error)), str::to_owned);
                return Err(holds(found, ConfigMgrError::UfdFsUnknown));
            }
        };
        let volume = match number {
            None => disk.volume(),
            Some(number) => disk.partitions().iter().find(|part| part.number() == number),
        };
        let Some(volume) = volume else {
            // The boot sector of a volume without a table may be taken for an empty table.
            let starts = disk.partitions().iter().map(|part| part.range().start);
            for start in std::iter::once(0).chain(starts) {
                if let Some(found) = known_system(&mut reader, start).map_err(unread)? {
                    return Err(holds(found.to_owned(), ConfigMgrError::UfdFsUnknown));
                }
            }
            let is_fat16 = |part: &Partition| matches!(part.kind(), PartitionKind::Mbr(kind) if FAT16.contains(&kind));
            return Err(match disk.partitions().iter().any(is_fat16) {
                true => holds("FAT16".to_owned(), ConfigMgrError::UfdFsFat16),
                false => {
                    let count = disk.partitions().len();
                    let found = format!("{count} partitions, and none of FAT32");
                    holds(found, ConfigMgrError::UfdFsUnknown)
                }
            });
        };
        let end = volume.range().end.min(storage.len());
        let range = volume.range().start.min(end)..end;
        let start = found_start(&mut reader, &disk, volume).map_err(unread)?;
        let len = range.end.saturating_sub(range.start);
        let partition = (disk.table() != TableKind::None).then_some(volume.number());
        let volumes = match number {
            Some(_) => 1,
            None => disk.partitions().iter().filter(|part| is_fat32(storage, part)).count(),
        };
        let (old, sequence, files) = (None, None, HashMap::new());
        let mut there = Self { kind, partition, volumes, range, start, old, sequence, files };
        match check::Volume::open(reader, there.range.start, len) {
            Ok(mut volume) if volume.facts().fat_type == FatType::Fat32 => {
                there.look(&mut volume).map_err(unread)?;
            }
            Ok(_) => {}
            // Not of what holds FAT: formatting leaves what it does not write, such as the number of
            // ext or the name of a disc among the reserved sectors.
            Err(_) => {
                let mut reader = StorageReader::new(storage);
                let found = known_system(&mut reader, there.range.start).map_err(unread)?;
                if let Some(found) = found {
                    return Err(holds(found.to_owned(), ConfigMgrError::UfdFsUnknown));
                }
                // All else is refused by the update, in better words.
            }
        }
        if there.old.as_ref().is_some_and(|old| old.description.hybrid) {
            return Err(RefreshError::Hybrid { target });
        }
        Ok(there)
    }

    fn look(&mut self, volume: &mut check::Volume<StorageReader<'_>>) -> io::Result<()> {
        let files = volume.walk()?.into_iter().filter(|entry| !entry.is_folder());
        self.files = files.map(|file| (fold(&file.path()), file)).collect();
        let mut bytes = |name: &str, limit: u64| -> io::Result<Option<Vec<u8>>> {
            let Some(file) = self.files.get(&fold(name)) else { return Ok(None) };
            let mut bytes = Vec::new();
            if u64::from(file.size()) <= limit {
                volume.open_file(file).take(limit).read_to_end(&mut bytes)?;
            }
            Ok(Some(bytes))
        };
        let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes?).ok();
        let manifest = text(bytes(MANIFEST, LARGEST_LIST)?);
        let description = text(bytes(DESCRIPTION, LARGEST_LIST)?);
        // What is lost of it is told as far as it can be read.
        self.sequence = bytes(&on_media(SEQUENCE), LARGEST_SEQUENCE).ok().flatten();
        self.old = OldMedia::of(manifest.as_deref(), description.as_deref());
        Ok(())
    }

    /// Compares with a tree and what was added to it, and works out what is to be written. Only reads.
    pub(super) fn prepare<'a>(
        &self,
        storage: &'a dyn Storage,
        (tree, added): (&'a Tree, &[MediaPath]),
        label: Label,
        force: bool,
        progress: &mut dyn Progress,
    ) -> Result<Prepared<'a>, RefreshError> {
        let target = storage.describe();
        let options = UpdateOptions::new()
            .with_replace(force)
            .with_switch(SWITCH)
            .with_root_order(root_order(tree))
            .with_last_in_root(LAST)
            .with_owned_after_cut_off(own_places(tree, added))
            .with_label(Some(label));
        let prepare = |kept: &HashSet<String>, progress: &mut dyn Progress| {
            let owned = self.old.iter().flat_map(OldMedia::files);
            let owned = owned.filter(|(folded, _)| !kept.contains(*folded)).map(|(_, path)| path);
            let options = options.clone().with_owned(owned);
            progress.begin(Stage::new(Phase::Compare));
            update::prepare(storage, self.range.clone(), tree, &options, progress).map_err(
                |error| RefreshError::of_update(&target, self.kind, self.old.is_some(), error),
            )
        };
        let mut update = prepare(&HashSet::new(), progress)?;
        let Edited { replaced, removed } = self.edited(storage, update.changes(), progress)?;
        if !replaced.is_empty() && !force {
            return Err(RefreshError::Edited { target, paths: replaced });
        }
        if !removed.is_empty() {
            let kept = removed.iter().map(|path| fold(path)).collect();
            update = prepare(&kept, progress)?;
        }

        let mut changes = Changes::new(target.clone(), Guarantee::Media);
        for change in update.changes() {
            match change.kind() {
                ChangeKind::Added | ChangeKind::Replaced => changes.written(change.bytes()),
                ChangeKind::Removed => changes.removed.push(change.path().to_owned()),
                _ => {}
            }
        }
        changes.files_unchanged = update.unchanged_files();
        changes.bytes_saved = update.unchanged_bytes();
        let notes = update.notes().iter();
        changes.warnings.extend(notes.map(|note| Warning::new(format!("{target}: {note}"))));
        if let (Some(number), 2..) = (self.partition, self.volumes) {
            changes.warnings.push(Warning::new(format!(
                "{target} has {} partitions with FAT32, and the media goes onto number {number}; give \
                 the path of another partition to have it there",
                self.volumes
            )));
        }
        changes.partition = self.partition;
        changes.foreign = self.foreign(tree);
        changes.keep(removed);
        Ok(Prepared { update, changes })
    }

    /// Writes what differs, and reads it back.
    pub(super) fn apply(
        &self,
        storage: &dyn Storage,
        tree: &Tree,
        prepared: Prepared<'_>,
        no_verify: bool,
        progress: &mut dyn Progress,
    ) -> Result<Changes, RefreshError> {
        let Prepared { update, mut changes } = prepared;
        let target = &changes.path;
        let is_written = |kind| matches!(kind, ChangeKind::Added | ChangeKind::Replaced);
        let written = update.changes().iter().filter(|change| is_written(change.kind()));
        let written: HashSet<String> = written.map(|change| fold(change.path())).collect();
        // What was there before, and was no obstacle, is no fault of what is written now.
        let before = update.tolerated().to_vec();
        progress.begin(Stage::new(Phase::Write));
        let report = update.apply(progress).map_err(|error| {
            RefreshError::of_update(target, self.kind, self.old.is_some(), error)
        })?;
        if !no_verify {
            let digests = &report.source_digests;
            let mut faults = self.read_back(storage, tree, &written, digests, progress)?;
            let after = self.damage(storage)?;
            let is_new = |fault: &&check::Fault| !before.iter().any(|old| is_same(old, fault));
            faults.extend(after.iter().filter(is_new).map(ToString::to_string));
            if !faults.is_empty() {
                return Err(RefreshError::ReadBack { target: target.clone(), faults });
            }
            changes.verified = true;
        }
        Ok(changes)
    }

    /// Files that are neither of the old media nor of the new.
    fn foreign(&self, tree: &Tree) -> Vec<String> {
        let new: HashSet<String> =
            tree.data_order().iter().map(|id| fold(&tree.path(*id))).collect();
        let is_foreign = |(folded, _): &(&String, &check::Entry)| {
            !new.contains(*folded) && !self.old.as_ref().is_some_and(|old| old.owns(folded))
        };
        let foreign = self.files.iter().filter(is_foreign);
        let mut foreign: Vec<String> = foreign.map(|(_, file)| file.path()).collect();
        foreign.sort_unstable();
        foreign
    }
}

/// Whether FAT32 is there.
fn is_fat32(storage: &dyn Storage, partition: &Partition) -> bool {
    let Range { start, end } = partition.range();
    let len = end.min(storage.len()).saturating_sub(start);
    let volume = check::Volume::open(StorageReader::new(storage), start, len);
    volume.is_ok_and(|volume| volume.facts().fat_type == FatType::Fat32)
}

/// What a BIOS makes of the stick.
fn found_start(
    reader: &mut StorageReader<'_>,
    disk: &disk_image::Disk,
    volume: &Partition,
) -> io::Result<FoundStart> {
    let at = volume.range().start;
    let table = disk.table();
    let code = match table {
        TableKind::Mbr => StickCode::Partition,
        TableKind::None => StickCode::Volume,
        _ => return Ok(FoundStart::Nothing("it has a GUID partition table")),
    };
    if disk.sector_size().bytes() != 512 {
        return Ok(FoundStart::Nothing("its sectors have 4096 bytes"));
    }
    if table == TableKind::Mbr {
        if disk.code() == disk_image::Code::None {
            return Ok(FoundStart::Nothing(
                "its master boot record has no boot code, which --no-format leaves as it is; leave \
                 --no-format out to format it so that it starts",
            ));
        }
        if disk.active().map(Partition::number) != Some(volume.number()) {
            return Ok(FoundStart::Nothing(
                "its partition is not the active one, which --no-format leaves as it is; leave \
                 --no-format out to format it so that it starts",
            ));
        }
    }
    let found = Digest::of(&code::read_on_stick(reader, at)?);
    if code::digest(Some(code), false) == Some(found) {
        return Ok(FoundStart::Ours(code));
    }
    let area = code::read(reader, at, BOOT_AREA)?;
    if area.windows(BOOTMGR.len()).any(|window| window == BOOTMGR) {
        return Ok(FoundStart::Others);
    }
    Ok(FoundStart::Nothing(
        "the boot record of its volume does not start BOOTMGR, which --no-format leaves as it is; \
         leave --no-format out to format it so that it starts",
    ))
}

/// The name of a file system that is not FAT, by what stands at the start of its volume.
fn known_system(reader: &mut StorageReader<'_>, at: u64) -> io::Result<Option<&'static str>> {
    // NTFS and exFAT have their names behind the jump, ext2 to ext4 a number in the superblock.
    let known: [(u64, &[u8], &str); 4] = [
        (3, b"NTFS    ", "NTFS"),
        (3, b"EXFAT   ", "exFAT"),
        (0x438, &[0x53, 0xEF], "ext2, ext3 or ext4"),
        (16 * 2048 + 1, b"CD001", "ISO 9660"),
    ];
    for (from, with, name) in known {
        let found = code::read(reader, at.saturating_add(from), with.len() as u64)?;
        if found == with {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use extent_image::{FileStorage, Meta, StreamOptions, Timestamp, TreeBuilder};
    use fat32_image::{ClusterSize, VolumeOptions};

    use super::*;

    #[test]
    fn what_formatting_left_of_other_systems_does_not_hide_a_volume() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volume");
        let tree = TreeBuilder::new(Meta::at(Timestamp::from_unix_seconds(1_600_000_000)));
        let tree = tree.finish().unwrap();
        let volume =
            fat32_image::plan(&tree, &VolumeOptions::new().with_cluster_size(ClusterSize::B512))
                .unwrap();
        let mut file = std::fs::File::create(&path).unwrap();
        let _ = volume.plan().write_to(&mut file, &StreamOptions::default(), &mut ()).unwrap();
        let mut put = |at, bytes: &[u8]| {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(bytes).unwrap();
        };
        let find = || {
            let storage = FileStorage::open(&path).unwrap();
            VolumeThere::find(&storage, None, TargetKind::Image)
        };
        for (at, stale) in [(0x438, &[0x53, 0xEF][..]), (16 * 2048 + 1, b"CD001")] {
            put(at, stale);
            find().unwrap();
        }
        // Where the boot sector says nothing of FAT, they tell what is there.
        put(0, &[0; 90]);
        let told = find().unwrap_err().to_string();
        assert!(told.contains("ext2"), "{told}");
    }
}
