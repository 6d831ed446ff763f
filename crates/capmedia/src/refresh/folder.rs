//! Media into the folder that a stick is mounted at, file by file.
//!
//! Everything is looked at before the first change: what is there, which files differ, what is in the
//! way, whether there is room. A file that differs is written under a temporary name beside its place,
//! flushed, and renamed over it. The boot image comes first and what starts it after, the description
//! and the manifest last, and then the files go that the new media has not.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use extent_image::host::{self, FileId, file_id};
use extent_image::{
    Data, Digest, Digests, Late, Meta, NodeId, Phase, Progress, Source, StreamError, Tree,
    WholeSource,
};

use super::error::RefreshError;
use super::folder_survey::{JOURNAL, Kind, Survey, journal};
use super::folder_system::FolderSystem;
use super::meter::{Cancelled, Meter};
use super::old_media::{LARGEST_LIST, OldMedia, fold};
use super::report::{Changes, Guarantee};
use crate::publish::error::PublishError;
use crate::publish::part_file::{PartFile, Slot, Stale, folder_of, part_of, remove_stale};
use crate::report::Warning;
use crate::tree::manifest::{DESCRIPTION, MANIFEST};

/// Bytes read and written at once.
const BUFFER: usize = 1 << 20;

/// What a refresh of a folder may do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FolderOptions {
    /// Files that are not of the media may be replaced.
    pub(super) force: bool,
    /// What was written is not read back.
    pub(super) no_verify: bool,
}

/// A folder, looked at; nothing is changed yet.
pub(super) struct FolderRefresh {
    root: PathBuf,
    options: FolderOptions,
    steps: Vec<Step>,
    /// Files where folders will be, which go first: where they are, and their path on the media.
    clear: Vec<(PathBuf, String)>,
    /// Files of the old media that the new has not: where they are, and their path on the media.
    remove: Vec<(PathBuf, String)>,
    /// Files of the old media that the new has not, and somebody changed.
    kept: Vec<String>,
    foreign: Vec<String>,
    /// What is noted before the first change; nothing where nothing changes.
    journal: Option<String>,
    digests: Digests,
}

/// A file of the new media.
#[derive(Debug)]
struct Step {
    path: PathBuf,
    media: String,
    data: Data,
    meta: Meta,
    /// Length of the file that is there.
    there: Option<u64>,
    /// Digest of the file that is there, where it was compared.
    digest: Option<Digest>,
    equal: bool,
}

/// What says of itself what media is there.
pub(super) fn old_media(survey: &Survey) -> Option<OldMedia> {
    let text = |name| String::from_utf8(survey.bytes(name, LARGEST_LIST)?).ok();
    OldMedia::of(text(MANIFEST).as_deref(), text(DESCRIPTION).as_deref())
}

impl FolderRefresh {
    /// Looks at all that there is, and compares the files that may be equal.
    ///
    /// # Errors
    /// [`RefreshError`]; nothing was changed.
    pub(super) fn new(
        survey: &Survey,
        old: Option<&OldMedia>,
        tree: &Tree,
        system: Option<FolderSystem>,
        options: FolderOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, RefreshError> {
        let begun = &survey.begun;
        let owns = |folded: &str| old.is_some_and(|old| old.owns(folded)) || begun.contains(folded);
        let (mut in_the_way, mut clear) = (Vec::new(), Vec::new());
        let mut collisions = Vec::new();
        for id in tree.walk().filter(|id| *id != NodeId::ROOT && tree.is_folder(*id)) {
            let media = tree.path(id);
            match survey.get(&media).map(|found| (found.kind, found)) {
                None | Some((Kind::Folder, _)) => {}
                Some((Kind::File { .. }, found)) if owns(&fold(&media)) => {
                    clear.push((found.path.clone(), found.media.clone()));
                }
                Some((_, found)) => in_the_way.push(found.media.clone()),
            }
        }
        let mut steps = Vec::new();
        for id in writing_order(tree) {
            let Some(data) = tree.data(id) else { continue };
            let media = tree.path(id);
            let found = survey.get(&media);
            let there = match found.map(|found| found.kind) {
                None => None,
                Some(Kind::File { len }) => Some(len),
                Some(Kind::Folder | Kind::Other) => {
                    in_the_way.push(media);
                    continue;
                }
            };
            let (path, meta) = (survey.place(&media), tree.meta(id));
            // FAT knows a file by its short name too, and it is another file's then.
            if there.is_none() && fs::symlink_metadata(&path).is_ok() {
                in_the_way.push(format!("{media} (the short name of another)"));
                continue;
            }
            steps.push(Step {
                path,
                media,
                data: data.clone(),
                meta,
                there,
                digest: None,
                equal: false,
            });
        }
        if survey.get(JOURNAL).is_some() {
            in_the_way.push(JOURNAL.to_owned());
        }
        let root = survey.root();
        let target = || root.display().to_string();
        if !in_the_way.is_empty() {
            return Err(RefreshError::InTheWay { target: target(), paths: in_the_way });
        }

        let mut refresh = Self {
            root: root.to_path_buf(),
            options,
            steps,
            clear,
            remove: Vec::new(),
            kept: Vec::new(),
            foreign: Vec::new(),
            journal: None,
            digests: Digests::default(),
        };
        refresh.compare(progress)?;
        let differs = |step: &&Step| step.there.is_some() && !step.equal;
        let foreign = |step: &&Step| !owns(&fold(&step.media));
        collisions.extend(
            refresh.steps.iter().filter(differs).filter(foreign).map(|step| step.media.clone()),
        );
        if !collisions.is_empty() && !options.force {
            let ours = old.is_some();
            return Err(RefreshError::Collisions { target: target(), paths: collisions, ours });
        }

        let new: HashSet<String> = refresh.steps.iter().map(|step| fold(&step.media)).collect();
        let cleared: HashSet<&str> = refresh.clear.iter().map(|(_, media)| &**media).collect();
        for (folded, found) in survey.files() {
            let is_file = matches!(found.kind, Kind::File { .. });
            if new.contains(folded) || cleared.contains(&*found.media) {
                continue;
            }
            match owns(folded) && is_file {
                true => refresh.remove.push((found.path.clone(), found.media.clone())),
                false => refresh.foreign.push(found.media.clone()),
            }
        }
        refresh.foreign.extend(survey.nameless().iter().cloned());
        refresh.foreign.sort_unstable();
        refresh.remove.sort_unstable();
        let edited = refresh.edited(survey, old, progress)?;
        if !edited.is_empty() && !options.force {
            return Err(RefreshError::Edited { target: target(), paths: edited });
        }
        // Not what is replaced by --force: were the run cut short, it would be nobody's but its owner's.
        let forced: HashSet<&String> = collisions.iter().chain(&edited).collect();
        let steps = refresh.steps.iter().filter(|step| !step.equal);
        let mut to_note: BTreeSet<String> = steps
            .filter(|step| !forced.contains(&step.media))
            .map(|step| fold(&step.media))
            .collect();
        to_note.extend(begun.iter().cloned());
        let is_late = |step: &&Step| matches!(step.data, Data::Late(_));
        if refresh.steps.iter().any(|step| !step.equal && !is_late(&step))
            || !refresh.remove.is_empty()
            || !refresh.clear.is_empty()
        {
            refresh.journal = Some(journal(&to_note));
        }
        refresh.check_space(system)?;
        Ok(refresh)
    }

    /// Of the files that are replaced, those of the old media that somebody changed. Such files that
    /// would go are kept.
    fn edited(
        &mut self,
        survey: &Survey,
        old: Option<&OldMedia>,
        progress: &mut dyn Progress,
    ) -> Result<Vec<String>, RefreshError> {
        let Some(old) = old else { return Ok(Vec::new()) };
        // What the run that was cut short put there is in no manifest.
        let listed = |media: &str| {
            let folded = fold(media);
            old.digest(&folded).filter(|_| !survey.begun.contains(&folded))
        };
        let replaced = self.steps.iter().filter(|step| step.there.is_some() && !step.equal);
        let replaced = replaced.map(|step| (&step.path, &step.media, step.digest));
        let cleared = self.clear.iter().map(|(path, media)| (path, media, None));
        let removed = self.remove.iter().map(|(path, media)| (path, media, None));
        let all = replaced.chain(cleared).map(|file| (file, false));
        let all = all.chain(removed.map(|file| (file, true)));
        let all = all.filter_map(|(file, is_removed)| Some((file, listed(file.1)?, is_removed)));
        let all: Vec<_> = all.collect();
        let unknown = all.iter().filter(|((_, _, known), ..)| known.is_none());
        let lens = unknown.filter_map(|((path, ..), ..)| Some(fs::metadata(path).ok()?.len()));
        let mut meter = Meter::new(Phase::Compare, lens.fold(0, u64::saturating_add), progress);
        let (mut edited, mut kept) = (Vec::new(), HashSet::new());
        for ((path, media, known), expected, is_removed) in all {
            let found = match known {
                Some(known) => Some(known),
                // One that cannot be read is not as it was put there.
                None => match open(path) {
                    Ok(mut file) => {
                        meter.file(media, file.metadata().map_or(0, |found| found.len()));
                        let found = meter.digest_of(&mut file);
                        found
                            .map_err(|cancelled| {
                                RefreshError::content(&self.root, cancelled.into())
                            })?
                            .ok()
                    }
                    Err(_) => None,
                },
            };
            match (found == Some(expected), is_removed) {
                (true, _) => {}
                (false, true) => drop(kept.insert(media.clone())),
                (false, false) => edited.push(media.clone()),
            }
        }
        self.remove.retain(|(_, media)| !kept.contains(media));
        self.kept.extend(kept);
        self.kept.sort_unstable();
        Ok(edited)
    }

    /// What [`apply`](Self::apply) will do, as far as it is known; what says that all is there is taken
    /// for new where anything is.
    pub(super) fn changes(&self, path: String) -> Changes {
        let mut changes = Changes::new(path, Guarantee::File);
        for step in &self.steps {
            let late = match &step.data {
                Data::Late(late) if self.journal.is_none() => self.is_late_equal(late, step),
                _ => false,
            };
            match step.equal || late {
                true => changes.unchanged(step.data.len()),
                false => changes.written(step.data.len()),
            }
        }
        changes.removed = self.remove.iter().map(|(_, media)| media.clone()).collect();
        changes.foreign.clone_from(&self.foreign);
        changes.keep(self.kept.clone());
        changes
    }

    /// The files that will be replaced or removed.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Path> {
        let written = self.steps.iter().filter(|step| !step.equal).map(|step| &*step.path);
        let removed = self.remove.iter().map(|(path, _)| &**path);
        written.chain(removed).chain(self.clear.iter().map(|(path, _)| &**path))
    }

    /// The files that will be replaced or removed, as the system knows them.
    pub(super) fn changed_ids(&self) -> Vec<(PathBuf, FileId)> {
        let id = |path: &Path| Some((path.to_path_buf(), file_id(path).ok()?));
        self.changed().filter_map(id).collect()
    }

    /// Compares each file that is as long as the one that is there.
    fn compare(&mut self, progress: &mut dyn Progress) -> Result<(), RefreshError> {
        let mut total = 0u64;
        for step in &self.steps {
            if step.there == Some(step.data.len()) {
                total = total.saturating_add(step.data.len());
            }
        }
        let mut meter = Meter::new(Phase::Compare, total, progress);
        for step in &mut self.steps {
            let Data::Source(source) = &step.data else { continue };
            if step.there != Some(source.len()) {
                continue;
            }
            meter.file(&step.media, source.len());
            let mut file = open(&step.path)?;
            // Not counted: the source is.
            let there = match Meter::new(Phase::Compare, 0, &mut ()).digest_of(&mut file) {
                Ok(Ok(there)) => there,
                Ok(Err(source)) => return Err(RefreshError::io("read", &step.path, source)),
                Err(cancelled) => return Err(RefreshError::content(&self.root, cancelled.into())),
            };
            step.digest = Some(there);
            // A digest that is known and differs spares reading the source twice.
            let known = source.sha256().map(Digest::from);
            if known.is_some_and(|known| known != there) {
                meter.done += source.len();
                continue;
            }
            let mut count = |bytes: &[u8]| Ok(meter.advance(bytes.len())?);
            let digest = read_source(source, &mut self.digests, &mut count)
                .map_err(|stop| stop.into_error(&self.root, &step.path))?;
            step.equal = digest == there;
        }
        Ok(())
    }

    /// Follows the free space from file to file: each is written beside the one that it replaces.
    fn check_space(&self, system: Option<FolderSystem>) -> Result<(), RefreshError> {
        let Some(FolderSystem { cluster, free, .. }) = system else { return Ok(()) };
        let taken = |len: u64| len.div_ceil(cluster).saturating_mul(cluster);
        let noted = self.journal.as_ref().map_or(0, |text| taken(text.len() as u64));
        let (mut used, mut peak) = (i128::from(noted), 0i128);
        let mut folders = HashSet::new();
        for step in self.steps.iter().filter(|step| !step.equal) {
            // A folder that is new, or grows by the names in it.
            let mut folder = folder_of(&step.path);
            while folders.insert(folder) {
                used += i128::from(cluster);
                if folder == self.root || folder.is_dir() {
                    break;
                }
                folder = folder_of(folder);
            }
            used += i128::from(taken(step.data.len()));
            peak = peak.max(used);
            used -= i128::from(taken(step.there.unwrap_or(0)));
        }
        let needed = u64::try_from(peak).unwrap_or(0);
        if needed > free {
            let target = self.root.display().to_string();
            return Err(RefreshError::NoSpace { target, needed, free });
        }
        Ok(())
    }

    /// Writes what differs, and reads it back.
    ///
    /// # Errors
    /// [`RefreshError`]. Each file is whole, old or new.
    pub(super) fn apply(
        mut self,
        survey: &Survey,
        path: String,
        progress: &mut dyn Progress,
    ) -> Result<Changes, RefreshError> {
        self.remove_stale_parts(survey)?;
        self.begin()?;
        let to_write = self.steps.iter().filter(|step| !step.equal).map(|step| step.data.len());
        let total = to_write.fold(0, u64::saturating_add);
        let mut meter = Meter::new(Phase::Write, total, progress);
        let mut changes = Changes::new(path, Guarantee::File);
        changes.foreign = std::mem::take(&mut self.foreign);
        changes.keep(std::mem::take(&mut self.kept));
        let mut written = Vec::new();
        if let Err(error) = self.write_all(&mut changes, &mut written, &mut meter) {
            if written.is_empty() && self.clear.is_empty() {
                if survey.begun.is_empty() {
                    let _ = fs::remove_file(self.root.join(JOURNAL));
                }
                return Err(error);
            }
            let (folder, source) = (self.root.clone(), Box::new(error));
            return Err(RefreshError::Divided { folder, source });
        }
        if !self.options.no_verify {
            let faults = self.read_back(&written, &mut meter)?;
            if !faults.is_empty() {
                let target = self.root.display().to_string();
                return Err(RefreshError::ReadBack { target, faults });
            }
            changes.verified = true;
        }
        Ok(changes)
    }

    fn write_all(
        &mut self,
        changes: &mut Changes,
        written: &mut Vec<Written>,
        meter: &mut Meter<'_>,
    ) -> Result<(), RefreshError> {
        for (path, _) in &self.clear {
            fs::remove_file(path).map_err(|source| RefreshError::io("remove", path, source))?;
        }
        for mut step in std::mem::take(&mut self.steps) {
            if let Data::Late(late) = &step.data {
                step.equal = self.is_late_equal(late, &step);
            }
            if step.equal {
                changes.unchanged(step.data.len());
                continue;
            }
            let digest = self.write(&step, meter, &mut changes.warnings)?;
            changes.written(step.data.len());
            let (path, media, len) = (step.path, step.media, step.data.len());
            written.push(Written { path, media, len, digest });
        }
        let mut emptied = HashSet::new();
        for (path, media) in std::mem::take(&mut self.remove) {
            fs::remove_file(&path).map_err(|source| RefreshError::io("remove", &path, source))?;
            emptied.insert(folder_of(&path).to_path_buf());
            changes.removed.push(media);
        }
        self.remove_emptied(emptied);
        let journal = self.root.join(JOURNAL);
        match fs::remove_file(&journal) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RefreshError::io("remove", &journal, error))
            }
            _ => Ok(()),
        }
    }

    /// Notes what is to be written, for the run that goes on where this one is cut short.
    fn begin(&self) -> Result<(), RefreshError> {
        let Some(text) = &self.journal else { return Ok(()) };
        let path = self.root.join(JOURNAL);
        let part = PartFile::create(Slot { path, old: None, replace: true, private: false })?;
        let written = (&part.file).write_all(text.as_bytes());
        written.map_err(|source| RefreshError::io("write", &part.path, source))?;
        part.seal()?;
        // That its name may not be durable is told of all the files behind it.
        part.commit(&mut Vec::new())?;
        Ok(())
    }

    /// Whether the file there has the bytes that are made last.
    fn is_late_equal(&self, late: &Late, step: &Step) -> bool {
        let bytes = late.make(&self.digests);
        let read = || -> Option<Vec<u8>> {
            (step.there == Some(late.len())).then_some(())?;
            let mut there = Vec::new();
            let limit = late.len().saturating_add(1);
            File::open(&step.path).ok()?.take(limit).read_to_end(&mut there).ok()?;
            Some(there)
        };
        read().is_some_and(|there| there == bytes)
    }

    fn write(
        &mut self,
        step: &Step,
        meter: &mut Meter<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Digest, RefreshError> {
        meter.file(&step.media, step.data.len());
        let folder = folder_of(&step.path);
        fs::create_dir_all(folder).map_err(|source| RefreshError::io("create", folder, source))?;
        // Where nothing was, nothing is replaced: what is there by now is another's, or another file
        // whose short name this is.
        let replace = step.there.is_some();
        let slot = Slot { path: step.path.clone(), old: None, replace, private: false };
        let part = PartFile::create(slot)?;
        let mut file = &part.file;
        let mut put = |bytes: &[u8]| {
            file.write_all(bytes).map_err(Stop::Write)?;
            Ok(meter.advance(bytes.len())?)
        };
        let stopped = |stop: Stop, root: &Path| stop.into_error(root, &part.path);
        let digest = match &step.data {
            Data::Source(source) => {
                let digest = read_source(source, &mut self.digests, &mut put);
                digest.map_err(|stop| stopped(stop, &self.root))?
            }
            Data::Late(late) => {
                let bytes = late.make(&self.digests);
                let made = bytes.len() as u64;
                if made != late.len() {
                    let (name, planned) = (late.name(), late.len());
                    let error = StreamError::LateLength { name, planned, made };
                    return Err(RefreshError::content(&self.root, error));
                }
                put(&bytes).map_err(|stop| stopped(stop, &self.root))?;
                Digest::of(&bytes)
            }
        };
        // A time that is not kept is no reason to stop: not every user may set it.
        if let Ok(seconds) = u64::try_from(step.meta.modified.unix_seconds()) {
            let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
            let _ = time.map(|time| part.file.set_modified(time));
        }
        part.seal()?;
        part.commit(warnings)?;
        Ok(digest)
    }

    /// Files that are not as they were written.
    fn read_back(
        &self,
        written: &[Written],
        meter: &mut Meter<'_>,
    ) -> Result<Vec<String>, RefreshError> {
        let mut faults = Vec::new();
        let total = written.iter().map(|file| file.len).fold(0, u64::saturating_add);
        meter.begin(Phase::Verify, total);
        for Written { path, media, len, digest } in written {
            meter.file(media, *len);
            let mut file = open(path)?;
            host::forget_cached(&file);
            let found = meter.digest_of(&mut file);
            let found = found.map_err(|cancelled| RefreshError::NotReadBack {
                target: self.root.display().to_string(),
                source: cancelled.into(),
            })?;
            match found {
                Ok(found) if found == *digest => {}
                Ok(_) => faults.push(format!("{media}: differs")),
                Err(error) => faults.push(format!("{media}: cannot be read: {error}")),
            }
        }
        Ok(faults)
    }

    /// What a run that died has left of files that are written or owned now. What is there of others
    /// stays: it may be anybody's.
    fn remove_stale_parts(&self, survey: &Survey) -> Result<(), RefreshError> {
        let mut ours: HashMap<String, &Path> = HashMap::new();
        ours.extend(self.steps.iter().map(|step| (fold(&step.media), &*step.path)));
        ours.extend(self.remove.iter().map(|(path, media)| (fold(media), &**path)));
        for (part, whole) in &survey.parts {
            let Some(path) = ours.get(whole) else { continue };
            // Its own name, whatever case the system shows.
            let is_part = fold(&part.to_string_lossy()) == fold(&part_of(path).to_string_lossy());
            let removed = if is_part { remove_stale(part) } else { continue };
            match removed.map_err(|source| RefreshError::io("remove", part, source))? {
                Stale::Locked => return Err(PublishError::Busy { path: path.to_path_buf() }.into()),
                Stale::Removed | Stale::NotAFile => {}
            }
        }
        Ok(())
    }

    /// Folders in which nothing is left of those whose files went, and the folders around them.
    fn remove_emptied(&self, folders: HashSet<PathBuf>) {
        for folder in folders {
            let mut at: &Path = &folder;
            // The system refuses one that is not empty.
            while at != self.root && at.starts_with(&self.root) && fs::remove_dir(at).is_ok() {
                at = folder_of(at);
            }
        }
    }
}

/// The boot image, what is beside it, what starts it with the boot managers last, and what says that
/// all is there.
fn writing_order(tree: &Tree) -> Vec<NodeId> {
    const BOOT_IMAGE: &str = "sources/boot.wim";
    let ids = tree.data_order();
    let boot_image = ids.iter().position(|id| tree.path(*id) == BOOT_IMAGE).unwrap_or(0);
    let (starts, rest) = ids.split_at_checked(boot_image).unwrap_or((&[], &ids));
    let is = |id: &NodeId, name: &str| tree.path(*id) == name;
    let content = rest.iter().filter(|id| !is(id, DESCRIPTION) && !is(id, MANIFEST));
    let last = [DESCRIPTION, MANIFEST];
    let last = last.iter().flat_map(|name| ids.iter().filter(|id| is(id, name)));
    content.chain(starts.iter().rev()).chain(last).copied().collect()
}

fn open(path: &Path) -> Result<File, RefreshError> {
    File::open(path).map_err(|source| RefreshError::io("open", path, source))
}

/// A file that was written.
struct Written {
    path: PathBuf,
    media: String,
    len: u64,
    digest: Digest,
}

/// Why a file is not copied to its end.
enum Stop {
    Source(StreamError),
    Write(io::Error),
    Cancelled(Cancelled),
}

impl From<Cancelled> for Stop {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

impl Stop {
    fn into_error(self, root: &Path, path: &Path) -> RefreshError {
        match self {
            Self::Source(source) => RefreshError::content(root, source),
            Self::Write(source) => RefreshError::io("write", path, source),
            Self::Cancelled(cancelled) => RefreshError::content(root, cancelled.into()),
        }
    }
}

/// Reads a source to its end; it must have the length and the digest that it said.
fn read_source(
    source: &Arc<dyn Source>,
    digests: &mut Digests,
    put: &mut dyn FnMut(&[u8]) -> Result<(), Stop>,
) -> Result<Digest, Stop> {
    let mut whole = WholeSource::open(source).map_err(Stop::Source)?;
    let mut buffer = vec![0; BUFFER];
    let mut found = 0u64;
    loop {
        let count = whole.fill(&mut buffer).map_err(Stop::Source)?;
        if count == 0 {
            break;
        }
        found += count as u64;
        put(buffer.get(..count).unwrap_or_default())?;
    }
    whole.finish(digests).map_err(Stop::Source)?;
    digests.of(source).ok_or_else(|| {
        let (name, planned) = (source.describe().into_boxed_str(), source.len());
        Stop::Source(StreamError::SourceChanged { name, planned, found })
    })
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
