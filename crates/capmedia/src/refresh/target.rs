//! What media is put onto without formatting: opened, and looked at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use extent_image::{FileStorage, Storage, Tree};
use media_device::{OpenDrive, System, names_drive};
use media_model::{CheckedRequest, ConfigMgrError};

use super::error::{RefreshError, TargetKind};
use super::folder::old_media;
use super::folder_survey::Survey;
use super::folder_system::FolderSystem;
use super::old_media::{LARGEST_SEQUENCE, OldMedia, on_media};
use super::old_settings;
use super::volume::VolumeThere;
use crate::drives::Consent;
use crate::plan::stick::FoundStart;
use crate::publish::error::PublishError;
use crate::publish::{Kind, kind_of};
use crate::report::Warning;
use crate::tree::sequence::SEQUENCE;

/// A mounted folder, an image file or a drive that media is put onto without formatting. A drive, or an
/// image file, is this run's alone as long as this lives.
pub struct RefreshTarget {
    pub(super) place: Place,
    path: PathBuf,
}

/// What is at the path.
pub(super) enum Place {
    Folder(FolderThere),
    Volume { storage: Box<dyn Storage>, there: VolumeThere },
}

/// A folder with all that is in it.
pub(super) struct FolderThere {
    pub(super) survey: Survey,
    pub(super) system: Option<FolderSystem>,
    pub(super) old: Option<OldMedia>,
    /// The text of its task sequence.
    pub(super) sequence: Option<Vec<u8>>,
}

impl std::fmt::Debug for RefreshTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshTarget").field("path", &self.path).finish_non_exhaustive()
    }
}

impl RefreshTarget {
    /// Opens what the path of a request leads to, and looks for a FAT32 volume and the media on it:
    /// the drive or the partition, the image file, or the folder. Nothing is written; a drive that is
    /// mounted is unmounted where `consent` says so. No drive needs to be confirmed, for nothing on
    /// it is lost.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn open(
        request: &CheckedRequest,
        system: &System,
        consent: &Consent,
    ) -> Result<Self, RefreshError> {
        let [output] = request.outputs() else {
            return Err(RefreshError::SeveralPaths { paths: request.outputs().len() });
        };
        let path = output.file().unwrap_or(Path::new("-"));
        if names_drive(path) {
            let place = volume_on_drive(path, system, consent)?;
            return Ok(Self { place, path: path.to_path_buf() });
        }
        let found = fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RefreshError::Missing { path: path.to_path_buf(), source },
            _ => RefreshError::io("open", path, source),
        })?;
        let place = match kind_of(&found) {
            Kind::Folder => {
                // A folder that is a link is where that leads.
                let root = fs::canonicalize(path)
                    .map_err(|source| RefreshError::io("open", path, source))?;
                let system = FolderSystem::of(&root)?;
                Place::Folder(FolderThere::look(&root, system)?)
            }
            Kind::File => {
                let storage = open_image(path)?;
                let there = VolumeThere::find(&storage, None, TargetKind::Image)?;
                Place::Volume { storage: Box::new(storage), there }
            }
            Kind::BlockDevice => volume_on_drive(path, system, consent)?,
            Kind::Stream | Kind::CharacterDevice | Kind::Other => {
                return Err(RefreshError::NoPlace { path: path.to_path_buf() });
            }
        };
        Ok(Self { place, path: path.to_path_buf() })
    }

    /// The path, as the request has it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the image, the drive or the mounted volume, where that is known.
    pub(crate) fn len(&self) -> Option<u64> {
        match &self.place {
            Place::Volume { storage, .. } => Some(storage.len()),
            Place::Folder(there) => there.system.map(|system| system.len),
        }
    }

    /// What of the media that is there `new` lacks because `request` does not give it.
    pub(super) fn lost(&self, request: &CheckedRequest, new: &Tree) -> Vec<Warning> {
        let (old, sequence) = match &self.place {
            Place::Volume { there, .. } => (&there.old, &there.sequence),
            Place::Folder(there) => (&there.old, &there.sequence),
        };
        old_settings::lost(request, old.as_ref(), sequence.as_deref(), new)
    }

    /// What a BIOS makes of it.
    pub(crate) fn start(&self) -> FoundStart {
        match &self.place {
            Place::Volume { there, .. } => there.start,
            // The boot code cannot be seen; the old media knows whether it was ours.
            Place::Folder(there) => {
                let old = there.old.as_ref();
                FoundStart::claimed(old.and_then(|old| old.description.boot_code.as_deref()))
            }
        }
    }
}

impl FolderThere {
    pub(super) fn look(root: &Path, system: Option<FolderSystem>) -> Result<Self, RefreshError> {
        let survey = Survey::of(root)?;
        let old = old_media(&survey);
        let sequence = survey.bytes(&on_media(SEQUENCE), LARGEST_SEQUENCE);
        Ok(Self { survey, system, old, sequence })
    }
}

fn open_image(path: &Path) -> Result<FileStorage, RefreshError> {
    let refused = |source| RefreshError::io("open", path, source);
    let file = fs::File::options().read(true).write(true).open(path).map_err(refused)?;
    // Where a file system has no locks, two runs on one image are the operator's affair.
    if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
        return Err(PublishError::Busy { path: path.to_path_buf() }.into());
    }
    FileStorage::new(file, path).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData => RefreshError::FileSystem {
            target: path.display().to_string(),
            holds: format!("no disk ({source})"),
            error: ConfigMgrError::UfdFsUnknown,
            kind: TargetKind::Image,
        },
        _ => refused(source),
    })
}

/// The volume on a drive, that of the partition where the path is one's.
fn volume_on_drive(path: &Path, system: &System, consent: &Consent) -> Result<Place, RefreshError> {
    let (drive, number) = system.drive_and_partition(path)?;
    let refusals = drive.refusals(&consent.permissions());
    if !refusals.is_empty() {
        return Err(RefreshError::Drive { refusals });
    }
    if consent.unmounts() {
        system.unmount(&drive)?;
    }
    let storage = OpenDrive::open(&drive)?;
    let there = VolumeThere::find(&storage, number, TargetKind::Drive)?;
    Ok(Place::Volume { storage: Box::new(storage), there })
}
