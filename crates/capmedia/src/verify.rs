//! Reads an image back: its structure, and every file against the manifest on it.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use extent_image::{Hasher, OpenFile, Progress};
use serde::Serialize;
use wim_image::{Cancelled, Wim};

use crate::error::chain;
use crate::manifest::{DESCRIPTION, LARGEST_MANIFEST, MANIFEST, parse_manifest};
use crate::medium::{File, Kind, Medium, MediumError, kind_of};

/// What reading an image back has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Verification {
    /// What the image is.
    pub kind: String,
    /// Files on it, the manifest among them.
    pub files: u64,
    /// Files whose digest was compared.
    pub compared: u64,
    /// Bytes whose digest was compared.
    pub compared_bytes: u64,
    /// False when there is no manifest, so that only the structure could be checked. A WIM carries
    /// a digest of every file.
    pub manifest: bool,
    /// Files that the manifest does not list; they are nobody's fault.
    pub unlisted: Vec<String>,
    /// Everything that is wrong; none for a sound image.
    pub faults: Vec<String>,
}

impl Verification {
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

const BUFFER: usize = 1 << 20;

/// Reads back the file at `path`: an ISO image, a disk image, or a WIM, whose checksums are tried.
///
/// # Errors
/// [`VerifyError`]: it is none of these, or its bytes cannot be read.
pub fn verify_file(path: &Path, progress: &mut dyn Progress) -> Result<Verification, VerifyError> {
    let mut file = std::fs::File::open(path).map_err(MediumError::Io)?;
    match kind_of(&mut file).map_err(MediumError::Io)? {
        Kind::Wim => verify_wim(path, progress),
        _ => verify(file, progress),
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
        files,
        compared: files,
        compared_bytes: bytes,
        manifest: true,
        unlisted: Vec::new(),
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
    let mut medium = Medium::open(image)?;
    let mut faults = medium.structure_faults()?;
    let mut files = medium.files(&mut faults)?;
    files.retain(|file| !file.folder);
    let mut found = Verification {
        kind: medium.kind().to_owned(),
        files: files.len() as u64,
        compared: 0,
        compared_bytes: 0,
        manifest: false,
        unlisted: Vec::new(),
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
    let readable = entries.is_ok();
    let entries = entries.unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });

    // A description that is damaged is found by its digest in the manifest.
    let description = files.iter().find(|file| file.path == DESCRIPTION);
    let description = description.and_then(|file| read_text(&mut medium, file).ok());
    if let Some(description) = description.and_then(|text| serde_json::from_str(&text).ok()) {
        faults.extend(medium.boot_code_fault(&description));
        faults.extend(medium.tree_faults());
    }

    let by_path: HashMap<&str, &File> =
        files.iter().map(|file| (file.path.as_str(), file)).collect();
    if found.manifest && readable {
        let listed: HashSet<&str> = entries.iter().map(|(path, _)| path.as_str()).collect();
        let unlisted = |file: &&File| file.path != MANIFEST && !listed.contains(&*file.path);
        found.unlisted = files.iter().filter(unlisted).map(|file| file.path.clone()).collect();
    }
    let sizes = entries.iter().filter_map(|(path, _)| by_path.get(path.as_str()));
    let total: u64 = sizes.map(|file| file.size).fold(0, u64::saturating_add);
    let mut buffer = vec![0; BUFFER];
    for (path, expected) in &entries {
        let Some(file) = by_path.get(path.as_str()) else {
            faults.push(format!("{path}: listed in {MANIFEST} but not there"));
            continue;
        };
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
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        found.compared += 1;
        found.compared_bytes += len;
        let digest = hasher.finish();
        match outcome {
            Err(error) => faults.push(format!("{path}: cannot be read at byte {len}: {error}")),
            Ok(()) if digest != *expected => {
                faults.push(format!("{path}: has SHA-256 {digest}, the manifest says {expected}"))
            }
            Ok(()) => {}
        }
    }
    found.faults = faults;
    Ok(found)
}

fn read_text<R: Read + Seek>(medium: &mut Medium<R>, file: &File) -> Result<String, String> {
    if file.size > LARGEST_MANIFEST {
        return Err(format!(
            "{}: {} bytes, more than the {LARGEST_MANIFEST} that are read",
            file.path, file.size
        ));
    }
    let mut text = String::new();
    let read = medium.open_file(file).take(LARGEST_MANIFEST).read_to_string(&mut text);
    read.map_err(|error| format!("{}: cannot be read as text: {error}", file.path))?;
    Ok(text)
}
