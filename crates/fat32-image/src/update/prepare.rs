//! From a volume and a tree to everything that must be written. Only reads.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;

use extent_image::{NodeId, Progress, Storage, Tree};

use crate::check::{Fault, FaultKind, OpenError, Severity, Volume};
use crate::name::{self, upcase};
use crate::survey;

use super::Update;
use super::build::{Builder, cluster_count};
use super::clusters::{Bits, Free};
use super::disk::Disk;
use super::error::{Faults, Left, UpdateError, UpdateNote};
use super::folder::slot_of;
use super::layout::{self, BOOT_LABEL, Layout, STATE};
use super::mark;
use super::model::{Action, Model, ROOT, Survey};
use super::request::{Change, ChangeKind, UpdateOptions};
use super::root::{self, Content, NewName, Wanted};
use super::table::{self, Table};
use crate::disk::dir_entry::{DirEntry, FatTime, attribute};

/// What the volume was found to be.
struct Found {
    notes: Vec<UpdateNote>,
    tolerated: Vec<Fault>,
    free: Bits,
    /// Lost clusters that are freed.
    reclaimed: Bits,
    /// An update was cut off, and must be tidied up behind.
    is_cut_off: bool,
    is_dirty: bool,
    /// Clusters are lost that are not ours.
    has_lost: bool,
    root: Vec<Range<u32>>,
}

pub(super) fn prepare<'a>(
    storage: &'a dyn Storage,
    place: Range<u64>,
    tree: &'a Tree,
    options: &UpdateOptions,
    progress: &mut dyn Progress,
) -> Result<Update<'a>, UpdateError> {
    let end = place.end.min(storage.len());
    let disk = Disk::new(storage, place.start, end.saturating_sub(place.start));
    let layout = Layout::read(&disk)?;
    let survey = survey::Survey::new(tree, 0)?;
    let table = Table::new(disk, layout);
    let Found { mut notes, tolerated, free, reclaimed, is_cut_off, is_dirty, has_lost, root } =
        look(&disk, &layout, &table)?;
    notes.extend(survey.notes.into_iter().map(UpdateNote::Tree));

    let mut options = options.clone();
    if is_cut_off {
        options.owned.append(&mut options.owned_after_cut_off);
    }
    let options = &options;
    let survey = Survey { disk, layout, table: &table, tree, options };
    let mut model = survey.model(root, progress)?;
    let clusters_free = free.count();
    let mut free = Free::new(free);
    let (wanted, label) = wanted(&model, tree, options);
    let Some(listing) = model.folders.first().map(|folder| &folder.listing) else {
        return Err(UpdateError::Changed { sector: 0 });
    };
    let places = root::place(&layout, listing, &wanted)?;
    let has_label_room = !wanted.has_new_label || places.label.is_some();
    if !has_label_room {
        notes.push(UpdateNote::NoRoomForLabel);
    }
    let growth = places.growth;
    let clusters_needed = allocate(&mut model, &mut free, tree, &layout, growth)?;
    let root_growth = free.take(growth).unwrap_or_default();

    let builder = Builder { tree, model: &model };
    let mut of_folders = 0u64;
    for (index, folder) in model.written() {
        // They are made again when they are written; what can go wrong does so here.
        let _ = builder.directory(index)?;
        let clusters = super::clusters::clusters_in(&folder.runs);
        of_folders = of_folders.saturating_add(clusters.saturating_mul(layout.cluster()));
    }
    let content = content(&builder, &wanted, places.label, label)?;
    let writes = match model.folders.first() {
        Some(root) => root::writes(&layout, &root.listing, &wanted, &places, &content),
        None => root::Writes::default(),
    };
    // Beside a root directory without it the label would only be a contradiction.
    let boot_label = match has_label_room {
        true => boot_label(&disk, &layout, options, is_cut_off)?,
        false => None,
    };
    let has_label = content.label.is_some() || boot_label.is_some();
    if has_label {
        let path = String::new();
        model.changes.push(Change { path, kind: ChangeKind::Label, bytes: 0 });
    }
    model.changes.sort_by(|a, b| a.path.cmp(&b.path));
    let of_files = model.jobs.iter().map(|job| job.len);
    let bytes_to_write = of_files.fold(of_folders, u64::saturating_add);
    Ok(Update {
        disk,
        layout,
        tree,
        notes,
        tolerated,
        unchanged_files: model.unchanged_files,
        unchanged_bytes: model.unchanged_bytes,
        bytes_to_write,
        clusters_needed,
        clusters_free,
        is_repair: is_cut_off,
        is_left_dirty: is_cut_off || is_dirty && !has_lost,
        reclaimed,
        free,
        root_growth,
        writes,
        boot_label,
        // Somebody should look for what was lost before the mark goes.
        stays_dirty: is_dirty && has_lost,
        marks_lost: !has_lost,
        model,
    })
}

/// Checks the volume, and reads its FATs.
fn look(disk: &Disk<'_>, layout: &Layout, table: &Table<'_>) -> Result<Found, UpdateError> {
    let failed = |source: io::Error| UpdateError::Read {
        name: "the volume".to_owned(),
        at: disk.start(),
        left: Left::Untouched,
        source,
    };
    let mut volume =
        Volume::open(disk.reader(), disk.start(), disk.len()).map_err(|error| match error {
            OpenError::Read(source) => failed(source),
            OpenError::Field { field, found, allowed } => {
                UpdateError::Unknown { field, found, allowed }
            }
            OpenError::Fat12 { clusters, .. } => UpdateError::NotFat32 { bits: 12, clusters },
        })?;
    let (faults, claimed) = volume.check_and_claim().map_err(failed)?;
    drop(volume);
    let mut notes = Vec::new();
    for fault in &faults {
        match *fault.kind() {
            FaultKind::HiddenSectors { found, start } => {
                notes.push(UpdateNote::HiddenSectors { found, start });
            }
            FaultKind::ClusterCount { found, least, .. } => {
                notes.push(UpdateNote::FewClusters { found, least });
            }
            _ => {}
        }
    }
    let (tolerated, worse): (Vec<Fault>, Vec<Fault>) =
        faults.into_iter().partition(|fault| is_tolerable(fault, layout.root));
    if !worse.is_empty() {
        return Err(UpdateError::Damaged { faults: Faults(worse) });
    }
    let root = table.runs(layout.root)?;
    let mut state = [0; 512];
    disk.read(0, &mut state)?;
    let is_marked = state.get(STATE).is_some_and(|state| state & 1 != 0);
    let marks = table::marks(disk, layout)?;
    if marks.has_errors {
        notes.push(UpdateNote::HardErrors);
    }
    let is_dirty = marks.is_dirty || is_marked;
    // Whoever closes the volume properly clears the marks of use, not ours, which counts no more.
    let mark = mark::read(disk, layout)?.filter(|_| is_dirty);
    let scan = table::scan(disk, layout, &claimed, &root, mark.is_some())?;
    let is_ours = mark.is_some_and(|mark| mark.all_lost_is_ours);
    let mut found = Found {
        notes,
        tolerated,
        free: scan.free,
        reclaimed: Bits::new(layout.end()),
        is_cut_off: mark.is_some(),
        is_dirty,
        has_lost: scan.lost.count() > 0 && !is_ours,
        root,
    };
    let clusters = scan.lost.count();
    if is_ours {
        found.notes.push(UpdateNote::CutOff { clusters });
        found.free.extend(&scan.lost);
        found.reclaimed = scan.lost;
    } else {
        if is_dirty {
            found.notes.push(UpdateNote::Dirty);
        }
        if clusters > 0 {
            found.notes.push(UpdateNote::LostClusters { clusters });
        }
    }
    Ok(found)
}

/// What may be wrong with a volume that is updated all the same: nothing that could make a cluster
/// belong to two files or to none that is known.
fn is_tolerable(fault: &Fault, root: u32) -> bool {
    match fault.kind() {
        // What some writers put where 0 must be.
        FaultKind::DotEntry { found: Some(found), expected: Some(0), .. } => *found == root,
        // Looked at apart.
        FaultKind::FatsDiffer { .. }
        | FaultKind::HiddenSectors { .. }
        | FaultKind::ClusterCount { .. } => true,
        // Names that some systems read differently. They are kept as they are; slots of long names
        // that belong to no file, which every system passes over, are left out where a folder is
        // written anew. Of several files with one name the first is the one that is found.
        FaultKind::DuplicateName { .. }
        | FaultKind::ShortName { .. }
        | FaultKind::LongName { .. }
        | FaultKind::LongOrder { .. }
        | FaultKind::LongChecksum { .. }
        | FaultKind::LongSlot { .. } => true,
        FaultKind::BootField {
            field: "jump" | "media" | "reserved bytes" | "extension signature",
            ..
        } => true,
        _ => fault.severity() == Severity::Untidy,
    }
}

/// What is wanted of the root directory, and the label's slot, if it has one that changes.
fn wanted(model: &Model, tree: &Tree, options: &UpdateOptions) -> (Wanted, Option<[u8; 11]>) {
    let mut wanted = Wanted::default();
    let Some(root) = model.folders.get(ROOT) else { return (wanted, None) };
    let switch: HashSet<String> = options.switch.iter().map(|name| upcase(name)).collect();
    for (entry, action) in root.listing.entries.iter().zip(&root.actions) {
        let changes = match action {
            Action::Keep => false,
            Action::Remove => {
                wanted.removed.push(entry.slots.clone());
                false
            }
            Action::Replace(_) => true,
            Action::Folder(index) => {
                model.folders.get(*index).is_some_and(super::model::Folder::is_written)
            }
        };
        if changes {
            wanted.changed.push((entry.short_slot(), entry.name.clone()));
        }
    }
    let mut ranks = HashMap::new();
    for (rank, name) in options.root_order.iter().enumerate() {
        ranks.entry(upcase(name)).or_insert(rank);
    }
    let last: HashSet<String> = options.last_in_root.iter().map(|name| upcase(name)).collect();
    for new in &root.new {
        let name = tree.name(new.node);
        let folded = upcase(name);
        let with_switch = switch.contains(&folded);
        let rank = ranks.get(&folded).copied().unwrap_or(usize::MAX);
        let is_last = !with_switch && last.contains(&folded);
        wanted.new.push(NewName { slots: name::slots(name), with_switch, rank, is_last });
    }
    let label = options.label.map(|label| label.padded());
    let old = root.listing.entries.iter().find(|entry| entry.is_label());
    let label = label.filter(|label| old.is_none_or(|old| old.short != *label));
    wanted.has_new_label = label.is_some() && old.is_none();
    (wanted, label)
}

/// Chooses clusters for directories, then for files in the order of the tree. Answers how many, with
/// those by which the root grows.
fn allocate(
    model: &mut Model,
    free: &mut Free,
    tree: &Tree,
    layout: &Layout,
    growth: u64,
) -> Result<u64, UpdateError> {
    let mut counts = Vec::new();
    for (index, folder) in model.folders.iter().enumerate() {
        let written = index != ROOT && folder.is_written();
        counts.push(if written { cluster_count(tree, layout, folder)? } else { 0 });
    }
    let of_files = model.jobs.iter().map(|job| layout.clusters_of(job.len));
    let needed = counts.iter().copied().chain(of_files).fold(growth, u64::saturating_add);
    let there = free.count();
    let full = || UpdateError::Full { needed, free: there, cluster_size: layout.cluster_size };
    if needed > there {
        return Err(full());
    }
    for (folder, count) in model.folders.iter_mut().zip(counts) {
        folder.runs = free.take(count).ok_or_else(full)?;
    }
    let mut job_of = vec![None; tree.len()];
    for (index, job) in model.jobs.iter().enumerate() {
        if let Some(place) = job_of.get_mut(job.node.index()) {
            *place = Some(index);
        }
    }
    let order = tree.data_order();
    let of = |node: &NodeId| job_of.get(node.index()).copied().flatten();
    for job in order.iter().filter_map(of) {
        if let Some(job) = model.jobs.get_mut(job) {
            job.runs = free.take(layout.clusters_of(job.len)).ok_or_else(full)?;
        }
    }
    Ok(needed)
}

fn content(
    builder: &Builder<'_>,
    wanted: &Wanted,
    new_label: Option<usize>,
    label: Option<[u8; 11]>,
) -> Result<Content, UpdateError> {
    let mut content = Content { changed: Vec::new(), new: Vec::new(), label: None };
    let Some(root) = builder.model.folders.get(ROOT) else { return Ok(content) };
    for (entry, action) in root.listing.entries.iter().zip(&root.actions) {
        let slot = entry.short_slot();
        let old = root.listing.slots.get(slot);
        if let Some(changed) = old.and_then(|old| builder.changed(old, *action)) {
            content.changed.push((slot, changed));
        }
    }
    content.new = builder.new_names(root)?;
    let Some(label) = label else { return Ok(content) };
    content.label = if wanted.has_new_label {
        let (time, _) = FatTime::new(builder.tree.meta(NodeId::ROOT).modified);
        let entry = DirEntry::new(label, attribute::VOLUME, time);
        new_label.map(|slot| (slot, slot_of(&entry)))
    } else {
        let old = root.listing.entries.iter().find(|entry| entry.is_label());
        old.and_then(|entry| {
            let mut slot = *root.listing.slots.get(entry.short_slot())?;
            slot.get_mut(..11)?.copy_from_slice(&label);
            Some((entry.short_slot(), slot))
        })
    };
    Ok(content)
}

/// The label for the boot sector, where that has another, or after an update that was cut off its
/// backup.
fn boot_label(
    disk: &Disk<'_>,
    layout: &Layout,
    options: &UpdateOptions,
    is_cut_off: bool,
) -> Result<Option<[u8; 11]>, UpdateError> {
    let Some(label) = options.label.map(|label| label.padded()) else { return Ok(None) };
    let mut boot = [0; 512];
    for at in layout.boot_sectors().take(if is_cut_off { 2 } else { 1 }) {
        disk.read(at, &mut boot)?;
        let found = boot.get(BOOT_LABEL..).and_then(|rest| rest.first_chunk::<11>());
        if found != Some(&label) && layout::has_label(&boot) {
            return Ok(Some(label));
        }
    }
    Ok(None)
}
