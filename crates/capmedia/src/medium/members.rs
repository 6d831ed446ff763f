//! Discs that are to be one set, held against what each says of itself. Nothing here trusts a number
//! that a disc gives.

use std::collections::{BTreeMap, HashMap, HashSet};

use media_model::MediaPath;
use serde::Serialize;

use crate::error::chain;
use crate::medium::faults::Faults;
use crate::tree::manifest::{DESCRIPTION, Description, JoinedFile, MANIFEST};

/// What a volume says of its place in a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SetVolume {
    /// The set.
    pub set_id: String,
    /// Number of the volume, from 1.
    pub volume: u32,
    /// Number of volumes in the set.
    pub volumes: u32,
}

impl SetVolume {
    /// `None` for media of one volume.
    pub(crate) fn of(description: &Description) -> Option<Self> {
        (description.volumes != 1).then(|| Self {
            set_id: description.set_id.clone(),
            volume: description.volume,
            volumes: description.volumes,
        })
    }
}

/// A disc by the name it was given as.
pub(crate) struct Member<'a> {
    pub(crate) name: String,
    /// `None` where there is no readable `media.json`.
    pub(crate) description: Option<&'a Description>,
}

/// Names shown of what may be many.
const SHOWN: usize = 10;

/// What keeps these discs from being one whole set.
pub(crate) fn set_faults(members: &[Member<'_>]) -> Vec<String> {
    let mut faults = Vec::new();
    let known: Vec<(&str, &Description)> =
        members.iter().filter_map(|member| Some((&*member.name, member.description?))).collect();
    for member in members.iter().filter(|member| member.description.is_none()) {
        faults.push(format!(
            "{}: has no {DESCRIPTION} that can be read, so it is no disc of a set",
            member.name
        ));
    }
    let Some(set_id) = commonest(known.iter().map(|(_, disc)| &*disc.set_id)) else {
        return faults;
    };
    let (ours, foreign): (Vec<_>, Vec<_>) =
        known.into_iter().partition(|(_, disc)| disc.set_id == set_id);
    for (name, disc) in foreign {
        faults.push(format!(
            "{name}: is volume {} of {} of another set ({}), not of {set_id}",
            disc.volume, disc.volumes, disc.set_id
        ));
    }
    let Some(volumes) = commonest(ours.iter().map(|(_, disc)| disc.volumes)) else {
        return faults;
    };
    let mut by_number = BTreeMap::<u32, Vec<&str>>::new();
    for &(name, disc) in &ours {
        if disc.volumes != volumes {
            faults.push(format!(
                "{name}: says that the set has {} volumes, the others say {volumes}",
                disc.volumes
            ));
        }
        if disc.volume == 0 || disc.volume > volumes {
            let number = disc.volume;
            faults.push(format!("{name}: says that it is volume {number} of {volumes}"));
            continue;
        }
        by_number.entry(disc.volume).or_default().push(name);
    }
    for (number, names) in &by_number {
        if names.len() > 1 {
            faults.push(format!("{}: all are volume {number} of {volumes}", names.join(", ")));
        }
    }
    faults.extend(missing(&by_number, volumes));
    if let Some(((first, model), others)) = ours.split_first() {
        for (name, disc) in others {
            if (&disc.files, &disc.joins) != (&model.files, &model.joins) {
                faults.push(format!(
                    "{name}: its {DESCRIPTION} lists other files than that of {first}"
                ));
            }
        }
    }
    faults
}

fn missing(present: &BTreeMap<u32, Vec<&str>>, volumes: u32) -> Option<String> {
    let count = u64::from(volumes) - present.len() as u64;
    if count == 0 {
        return None;
    }
    let numbers = (1..=volumes).filter(|number| !present.contains_key(number));
    let mut shown: Vec<String> = numbers.take(SHOWN).map(|number| number.to_string()).collect();
    if count > shown.len() as u64 {
        shown.push("...".to_owned());
    }
    let (what, verb) = if count == 1 { ("volume", "is") } else { ("volumes", "are") };
    Some(format!("{what} {} of {volumes} {verb} missing", shown.join(", ")))
}

/// The value that comes most often, of several the one that came first.
fn commonest<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts = BTreeMap::<T, (usize, std::cmp::Reverse<usize>)>::new();
    for (at, value) in values.enumerate() {
        counts.entry(value).or_insert((0, std::cmp::Reverse(at))).0 += 1;
    }
    counts.into_iter().max_by_key(|(_, rank)| *rank).map(|(value, _)| value)
}

/// Where a disc does not hold what it lists for itself; `sizes` are those of its files by path.
pub(crate) fn content_faults(description: &Description, sizes: &HashMap<&str, u64>) -> Faults {
    let mut faults = Faults::default();
    for file in description.files.iter().filter(|file| file.volume == description.volume) {
        match sizes.get(&*file.path) {
            None => {
                faults.add(format!("{}: {DESCRIPTION} lists it, but it is not there", file.path))
            }
            Some(size) if *size != file.size => faults
                .add(format!("{}: has {size} bytes, {DESCRIPTION} says {}", file.path, file.size)),
            Some(_) => {}
        }
    }
    faults
}

/// Where what a disc says of itself contradicts itself, or cannot be of our media: all that can be told
/// without the files.
pub(crate) fn description_faults(description: &Description) -> Faults {
    let mut faults = Faults::default();
    let Description { volume, volumes, files, joins, .. } = description;
    if *volume == 0 || volume > volumes {
        faults.add(format!("{DESCRIPTION}: says that it is volume {volume} of {volumes}"));
    }
    let paths = files.iter().map(|file| &file.path).chain(joins.iter().map(|join| &join.path));
    for path in paths {
        match MediaPath::from_names(path.split('/')) {
            Err(error) => {
                let why = chain(&error);
                faults.add(format!("{DESCRIPTION}: {path:?} is no path of ours: {why}"));
            }
            Ok(path) => {
                let first = path.components().next().unwrap_or_default();
                if [MANIFEST, DESCRIPTION].iter().any(|own| first.eq_ignore_ascii_case(own)) {
                    let path = path.to_slash();
                    faults.add(format!("{DESCRIPTION}: lists {path}, which each disc has itself"));
                }
            }
        }
    }
    faults.append(list_faults(description));
    let sizes = sizes(description);
    let mut joined = HashSet::new();
    for join in joins {
        if sizes.contains_key(&*join.path) || !joined.insert(&join.path) {
            faults.add(format!("{DESCRIPTION}: lists {} twice", join.path));
        }
        let parts = sum(&sizes, join.parts.iter());
        let frame = join.frame.as_ref().and_then(|frame| sizes.get(&**frame));
        // All of the frame is in the WIM; the parts have a header and a table each that are not.
        let possible = frame.zip(parts).is_none_or(|(frame, parts)| {
            (*frame..=frame.saturating_add(parts)).contains(&join.size)
        });
        if !possible || join.parts.is_empty() {
            faults.add(wrong_size(join));
        }
    }
    faults
}

/// Where the list of a set contradicts itself.
pub(crate) fn list_faults(description: &Description) -> Faults {
    let mut faults = Faults::default();
    let mut seen = HashSet::new();
    for file in &description.files {
        if !seen.insert(&file.path) {
            faults.add(format!("{DESCRIPTION}: lists {} twice", file.path));
        }
        if file.volume == 0 || file.volume > description.volumes {
            faults.add(format!(
                "{DESCRIPTION}: {} would be on volume {} of {}",
                file.path, file.volume, description.volumes
            ));
        }
    }
    let sizes = sizes(description);
    let mut used = HashSet::new();
    for join in &description.joins {
        for part in join.parts.iter().chain(&join.frame) {
            if !used.insert(part) {
                faults.add(format!("{DESCRIPTION}: {part} is a part twice"));
            }
        }
        let len = sum(&sizes, join.parts.iter().chain(&join.frame));
        // The parts of a WIM have a header each.
        if len.is_none() || (join.frame.is_none() && len != Some(join.size)) {
            faults.add(wrong_size(join));
        }
    }
    faults
}

fn sizes(description: &Description) -> HashMap<&str, u64> {
    description.files.iter().map(|file| (&*file.path, file.size)).collect()
}

/// `None` where one is not listed.
fn sum<'a>(sizes: &HashMap<&str, u64>, mut paths: impl Iterator<Item = &'a String>) -> Option<u64> {
    paths.try_fold(0u64, |len, path| len.checked_add(*sizes.get(&**path)?))
}

fn wrong_size(join: &JoinedFile) -> String {
    format!("{DESCRIPTION}: the parts listed for {} do not make its {} bytes", join.path, join.size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::manifest::SetFile;

    fn disc(set_id: &str, volume: u32, volumes: u32) -> Description {
        Description {
            format: 1,
            media: "capture".into(),
            label: "x".into(),
            set_id: set_id.into(),
            volume,
            volumes,
            architecture: "x64".into(),
            hybrid: false,
            boot_code: None,
            files: Vec::new(),
            joins: Vec::new(),
        }
    }

    fn faults(discs: &[Option<Description>]) -> Vec<String> {
        let mut members = Vec::new();
        for (at, disc) in discs.iter().enumerate() {
            members.push(Member { name: format!("{at}.iso"), description: disc.as_ref() });
        }
        set_faults(&members)
    }

    #[test]
    fn any_order_is_a_whole_set() {
        assert_eq!(faults(&[3, 1, 2].map(|k| Some(disc("a", k, 3)))), [""; 0]);
        assert_eq!(faults(&[]), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let a = |k| Some(disc("a", k, 3));
        assert_eq!(faults(&[a(1), a(3)]), ["volume 2 of 3 is missing"]);
        assert_eq!(
            faults(&[a(1), a(1), a(3)]),
            ["0.iso, 1.iso: all are volume 1 of 3", "volume 2 of 3 is missing"]
        );
        assert_eq!(
            faults(&[Some(disc("b", 2, 4)), a(1), a(3)]),
            ["0.iso: is volume 2 of 4 of another set (b), not of a", "volume 2 of 3 is missing"]
        );
        assert_eq!(
            faults(&[a(1), a(2), a(3), None, Some(disc("a", 2, 9)), Some(disc("a", 0, 3))]),
            [
                "3.iso: has no media.json that can be read, so it is no disc of a set",
                "4.iso: says that the set has 9 volumes, the others say 3",
                "5.iso: says that it is volume 0 of 3",
                "1.iso, 4.iso: all are volume 2 of 3",
            ]
        );
        let mut other = disc("a", 2, 2);
        other.files.push(SetFile { path: "x".into(), size: 1, volume: 1 });
        assert_eq!(
            faults(&[Some(disc("a", 1, 2)), Some(other)]),
            ["1.iso: its media.json lists other files than that of 0.iso"]
        );
    }

    #[test]
    fn a_hostile_count_costs_nothing() {
        let found = faults(&[Some(disc("a", u32::MAX, u32::MAX)), Some(disc("a", 2, u32::MAX))]);
        let says = "volumes 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... of 4294967295 are missing";
        assert_eq!(found, [says]);
        assert_eq!(faults(&[Some(disc("a", 0, 0))]), ["0.iso: says that it is volume 0 of 0"]);
    }

    #[test]
    fn lists_are_held_against_the_discs_and_themselves() {
        let file = |path: &str, size, volume| SetFile { path: path.into(), size, volume };
        let mut it = disc("a", 1, 2);
        it.files = vec![file("a", 1, 1), file("b", 2, 1), file("c", 3, 2), file("d", 4, 1)];
        let sizes = HashMap::from([("a", 1), ("b", 7), ("e", 1)]);
        assert_eq!(
            content_faults(&it, &sizes).finish(),
            ["b: has 7 bytes, media.json says 2", "d: media.json lists it, but it is not there"]
        );
        assert_eq!(list_faults(&it).finish(), [""; 0]);
        let parts = vec!["a".to_owned(), "c".to_owned()];
        it.joins = vec![JoinedFile { path: "x".into(), size: 4, parts, frame: None }];
        assert_eq!(list_faults(&it).finish(), [""; 0]);
        it.files.push(file("a", 1, 3));
        it.joins[0].parts.push("nowhere".into());
        it.joins[0].parts.push("a".into());
        assert_eq!(
            list_faults(&it).finish(),
            [
                "media.json: lists a twice",
                "media.json: a would be on volume 3 of 2",
                "media.json: a is a part twice",
                "media.json: the parts listed for x do not make its 4 bytes",
            ]
        );
    }
}
