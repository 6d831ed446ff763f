//! What is to be written of the discs of a set: each file with its place, its parts and what they are
//! held against.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use extent_image::Digest;
use media_model::MediaPath;

use crate::join::Disc;
use crate::join::error::JoinError;
use crate::join::paths::{Clash, Paths};
use crate::report::Warning;
use crate::tree::manifest::{DESCRIPTION, Description, MANIFEST, SetFile};

/// A file to be written: one part, or several in their order.
pub(crate) struct Step {
    pub(crate) path: MediaPath,
    pub(crate) size: u64,
    pub(crate) parts: Vec<Piece>,
    /// What makes the parts a WIM again.
    pub(crate) frame: Option<Piece>,
}

impl Step {
    /// Bytes that pass: a WIM is read once for the digests of its parts and once to be written.
    pub(crate) fn passes(&self) -> u64 {
        let parts = self.parts.iter().chain(&self.frame).map(|part| part.size);
        let parts = parts.fold(0, u64::saturating_add);
        if self.frame.is_some() { parts.saturating_add(self.size) } else { parts }
    }

    /// A WIM is no longer than its parts and their frame, which have all of its bytes. The others are
    /// as long as their parts.
    fn check_size(&self, disc: &Path) -> Result<(), JoinError> {
        let parts = self.parts.iter().chain(&self.frame).map(|part| part.size);
        let most = parts.fold(0, u64::saturating_add);
        if self.frame.is_none() || self.size <= most {
            return Ok(());
        }
        Err(JoinError::Content {
            disc: disc.to_path_buf(),
            fault: format!(
                "{DESCRIPTION}: {} would have {} bytes, and its parts have {most}",
                self.path.to_slash(),
                self.size
            ),
        })
    }
}

/// A file on a disc.
pub(crate) struct Piece {
    pub(crate) disc: usize,
    pub(crate) file: usize,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
}

/// Every file of the set, held against the discs' manifests, split files last; and every folder.
/// Nothing in the folder may have the name `reserved`.
pub(crate) fn steps(
    discs: &[Disc],
    description: &Description,
    reserved: Option<&str>,
) -> Result<(Vec<Step>, Vec<MediaPath>), JoinError> {
    let listed = listed(discs, description)?;
    let volumes: HashMap<&str, &SetFile> = listed.iter().map(|file| (&*file.path, file)).collect();
    let mut in_parts = HashSet::new();
    for join in &description.joins {
        in_parts.extend(join.parts.iter().chain(&join.frame).map(String::as_str));
    }
    let none: Option<&str> = None;
    let mut wanted: Vec<_> = listed
        .iter()
        .filter(|file| !in_parts.contains(&*file.path))
        .map(|file| (&*file.path, file.size, vec![&*file.path], none))
        .collect();
    for join in &description.joins {
        let parts = join.parts.iter().map(String::as_str).collect();
        wanted.push((&join.path, join.size, parts, join.frame.as_deref()));
    }

    let mut steps = Vec::new();
    let mut paths = Paths::default();
    for (path, size, parts, frame) in wanted {
        let piece = |path: &&str| volumes.get(path).map(|file| piece(discs, file));
        let parts = parts.iter().filter_map(piece).collect::<Result<Vec<_>, _>>()?;
        let frame = frame.as_ref().and_then(piece).transpose()?;
        let disc = disc_path(discs, parts.first().map_or(0, |part| part.disc));
        let given = media_path(disc, path)?;
        check_name(disc, &given, reserved)?;
        let path = paths.file(&given).map_err(|clash| refused(clash, disc, &given))?;
        let step = Step { path, size, parts, frame };
        step.check_size(disc)?;
        steps.push(step);
    }
    let mut folders = Vec::new();
    for disc in discs {
        for folder in disc.files.iter().filter(|file| file.folder) {
            let given = media_path(&disc.path, &folder.path)?;
            check_name(&disc.path, &given, reserved)?;
            let path = paths.folder(&given).map_err(|clash| refused(clash, &disc.path, &given))?;
            folders.push(path);
        }
    }
    Ok((steps, folders))
}

/// Keeps content off the names that the folder needs.
fn check_name(disc: &Path, path: &MediaPath, reserved: Option<&str>) -> Result<(), JoinError> {
    let Some(first) = path.components().next() else { return Ok(()) };
    let is = |name: &str| first.eq_ignore_ascii_case(name);
    let fault = if [MANIFEST, DESCRIPTION].into_iter().any(is) {
        "each disc has this of its own, and it is no content"
    } else if reserved.is_some_and(is) {
        "in a folder that exists, join needs this name itself; give a new folder"
    } else {
        return Ok(());
    };
    let fault = format!("{}: {fault}", path.to_slash());
    Err(JoinError::Content { disc: disc.to_path_buf(), fault })
}

fn refused(clash: Clash, disc: &Path, path: &MediaPath) -> JoinError {
    let second = path.to_slash();
    match clash {
        Clash::File(first) if first == second => JoinError::Twice { path: first },
        Clash::File(first) => JoinError::Case { first, second },
        Clash::Kind(first) => JoinError::FileAndFolder { first, second },
        Clash::Path(source) => JoinError::Name { disc: disc.to_path_buf(), path: second, source },
    }
}

/// The files of the set: those of its list, and what else is in the manifest of a disc. Media of one
/// volume has no list.
fn listed(discs: &[Disc], description: &Description) -> Result<Vec<SetFile>, JoinError> {
    let mut files = description.files.clone();
    let mut volumes: HashMap<String, u32> =
        files.iter().map(|file| (file.path.clone(), file.volume)).collect();
    for (volume, disc) in (1..).zip(discs) {
        let mut others: Vec<(&String, &Digest)> =
            disc.digests.iter().filter(|(path, _)| *path != DESCRIPTION).collect();
        others.sort();
        for (path, digest) in others {
            let there = *volumes.entry(path.clone()).or_insert(volume);
            if there == volume {
                continue;
            }
            // One file on two discs is one file.
            let of = usize::try_from(there).ok().and_then(|there| discs.get(there.checked_sub(1)?));
            if of.and_then(|disc| disc.digests.get(path)) != Some(digest) {
                return Err(JoinError::Content {
                    disc: disc.path.clone(),
                    fault: format!("{path}: is another file on volume {there} of the set"),
                });
            }
        }
    }
    for file in &files {
        volumes.remove(&file.path);
    }
    let size = |path: &str, volume: u32| {
        let disc = discs.get(usize::try_from(volume).ok()?.checked_sub(1)?)?;
        disc.files.get(*disc.by_path.get(path)?).map(|file| file.size)
    };
    // What is not there has no size yet, and is refused when it is looked for.
    files.extend(volumes.into_iter().map(|(path, volume)| SetFile {
        size: size(&path, volume).unwrap_or(0),
        path,
        volume,
    }));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Names the files of which nothing tells whether they are whole.
pub(crate) fn left_out(discs: &[Disc]) -> Option<Warning> {
    let own = |path: &str| path == MANIFEST || path == DESCRIPTION;
    let mut paths = discs.iter().flat_map(|disc| {
        let others = disc.files.iter().filter(|file| !file.folder && !own(&file.path));
        let others = others.filter(|file| !disc.digests.contains_key(&file.path));
        others.map(|file| format!("{} of {}", file.path, disc.path.display()))
    });
    let shown: Vec<String> = paths.by_ref().take(SHOWN).collect();
    let more = match paths.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!shown.is_empty()).then(|| {
        Warning::new(format!(
            "left out, because no {MANIFEST} has a digest of it: {}{more}",
            shown.join(", ")
        ))
    })
}

/// Names or faults shown of what may be many.
pub(crate) const SHOWN: usize = 10;

fn piece(discs: &[Disc], listed: &SetFile) -> Result<Piece, JoinError> {
    // The discs are sorted, and each number is there once.
    let at = usize::try_from(listed.volume).unwrap_or(0).saturating_sub(1);
    let fault = |what: &str| JoinError::Content {
        disc: disc_path(discs, at).to_path_buf(),
        fault: format!("{}: {what}", listed.path),
    };
    let disc = discs.get(at).ok_or_else(|| fault("its disc is not there"))?;
    let file = disc.by_path.get(&listed.path).copied();
    let file = file.ok_or_else(|| fault("listed, but not there"))?;
    if disc.files.get(file).is_none_or(|file| file.folder) {
        return Err(fault("is a folder"));
    }
    if listed.size > disc.len {
        return Err(fault("is longer than the disc"));
    }
    let digest = disc.digests.get(&listed.path).copied();
    let digest = digest.ok_or_else(|| fault("has no digest in SHA256SUMS"))?;
    Ok(Piece { disc: at, file, size: listed.size, digest })
}

fn disc_path(discs: &[Disc], at: usize) -> &Path {
    discs.get(at).map_or(Path::new(""), |disc| &disc.path)
}

/// A path that a disc gives, as one that cannot lead anywhere else.
fn media_path(disc: &Path, path: &str) -> Result<MediaPath, JoinError> {
    MediaPath::from_names(path.split('/')).map_err(|source| JoinError::Name {
        disc: disc.to_path_buf(),
        path: path.to_owned(),
        source,
    })
}
