//! Reads an image back: its structure, and every file against the manifest on it.

mod bcd;
mod sequence;
pub(crate) mod set;

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use extent_image::{Digest, Hasher, OpenFile, Phase, Progress, Stage};
use serde::Serialize;
use wim_image::{Cancelled, Wim};

use crate::boot::certificate::UefiLoader;
use crate::boot::firmware;
use crate::boot::loaders;
use crate::error::chain;
use crate::medium::faults::Faults;
use crate::medium::hybrid::Stick;
use crate::medium::members::{SetVolume, content_faults, description_faults};
use crate::medium::structure::{Claims, Judged};
use crate::medium::{File, Kind, Medium, MediumError, is_damage, kind_of};
use crate::tree::manifest::{
    DESCRIPTION, Description, LARGEST_DESCRIPTION, LARGEST_MANIFEST, MANIFEST, parse_manifest,
};

/// What reading an image back has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Verification {
    /// What the image is.
    pub kind: String,
    /// `mbr`, `gpt` or `none`; `None` for what is no disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_table: Option<String>,
    /// Files on it, the manifest among them.
    pub files: u64,
    /// Files whose digest was compared.
    pub compared: u64,
    /// Bytes whose digest was compared.
    pub compared_bytes: u64,
    /// False when there is no manifest, so that only the structure could be checked. A WIM carries
    /// a digest of every file.
    pub manifest: bool,
    /// Its place in a set; `None` for media of one volume, and where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<SetVolume>,
    /// Files that the manifest does not list; they are nobody's fault.
    pub unlisted: Vec<String>,
    /// What UEFI starts from it, under which certificates (by name) that is signed, and which machines
    /// refuse it.
    pub loaders: Vec<UefiLoader>,
    /// What may be meant so and should be known.
    pub notes: Vec<String>,
    /// Everything that is wrong, at most ten thousand and a count of the others; none for a sound
    /// image.
    pub faults: Vec<String>,
}

impl Verification {
    /// That nothing can be made of a file.
    pub(crate) fn of_no_media(fault: String) -> Self {
        Self {
            kind: "no media that can be read".to_owned(),
            partition_table: None,
            files: 0,
            compared: 0,
            compared_bytes: 0,
            manifest: false,
            volume: None,
            unlisted: Vec::new(),
            loaders: Vec::new(),
            notes: Vec::new(),
            faults: vec![fault],
        }
    }

    /// True when nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }
}

/// An image could not be read back to the end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not media, or cannot be read.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// It is a WIM that cannot be opened.
    #[error("the WIM cannot be read")]
    Wim(#[from] wim_image::OpenError),
    /// Progress asked to stop.
    #[error("cancelled after {done} of {total} bytes")]
    Cancelled {
        /// Bytes compared.
        done: u64,
        /// Bytes to compare.
        total: u64,
    },
}

impl VerifyError {
    /// True where the bytes themselves could not be had: the file is not there, or its drive fails.
    /// False where they are what is wrong, or end too early.
    pub fn is_unread(&self) -> bool {
        let mut unread = false;
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                unread = !is_damage(error);
            }
            cause = error.source();
        }
        unread
    }
}

/// What a part of a medium says of itself.
#[derive(Default)]
struct Findings {
    faults: Vec<String>,
    /// What would be wrong for us and may be right for those who made the medium.
    notes: Vec<String>,
}

const BUFFER: usize = 1 << 20;

/// Reads back the file at `path`: an ISO image, a disk image, or a WIM, whose checksums are tried.
///
/// # Errors
/// [`VerifyError`]: it is none of these, or its bytes cannot be read.
pub fn verify_file(path: &Path, progress: &mut dyn Progress) -> Result<Verification, VerifyError> {
    progress.begin(Stage::new(Phase::Verify));
    verify_path(path, progress).map(|(found, _)| found)
}

pub(crate) fn verify_path(
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<(Verification, Option<Description>), VerifyError> {
    let mut file = crate::medium::regular_file::open(path).map_err(MediumError::Io)?;
    match kind_of(&mut file)? {
        Kind::Wim => Ok((verify_wim(path, progress)?, None)),
        _ => verify_medium(file, progress),
    }
}

fn verify_wim(path: &Path, progress: &mut dyn Progress) -> Result<Verification, VerifyError> {
    let wim = Wim::open(Arc::new(OpenFile::open(path).map_err(MediumError::Io)?))?;
    let mut bytes = 0;
    let faults = wim.verify(&mut |done, total| {
        bytes = done;
        progress.advance(done, total)
    });
    let faults =
        faults.map_err(|Cancelled { done, total, .. }| VerifyError::Cancelled { done, total })?;
    let files = wim.infos().iter().filter_map(|info| info.files).fold(0, u64::saturating_add);
    Ok(Verification {
        kind: format!("WIM, {} image(s)", wim.image_count()),
        partition_table: None,
        files,
        compared: files,
        compared_bytes: bytes,
        manifest: true,
        volume: None,
        unlisted: Vec::new(),
        loaders: Vec::new(),
        notes: Vec::new(),
        faults: faults.iter().map(|fault| chain(fault)).collect(),
    })
}

/// Reads an image back. Faults of the image are part of the answer.
///
/// # Errors
/// [`VerifyError`]: it is no media at all, or its bytes cannot be read.
pub fn verify(
    image: impl Read + Seek,
    progress: &mut dyn Progress,
) -> Result<Verification, VerifyError> {
    verify_medium(image, progress).map(|(found, _)| found)
}

/// The same, with what the media says of itself.
fn verify_medium(
    mut image: impl Read + Seek,
    progress: &mut dyn Progress,
) -> Result<(Verification, Option<Description>), VerifyError> {
    let stick = match kind_of(&mut image)? {
        Kind::Disc => Stick::read(&mut image)?,
        _ => None,
    };
    let mut medium = Medium::open(image)?;
    let structure = medium.structure()?;
    let mut unreadable = Vec::new();
    let mut files = medium.files(&mut unreadable)?;
    files.retain(|file| !file.folder);
    medium.name_as(&mut files, [MANIFEST, DESCRIPTION]);
    let mut found = Verification {
        kind: medium.kind(),
        partition_table: medium.table().map(|table| table.to_string()),
        files: files.len() as u64,
        compared: 0,
        compared_bytes: 0,
        manifest: false,
        volume: None,
        unlisted: Vec::new(),
        loaders: Vec::new(),
        notes: Vec::new(),
        faults: Vec::new(),
    };
    let manifest = files.iter().find(|file| file.path == MANIFEST);
    let entries = match manifest.map(|file| read_text(&mut medium, file)) {
        Some(Ok(text)) => parse_manifest(&text).map_err(|line| {
            format!("{MANIFEST}: line {line} is not a digest, two spaces and a path")
        }),
        Some(Err(fault)) => Err(fault),
        None => Ok(Vec::new()),
    };
    found.manifest = manifest.is_some();
    let readable = found.manifest && entries.is_ok();
    let (entries, manifest_fault) = match entries {
        Ok(entries) => (entries, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let described = files.iter().find(|file| file.path == DESCRIPTION);
    let is_described = described.is_some();
    let description = described
        .map(|file| read_text(&mut medium, file).and_then(|text| Description::parse(&text)));
    let (description, description_fault) = match description.transpose() {
        Ok(description) => (description, None),
        Err(fault) => (None, Some(fault)),
    };
    let paths = || entries.iter().map(|(path, _)| &**path).chain([MANIFEST, DESCRIPTION]);
    medium.name_as(&mut files, paths());
    let claims = |code: &[u8]| Claims::new(description.as_ref(), code).with_files(paths());
    let own_claims = claims(medium.boot_code());
    let mut faults = Faults::default();
    let Judged { faults: wrong, notes } = structure.judge(&own_claims);
    faults.extend(wrong);
    found.notes.extend(notes);
    faults.extend(unreadable);
    faults.extend(manifest_fault);
    faults.extend(description_fault);
    if is_described && !found.manifest {
        faults.add(format!("{MANIFEST}: not there, although {DESCRIPTION} is"));
    }
    if let Some(description) = &description {
        let sizes = files.iter().map(|file| (file.path.as_str(), file.size)).collect();
        faults.append(content_faults(description, &sizes));
        faults.append(description_faults(description));
        found.volume = SetVolume::of(description);
    }
    // Whatever else is on a disc that does not say that it is a stick.
    let stick = stick.filter(|_| description.as_ref().is_some_and(|it| it.hybrid));
    if let Some(stick) = &stick {
        let Judged { faults: wrong, notes } = stick.structure.judge(&claims(&stick.boot_code));
        faults.extend(wrong.iter().map(|fault| format!("as a stick: {fault}")));
        found.notes.extend(notes.iter().map(|note| format!("as a stick: {note}")));
        let differences = stick.files.differences(&mut medium, &files, true)?;
        faults.append(differences.faults);
        found.unlisted.extend(differences.more);
    }
    let is_alone = structure.is_partition_alone(&own_claims);
    let described = description.as_ref().filter(|_| !is_alone);
    faults.append(start_faults(&mut medium, &files, stick.as_ref(), described)?);
    let bcd = bcd::look(&mut medium, &files, description.is_some())?;
    faults.extend(bcd.faults);
    found.notes.extend(bcd.notes);
    let sequence = sequence::look(&mut medium, &files, description.is_some())?;
    faults.extend(sequence.faults);
    found.notes.extend(sequence.notes);

    let signed = loaders::on_medium(&mut medium, &files, description.is_some())?;
    found.loaders = signed.loaders;
    found.notes.extend(signed.notes);
    faults.extend(signed.faults);

    let by_path: HashMap<&str, &File> =
        files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut listed = HashSet::new();
    let mut wanted = Vec::new();
    for (path, expected) in &entries {
        if !listed.insert(&**path) {
            faults.add(format!("{path}: listed twice in {MANIFEST}"));
        } else if let Some(file) = by_path.get(&**path) {
            wanted.push((*file, *expected));
        } else {
            faults.add(format!("{path}: listed in {MANIFEST} but not there"));
        }
    }
    if readable {
        let own = description.as_ref().map(own_files).unwrap_or_default();
        let ours = |file: &File| own.contains(&*file.path) || file.path == DESCRIPTION;
        let unlisted = |file: &&File| file.path != MANIFEST && !listed.contains(&*file.path);
        for file in files.iter().filter(unlisted) {
            if ours(file) {
                faults.add(format!("{}: has no digest in {MANIFEST}", file.path));
            } else {
                found.unlisted.push(file.path.clone());
            }
        }
    }
    compare(&mut medium, &wanted, &mut found, &mut faults, progress)?;
    found.faults = faults.finish();
    Ok((found, description))
}

/// The files that this volume says it holds.
fn own_files(description: &Description) -> HashSet<&str> {
    let own = description.files.iter().filter(|file| file.volume == description.volume);
    own.map(|file| &*file.path).collect()
}

/// What keeps firmware from starting the medium, as far as no digest of a file would show it, and
/// where the file systems of one image differ.
fn start_faults<R: Read + Seek>(
    medium: &mut Medium<R>,
    files: &[File],
    stick: Option<&Stick>,
    description: Option<&Description>,
) -> Result<Faults, MediumError> {
    let mut faults = Faults::default();
    if let Some(description) = description {
        let mut code = match (&*medium, stick) {
            (Medium::Disk { boot_code, .. }, _) => boot_code.clone(),
            (Medium::Disc(_), Some(stick)) => stick.boot_code.clone(),
            (Medium::Disc(_), None) => Vec::new(),
        };
        code.extend(firmware::hidden_program(medium, files)?);
        faults.extend(firmware::boot_code_fault(&code, description));
        faults.extend(firmware::missing_entries(medium, files, description));
        faults.extend(medium.tree_faults());
        if description.hybrid && stick.is_none() {
            faults.add(format!(
                "{DESCRIPTION} says that the image is a stick too, but it has no partition table \
                 with a FAT32 volume"
            ));
        }
    }
    let stick = stick.map(|stick| stick.start);
    faults.append(firmware::efi_faults(medium, files, stick, description.is_some())?);
    Ok(faults)
}

/// Holds each file against its digest.
fn compare<R: Read + Seek>(
    medium: &mut Medium<R>,
    wanted: &[(&File, Digest)],
    found: &mut Verification,
    faults: &mut Faults,
    progress: &mut dyn Progress,
) -> Result<(), VerifyError> {
    let total: u64 = wanted.iter().map(|(file, _)| file.size).fold(0, u64::saturating_add);
    let mut buffer = vec![0; BUFFER];
    for (file, expected) in wanted {
        let path = &file.path;
        let done = found.compared_bytes;
        progress.file(path, done..done.saturating_add(file.size));
        let mut hasher = Hasher::new();
        let mut len = 0;
        let mut reader = medium.open_file(file);
        let outcome = loop {
            match reader.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(count) => {
                    hasher.update(buffer.get(..count).unwrap_or_default());
                    len += count as u64;
                    let done = found.compared_bytes + len;
                    if let ControlFlow::Break(()) = progress.advance(done, total) {
                        return Err(VerifyError::Cancelled { done, total });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        found.compared += 1;
        found.compared_bytes += len;
        let digest = hasher.finish();
        match outcome {
            Err(error) => faults.add(format!("{path}: cannot be read at byte {len}: {error}")),
            Ok(()) if digest != *expected => {
                faults.add(format!("{path}: has SHA-256 {digest}, the manifest says {expected}"));
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Reads a manifest or a description.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn read_text<R: Read + Seek>(
    medium: &mut Medium<R>,
    file: &File,
) -> Result<String, String> {
    let limit = match &*file.path {
        DESCRIPTION => LARGEST_DESCRIPTION,
        _ => LARGEST_MANIFEST,
    };
    if file.size > limit {
        return Err(format!(
            "{}: {} bytes, more than the {limit} that are read",
            file.path, file.size
        ));
    }
    let mut text = String::new();
    let read = medium.open_file(file).take(limit).read_to_string(&mut text);
    read.map_err(|error| format!("{}: cannot be read as text: {error}", file.path))?;
    Ok(text)
}
