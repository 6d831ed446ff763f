//! A plan becomes a file under its final name only when it is whole.
//!
//! The image is written to `.<name>.capmedia-part` beside the target, flushed, and renamed over it.
//! An older image therefore survives every failure, and a run that dies leaves nothing but a part
//! file, which the next run on the same target takes over. The part file is locked, so two runs on
//! one target cannot mix.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use extent_image::host::{self, FileId};
use extent_image::{Content, Plan, Progress, Report, StreamError, StreamOptions};
use media_model::CheckedRequest;

use crate::part_file::{PartFile, Slot, folder_of, io_error};
use crate::report::Warning;

/// An image could not be brought under its name. Nothing that existed before was lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The folder of the target is not there.
    #[error("the folder {folder} for {path} does not exist; create it first", folder = folder.display(), path = path.display())]
    NoFolder {
        /// The target.
        path: PathBuf,
        /// The missing folder.
        folder: PathBuf,
    },
    /// There is already a file and it was not said that it may be replaced.
    #[error("{} exists already; choose another path, or replace it with --force", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The target is something that an image file cannot replace.
    #[error("{} is {what}; give the path of an image file", path.display())]
    NotAFile {
        /// The target.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Another run is writing to the same target.
    #[error("another run is writing {}; wait for it, or choose another path", path.display())]
    Busy {
        /// The target.
        path: PathBuf,
    },
    /// The file system of the target is too small.
    #[error(
        "{} needs {needed} bytes and its file system has {free} free; make room, or choose a path \
         on another file system",
        path.display()
    )]
    NoSpace {
        /// The target.
        path: PathBuf,
        /// Bytes to be stored.
        needed: u64,
        /// Bytes there are.
        free: u64,
    },
    /// The operating system refused a step.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// The step: "create", "rename", "flush".
        step: &'static str,
        /// The file or folder it was refused for.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The image could not be written to the end.
    #[error("{} was not made", path.display())]
    Stream {
        /// The target.
        path: PathBuf,
        /// Why.
        #[source]
        source: StreamError,
    },
    /// The image is in place and whole; the checksum file beside it is not.
    #[error("{} was made, but its checksum file was not", path.display())]
    Checksum {
        /// The image.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<Self>,
    },
}

/// An image in its place.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct Published {
    /// What the stream did.
    pub report: Report,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// Where an image file goes, and what may happen to one that is there.
#[derive(Debug, Clone)]
pub struct Target {
    path: PathBuf,
    replace: bool,
    checksum: bool,
}

/// What is at the path of a target.
enum Place {
    /// Nothing, or a regular file that may be replaced.
    File(Slot),
    /// A pipe or character device: streamed to, never replaced.
    Stream,
}

impl Target {
    /// The image file `path`; nothing that exists may be replaced, and no checksum file is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), replace: false, checksum: false }
    }

    /// Lets an existing file be replaced; off by default.
    #[must_use]
    pub fn with_replace(self, replace: bool) -> Self {
        Self { replace, ..self }
    }

    /// Writes `<path>.sha256` beside the image, in the format of `sha256sum`; off by default.
    #[must_use]
    pub fn with_checksum(self, checksum: bool) -> Self {
        Self { checksum, ..self }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The target of a request; `None` for standard output.
    pub fn of(request: &CheckedRequest) -> Option<Self> {
        let path = request.output().file()?;
        let target = Self::new(path);
        Some(target.with_replace(request.force()).with_checksum(request.checksum()))
    }

    /// True when the path names a pipe or character device, which is streamed to and never replaced.
    pub fn is_stream(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| matches!(kind_of(&metadata), Kind::Stream))
    }

    /// Looks whether the image could be put there, without touching anything.
    ///
    /// # Errors
    /// [`PublishError`], as [`publish`](Self::publish) would answer before its first byte.
    pub fn check(&self) -> Result<(), PublishError> {
        self.place(&self.path)?;
        if self.checksum { self.checksum_slot().map(drop) } else { Ok(()) }
    }

    /// Every file that publishing would replace, as it is now.
    pub(crate) fn replaced_files(&self) -> Vec<(PathBuf, FileId)> {
        let mut paths = vec![self.path.clone()];
        if self.checksum {
            paths.push(self.checksum_path());
        }
        let id = |path: PathBuf| host::file_id(&path).ok().map(|id| (path, id));
        paths.into_iter().filter_map(id).collect()
    }

    /// Writes the plan and puts it in place.
    ///
    /// # Errors
    /// [`PublishError`]. What was at the target before is still there, but for
    /// [`PublishError::Checksum`].
    pub fn publish(
        &self,
        plan: &Plan,
        options: &StreamOptions,
        progress: &mut dyn Progress,
    ) -> Result<Published, PublishError> {
        self.check()?;
        let options = options.with_image_digest(self.checksum || options.has_image_digest());
        let slot = match self.place(&self.path)? {
            Place::File(slot) => slot,
            Place::Stream => {
                let sink = OpenOptions::new().write(true).open(&self.path);
                let sink = sink.map_err(|source| io_error("open", &self.path, source))?;
                let report = plan.write_to(sink, &options, progress).map_err(|e| self.failed(e))?;
                return Ok(Published { report, warnings: Vec::new() });
            }
        };
        let part = PartFile::create(slot)?;
        if let Ok(Some(free)) = host::free_space(folder_of(&part.slot.path)) {
            let needed = stored_len(plan);
            if needed > free {
                return Err(PublishError::NoSpace { path: self.path.clone(), needed, free });
            }
        }
        let report = plan.write_file(&part.file, &options, progress).map_err(|e| self.failed(e))?;
        let checksum = match report.image_digest {
            Some(digest) if self.checksum => {
                let mut part = PartFile::create(self.checksum_slot()?)?;
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                let written = part.file.write_all(format!("{digest}  {name}\n").as_bytes());
                written.map_err(|source| io_error("write", &part.path, source))?;
                Some(part)
            }
            _ => None,
        };
        // Both are whole; only their names are missing.
        let mut warnings = Vec::new();
        part.commit(&mut warnings)?;
        match checksum {
            Some(checksum) => checksum.commit(&mut warnings).map_err(|source| {
                PublishError::Checksum { path: self.path.clone(), source: Box::new(source) }
            })?,
            None if self.replace && self.checksum_path().exists() => {
                warnings.push(Warning::new(format!(
                    "{} is of the image that was replaced; delete it, or make it anew with \
                     --checksum",
                    self.checksum_path().display()
                )));
            }
            None => {}
        }
        Ok(Published { report, warnings })
    }

    fn checksum_slot(&self) -> Result<Slot, PublishError> {
        match (self.place(&self.path)?, self.place(&self.checksum_path())?) {
            (Place::File(_), Place::File(slot)) => Ok(slot),
            (Place::Stream, _) => Err(PublishError::NotAFile {
                path: self.path.clone(),
                what: "a pipe or device, which has no checksum file",
            }),
            (_, Place::Stream) => Err(PublishError::NotAFile {
                path: self.checksum_path(),
                what: "a pipe or device and cannot hold a checksum",
            }),
        }
    }

    fn checksum_path(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".sha256");
        PathBuf::from(name)
    }

    fn place(&self, path: &Path) -> Result<Place, PublishError> {
        let folder = folder_of(path);
        if !folder.is_dir() {
            let (path, folder) = (path.to_path_buf(), folder.to_path_buf());
            return Err(PublishError::NoFolder { path, folder });
        }
        let not_a_file = |what| Err(PublishError::NotAFile { path: path.to_path_buf(), what });
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.is_symlink() {
                    return not_a_file("a link to nothing");
                }
                let (path, replace) = (path.to_path_buf(), self.replace);
                return Ok(Place::File(Slot { path, old: None, replace }));
            }
            Err(source) => return Err(io_error("look at", path, source)),
        };
        match kind_of(&metadata) {
            Kind::Folder => not_a_file("a folder"),
            Kind::BlockDevice => not_a_file("a drive, which this version does not write to"),
            Kind::Other => not_a_file("neither a file nor a pipe"),
            Kind::Stream => Ok(Place::Stream),
            Kind::File if !self.replace => Err(PublishError::Exists { path: path.to_path_buf() }),
            Kind::File => {
                // The file itself is replaced, not a link to it.
                let path =
                    fs::canonicalize(path).map_err(|source| io_error("look at", path, source))?;
                Ok(Place::File(Slot { path, old: Some(metadata.permissions()), replace: true }))
            }
        }
    }

    fn failed(&self, source: StreamError) -> PublishError {
        PublishError::Stream { path: self.path.clone(), source }
    }
}

/// Bytes of a plan that take room in a file: all but its holes.
fn stored_len(plan: &Plan) -> u64 {
    let holes = |content: &Content| matches!(content, Content::Zero | Content::Free);
    plan.extents().iter().filter(|e| !holes(e.content())).map(|e| e.len()).sum()
}

#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix names pipes and drives by paths"))]
enum Kind {
    File,
    Folder,
    Stream,
    BlockDevice,
    Other,
}

#[cfg(unix)]
fn kind_of(metadata: &fs::Metadata) -> Kind {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_file() {
        Kind::File
    } else if kind.is_dir() {
        Kind::Folder
    } else if kind.is_fifo() || kind.is_char_device() {
        Kind::Stream
    } else if kind.is_block_device() {
        Kind::BlockDevice
    } else {
        Kind::Other
    }
}

#[cfg(not(unix))]
fn kind_of(metadata: &fs::Metadata) -> Kind {
    if metadata.is_file() {
        Kind::File
    } else if metadata.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use extent_image::PlanBuilder;

    use super::*;

    fn plan(text: &'static str) -> Plan {
        let mut builder = PlanBuilder::new();
        builder.bytes("text", text).unwrap();
        builder.zero("pad", 8 << 20).unwrap();
        builder.finish()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn published_whole_and_only_replaced_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.iso");
        let target = Target::new(&path).with_checksum(true);
        let options = StreamOptions::default();
        let report = target.publish(&plan("one"), &options, &mut ()).unwrap().report;
        assert_eq!(names(folder.path()), ["a.iso", "a.iso.sha256"]);
        let line = fs::read_to_string(folder.path().join("a.iso.sha256")).unwrap();
        assert_eq!(line, format!("{}  a.iso\n", report.image_digest.unwrap()));
        let error = target.publish(&plan("two"), &options, &mut ()).unwrap_err();
        assert!(matches!(error, PublishError::Exists { .. }));
        assert_eq!(&fs::read(&path).unwrap()[..3], b"one");
        let target = target.with_replace(true);
        let published = target.publish(&plan("two"), &options, &mut ()).unwrap();
        assert!(published.warnings.is_empty());
        assert_eq!(&fs::read(&path).unwrap()[..3], b"two");
        let published =
            target.with_checksum(false).publish(&plan("six"), &options, &mut ()).unwrap();
        assert!(published.warnings[0].as_str().contains("a.iso.sha256"));
        assert_eq!(names(folder.path()), ["a.iso", "a.iso.sha256"]);
    }

    #[test]
    fn a_cancelled_run_leaves_the_old_image_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.iso");
        fs::write(&path, "old").unwrap();
        let target = Target::new(&path).with_replace(true);
        let mut stop = |_, _| ControlFlow::Break(());
        let error = target.publish(&plan("new"), &StreamOptions::default(), &mut stop).unwrap_err();
        assert!(matches!(
            error,
            PublishError::Stream { source: StreamError::Cancelled { .. }, .. }
        ));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.iso"]);
    }

    #[test]
    fn a_second_run_is_refused_and_a_dead_ones_part_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.iso");
        let slot = Slot { path: path.clone(), old: None, replace: false };
        let running = PartFile::create(slot).unwrap();
        let target = Target::new(&path);
        let options = StreamOptions::default();
        let error = target.publish(&plan("x"), &options, &mut ()).unwrap_err();
        assert!(matches!(error, PublishError::Busy { .. }));
        drop(running);
        fs::write(folder.path().join(".a.iso.capmedia-part"), vec![9; 9 << 20]).unwrap();
        let report = target.publish(&plan("x"), &options, &mut ()).unwrap().report;
        assert_eq!(fs::metadata(&path).unwrap().len(), report.len);
        assert_eq!(names(folder.path()), ["a.iso"]);
    }

    #[test]
    fn impossible_places_are_refused_before_anything_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Target::new(folder.path().join("no/a.iso"));
        assert!(matches!(missing.check().unwrap_err(), PublishError::NoFolder { .. }));
        let itself = Target::new(folder.path()).with_replace(true);
        let error = itself.check().unwrap_err();
        assert!(matches!(error, PublishError::NotAFile { what: "a folder", .. }));
        let huge = Target::new(folder.path().join("a.iso"));
        let mut builder = PlanBuilder::new();
        struct Huge;
        impl extent_image::Source for Huge {
            fn len(&self) -> u64 {
                1 << 60
            }
            fn open(&self, _: u64) -> io::Result<Box<dyn io::Read + Send + '_>> {
                Ok(Box::new(io::repeat(1)))
            }
            fn describe(&self) -> String {
                "huge".into()
            }
        }
        builder.source("data", std::sync::Arc::new(Huge)).unwrap();
        let error = huge.publish(&builder.finish(), &StreamOptions::default(), &mut ());
        if cfg!(unix) {
            assert!(
                matches!(error.unwrap_err(), PublishError::NoSpace { needed, .. } if needed == 1 << 60)
            );
        }
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn links_and_modes_are_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.iso"), folder.path().join("link.iso"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let target = Target::new(&link).with_replace(true);
        let _ = target.publish(&plan("new"), &StreamOptions::default(), &mut ()).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let nowhere = folder.path().join("nowhere.iso");
        std::os::unix::fs::symlink(folder.path().join("none"), &nowhere).unwrap();
        let error = Target::new(&nowhere).with_replace(true).check().unwrap_err();
        assert!(matches!(error, PublishError::NotAFile { what: "a link to nothing", .. }));
        let part = folder.path().join(".real.iso.capmedia-part");
        std::os::unix::fs::symlink(folder.path().join("victim"), &part).unwrap();
        let target = Target::new(&real).with_replace(true);
        let error = target.publish(&plan("new"), &StreamOptions::default(), &mut ()).unwrap_err();
        assert!(matches!(error, PublishError::NotAFile { .. }));
        assert!(!folder.path().join("victim").exists());
        assert_eq!(&fs::read(&real).unwrap()[..3], b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_device_is_streamed_to() {
        let target = Target::new("/dev/null");
        assert!(target.is_stream());
        let published = target.publish(&plan("x"), &StreamOptions::default(), &mut ()).unwrap();
        assert_eq!(published.report.written, published.report.len);
        let error = target.with_checksum(true).check().unwrap_err();
        assert!(matches!(error, PublishError::NotAFile { .. }));
    }

    #[test]
    fn what_appears_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.iso");
        let mut meanwhile = |_, _| {
            fs::write(&path, "mine").unwrap();
            ControlFlow::Continue(())
        };
        let target = Target::new(&path);
        let error = target.publish(&plan("new"), &StreamOptions::default(), &mut meanwhile);
        assert!(matches!(error.unwrap_err(), PublishError::Exists { .. }));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert_eq!(names(folder.path()), ["a.iso"]);
    }
}
