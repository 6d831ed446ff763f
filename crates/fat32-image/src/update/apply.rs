//! The writes of an update, in groups that each reach the medium before the next begins.

use std::ops::{ControlFlow, Range};

use extent_image::{Data, Progress, StreamError, WholeSource};

use crate::units::len64;

use super::Update;
use super::build::Builder;
use super::clusters::clusters_in;
use super::compare::pieces;
use super::error::{Left, UpdateError};
use super::layout::{self, BOOT_LABEL, STATE};
use super::mark::{self, Mark};
use super::model::Job;
use super::request::UpdateReport;
use super::root::{SectorWrite, sector_position};
use super::table::{self, Patch};
use super::writer::Writer;

/// How far the writes have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Untouched,
    /// The volume is marked as in use; content goes to free clusters.
    Marked,
    /// The FAT is being given the new chains.
    Linked,
    /// The root directory is being changed where it does not matter.
    Announced,
    /// The switch is being written.
    Switching,
    Switched,
}

pub(super) struct Run<'u, 'a> {
    update: &'u Update<'a>,
    progress: &'u mut dyn Progress,
    stage: Stage,
    report: UpdateReport,
    done: u64,
    /// What an update left that was cut off is tidied up, if there was any.
    is_repaired: bool,
}

impl<'u, 'a> Run<'u, 'a> {
    pub(super) fn new(update: &'u Update<'a>, progress: &'u mut dyn Progress) -> Self {
        let report = UpdateReport {
            source_digests: update.model.digests.clone(),
            ..UpdateReport::default()
        };
        Self {
            update,
            progress,
            stage: Stage::Untouched,
            report,
            done: 0,
            is_repaired: !update.is_repair,
        }
    }

    pub(super) fn go(mut self) -> Result<UpdateReport, UpdateError> {
        match self.all() {
            Ok(()) => Ok(self.report),
            Err(error) => {
                let left = self.tidy();
                Err(error.leaving(left))
            }
        }
    }

    fn all(&mut self) -> Result<(), UpdateError> {
        let update = self.update;
        let changes_nothing = update.changes().is_empty();
        if changes_nothing && !update.is_left_dirty {
            return Ok(());
        }
        self.is_unchanged()?;
        self.stage = Stage::Marked;
        self.mark()?;
        self.flush()?;
        if update.is_repair {
            let written = table::repair(&update.disk, &update.layout, &update.reclaimed)?;
            self.count(written);
            self.flush()?;
            self.is_repaired = true;
        }
        if !changes_nothing {
            self.content()?;
            self.flush()?;
            self.stage = Stage::Linked;
            self.link()?;
            self.flush()?;
            self.stage = Stage::Announced;
            self.extend_root()?;
            for write in &update.writes.before {
                self.root(write)?;
                self.flush()?;
            }
            if let Some(switch) = &update.writes.switch {
                self.stage = Stage::Switching;
                self.root(switch)?;
                self.flush()?;
            }
            self.stage = Stage::Switched;
            for write in &update.writes.after {
                self.root(write)?;
            }
            self.label()?;
            self.flush()?;
        }
        self.stage = Stage::Switched;
        let freed = Patch::freed(&update.model.freed).collect();
        let written = table::write(&update.disk, &update.layout, freed)?;
        self.count(written);
        self.flush()?;
        self.unmark(!update.stays_dirty)
    }

    fn count(&mut self, written: u64) {
        self.report.written = self.report.written.saturating_add(written);
    }

    fn flush(&self) -> Result<(), UpdateError> {
        self.update.disk.flush()
    }

    /// What the plan rests upon must still be so, as far as the root directory tells.
    fn is_unchanged(&self) -> Result<(), UpdateError> {
        let update = self.update;
        let Some(root) = update.model.folders.first() else { return Ok(()) };
        if root.listing.is_dirty_behind {
            return Ok(());
        }
        let layout = &update.layout;
        let mut bytes = vec![0; usize::try_from(layout.cluster_size).unwrap_or(0)];
        let slots = root.listing.slots.chunks(layout.slots_per_cluster().max(1));
        for (cluster, slots) in root.listing.runs.iter().cloned().flatten().zip(slots) {
            let at = layout.cluster_start(cluster);
            update.disk.read(at, &mut bytes)?;
            let (now, before) = (bytes.as_slice(), slots.as_flattened());
            if now != before {
                let same = now.iter().zip(before).take_while(|(a, b)| a == b).count();
                let byte = at.saturating_add(len64(same));
                let sector = byte.checked_div(layout.sector()).unwrap_or(0);
                return Err(UpdateError::Changed { sector });
            }
        }
        Ok(())
    }

    /// Marks the volume as in use, and by whom.
    fn mark(&mut self) -> Result<(), UpdateError> {
        let (disk, layout) = (&self.update.disk, &self.update.layout);
        let mark = Mark { all_lost_is_ours: self.update.marks_lost };
        let mut written = mark::set(disk, layout, mark)?;
        written = written.saturating_add(table::set_dirty(disk, layout, true)?);
        self.count(written);
        self.boot_sector(0, |sector| {
            if let Some(state) = sector.get_mut(STATE) {
                *state |= 1;
            }
        })
    }

    /// Says how much is free and takes the marks away, the one of use last and where it may go.
    fn unmark(&mut self, is_clean: bool) -> Result<(), UpdateError> {
        let (disk, layout) = (&self.update.disk, &self.update.layout);
        let free = match self.stage {
            Stage::Switched => {
                let freed = clusters_in(&self.update.model.freed);
                self.update.free.count().saturating_add(freed)
            }
            // The new clusters are free again.
            _ => self.update.clusters_free,
        };
        let written = mark::clear(disk, layout, free, self.update.free.hint())?;
        self.count(written);
        self.flush()?;
        if !is_clean {
            return Ok(());
        }
        let written = table::set_dirty(disk, layout, false)?;
        self.count(written);
        self.boot_sector(0, |sector| {
            if let Some(state) = sector.get_mut(STATE) {
                *state &= !1;
            }
        })?;
        self.flush()
    }

    /// Changes the boot sector at a byte of the volume, the one that counts or the backup.
    fn boot_sector(&mut self, at: u64, change: impl Fn(&mut [u8])) -> Result<(), UpdateError> {
        let (disk, layout) = (&self.update.disk, &self.update.layout);
        let mut sector = vec![0; usize::try_from(layout.sector_size).unwrap_or(512)];
        disk.read(at, &mut sector)?;
        let old = sector.clone();
        change(&mut sector);
        if old != sector {
            disk.write(at, &sector)?;
            self.count(layout.sector());
        }
        Ok(())
    }

    fn label(&mut self) -> Result<(), UpdateError> {
        let Some(label) = self.update.boot_label else { return Ok(()) };
        for at in self.update.layout.boot_sectors() {
            self.boot_sector(at, |sector| {
                // A backup that is none is left alone.
                let has_label = layout::has_label(sector);
                let end = BOOT_LABEL.saturating_add(label.len());
                if let Some(room) = sector.get_mut(BOOT_LABEL..end).filter(|_| has_label) {
                    room.copy_from_slice(&label);
                }
            })?;
        }
        Ok(())
    }

    /// Writes everything into free clusters: directories, then files, late content last.
    fn content(&mut self) -> Result<(), UpdateError> {
        let update = self.update;
        let layout = &update.layout;
        let mut writer = Writer::new(update.disk, layout.sector(), layout.cluster());
        let zeros = vec![0; usize::try_from(layout.cluster_size).unwrap_or(0)];
        for cluster in update.root_growth.iter().cloned().flatten() {
            writer.go_to(layout.cluster_start(cluster))?;
            writer.put(&zeros)?;
        }
        let builder = Builder { tree: update.tree, model: &update.model };
        for (index, folder) in update.model.written() {
            self.directory(&mut writer, &folder.runs, builder.directory(index)?)?;
        }
        let jobs = &update.model.jobs;
        let is_late = |job: &&Job| matches!(update.tree.data(job.node), Some(Data::Late(_)));
        let mut early: Vec<&Job> = jobs.iter().filter(|job| !is_late(job)).collect();
        // As they lie on the volume: the order in which they were given clusters.
        early.sort_by_key(|job| job.runs.first().map(|run| run.start));
        for job in early.into_iter().chain(jobs.iter().filter(is_late)) {
            self.file(&mut writer, job)?;
        }
        writer.flush()?;
        self.count(writer.written);
        Ok(())
    }

    /// A directory, with zeros to the end of its last cluster.
    fn directory(
        &mut self,
        writer: &mut Writer<'a>,
        runs: &[Range<u32>],
        mut bytes: Vec<u8>,
    ) -> Result<(), UpdateError> {
        let layout = &self.update.layout;
        let len = clusters_in(runs).saturating_mul(layout.cluster());
        bytes.resize(usize::try_from(len).unwrap_or(bytes.len()), 0);
        let mut rest = bytes.as_slice();
        for piece in pieces(layout, runs, len) {
            let part = usize::try_from(piece.end.saturating_sub(piece.start)).unwrap_or(0);
            let (now, behind) = rest.split_at_checked(part).unwrap_or((rest, &[]));
            writer.go_to(piece.start)?;
            writer.put(now)?;
            rest = behind;
        }
        self.advance(len)
    }

    fn file(&mut self, writer: &mut Writer<'a>, job: &Job) -> Result<(), UpdateError> {
        let update = self.update;
        let failed = |source| UpdateError::Source { left: Left::Untouched, source };
        let layout = &update.layout;
        self.report.content_written = self.report.content_written.saturating_add(job.len);
        self.progress
            .file(&update.tree.path(job.node), self.done..self.done.saturating_add(job.len));
        match update.tree.data(job.node) {
            Some(Data::Source(source)) => {
                let mut whole = WholeSource::open(source).map_err(failed)?;
                for piece in pieces(layout, &job.runs, job.len) {
                    writer.go_to(piece.start)?;
                    let mut left = piece.end.saturating_sub(piece.start);
                    while left > 0 {
                        let room = writer.room()?;
                        let most = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
                        let room = room.get_mut(..most).unwrap_or_default();
                        let count = whole.fill(room).map_err(failed)?;
                        writer.filled(count);
                        left = left.saturating_sub(len64(count));
                        self.advance(len64(count))?;
                        if count == 0 {
                            // A source that ends early has said so itself.
                            break;
                        }
                    }
                }
                whole.finish(&mut self.report.source_digests).map_err(failed)
            }
            Some(Data::Late(late)) => {
                let bytes = late.bytes(&self.report.source_digests).map_err(failed)?;
                let mut rest: &[u8] = &bytes;
                for piece in pieces(layout, &job.runs, job.len) {
                    let part = usize::try_from(piece.end.saturating_sub(piece.start)).unwrap_or(0);
                    let (now, behind) = rest.split_at_checked(part).unwrap_or((rest, &[]));
                    writer.go_to(piece.start)?;
                    writer.put(now)?;
                    rest = behind;
                }
                self.advance(job.len)
            }
            None => {
                Err(failed(StreamError::LateLength { name: "a folder", planned: job.len, made: 0 }))
            }
        }
    }

    fn advance(&mut self, by: u64) -> Result<(), UpdateError> {
        self.done = self.done.saturating_add(by);
        match self.progress.advance(self.done, self.update.bytes_to_write()) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(UpdateError::Cancelled { left: Left::Untouched }),
        }
    }

    /// The chains of everything new.
    fn chains(&self) -> impl Iterator<Item = &[Range<u32>]> {
        let update = self.update;
        let directories = update.model.written().map(|(_, folder)| folder.runs.as_slice());
        let files = update.model.jobs.iter().map(|job| job.runs.as_slice());
        directories.chain(files).chain(std::iter::once(update.root_growth.as_slice()))
    }

    fn link(&mut self) -> Result<(), UpdateError> {
        let patches = self.chains().flat_map(Patch::chain).collect();
        let written = table::write(&self.update.disk, &self.update.layout, patches)?;
        self.count(written);
        Ok(())
    }

    /// Hangs the new clusters of the root behind its last one. Both ends are whole chains already,
    /// so the copies of the FAT may say either.
    fn extend_root(&mut self) -> Result<(), UpdateError> {
        let update = self.update;
        let last = update.model.folders.first().and_then(|root| root.listing.runs.last());
        if let (Some(last), Some(growth)) = (last, update.root_growth.first()) {
            let run = last.end.saturating_sub(1)..last.end;
            let patch = Patch { run, next: Some(growth.start) };
            let written = table::write(&update.disk, &update.layout, vec![patch])?;
            self.count(written);
            self.flush()?;
        }
        Ok(())
    }

    /// Writes sectors of the root directory, those that touch on the volume at once.
    fn root(&mut self, write: &SectorWrite) -> Result<(), UpdateError> {
        let update = self.update;
        let layout = &update.layout;
        let Some(root) = update.model.folders.first() else { return Ok(()) };
        let mut runs = root.listing.runs.clone();
        runs.extend(update.root_growth.iter().cloned());
        let sector = usize::try_from(layout.sector_size).unwrap_or(512);
        let mut pending: Option<(u64, Vec<u8>)> = None;
        for (number, bytes) in (write.sector..).zip(write.bytes.chunks(sector)) {
            let Some(at) = sector_position(layout, &runs, number) else { continue };
            match &mut pending {
                Some((start, held)) if start.saturating_add(len64(held.len())) == at => {
                    held.extend_from_slice(bytes);
                }
                _ => {
                    if let Some((start, held)) = pending.replace((at, bytes.to_vec())) {
                        update.disk.write(start, &held)?;
                    }
                }
            }
        }
        if let Some((start, held)) = pending {
            update.disk.write(start, &held)?;
        }
        self.count(len64(write.bytes.len()));
        Ok(())
    }

    /// After an error: undoes what can be undone, as far as the storage still works.
    fn tidy(&mut self) -> Left {
        let update = self.update;
        let new = update.clusters_needed();
        let marks = |run: &mut Self| {
            let undone = run.flush().and_then(|()| run.unmark(!update.stays_dirty));
            undone.is_ok()
        };
        match self.stage {
            Stage::Untouched => Left::Untouched,
            Stage::Marked if !self.is_repaired => {
                Left::OldUntidy { clusters: update.reclaimed.count() }
            }
            Stage::Marked => match marks(self) {
                true => Left::Old,
                false => Left::OldUntidy { clusters: 0 },
            },
            Stage::Linked => {
                let patches = self.chains().flat_map(Patch::freed).collect();
                let freed = table::write(&update.disk, &update.layout, patches);
                match freed.is_ok() && marks(self) {
                    true => Left::Old,
                    false => Left::OldUntidy { clusters: new },
                }
            }
            Stage::Announced => Left::OldUntidy { clusters: new },
            Stage::Switching => Left::Either,
            Stage::Switched => Left::NewUntidy { clusters: update.model.freed_clusters() },
        }
    }
}
