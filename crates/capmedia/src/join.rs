//! The discs of a set, back into one folder. Names and numbers on discs are not trusted.
//!
//! Everything is written into a folder in the making, whose content gets its place when all of it is
//! there and has the digests that the discs' manifests say.

pub(crate) mod error;
mod paths;
mod steps;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use extent_image::{
    Digest, FileSource, Hasher, Phase, Progress, Source, Stage, StreamOptions, Timestamp,
};
use media_model::MediaPath;
use serde::Serialize;

use crate::medium::members::{Member, content_faults, list_faults, set_faults};
use crate::medium::{File, Medium, MediumError};
use crate::plan::parts::Part;
use crate::publish::output_folder::Target;
use crate::report::Warning;
use crate::tree::manifest::{DESCRIPTION, Description, MANIFEST, parse_manifest};
use crate::verify::read_text;

use self::error::JoinError;
use self::steps::{Piece, SHOWN, Step, left_out, steps};

/// A set brought back into a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Joined {
    /// The folder.
    pub path: String,
    /// The set.
    pub set_id: String,
    /// Volumes of the set.
    pub volumes: u32,
    /// Files written, `SHA256SUMS` among them.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Files that were put together from parts.
    pub joined: Vec<String>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// Brings the files of a whole set, given in any order, back into the folder `to`, which must be new
/// or empty: each compared with its digest while it is copied, and split files put together. Files
/// that somebody added to a disc come along if its `SHA256SUMS` has them, and are named in a warning
/// if not. Of what each disc says of itself, `SHA256SUMS` is made anew for the whole and `media.json`
/// left out.
///
/// # Errors
/// [`JoinError`]; `to` is as it was before.
pub fn join(
    discs: &[PathBuf],
    to: &Path,
    progress: &mut dyn Progress,
) -> Result<Joined, JoinError> {
    let target = Target::look(to)?;
    let mut discs = discs.iter().map(|path| Disc::open(path)).collect::<Result<Vec<_>, _>>()?;
    check_set(&discs)?;
    discs.sort_by_key(|disc| disc.description.as_ref().map_or(0, |it| it.volume));
    let description = discs.first().and_then(|disc| disc.description.clone());
    let Some(description) = description else {
        return Err(JoinError::Set { faults: vec!["no disc was given".to_owned()] });
    };
    let (steps, folders) = steps(&discs, &description, target.reserved())?;
    let total = steps.iter().map(Step::passes).fold(0, u64::saturating_add);
    target.check_space(steps.iter().map(|step| step.size).fold(0, u64::saturating_add))?;

    let part = target.create()?;
    progress.begin(Stage::new(Phase::Write));
    let mut copy = Copy { progress, done: 0, total, buffer: vec![0; BUFFER] };
    for folder in folders {
        let path = part.content.join(host_path(&folder));
        fs::create_dir_all(&path).map_err(|source| io_error("create", &path, source))?;
    }
    let mut sums = BTreeMap::new();
    for step in &steps {
        sums.insert(step.path.to_slash(), copy.file(&mut discs, step, &part.content)?);
    }
    let text: String = sums.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect();
    let manifest = part.content.join(MANIFEST);
    let written = new_file(&manifest).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|source| io_error("write", &manifest, source))?;
    let mut warnings: Vec<Warning> = left_out(&discs).into_iter().collect();
    warnings.extend(part.commit(&target)?);
    Ok(Joined {
        path: to.display().to_string(),
        set_id: description.set_id,
        volumes: description.volumes,
        files: steps.len() as u64 + 1,
        bytes: steps.iter().map(|step| step.size).sum::<u64>() + text.len() as u64,
        joined: description.joins.into_iter().map(|join| join.path).collect(),
        warnings,
    })
}

const BUFFER: usize = 1 << 20;

/// A disc with its listing.
pub(crate) struct Disc {
    pub(crate) path: PathBuf,
    /// Bytes of the whole disc.
    pub(crate) len: u64,
    medium: Medium<fs::File>,
    pub(crate) files: Vec<File>,
    /// Place among `files`.
    pub(crate) by_path: HashMap<String, usize>,
    description: Option<Description>,
    pub(crate) digests: HashMap<String, Digest>,
}

impl Disc {
    fn open(path: &Path) -> Result<Self, JoinError> {
        let in_disc = |source| JoinError::Disc { path: path.to_path_buf(), source };
        let in_content = |fault| JoinError::Content { disc: path.to_path_buf(), fault };
        let mut file = fs::File::open(path).map_err(|error| in_disc(error.into()))?;
        let len = file.seek(SeekFrom::End(0)).map_err(|error| in_disc(error.into()))?;
        let mut medium = Medium::open(file).map_err(in_disc)?;
        let mut faults = Vec::new();
        let files = medium.files(&mut faults).map_err(in_disc)?;
        if let Some(fault) = faults.into_iter().next() {
            return Err(in_content(fault));
        }
        let by_path = files.iter().enumerate().map(|(at, file)| (file.path.clone(), at)).collect();
        let mut this = Self {
            path: path.to_path_buf(),
            len,
            medium,
            files,
            by_path,
            description: None,
            digests: HashMap::new(),
        };
        let text = this.text(DESCRIPTION).map_err(in_content)?;
        this.description = text.and_then(|text| serde_json::from_str(&text).ok());
        if let Some(text) = this.text(MANIFEST).map_err(in_content)? {
            let entries = parse_manifest(&text);
            let entries = entries.map_err(|line| {
                in_content(format!("{MANIFEST}: line {line} is none of a manifest"))
            })?;
            this.digests = entries.into_iter().collect();
        }
        Ok(this)
    }

    fn text(&mut self, path: &str) -> Result<Option<String>, String> {
        let file = self.by_path.get(path).and_then(|at| self.files.get(*at));
        file.map(|file| read_text(&mut self.medium, file)).transpose()
    }
}

fn check_set(discs: &[Disc]) -> Result<(), JoinError> {
    let members: Vec<Member<'_>> = discs
        .iter()
        .map(|disc| Member {
            name: disc.path.display().to_string(),
            description: disc.description.as_ref(),
        })
        .collect();
    let mut faults = set_faults(&members);
    if !faults.is_empty() {
        if let Some(more) = faults.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            faults.truncate(SHOWN);
            faults.push(format!("and {more} more"));
        }
        return Err(JoinError::Set { faults });
    }
    for disc in discs {
        let Some(description) = &disc.description else { continue };
        let sizes = disc.files.iter().map(|file| (&*file.path, file.size)).collect();
        let fault = list_faults(description).into_iter().next();
        let fault = fault.or_else(|| content_faults(description, &sizes).into_iter().next());
        if let Some(fault) = fault {
            return Err(JoinError::Content { disc: disc.path.clone(), fault });
        }
    }
    Ok(())
}

fn host_path(path: &MediaPath) -> PathBuf {
    path.components().collect()
}

struct Copy<'a> {
    progress: &'a mut dyn Progress,
    done: u64,
    total: u64,
    buffer: Vec<u8>,
}

impl Copy<'_> {
    fn file(
        &mut self,
        discs: &mut [Disc],
        step: &Step,
        folder: &Path,
    ) -> Result<Digest, JoinError> {
        let path = folder.join(host_path(&step.path));
        let in_write = |source| io_error("write", &path, source);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| io_error("create", parent, source))?;
        }
        let mut out = new_file(&path).map_err(|source| io_error("create", &path, source))?;
        // The parts of a WIM, which is written behind them.
        let parts = step.parts.iter().chain(&step.frame).map(|part| part.size);
        self.tell_file(step, parts.fold(0, u64::saturating_add));
        let (digest, modified) = match &step.frame {
            Some(frame) => self.wim(discs, step, frame, &out, &path)?,
            None => {
                let mut whole = Hasher::new();
                let mut modified = None;
                for part in &step.parts {
                    let Some(disc) = discs.get_mut(part.disc) else { continue };
                    let Some(file) = disc.files.get(part.file) else { continue };
                    modified = modified.max(disc.medium.modified(file));
                    let reader = disc.medium.open_file(file);
                    self.pass(&disc.path, file, part, reader, &mut |bytes| {
                        whole.update(bytes);
                        out.write_all(bytes).map_err(in_write)
                    })?;
                }
                (whole.finish(), modified)
            }
        };
        if let Some(time) = modified.and_then(system_time) {
            out.set_modified(time).map_err(in_write)?;
        }
        out.sync_all().map_err(in_write)?;
        Ok(digest)
    }

    /// The next `len` bytes are of this file.
    fn tell_file(&mut self, step: &Step, len: u64) {
        self.progress.file(&step.path.to_slash(), self.done..self.done.saturating_add(len));
    }

    /// Reads a part to its end and holds it against its digest.
    fn pass(
        &mut self,
        disc: &Path,
        file: &File,
        part: &Piece,
        reader: impl Read,
        take: &mut dyn FnMut(&[u8]) -> Result<(), JoinError>,
    ) -> Result<(), JoinError> {
        let fault = |what: String| JoinError::Content {
            disc: disc.to_path_buf(),
            fault: format!("{}: {what}", file.path),
        };
        let mut hasher = Hasher::new();
        let mut reader = reader.take(part.size);
        loop {
            let count = match reader.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(fault(format!("cannot be read: {error}"))),
            };
            let bytes = self.buffer.get(..count).unwrap_or_default();
            hasher.update(bytes);
            take(bytes)?;
            self.done += count as u64;
            if let ControlFlow::Break(()) = self.progress.advance(self.done, self.total) {
                return Err(JoinError::Cancelled { done: self.done, total: self.total });
            }
        }
        let (found, expected) = (hasher.finish(), part.digest);
        if found != expected {
            return Err(fault(format!("has SHA-256 {found}, {MANIFEST} says {expected}")));
        }
        Ok(())
    }

    /// Puts a WIM together: first its parts are held against their digests, where they lie on the
    /// discs, then it is written from there.
    fn wim(
        &mut self,
        discs: &mut [Disc],
        step: &Step,
        frame: &Piece,
        out: &fs::File,
        path: &Path,
    ) -> Result<(Digest, Option<Timestamp>), JoinError> {
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        let mut modified = None;
        for part in std::iter::once(frame).chain(&step.parts) {
            let Some(disc) = discs.get_mut(part.disc) else { continue };
            let Some(file) = disc.files.get(part.file) else { continue };
            modified = modified.max(disc.medium.modified(file));
            let in_disc = |source: io::Error| JoinError::Disc {
                path: disc.path.clone(),
                source: MediumError::Io(source),
            };
            let whole = FileSource::new(&disc.path).map_err(in_disc)?;
            let place = disc.medium.place(file).map_err(in_disc)?.unwrap_or(0);
            let source = Part::new(Arc::new(whole), place, part.size);
            let reader = source.open(0).map_err(in_disc)?;
            self.pass(&disc.path, file, part, reader, &mut |_| Ok(()))?;
            sources.push(Arc::new(source));
        }
        let wim = step.path.to_slash();
        let Some((frame, parts)) = sources.split_first() else {
            return Ok((Digest::of(&[]), None));
        };
        let plan = wim_image::restore(frame, parts)
            .map_err(|source| JoinError::Wim { path: wim.clone(), source })?;
        if plan.len() != step.size {
            return Err(JoinError::Set {
                faults: vec![format!(
                    "the parts of {wim} make {} bytes, {DESCRIPTION} says {}",
                    plan.len(),
                    step.size
                )],
            });
        }
        let options = StreamOptions::default().with_image_digest(true);
        self.tell_file(step, plan.len());
        let (before, total) = (self.done, self.total);
        let mut advance = |done, _| self.progress.advance(before + done, total);
        let report = plan.write_file(out, &options, &mut advance);
        let report =
            report.map_err(|source| JoinError::Stream { path: path.to_path_buf(), source })?;
        self.done = before + plan.len();
        Ok((report.image_digest.unwrap_or_else(|| Digest::of(&[])), modified))
    }
}

/// `None` for times before 1970, which no media of ours has.
pub(crate) fn system_time(time: Timestamp) -> Option<SystemTime> {
    let seconds = u64::try_from(time.unix_seconds()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, time.nanos()))
}

/// A file that nothing was in the place of.
pub(crate) fn new_file(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub(crate) fn io_error(step: &'static str, path: &Path, source: io::Error) -> JoinError {
    JoinError::Io { step, path: path.to_path_buf(), source }
}
