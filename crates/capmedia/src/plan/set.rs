//! Media of several volumes: what does not fit one disc is laid out over a set of them.
//!
//! The first volume holds all that starts the computer, the others only added files. Each describes
//! the whole set in its `media.json`, whose length must be known while volumes are measured although
//! it names the volume of every file: it is padded to the length it has with the largest numbers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use extent_image::{Data, Source};
use media_model::{MediaPath, MediaPathError, MediaSize};

use crate::error::Error;
use crate::plan::parts::{Cut, Part, Swm, numbered_path, swm_path, wim_stem};
use crate::plan::set_error::SpanError;
use crate::plan::span::{Piece, Stuck, span};
use crate::report::Warning;
use crate::tree::compose::{
    Added, ComposeError, Composed, Facts, SetShare, Share, compose_volume, content_id, describe,
    id_of,
};
use crate::tree::manifest::{DESCRIPTION, Description, JoinedFile, MANIFEST, SetFile};

/// What a set is to be.
pub(crate) struct SetOptions {
    /// Sectors of a disc.
    pub(crate) capacity: u64,
    pub(crate) split_files: bool,
    /// Sectors by which a file makes a disc larger at the least, its data apart.
    pub(crate) sectors_per_file: u64,
    /// Sectors that everything would need on one disc.
    pub(crate) single: u64,
}

/// Tells the sectors of a volume.
pub(crate) type Measure<'a> = dyn FnMut(&Composed) -> Result<u64, Error> + 'a;

/// A set laid out: which files are on which volume.
pub(crate) struct MediaSet {
    draft: Draft,
    id: [u8; 16],
    description: Description,
    /// By place in `draft.pieces`.
    volumes: Vec<Vec<usize>>,
}

impl MediaSet {
    /// Lays out what `facts` hold; `added` are the paths that the added files and folders have on the
    /// media.
    pub(crate) fn new(
        facts: Facts,
        added: &[MediaPath],
        options: &SetOptions,
        measure: &mut Measure<'_>,
    ) -> Result<Self, Error> {
        let whole = pieces(&facts, added);
        let facts = Facts { added: Vec::new(), ..facts };
        let mut cuts = BTreeMap::new();
        let mut largest_number = 9;
        let mut draft = Draft::new(facts, &whole, &cuts, largest_number)?;
        loop {
            let too_large = draft.too_large(options, measure)?;
            if !too_large.is_empty() {
                for at in too_large {
                    let (origin, cut) = draft.cut(at, &whole, &cuts, options, measure)?;
                    cuts.insert(origin, cut);
                }
                draft = Draft::new(draft.facts, &whole, &cuts, largest_number)?;
                continue;
            }
            let volumes = draft.span(options, measure)?;
            let count = volumes.len() as u64;
            if count > u64::from(u16::MAX) {
                return Err(too_many(count));
            }
            if count <= largest_number {
                return Ok(Self::of(draft, volumes));
            }
            largest_number = largest_number * 10 + 9;
            draft = Draft::new(draft.facts, &whole, &cuts, largest_number)?;
        }
    }

    fn of(draft: Draft, volumes: Vec<Vec<usize>>) -> Self {
        let numbers: HashMap<usize, u32> = (1..)
            .zip(&volumes)
            .flat_map(|(number, pieces)| pieces.iter().map(move |at| (*at, number)))
            .collect();
        let files = draft.list(1, |at| numbers.get(&at).copied().unwrap_or(1));
        let id = draft.id(&files, volumes.len());
        let mut description = describe(&draft.facts, &id);
        description.volumes = u32::try_from(volumes.len()).unwrap_or(u32::MAX);
        description.joins.clone_from(&draft.joins);
        description.files = files;
        Self { draft, id, description, volumes }
    }

    /// Numbers of the volumes from the second on.
    pub(crate) fn numbers_after_first(&self) -> impl Iterator<Item = u16> + use<> {
        // Their count was held against the limit.
        2..=u16::try_from(self.volumes.len()).unwrap_or(u16::MAX)
    }

    /// The tree of one volume.
    pub(crate) fn compose(&self, number: u16) -> Result<Composed, ComposeError> {
        let description = Description { volume: number.into(), ..self.description.clone() };
        let bytes = description.to_bytes_of_len(self.draft.description.len());
        let pieces = self.volumes.get(usize::from(number).saturating_sub(1));
        let share = SetShare { id: self.id, description, bytes };
        self.draft.compose(pieces.map_or(&[], Vec::as_slice), share)
    }

    /// What the operator should know of it.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.draft.joins.iter().map(|join| {
            let how = match (&join.frame, join.parts.first()) {
                (Some(_), Some(first)) => {
                    format!("split into {} SWM parts ({first} and so on)", join.parts.len())
                }
                _ => format!("cut into {} numbered parts", join.parts.len()),
            };
            Warning::new(format!(
                "{} is larger than a disc and was {how}; `capmedia join` puts them together",
                join.path
            ))
        })
    }
}

fn too_many(volumes: u64) -> Error {
    Error::Span(SpanError::TooManyVolumes { volumes, allowed: u16::MAX })
}

/// A file, or a folder that holds nothing, that may be on any volume.
struct Loose {
    added: Added,
    /// Place of the file that it is, or is a part of, before anything was cut.
    origin: usize,
}

/// The set before it is known which volume holds what.
struct Draft {
    facts: Facts,
    pieces: Vec<Loose>,
    joins: Vec<JoinedFile>,
    /// Path and length of the files that the first volume holds in any case.
    fixed: Vec<(String, u64)>,
    /// As long as `media.json` will be.
    description: Bytes,
}

impl Draft {
    fn new(
        facts: Facts,
        whole: &[Added],
        cuts: &BTreeMap<usize, Cut>,
        largest_number: u64,
    ) -> Result<Self, Error> {
        let mut draft = Self {
            facts,
            pieces: Vec::with_capacity(whole.len()),
            joins: Vec::new(),
            fixed: Vec::new(),
            description: Bytes::new(),
        };
        for (origin, added) in whole.iter().enumerate() {
            match (cuts.get(&origin), &added.data) {
                (Some(cut), Some(Data::Source(source))) => {
                    draft.add_parts(origin, added, source, cut)?;
                }
                _ => draft.pieces.push(Loose { added: added.clone(), origin }),
            }
        }
        draft.check_part_names(whole, cuts)?;
        let first = draft.compose(&[], draft.blank(0))?;
        let tree = &first.tree;
        for file in tree.data_order() {
            let path = tree.path(file);
            if path != DESCRIPTION && path != MANIFEST {
                draft.fixed.push((path, tree.data(file).map_or(0, Data::len)));
            }
        }
        let number = u32::try_from(largest_number).unwrap_or(u32::MAX);
        let mut longest = describe(&draft.facts, &[0; 16]);
        (longest.volume, longest.volumes) = (number, number);
        longest.files = draft.list(number, |_| number);
        longest.joins.clone_from(&draft.joins);
        draft.description = Bytes::from(vec![b' '; longest.to_bytes().len()]);
        Ok(draft)
    }

    fn add_parts(
        &mut self,
        origin: usize,
        added: &Added,
        source: &Arc<dyn Source>,
        cut: &Cut,
    ) -> Result<(), Error> {
        if let Cut::Numbered(room) = cut {
            let count = source.len().div_ceil((*room).max(1));
            if count > u64::from(u16::MAX) {
                return Err(too_many(count));
            }
        }
        let cut = cut.files(&added.path, source).map_err(|e| part_name_error(&added.path, e))?;
        let path = |(path, _): &(MediaPath, Data)| path.to_slash();
        self.joins.push(JoinedFile {
            path: added.path.to_slash(),
            size: source.len(),
            parts: cut.parts.iter().map(path).collect(),
            frame: cut.frame.as_ref().map(path),
        });
        for (path, data) in cut.parts.into_iter().chain(cut.frame) {
            let of = format!("a part of {}", added.origin);
            let added = Added { path, data: Some(data), origin: of, ..added.clone() };
            self.pieces.push(Loose { added, origin });
        }
        Ok(())
    }

    /// Refuses parts that have the path of another file or folder, on whatever volume: all of the
    /// set, and what was cut, must have room in one folder.
    fn check_part_names(
        &self,
        whole: &[Added],
        cuts: &BTreeMap<usize, Cut>,
    ) -> Result<(), ComposeError> {
        if cuts.is_empty() {
            return Ok(());
        }
        let cut = cuts.keys().filter_map(|origin| whole.get(*origin));
        let mut all = cut.chain(self.pieces.iter().map(|piece| &piece.added));
        compose_volume(&self.facts, Share { added: &mut all, set: Some(self.blank(0)) }).map(drop)
    }

    /// Files of the set by path: those that are on the first in any case are on volume `first`, and
    /// `number` tells the volume of each piece, by place.
    fn list(&self, first: u32, number: impl Fn(usize) -> u32) -> Vec<SetFile> {
        let file = |path, size, volume| SetFile { path, size, volume };
        let fixed = self.fixed.iter().map(|(path, size)| file(path.clone(), *size, first));
        let loose = self.pieces.iter().enumerate().filter_map(|(at, piece)| {
            let data = piece.added.data.as_ref()?;
            Some(file(piece.added.path.to_slash(), data.len(), number(at)))
        });
        let mut files: Vec<SetFile> = fixed.chain(loose).collect();
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// It follows from what makes a set another one: content, times, and what lies where.
    fn id(&self, files: &[SetFile], volumes: usize) -> [u8; 16] {
        let files = files
            .iter()
            .flat_map(|file| [file.path.clone(), file.size.to_string(), file.volume.to_string()]);
        let times = self
            .pieces
            .iter()
            .map(|piece| self.facts.clamped(piece.added.modified).unix_seconds().to_string());
        let boot_files = self.facts.boot_files.iter().map(|file| (&file.path, &file.data));
        let media_data = self.facts.media_data.iter().map(|file| (&file.path, &file.data));
        let content = boot_files.chain(media_data);
        let content = content.map(|(path, data)| content_id(&self.facts, path, data));
        let texts = std::iter::once(volumes.to_string()).chain(files).chain(times).chain(content);
        id_of("capmedia set id of several volumes, version 2", &self.facts, texts)
    }

    /// What volume `number`, from 0, says of itself while nothing is known but its length.
    fn blank(&self, number: usize) -> SetShare {
        let mut description = describe(&self.facts, &[0; 16]);
        description.volume =
            u32::try_from(number).map_or(u32::MAX, |number| number.saturating_add(1));
        SetShare { id: [0; 16], description, bytes: self.description.clone() }
    }

    fn compose(&self, pieces: &[usize], set: SetShare) -> Result<Composed, ComposeError> {
        let mut added = pieces.iter().filter_map(|at| Some(&self.pieces.get(*at)?.added));
        compose_volume(&self.facts, Share { added: &mut added, set: Some(set) })
    }

    fn sectors(
        &self,
        number: usize,
        pieces: &[usize],
        measure: &mut Measure<'_>,
    ) -> Result<u64, Error> {
        measure(&self.compose(pieces, self.blank(number))?)
    }

    /// The files that a disc cannot hold even alone. That the first disc holds what it must is looked
    /// at before.
    fn too_large(
        &self,
        options: &SetOptions,
        measure: &mut Measure<'_>,
    ) -> Result<Vec<usize>, Error> {
        let first = self.sectors(0, &[], measure)?;
        if first > options.capacity {
            return Err(Error::Span(SpanError::FirstVolume {
                needed: first,
                allowed: options.capacity,
                smallest: self.smallest(options, measure)?,
            }));
        }
        let bare = self.sectors(OTHER, &[], measure)?;
        let mut found = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            // Only what comes near the limit needs to be measured.
            let near = self.most(piece, bare) > options.capacity;
            if near && self.sectors(OTHER, &[at], measure)? > options.capacity {
                found.push(at);
            }
        }
        Ok(found)
    }

    /// How the file is to be cut that piece `at` is or is a part of; `cuts` is how it was.
    fn cut(
        &self,
        at: usize,
        whole: &[Added],
        cuts: &BTreeMap<usize, Cut>,
        options: &SetOptions,
        measure: &mut Measure<'_>,
    ) -> Result<(usize, Cut), Error> {
        let piece = self.pieces.get(at).and_then(|piece| {
            let whole = whole.get(piece.origin)?;
            let Some(Data::Source(source)) = &whole.data else { return None };
            Some((piece, &whole.path, source))
        });
        // A folder is not cut.
        let Some((piece, path, source)) = piece else {
            return Err(Error::Span(self.refuse(at, options, measure)?));
        };
        let named = |error| part_name_error(path, error);
        let most = options.capacity.saturating_mul(MediaSize::SECTOR);
        // Half a disc is more than its own structures take, but for a disc of almost nothing.
        let numbers = if source.len() < most.saturating_mul(499) { 999 } else { u16::MAX };
        let before = cuts.get(&piece.origin);
        let as_wim = match before {
            None => wim_stem(path).is_some(),
            Some(cut) => matches!(cut, Cut::Swm(_)),
        };
        let mut refused = None;
        if as_wim {
            let longest = swm_path(path, numbers.into()).map_err(named)?;
            let room = self.room_for(&longest, &piece.added, options, measure)?;
            // Parts that were no smaller the last time would be no smaller now: what is too large is
            // the frame.
            let smaller = before.is_none_or(|before| room < before.room());
            match Swm::split(source, room).filter(|_| smaller) {
                Some(Ok(swm)) => return Ok((piece.origin, Cut::Swm(swm))),
                Some(Err(error)) => refused = Some(error),
                // A WIM by name only.
                None => {}
            }
        }
        if options.split_files {
            let longest = numbered_path(path, numbers.into()).map_err(named)?;
            let room = self.room_for(&longest, &piece.added, options, measure)?;
            // What was too long before is shorter now, whatever was measured.
            let room =
                before.map_or(room, |before| room.min(before.room().saturating_sub(PART_UNIT)));
            return match room {
                // Less than a block on each disc: so many discs nobody has.
                0 => Err(too_many(source.len().div_ceil(PART_UNIT))),
                _ => Ok((piece.origin, Cut::Numbered(room))),
            };
        }
        let Some(refused) = refused else {
            return Err(Error::Span(self.refuse(at, options, measure)?));
        };
        Err(Error::Span(SpanError::Wim {
            path: path.to_string(),
            len: source.len(),
            allowed: options.capacity,
            smallest: self.smallest(options, measure)?,
            source: Box::new(refused),
        }))
    }

    /// That a disc cannot hold piece `at` even alone.
    fn refuse(
        &self,
        at: usize,
        options: &SetOptions,
        measure: &mut Measure<'_>,
    ) -> Result<SpanError, Error> {
        let added = self.pieces.get(at).map(|piece| &piece.added);
        Ok(SpanError::File {
            path: added.map(|added| added.path.to_string()).unwrap_or_default(),
            len: added.and_then(|added| added.data.as_ref()).map_or(0, Data::len),
            needed: self.sectors(OTHER, &[at], measure)?,
            allowed: options.capacity,
            smallest: self.smallest(options, measure)?,
        })
    }

    /// The most bytes that a file at `path` can have on a disc with nothing else, and not more than
    /// `like` has; 0 when there is no room for any.
    fn room_for(
        &self,
        path: &MediaPath,
        like: &Added,
        options: &SetOptions,
        measure: &mut Measure<'_>,
    ) -> Result<u64, Error> {
        let most = options.capacity.saturating_mul(MediaSize::SECTOR);
        let mut room = like.data.as_ref().map_or(0, Data::len).min(most);
        room -= room % PART_UNIT;
        while room > 0 {
            let sectors = self.sectors_alone(path, like, room, measure)?;
            let over = sectors.saturating_sub(options.capacity);
            if over == 0 {
                return Ok(room);
            }
            let less = over.saturating_mul(MediaSize::SECTOR).next_multiple_of(PART_UNIT);
            room = room.saturating_sub(less);
        }
        Ok(0)
    }

    /// Sectors of a disc with nothing but the first `len` bytes of a file, at `path`.
    fn sectors_alone(
        &self,
        path: &MediaPath,
        like: &Added,
        len: u64,
        measure: &mut Measure<'_>,
    ) -> Result<u64, Error> {
        let Some(Data::Source(source)) = &like.data else { return Ok(0) };
        let part = Part::new(Arc::clone(source), 0, len);
        let data = Some(Data::Source(Arc::new(part)));
        let added = Added { path: path.clone(), data, ..like.clone() };
        let share = Share { added: &mut std::iter::once(&added), set: Some(self.blank(OTHER)) };
        measure(&compose_volume(&self.facts, share)?)
    }

    /// The smallest media size that would do for the first disc and for every file that is not cut;
    /// or for everything on one.
    fn smallest(
        &self,
        options: &SetOptions,
        measure: &mut Measure<'_>,
    ) -> Result<MediaSize, Error> {
        let mut needed = self.sectors(0, &[], measure)?;
        let bare = self.sectors(OTHER, &[], measure)?;
        for (at, piece) in self.pieces.iter().enumerate().filter(|_| !options.split_files) {
            let Some(Data::Source(source)) = &piece.added.data else { continue };
            if self.most(piece, bare) <= options.capacity {
                continue;
            }
            let path = &piece.added.path;
            let part = wim_stem(path).and_then(|_| Swm::smallest_part(source));
            needed = needed.max(match part {
                Some(len) => {
                    let path = swm_path(path, u16::MAX.into());
                    let path = path.map_err(|e| part_name_error(&piece.added.path, e))?;
                    let len = len.next_multiple_of(PART_UNIT);
                    self.sectors_alone(&path, &piece.added, len, measure)?
                }
                None => self.sectors(OTHER, &[at], measure)?,
            });
        }
        let sectors = needed.min(options.single);
        let megabytes = sectors.div_ceil((1 << 20) / MediaSize::SECTOR);
        Ok(MediaSize::from_megabytes(megabytes).unwrap_or(MediaSize::UNLIMITED))
    }

    /// More sectors than a disc needs that holds one piece, `bare` being those of one that holds
    /// none: each folder above takes at most a few, names of any length included.
    fn most(&self, piece: &Loose, bare: u64) -> u64 {
        let data = piece.added.data.as_ref().map_or(0, Data::len).div_ceil(MediaSize::SECTOR);
        let around = 64 + 8 * piece.added.path.components().count() as u64;
        bare.saturating_add(data).saturating_add(around)
    }

    fn span(
        &self,
        options: &SetOptions,
        measure: &mut Measure<'_>,
    ) -> Result<Vec<Vec<usize>>, Error> {
        let mut uses = HashMap::new();
        let source = |piece: &Loose| piece.added.data.as_ref().and_then(Data::source_id);
        for id in self.pieces.iter().filter_map(source) {
            *uses.entry(id).or_insert(0u32) += 1;
        }
        let piece = |piece: &Loose| {
            let bytes = piece.added.data.as_ref().map_or(0, Data::len);
            // What is there once already costs nothing more.
            let alone = source(piece).and_then(|id| uses.get(&id)).is_none_or(|uses| *uses == 1);
            let sectors = if alone { bytes.div_ceil(MediaSize::SECTOR) } else { 0 };
            let least = sectors.saturating_add(options.sectors_per_file);
            Piece { group: piece.added.group, bytes, least }
        };
        let pieces: Vec<Piece> = self.pieces.iter().map(piece).collect();
        let outcome = span(&pieces, options.capacity, &mut |number, at: &[usize]| {
            self.sectors(number, at, measure)
        });
        match outcome {
            Ok(volumes) => Ok(volumes),
            Err(Stuck::Measure(error)) => Err(error),
            // Those were found before.
            Err(Stuck::TooLarge(at)) => Err(Error::Span(self.refuse(at, options, measure)?)),
        }
    }
}

/// Any volume but the first.
const OTHER: usize = 1;
/// Parts begin on this boundary of their file, so that file systems can share their blocks.
const PART_UNIT: u64 = 4096;

fn part_name_error(path: &MediaPath, source: MediaPathError) -> Error {
    Error::Span(SpanError::PartName { path: path.to_string(), source })
}

/// The added files by path, and the added folders that hold nothing: the others are made for what is
/// in them, where it is.
fn pieces(facts: &Facts, placed: &[MediaPath]) -> Vec<Added> {
    let mut seen = HashSet::new();
    for path in placed {
        let mut above = path.parent();
        while let Some(folder) = above.filter(|folder| seen.insert(folder.folded())) {
            above = folder.parent();
        }
    }
    let all = facts.added.iter().zip(placed);
    let mut pieces: Vec<Added> = all
        .filter(|(added, path)| added.data.is_some() || seen.insert(path.folded()))
        .map(|(added, path)| Added { path: path.clone(), ..added.clone() })
        .collect();
    pieces.sort_by(|a, b| a.path.cmp(&b.path));
    pieces
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
