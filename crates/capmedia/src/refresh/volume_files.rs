//! Files of a volume, read from the medium: those that somebody changed, and those that were written.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead as _, BufReader, Read};

use extent_image::{Data, Digest, Digests, Phase, Progress, Storage, Tree};
use fat32_image::check::{self, Fault, FaultKind, Severity};
use fat32_image::update::{Change, ChangeKind};

use super::error::RefreshError;
use super::meter::Meter;
use super::old_media::fold;
use super::storage_reader::StorageReader;
use super::volume::VolumeThere;
use crate::error::chain;

/// Files of the old media that are no longer what its `SHA256SUMS` says.
#[derive(Debug, Default)]
pub(super) struct Edited {
    pub(super) replaced: Vec<String>,
    pub(super) removed: Vec<String>,
}

/// Whether two faults are the same thing, which may have moved with its folder.
pub(super) fn is_same(a: &Fault, b: &Fault) -> bool {
    match (a.kind(), b.kind()) {
        // Those that are not listed cannot be told apart.
        (FaultKind::More { .. }, FaultKind::More { .. }) => true,
        (a, b) => a == b,
    }
}

type Opened<'a> = Result<check::Volume<StorageReader<'a>>, check::OpenError>;

impl VolumeThere {
    fn open<'a>(&self, storage: &'a dyn Storage) -> Opened<'a> {
        let len = self.range.end.saturating_sub(self.range.start);
        check::Volume::open(StorageReader::new(storage), self.range.start, len)
    }

    /// What is wrong with the volume and more than untidy.
    pub(super) fn damage(&self, storage: &dyn Storage) -> Result<Vec<Fault>, RefreshError> {
        let unread = |source| RefreshError::Read { target: storage.describe(), source };
        let mut volume = match self.open(storage) {
            Ok(volume) => volume,
            Err(check::OpenError::Read(source)) => return Err(unread(source)),
            // Told by whoever reads its files.
            Err(_) => return Ok(Vec::new()),
        };
        let mut faults = volume.check().map_err(unread)?;
        faults.retain(|fault| fault.severity() >= Severity::Damage);
        Ok(faults)
    }

    /// Of the files that go, those of the old media that somebody changed.
    pub(super) fn edited(
        &self,
        storage: &dyn Storage,
        changes: &[Change],
        progress: &mut dyn Progress,
    ) -> Result<Edited, RefreshError> {
        let mut edited = Edited::default();
        let Some(old) = &self.old else { return Ok(edited) };
        let listed = |change: &Change| -> Option<(&check::Entry, Digest, bool)> {
            let is_removed = match change.kind() {
                ChangeKind::Replaced => false,
                ChangeKind::Removed => true,
                _ => return None,
            };
            let folded = fold(change.path());
            Some((self.files.get(&folded)?, old.digest(&folded)?, is_removed))
        };
        let listed: Vec<_> = changes.iter().filter_map(listed).collect();
        // What cannot be opened at all, the update does not touch.
        let Ok(mut volume) = self.open(storage) else { return Ok(edited) };
        let total = listed.iter().map(|(file, ..)| u64::from(file.size()));
        let mut meter = Meter::new(Phase::Compare, total.fold(0, u64::saturating_add), progress);
        for (file, digest, is_removed) in listed {
            meter.file(&file.path(), file.size().into());
            let found = meter.digest_of(&mut volume.open_file(file));
            let found = found.map_err(|cancelled| RefreshError::Content {
                target: storage.describe(),
                source: cancelled.into(),
            })?;
            // One that cannot be read is not as it was put there.
            if found.ok() != Some(digest) {
                let paths = if is_removed { &mut edited.removed } else { &mut edited.replaced };
                paths.push(file.path());
            }
        }
        Ok(edited)
    }

    /// What is wrong with the files that were written, read from the medium.
    pub(super) fn read_back(
        &self,
        storage: &dyn Storage,
        tree: &Tree,
        written: &HashSet<String>,
        digests: &Digests,
        progress: &mut dyn Progress,
    ) -> Result<Vec<String>, RefreshError> {
        let unread = |source| RefreshError::Read { target: storage.describe(), source };
        storage.forget_cached().map_err(unread)?;
        let mut volume = match self.open(storage) {
            Ok(volume) => volume,
            Err(check::OpenError::Read(error)) => return Err(unread(error)),
            Err(error) => return Ok(vec![chain(&error)]),
        };
        let entries = volume.walk().map_err(unread)?;
        let files = entries.iter().filter(|entry| !entry.is_folder());
        // Names keep the case that they have on the volume.
        let files: HashMap<String, &check::Entry> =
            files.map(|file| (fold(&file.path()), file)).collect();
        let to_read = tree.data_order().into_iter().filter_map(|id| {
            let path = tree.path(id);
            let folded = fold(&path);
            let data = tree.data(id).filter(|_| written.contains(&folded))?;
            Some((path, data, files.get(&folded).copied()))
        });
        let to_read: Vec<_> = to_read.collect();
        let total = to_read.iter().map(|(_, data, _)| data.len());
        let mut meter = Meter::new(Phase::Verify, total.fold(0, u64::saturating_add), progress);
        let mut faults = Vec::new();
        for (path, data, file) in to_read {
            let expected = match data {
                Data::Source(source) => digests.of(source),
                Data::Late(late) => Some(Digest::of(&late.make(digests))),
            };
            let Some(file) = file else {
                faults.push(format!("{path}: is not there"));
                continue;
            };
            meter.file(&path, data.len());
            let found = meter.digest_of(&mut volume.open_file(file));
            let found = found.map_err(|cancelled| RefreshError::NotReadBack {
                target: storage.describe(),
                source: cancelled.into(),
            })?;
            match found {
                Ok(digest) if Some(digest) == expected => {}
                Ok(_) => {
                    let at = self.first_difference(&mut volume, file, data, digests);
                    faults.push(match at {
                        Some((byte, on_target)) => format!(
                            "{path}: differs at byte {byte}, which is byte {on_target} of {}",
                            storage.describe()
                        ),
                        None => format!("{path}: differs"),
                    });
                }
                Err(error) => faults.push(format!("{path}: cannot be read: {error}")),
            }
        }
        Ok(faults)
    }

    /// The first byte of a file that is not as its source has it, and where on the drive or in the
    /// image it is; `None` where the source cannot be read again, or now is the same.
    fn first_difference(
        &self,
        volume: &mut check::Volume<StorageReader<'_>>,
        file: &check::Entry,
        data: &Data,
        digests: &Digests,
    ) -> Option<(u64, u64)> {
        let late;
        let mut source: Box<dyn Read + '_> = match data {
            Data::Source(source) => source.open(0).ok()?,
            Data::Late(made) => {
                late = made.make(digests);
                Box::new(&*late)
            }
        };
        let byte = first_difference(&mut source, &mut volume.open_file(file)).ok()??;
        let mut before = byte;
        for extent in volume.extents(file).ok()? {
            let len = extent.end.saturating_sub(extent.start);
            if before < len {
                let on_volume = extent.start.saturating_add(before);
                return Some((byte, self.range.start.saturating_add(on_volume)));
            }
            before = before.saturating_sub(len);
        }
        None
    }
}

/// The first byte in which two readers differ, up to the end of the shorter one.
fn first_difference(one: &mut dyn Read, other: &mut dyn Read) -> io::Result<Option<u64>> {
    let (mut a, mut b) = (BufReader::new(one), BufReader::new(other));
    let mut at: u64 = 0;
    loop {
        let (left, right) = (a.fill_buf()?, b.fill_buf()?);
        let len = left.len().min(right.len());
        if len == 0 {
            return Ok(None);
        }
        if let Some(here) = left.iter().zip(right).position(|(a, b)| a != b) {
            return Ok(Some(at.saturating_add(here as u64)));
        }
        a.consume(len);
        b.consume(len);
        at = at.saturating_add(len as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs() {
        let find = |one: &[u8], other: &[u8]| first_difference(&mut &*one, &mut &*other).unwrap();
        let mut bytes = vec![7; 20_000];
        let same = bytes.clone();
        assert_eq!(find(&bytes, &same), None);
        bytes[17_000] = 8;
        assert_eq!(find(&bytes, &same), Some(17_000));
        assert_eq!(find(&bytes[..17_000], &same), None);
    }
}
