//! Files that FAT32 cannot hold: WIMs are split, all others refused, by name and together.
//!
//! A split file is told of in `media.json` as on the discs of a set, and `capmedia join` brings it back.

use std::fmt;

use extent_image::{Data, Tree};
use media_model::MediaPath;

use crate::error::{Error, chain};
use crate::plan::parts::{Cut, Swm, wim_stem};
use crate::plan::set_error::SpanError;
use crate::report::Warning;
use crate::tree::compose::{Added, Composed, Facts, compose};
use crate::tree::manifest::JoinedFile;

/// Bytes of a file and of a part of a WIM.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// The longest file.
    file: u64,
    /// The longest part.
    part: u64,
}

/// The length of a file has 32 bits (Microsoft's FAT specification, `DIR_FileSize`). The longest part
/// is the largest whole number of MiB below: a file in the WIM, which is never divided, has as much
/// room as can be, and there are as few parts as can be.
const FAT32: Limits = Limits { file: u32::MAX as u64, part: 4095 << 20 };

/// Files that are too large for FAT32.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LargeFiles {
    /// All of them, by path.
    pub files: Vec<LargeFile>,
    /// Bytes that a file can have.
    pub allowed: u64,
}

impl fmt::Display for LargeFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, allowed } = self;
        write!(f, "FAT32 holds files of at most {allowed} bytes, too few for")?;
        for (at, LargeFile { path, len, why }) in files.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma} {path} ({len} bytes")?;
            if let Some(why) = why {
                write!(f, ", not to be split: {why}")?;
            }
            f.write_str(")")?;
        }
        let them = if files.len() == 1 { "it" } else { "them" };
        write!(f, "; split {them} or leave {them} out, or make a disc: --media-type cd-dvd")
    }
}

/// A file that is too large for FAT32.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LargeFile {
    /// Its path on the media, with `/`.
    pub path: String,
    /// Its length in bytes.
    pub len: u64,
    /// Why it was not split, of a WIM.
    pub why: Option<String>,
}

/// The same media with nothing on it that FAT32 cannot hold.
///
/// # Errors
/// [`Error::LargeFiles`]: a file that is no WIM, or one that cannot be split.
pub(crate) fn fit(
    facts: &Facts,
    composed: Composed,
    warnings: &mut Vec<Warning>,
) -> Result<Composed, Error> {
    fit_into(facts, composed, FAT32, warnings)
}

fn fit_into(
    facts: &Facts,
    composed: Composed,
    limits: Limits,
    warnings: &mut Vec<Warning>,
) -> Result<Composed, Error> {
    let mut too_large = too_large(&composed.tree, limits.file);
    if too_large.is_empty() {
        return Ok(composed);
    }
    let mut facts = facts.clone();
    let mut added = Vec::new();
    for (one, path) in std::mem::take(&mut facts.added).into_iter().zip(composed.added) {
        let one = Added { path, ..one };
        let path = one.path.to_slash();
        let Some(at) = too_large.iter().position(|large| large.path == path) else {
            added.push(one);
            continue;
        };
        match split(&one, limits)? {
            Ok(Parts { join, files }) => {
                too_large.remove(at);
                warnings.push(told(&join, limits.file));
                facts.joins.push(join);
                added.extend(files);
            }
            Err(why) => {
                if let Some(large) = too_large.get_mut(at) {
                    large.why = why;
                }
            }
        }
    }
    if !too_large.is_empty() {
        return Err(LargeFiles { files: too_large, allowed: limits.file }.into());
    }
    facts.added = added;
    facts.joins.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(compose(&facts)?)
}

/// The files of more than `most` bytes, by path.
fn too_large(tree: &Tree, most: u64) -> Vec<LargeFile> {
    let files = tree.data_order().into_iter().filter_map(|file| {
        let len = tree.data(file).map_or(0, Data::len);
        (len > most).then(|| LargeFile { path: tree.path(file), len, why: None })
    });
    let mut files: Vec<_> = files.collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// What stands for a WIM.
struct Parts {
    join: JoinedFile,
    files: Vec<Added>,
}

/// The parts of a WIM, or why there are none; nothing of what is no WIM by its name.
fn split(whole: &Added, limits: Limits) -> Result<Result<Parts, Option<String>>, Error> {
    let path = &whole.path;
    let (Some(Data::Source(source)), Some(_)) = (&whole.data, wim_stem(path)) else {
        return Ok(Err(None));
    };
    if path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("boot.wim")) {
        // A boot manager that is pointed to it reads no parts.
        return Ok(Err(Some("boot images must be whole to start".to_owned())));
    }
    let swm = match Swm::split(source, limits.part) {
        None => return Ok(Err(Some("it is no WIM that can be read".to_owned()))),
        Some(Err(error)) => return Ok(Err(Some(chain(&error)))),
        Some(Ok(swm)) => swm,
    };
    let files = Cut::Swm(swm)
        .files(path, source)
        .map_err(|source| Error::Span(SpanError::PartName { path: path.to_string(), source }))?;
    // What makes the parts the WIM again holds all that is in no file: hardly ever so much.
    if let Some((_, frame)) = files.frame.as_ref().filter(|(_, frame)| frame.len() > limits.file) {
        let len = frame.len();
        return Ok(Err(Some(format!("{len} bytes of it belong to no file in it"))));
    }
    let slash = |(path, _): &(MediaPath, Data)| path.to_slash();
    let join = JoinedFile {
        path: path.to_slash(),
        size: source.len(),
        parts: files.parts.iter().map(slash).collect(),
        frame: files.frame.as_ref().map(slash),
    };
    let files = files.parts.into_iter().chain(files.frame).map(|(path, data)| Added {
        path,
        data: Some(data),
        origin: format!("a part of {}", whole.origin),
        ..whole.clone()
    });
    Ok(Ok(Parts { join, files: files.collect() }))
}

fn told(join: &JoinedFile, most: u64) -> Warning {
    let first = join.parts.first().map_or("", String::as_str);
    Warning::new(format!(
        "{} has {} bytes, more than the {most} of a file on FAT32, and was split into {} SWM parts \
         ({first} and so on), which imaging tools take for one WIM; `capmedia join` puts them together",
        join.path,
        join.size,
        join.parts.len()
    ))
}

#[cfg(test)]
#[path = "large_tests.rs"]
mod tests;
