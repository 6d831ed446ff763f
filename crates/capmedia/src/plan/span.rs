//! Which volume of a set gets which files: first-fit-decreasing over exact sizes. Pure: what a volume
//! would measure is asked of whoever plans it.
//!
//! A group goes onto the first volume that has room for all of it. One that no empty volume could
//! hold is divided file by file, before the others, which then fill what it leaves. Volume by volume,
//! every file that still fits is taken, largest first; that puts each where first-fit would.
//!
//! Measuring lays out a whole volume, so it is not done for each file: what a file takes at the least
//! is known, and the longest run of files that fits is found by measuring a few of its beginnings.

use std::ops::ControlFlow;

/// A file, or a folder that holds nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// Pieces of one group stay together if they can.
    pub(crate) group: usize,
    /// Length in bytes: the order in which pieces are taken.
    pub(crate) bytes: u64,
    /// Sectors by which it makes any volume larger at the least.
    pub(crate) least: u64,
}

/// Why a set cannot be made.
#[derive(Debug)]
pub(crate) enum Stuck<E> {
    /// A volume could not be measured.
    Measure(E),
    /// A piece, given by its place, does not fit an empty volume.
    TooLarge(usize),
}

impl<E> From<E> for Stuck<E> {
    fn from(error: E) -> Self {
        Self::Measure(error)
    }
}

/// Refusals by measuring after which a volume counts as full. A file that is refused although its
/// data would fit lacks a few sectors for its names; looking for one that fits better among thousands
/// would take hours and win nothing.
const REFUSALS: usize = 32;
/// Steps along the line before a search halves its interval.
const STEPS: usize = 3;

/// Tells the sectors of a volume, counted from 0, that holds these pieces.
pub(crate) type Measure<'a, E> = dyn FnMut(usize, &[usize]) -> Result<u64, E> + 'a;

/// The pieces of each volume, by place in `pieces`, whose order decides between equals. `measure`
/// tells the sectors of volume `number`, counted from 0, with these pieces; the first volume may hold
/// more than the others to begin with, and must fit without any.
pub(crate) fn span<E>(
    pieces: &[Piece],
    capacity: u64,
    measure: &mut Measure<'_, E>,
) -> Result<Vec<Vec<usize>>, Stuck<E>> {
    let mut packer = Packer { capacity, measure, volumes: Vec::new() };
    packer.add_volume()?;
    let mut whole = Vec::new();
    for group in groups(pieces) {
        let least = least_of(pieces, &group);
        if least <= capacity && (packer.measure)(EMPTY, &group)? <= capacity {
            whole.push(Unit { pieces: group, least });
            continue;
        }
        let mut files = group;
        files.sort_by_key(|at| (std::cmp::Reverse(bytes_of(pieces, &[*at])), *at));
        let unit = |at| Unit { pieces: vec![at], least: least_of(pieces, &[at]) };
        packer.pack(files.into_iter().map(unit).collect())?;
    }
    packer.pack(whole)?;
    Ok(packer.volumes.into_iter().map(|volume| volume.pieces).collect())
}

/// Any volume but the first: they are alike when they are empty.
const EMPTY: usize = 1;

/// The groups, largest first, equals in the order of their first pieces.
fn groups(pieces: &[Piece]) -> Vec<Vec<usize>> {
    let mut by_group = std::collections::BTreeMap::<usize, Vec<usize>>::new();
    for (at, piece) in pieces.iter().enumerate() {
        by_group.entry(piece.group).or_default().push(at);
    }
    let mut groups: Vec<_> = by_group.into_values().collect();
    groups
        .sort_by_key(|group| (std::cmp::Reverse(bytes_of(pieces, group)), group.first().copied()));
    groups
}

fn bytes_of(pieces: &[Piece], group: &[usize]) -> u64 {
    sum(pieces, group, |piece| piece.bytes)
}

fn least_of(pieces: &[Piece], group: &[usize]) -> u64 {
    sum(pieces, group, |piece| piece.least)
}

fn sum(pieces: &[Piece], group: &[usize], value: impl Fn(&Piece) -> u64) -> u64 {
    group.iter().filter_map(|at| pieces.get(*at)).map(value).fold(0, u64::saturating_add)
}

/// Pieces that go onto one volume.
struct Unit {
    pieces: Vec<usize>,
    least: u64,
}

struct Volume {
    pieces: Vec<usize>,
    /// Sectors, as measured.
    used: u64,
}

struct Packer<'a, E> {
    capacity: u64,
    measure: &'a mut Measure<'a, E>,
    volumes: Vec<Volume>,
}

impl<E> Packer<'_, E> {
    fn add_volume(&mut self) -> Result<(), E> {
        let used = (self.measure)(self.volumes.len(), &[])?;
        self.volumes.push(Volume { pieces: Vec::new(), used });
        Ok(())
    }

    /// Puts every unit onto the first volume that has room for it.
    fn pack(&mut self, mut units: Vec<Unit>) -> Result<(), Stuck<E>> {
        let mut number = 0;
        while !units.is_empty() {
            let fresh = number == self.volumes.len();
            if fresh {
                self.add_volume()?;
            }
            let before = units.len();
            units = self.fill(number, units)?;
            if let (true, Some(first)) = (fresh && units.len() == before, units.first()) {
                let place = first.pieces.first().copied();
                return Err(Stuck::TooLarge(place.unwrap_or_default()));
            }
            number += 1;
        }
        Ok(())
    }

    /// Takes the units that fit, in their order, and gives back the others.
    fn fill(&mut self, number: usize, units: Vec<Unit>) -> Result<Vec<Unit>, E> {
        let mut left = Vec::new();
        let mut refusals = 0;
        let mut units = std::collections::VecDeque::from(units);
        while let Some(first) = units.front() {
            let used = self.volumes.get(number).map_or(u64::MAX, |volume| volume.used);
            let room = self.capacity.saturating_sub(used);
            if refusals == REFUSALS {
                left.extend(units);
                break;
            }
            if first.least > room {
                left.extend(units.pop_front());
                continue;
            }
            let (taken, refused) = self.take_run(number, units.make_contiguous(), room)?;
            units.drain(..taken);
            if refused {
                refusals += 1;
                left.extend(units.pop_front());
            }
        }
        Ok(left)
    }

    /// Takes units from the front, as many as fit in a row; answers how many these are, and whether
    /// the next was refused by measuring.
    fn take_run(&mut self, number: usize, units: &[Unit], room: u64) -> Result<(usize, bool), E> {
        let Some(volume) = self.volumes.get(number) else { return Ok((0, true)) };
        let mut trial = volume.pieces.clone();
        let kept = trial.len();
        let most = run_of(units, room);
        // The first `good` units fit; the first `bad` do not.
        let (mut good, mut bad) = (0, most.saturating_add(1));
        let (mut used, mut guess) = (volume.used, most);
        let mut steps = 0;
        while good + 1 < bad {
            trial.truncate(kept);
            let run = units.get(..guess).unwrap_or(units);
            trial.extend(run.iter().flat_map(|unit| &unit.pieces));
            let sectors = (self.measure)(number, &trial)?;
            steps += 1;
            let straight = match self.capacity.checked_sub(sectors) {
                Some(spare) => {
                    (good, used) = (guess, sectors);
                    good + run_of(units.get(good..).unwrap_or_default(), spare)
                }
                None => {
                    bad = guess;
                    run_of(units, room.saturating_sub(sectors - self.capacity))
                }
            };
            guess = if steps < STEPS { straight } else { good + (bad - good) / 2 };
            guess = guess.clamp(good + 1, (bad - 1).max(good + 1));
        }
        if good > 0
            && let Some(volume) = self.volumes.get_mut(number)
        {
            let run = units.get(..good).unwrap_or(units);
            volume.pieces.extend(run.iter().flat_map(|unit| &unit.pieces));
            volume.used = used;
        }
        Ok((good, bad <= most))
    }
}

/// How many units from the front can have room at best.
fn run_of(units: &[Unit], room: u64) -> usize {
    let taken = units.iter().try_fold((0, room), |(count, room), unit| {
        match room.checked_sub(unit.least) {
            Some(room) => ControlFlow::Continue((count + 1, room)),
            None => ControlFlow::Break((count, room)),
        }
    });
    match taken {
        ControlFlow::Continue((count, _)) | ControlFlow::Break((count, _)) => count,
    }
}
