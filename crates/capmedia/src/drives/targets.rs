//! The drives that the paths of a request lead to.

use std::fs;
use std::path::{Path, PathBuf};

use media_device::{Drive, Identity, PathError, Refusal, System, names_drive};
use media_model::{CheckedContent, CheckedRequest, ContentLocation, MediaType, SectorSize};

use crate::drives::consent::Consent;
use crate::drives::error::{DriveRefusal, DrivesError};
use crate::drives::guard::OnDrive;
use crate::error::Error;
use crate::publish::{Kind, kind_of};

/// The drives that media goes onto, in the order of the request's paths.
#[derive(Debug, Clone)]
pub struct DriveTargets {
    system: System,
    drives: Vec<Drive>,
    /// Further paths to drives that were named already, or to another view of one.
    twice: Vec<(String, PathBuf)>,
    /// What the request names that media is made of, or for.
    inputs: Vec<PathBuf>,
}

impl DriveTargets {
    /// Looks the paths of a request up: `None` where there is one path, which is that of an image
    /// file, a pipe, or standard output; for discs; and with
    /// [`no_format`](CheckedRequest::no_format), which wipes nothing.
    ///
    /// # Errors
    /// [`DrivesError`]: a partition, a folder, something that is no drive beside one, and options
    /// that only an image file can have.
    pub fn of(request: &CheckedRequest, system: &System) -> Result<Option<Self>, DrivesError> {
        if request.no_format() || request.media_type() != MediaType::Usb {
            return Ok(None);
        }
        let outputs = request.outputs();
        let mut drives: Vec<Drive> = Vec::new();
        let mut twice = Vec::new();
        for output in outputs {
            let Some(path) = output.file() else { return Ok(None) };
            match drive_at(path, system)? {
                Some(drive) => match drives.iter().find(|known| known.is_same_medium(&drive)) {
                    Some(known) => twice.push((known.path.display().to_string(), path.into())),
                    None => drives.push(drive),
                },
                None if outputs.len() > 1 => {
                    return Err(DrivesError::NotADrive { path: path.to_path_buf() });
                }
                None => return Ok(None),
            }
        }
        let Some(first) = drives.first() else { return Ok(None) };
        let image_options = [
            ("image-size", request.image_size().is_some()),
            ("sector-size", request.sector_size().is_some()),
            ("checksum", request.checksum()),
        ];
        if let Some((option, _)) = image_options.into_iter().find(|(_, given)| *given) {
            return Err(DrivesError::ImageOption { option, path: first.path.clone() });
        }
        let inputs = inputs(request);
        Ok(Some(Self { system: system.clone(), drives, twice, inputs }))
    }

    /// The drives as they were when they were looked up.
    pub fn drives(&self) -> &[Drive] {
        &self.drives
    }

    /// Looks at every drive anew for reasons not to write it: what it is, what is mounted, whether it
    /// was confirmed, whether what the media is made of lies on it. Nothing is touched.
    ///
    /// # Errors
    /// [`DrivesError::Refused`] with all reasons of all drives; [`DrivesError::Path`] for a drive
    /// that is gone.
    pub fn check(&self, consent: &Consent) -> Result<(), DrivesError> {
        self.check_with(Some(consent), consent, &[])
    }

    /// The same before anybody was asked: all but whether a drive was [confirmed](Consent::with_drive).
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_unconfirmed(&self, consent: &Consent) -> Result<(), DrivesError> {
        self.check_with(None, consent, &[])
    }

    /// The same, with more files that must not lie on the drives.
    pub(crate) fn check_inputs(
        &self,
        consent: &Consent,
        inputs: &[&Path],
    ) -> Result<(), DrivesError> {
        self.check_with(Some(consent), consent, inputs)
    }

    fn check_with(
        &self,
        confirmed: Option<&Consent>,
        consent: &Consent,
        inputs: &[&Path],
    ) -> Result<(), DrivesError> {
        let mut refusals = Vec::new();
        for (drive, path) in &self.twice {
            refusals.push(DriveRefusal::Twice { drive: drive.clone(), path: path.clone() });
        }
        for listed in &self.drives {
            let drive = self.system.drive(&listed.path)?;
            let name = drive.path.display().to_string();
            let found = drive.refusals(&consent.permissions());
            refusals.extend(found.into_iter().map(DriveRefusal::Drive));
            let on_drive = OnDrive::new(&drive);
            let inputs = self.inputs.iter().map(PathBuf::as_path).chain(inputs.iter().copied());
            if let Some(path) = { inputs }.find(|path| on_drive.holds(path)) {
                let (drive, path) = (name.clone(), path.to_path_buf());
                refusals.push(DriveRefusal::HoldsInput { drive, path });
            }
            if confirmed.is_some_and(|consent| !consent.allows(&drive)) {
                let (drive, identity) = (name.clone(), drive.identity().to_string());
                refusals.push(DriveRefusal::NotConfirmed { drive, identity });
            }
        }
        refusals.extend(self.sector_refusals());
        match refusals.is_empty() {
            true => Ok(()),
            false => Err(DrivesError::Refused { refusals }),
        }
    }

    /// Refuses a file that is to be written, such as a log, where it lies on one of the drives.
    ///
    /// # Errors
    /// [`DrivesError::Refused`].
    pub fn refuse_on_drives(&self, path: &Path) -> Result<(), DrivesError> {
        let holds = |drive: &&Drive| OnDrive::new(drive).holds(path);
        let Some(drive) = self.drives.iter().find(holds) else { return Ok(()) };
        let (drive, path) = (drive.path.display().to_string(), path.to_path_buf());
        Err(DrivesError::Refused { refusals: vec![DriveRefusal::HoldsInput { drive, path }] })
    }

    /// The drives that are too small for media that needs so many bytes.
    pub(crate) fn too_small(&self, needed: u64) -> Option<Error> {
        let small = self.drives.iter().filter(|drive| drive.len < needed).map(|drive| {
            let (drive, found) = (drive.path.display().to_string(), drive.len);
            DriveRefusal::Drive(Refusal::TooSmall { drive, needed, found })
        });
        let refusals: Vec<DriveRefusal> = small.collect();
        (!refusals.is_empty()).then(|| DrivesError::Refused { refusals }.into())
    }

    fn sector_refusals(&self) -> Vec<DriveRefusal> {
        let mut refusals = Vec::new();
        let Some(first) = self.drives.first() else { return refusals };
        let expected = first.logical_block_size;
        for drive in &self.drives {
            let (name, found) = (drive.path.display().to_string(), drive.logical_block_size);
            if sector_size(found).is_none() {
                refusals.push(DriveRefusal::SectorSize { drive: name, found });
            } else if found != expected {
                let other = first.path.display().to_string();
                refusals.push(DriveRefusal::OtherSectorSize {
                    drive: name,
                    found,
                    other,
                    expected,
                });
            }
        }
        refusals
    }

    /// Bytes of the smallest drive.
    pub(crate) fn smallest(&self) -> u64 {
        self.drives.iter().map(|drive| drive.len).min().unwrap_or(0)
    }

    /// Bytes of a sector of all drives.
    pub(crate) fn sector_size(&self) -> Option<SectorSize> {
        self.drives.first().and_then(|drive| sector_size(drive.logical_block_size))
    }

    /// What `--drive-serial` takes for each of them, among all drives that are connected now.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        // Without a list their own must do.
        let others = self.system.drives().unwrap_or_default();
        let name = |drive: &Drive| match drive.identity_among(self.drives.iter().chain(&others)) {
            Identity::Unknown => None,
            identity => Some(identity.to_string()),
        };
        self.drives.iter().map(name).collect()
    }

    pub(crate) fn system(&self) -> &System {
        &self.system
    }
}

fn sector_size(bytes: u32) -> Option<SectorSize> {
    [SectorSize::B512, SectorSize::B4096].into_iter().find(|size| size.bytes() == bytes)
}

/// The drive at `path`; `None` where an image file, or a stream, is or can be.
fn drive_at(path: &Path, system: &System) -> Result<Option<Drive>, DrivesError> {
    if names_drive(path) {
        return Ok(Some(system.drive(path)?));
    }
    let kind = fs::metadata(path).ok().map(|found| kind_of(&found));
    if matches!(kind, Some(Kind::Stream | Kind::Other)) {
        return Ok(None);
    }
    match system.drive(path) {
        Ok(drive) => Ok(Some(drive)),
        Err(PathError::Missing { .. }) if !is_in_dev(path) => Ok(None),
        // Who makes the image file will say what is wrong.
        Err(PathError::File { .. } | PathError::Read { .. }) => Ok(None),
        Err(PathError::Folder { .. }) => Err(DrivesError::Folder { path: path.to_path_buf() }),
        Err(error) => Err(error.into()),
    }
}

/// Whether an image file at `path` would lie among the nodes of drives, in memory: a drive is meant
/// that is not there.
fn is_in_dev(path: &Path) -> bool {
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let below = |folder: &PathBuf| folder.starts_with("/dev") && !folder.starts_with("/dev/shm");
    cfg!(unix) && folder.as_ref().is_some_and(below)
}

/// What a request names that is read while media is made, or written beside it.
fn inputs(request: &CheckedRequest) -> Vec<PathBuf> {
    let content = request.content();
    let of_content = content.into_iter().flat_map(CheckedContent::read_paths);
    let cache = content.and_then(CheckedContent::cache);
    let locations = content.map(CheckedContent::locations).unwrap_or_default();
    let locations = locations.iter().filter_map(ContentLocation::folder);
    let all = request.read_paths().chain(of_content).chain(cache).chain(locations);
    all.map(Path::to_path_buf).collect()
}
