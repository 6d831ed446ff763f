//! A plan becomes a file under its final name only when it is whole.
//!
//! The image is written to `.<name>.capmedia-part` beside the target, flushed, and renamed over it.
//! An older image therefore survives every failure, and a run that dies leaves nothing but part
//! files, which the next run on the same target removes, whatever disc of a set they were to be. The
//! part file is locked, so two runs on one target cannot mix.

pub(crate) mod error;
pub(crate) mod output_folder;
pub(crate) mod part_file;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dp_content::ContentError;
use extent_image::host::{self, FileId};
use extent_image::{Content, Plan, Progress, Report, StreamError, StreamOptions};
use media_model::{CheckedRequest, MediaSize, set_member, set_member_number};

use crate::report::Warning;
use crate::windows_name;

use self::error::{PublishError, listed};
use self::part_file::{PartFile, Slot, folder_of, io_error, name_of_part, remove_stale};

/// Looks, when all is written and before anything gets its name, whether it was right.
pub(crate) type Settle<'a> = dyn FnMut() -> Result<(), Box<ContentError>> + 'a;

/// An image in its place.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct Published {
    /// Where the image is.
    pub path: PathBuf,
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
    /// Whether the image may turn out to be a set, whose files have other names.
    may_span: bool,
    /// Whether passwords may be in the image.
    private: bool,
}

/// What is at the path of a target.
enum Place {
    /// Nothing, or a regular file that may be replaced.
    File(Slot),
    /// A pipe, `/dev/null`: streamed to, never replaced.
    Stream,
}

/// Behind the name of an image: its checksum file.
const CHECKSUM: &str = ".sha256";

impl Target {
    /// The image file `path`; nothing that exists may be replaced, and no checksum file is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), replace: false, checksum: false, may_span: false, private: false }
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
        let may_span = request.media_size() != MediaSize::UNLIMITED;
        let target = Self { may_span, private: request.store_password(), ..target };
        Some(target.with_replace(request.force()).with_checksum(request.checksum()))
    }

    /// The targets of a set of so many volumes: this one alone, or `<stem>-1` and so on beside it.
    fn members(&self, volumes: usize) -> Vec<Self> {
        let last = u16::try_from(volumes).unwrap_or(u16::MAX);
        match last {
            0 | 1 => vec![self.clone()],
            _ => (1..=last)
                .map(|k| Self { path: set_member(&self.path, k), ..self.clone() })
                .collect(),
        }
    }

    /// True when the path names a pipe or `/dev/null`, which is streamed to and never replaced.
    pub fn is_stream(&self) -> bool {
        let is_stream = |found: fs::Metadata| matches!(kind_of(&found), Kind::Stream);
        windows_name::is_nul(&self.path) || fs::metadata(&self.path).is_ok_and(is_stream)
    }

    /// Whether zeros of images cost nothing there: a file has holes for them, and nobody wants to know
    /// the checksum of it all.
    pub(crate) fn leaves_holes(&self) -> bool {
        !self.checksum && !self.is_stream()
    }

    /// Looks whether the image could be put there, without touching anything. Where the image may
    /// turn out to be a set, an image that exists is no obstacle yet: its name may not be needed.
    ///
    /// # Errors
    /// [`PublishError`], as [`publish`](Self::publish) would answer before its first byte.
    pub fn check(&self) -> Result<(), PublishError> {
        match self.check_now() {
            Err(PublishError::Exists { .. }) if self.may_span => Ok(()),
            checked => checked,
        }
    }

    /// The same for the image or images of these plans, each of which must be allowed to be there, and
    /// have room.
    pub(crate) fn check_volumes(&self, plans: &[&Plan]) -> Result<(), PublishError> {
        let targets = self.members(plans.len());
        targets.iter().try_for_each(Self::check_now)?;
        if self.is_stream() {
            return Ok(());
        }
        let slots = targets.iter().map(Self::file_slot).collect::<Result<Vec<_>, _>>()?;
        // What runs that died have left is removed first.
        let stale = self.parts_there(plans.len());
        let stale = stale.iter().filter_map(|part| fs::symlink_metadata(part).ok());
        let stale = stale.map(|found| found.len()).fold(0, u64::saturating_add);
        self.check_space(slots.iter(), plans, stale)
    }

    fn check_now(&self) -> Result<(), PublishError> {
        self.place(&self.path)?;
        if self.checksum { self.checksum_slot().map(drop) } else { Ok(()) }
    }

    /// Every path that so many volumes are published at, checksum files too.
    pub fn paths(&self, volumes: usize) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for target in self.members(volumes) {
            if target.checksum {
                paths.push(target.checksum_path());
            }
            paths.push(target.path);
        }
        paths
    }

    /// Every file that publishing so many volumes would replace, as it is now.
    pub(crate) fn replaced_files(&self, volumes: usize) -> Vec<(PathBuf, FileId)> {
        let paths = self.paths(volumes);
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
        self.publish_settled(plan, options, progress, &mut || Ok(()))
    }

    fn publish_settled(
        &self,
        plan: &Plan,
        options: &StreamOptions,
        progress: &mut dyn Progress,
        settle: &mut Settle<'_>,
    ) -> Result<Published, PublishError> {
        self.check_now()?;
        if let Place::Stream = self.place(&self.path)? {
            let options = options.with_image_digest(self.checksum || options.has_image_digest());
            let sink = OpenOptions::new().write(true).open(&self.path);
            let sink = sink.map_err(|source| io_error("open", &self.path, source))?;
            let report = plan.write_to(sink, &options, progress).map_err(|e| self.failed(e))?;
            settle().map_err(|source| self.unsettled(true, source))?;
            return Ok(Published { path: self.path.clone(), report, warnings: Vec::new() });
        }
        let mut published = self.publish_files(&[plan], options, progress, settle)?;
        // One plan, one image.
        published.pop().ok_or_else(|| PublishError::Exists { path: self.path.clone() })
    }

    /// Writes the volumes of a set and puts them in place when all are whole: a single one at the
    /// path of the target, several at `<stem>-<number>` beside it, the last first. Files of an older,
    /// larger set are named in a warning and left alone.
    ///
    /// # Errors
    /// [`PublishError`]. What was there before is still there, but for [`PublishError::Checksum`]
    /// and [`PublishError::Divided`]; which discs belong together shows by the set id in them.
    pub fn publish_set(
        &self,
        plans: &[&Plan],
        options: &StreamOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Published>, PublishError> {
        self.publish_set_settled(plans, options, progress, &mut || Ok(()))
    }

    /// The same, when `settle` finds that all was right; it is asked before anything gets its name.
    pub(crate) fn publish_set_settled(
        &self,
        plans: &[&Plan],
        options: &StreamOptions,
        progress: &mut dyn Progress,
        settle: &mut Settle<'_>,
    ) -> Result<Vec<Published>, PublishError> {
        if let [plan] = plans {
            let mut published = self.publish_settled(plan, options, progress, settle)?;
            published.warnings.extend(self.left_over(1));
            return Ok(vec![published]);
        }
        if self.is_stream() {
            let (path, volumes) = (self.path.clone(), plans.len());
            return Err(PublishError::SetIntoStream { path, volumes });
        }
        self.publish_files(plans, options, progress, settle)
    }

    fn publish_files(
        &self,
        plans: &[&Plan],
        options: &StreamOptions,
        progress: &mut dyn Progress,
        settle: &mut Settle<'_>,
    ) -> Result<Vec<Published>, PublishError> {
        let options = options.with_image_digest(self.checksum || options.has_image_digest());
        let targets = self.members(plans.len());
        let slots = targets.iter().map(Self::file_slot).collect::<Result<Vec<_>, _>>()?;
        self.remove_stale_parts(plans.len());
        let parts = slots.into_iter().map(PartFile::create).collect::<Result<Vec<_>, _>>()?;
        self.check_space(parts.iter().map(|part| &part.slot), plans, 0)?;

        let total = plans.iter().map(|plan| plan.len()).sum();
        let mut before = 0;
        let mut published = Vec::new();
        for ((target, part), plan) in targets.iter().zip(&parts).zip(plans) {
            // A stream tells nothing else.
            let mut advance = |done, _| progress.advance(before + done, total);
            let report = plan.write_file(&part.file, &options, &mut advance);
            let report = report.map_err(|e| target.failed(e))?;
            part.seal()?;
            let path = target.path.clone();
            published.push(Published { path, report, warnings: Vec::new() });
            before += plan.len();
        }
        let mut checksums = Vec::new();
        for (target, published) in targets.iter().zip(&published) {
            checksums.push(target.checksum_part(&published.report)?);
        }
        settle().map_err(|source| self.unsettled(false, source))?;
        // All are whole; only their names are missing.
        for at in (0..parts.len()).rev() {
            let (Some(part), Some(published)) = (parts.get(at), published.get_mut(at)) else {
                break;
            };
            if let Err(source) = part.commit(&mut published.warnings) {
                return Err(undone(parts.get(at + 1..).unwrap_or_default(), source));
            }
        }
        for ((target, published), checksum) in targets.iter().zip(&mut published).zip(checksums) {
            target.commit_checksum(checksum, &mut published.warnings)?;
        }
        if let Some(last) = published.last_mut().filter(|_| plans.len() > 1) {
            last.warnings.extend(self.left_over(plans.len()));
        }
        Ok(published)
    }

    /// The place of an image that is a file.
    fn file_slot(&self) -> Result<Slot, PublishError> {
        self.check_now()?;
        match self.place(&self.path)? {
            Place::File(slot) => Ok(slot),
            Place::Stream => Err(PublishError::NotAFile {
                path: self.path.clone(),
                what: "a pipe or device and in the way of a disc of the set",
            }),
        }
    }

    /// Whether there is room for the plans, where `more` bytes come free before.
    fn check_space<'a>(
        &self,
        slots: impl Iterator<Item = &'a Slot>,
        plans: &[&Plan],
        more: u64,
    ) -> Result<(), PublishError> {
        // Links may lead to other folders; those may be on other file systems.
        let mut by_folder = BTreeMap::<&Path, u64>::new();
        for (slot, plan) in slots.zip(plans) {
            let needed = by_folder.entry(folder_of(&slot.path)).or_default();
            *needed = needed.saturating_add(stored_len(plan));
        }
        for (folder, needed) in by_folder {
            if let Ok(Some(free)) = host::free_space(folder)
                && needed > free.saturating_add(more)
            {
                return Err(PublishError::NoSpace { path: self.path.clone(), needed, free });
            }
        }
        Ok(())
    }

    /// The checksum file, whole and without its name, where one was asked for.
    fn checksum_part(&self, report: &Report) -> Result<Option<PartFile>, PublishError> {
        let Some(digest) = report.image_digest.filter(|_| self.checksum) else { return Ok(None) };
        let mut part = PartFile::create(self.checksum_slot()?)?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let written = part.file.write_all(format!("{digest}  {name}\n").as_bytes());
        written.map_err(|source| io_error("write", &part.path, source))?;
        part.seal()?;
        Ok(Some(part))
    }

    fn commit_checksum(
        &self,
        checksum: Option<PartFile>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), PublishError> {
        match checksum {
            Some(checksum) => checksum.commit(warnings).map_err(|source| {
                PublishError::Checksum { path: self.path.clone(), source: Box::new(source) }
            })?,
            None if self.checksum_path().exists() => {
                warnings.push(Warning::new(format!(
                    "{} is not of this image; delete it, or make it anew with --checksum",
                    self.checksum_path().display()
                )));
            }
            None => {}
        }
        Ok(())
    }

    /// Which disc of a set at this path would be called `name`: 0 for the path itself, which is that
    /// of the only one.
    fn number_of(&self, name: &OsStr) -> Option<u16> {
        match self.path.file_name() {
            Some(own) if own == name => Some(0),
            _ => set_member_number(&self.path, name),
        }
    }

    /// Whether the image, which has so many volumes, is a set or might have been one: then an older
    /// one at this path may have been one too.
    fn is_set(&self, volumes: usize) -> bool {
        self.may_span || volumes > 1
    }

    /// Removes what runs that died have left of images and checksums at this path, of sets of any
    /// size; it would take the room that this one needs. What cannot be removed is no obstacle.
    fn remove_stale_parts(&self, volumes: usize) {
        for part in self.parts_there(volumes) {
            let _ = remove_stale(&part);
        }
    }

    /// The part files at this path.
    fn parts_there(&self, volumes: usize) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder_of(&self.path)).into_iter().flatten().flatten();
        let is_part = |name: &OsStr| {
            let number = name_of_part(name).and_then(|name| {
                let image = name.strip_suffix(CHECKSUM).unwrap_or(name);
                self.number_of(image.as_ref())
            });
            number.is_some_and(|number| number == 0 || self.is_set(volumes))
        };
        entries.filter(|it| is_part(&it.file_name())).map(|it| it.path()).collect()
    }

    /// Files that look like those of another set at this path, and their checksums.
    fn left_over(&self, volumes: usize) -> Option<Warning> {
        if !self.is_set(volumes) {
            return None;
        }
        let entries = fs::read_dir(folder_of(&self.path)).ok()?;
        let mut found: Vec<(u16, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name();
                let image = name.to_str().and_then(|name| name.strip_suffix(CHECKSUM));
                let number = self.number_of(image.map_or(&*name, OsStr::new))?;
                let other = match volumes {
                    1 => number > 0,
                    _ => number == 0 || usize::from(number) > volumes,
                };
                other.then(|| (number, self.path.with_file_name(name)))
            })
            .collect();
        found.sort_unstable();
        let found: Vec<PathBuf> = found.into_iter().map(|(_, path)| path).collect();
        (!found.is_empty()).then(|| {
            Warning::new(format!(
                "not of this set, and perhaps of an older one: {}; delete what is not needed",
                listed(&found)
            ))
        })
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
        name.push(CHECKSUM);
        PathBuf::from(name)
    }

    fn place(&self, path: &Path) -> Result<Place, PublishError> {
        if windows_name::is_nul(path) {
            return Ok(Place::Stream);
        }
        if let Some(what) = windows_name::fault(path) {
            return Err(PublishError::Name { path: path.to_path_buf(), what });
        }
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
                return Ok(Place::File(Slot { path, old: None, replace, private: self.private }));
            }
            Err(source) => return Err(io_error("look at", path, source)),
        };
        match kind_of(&metadata) {
            Kind::Folder => not_a_file("a folder"),
            Kind::BlockDevice => not_a_file("a drive, which is for --media-type usb"),
            Kind::CharacterDevice => not_a_file("a character device"),
            Kind::Other => not_a_file("neither a file nor a pipe"),
            Kind::Stream => Ok(Place::Stream),
            Kind::File if !self.replace => Err(PublishError::Exists { path: path.to_path_buf() }),
            Kind::File => {
                // The file itself is replaced, not a link to it.
                let file = if path.is_symlink() { fs::canonicalize(path) } else { Ok(path.into()) };
                let path = file.map_err(|source| io_error("look at", path, source))?;
                if cfg!(windows) && metadata.permissions().readonly() {
                    return Err(PublishError::ReadOnly { path });
                }
                if let Err(source) = host::check_replaceable(&path) {
                    return Err(PublishError::InUse { path, source });
                }
                let old = Some(metadata.permissions());
                Ok(Place::File(Slot { path, old, replace: true, private: self.private }))
            }
        }
    }

    fn unsettled(&self, is_stream: bool, source: Box<ContentError>) -> PublishError {
        PublishError::Content { path: self.path.clone(), is_stream, source }
    }

    fn failed(&self, source: StreamError) -> PublishError {
        PublishError::Stream { path: self.path.clone(), source }
    }
}

/// Takes the names back that the others got already; those that replaced a file cannot be.
fn undone(others: &[PartFile], source: PublishError) -> PublishError {
    let kept = others.iter().filter(|part| !part.take_back());
    let in_place: Vec<PathBuf> = kept.map(|part| part.slot.path.clone()).collect();
    match in_place.is_empty() {
        true => source,
        false => PublishError::Divided { in_place, source: Box::new(source) },
    }
}

/// Bytes of a plan that take room in a file: all but its holes, which Windows fills with zeros.
fn stored_len(plan: &Plan) -> u64 {
    if cfg!(windows) {
        return plan.len();
    }
    let holes = |content: &Content| matches!(content, Content::Zero | Content::Free);
    plan.extents().iter().filter(|e| !holes(e.content())).map(|e| e.len()).sum()
}

#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix names pipes and drives by paths"))]
pub(crate) enum Kind {
    File,
    Folder,
    Stream,
    BlockDevice,
    /// A terminal, a serial line, a printer.
    CharacterDevice,
    Other,
}

#[cfg(unix)]
pub(crate) fn kind_of(metadata: &fs::Metadata) -> Kind {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_file() {
        Kind::File
    } else if kind.is_dir() {
        Kind::Folder
    } else if kind.is_fifo() || swallows(metadata) {
        Kind::Stream
    } else if kind.is_char_device() {
        Kind::CharacterDevice
    } else if kind.is_block_device() {
        Kind::BlockDevice
    } else {
        Kind::Other
    }
}

/// Whether it is one of the two devices that people write to in order to see what happens.
#[cfg(unix)]
fn swallows(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let is = |path| fs::metadata(path).is_ok_and(|known| known.rdev() == metadata.rdev());
    metadata.file_type().is_char_device() && ["/dev/null", "/dev/full"].into_iter().any(is)
}

#[cfg(not(unix))]
pub(crate) fn kind_of(metadata: &fs::Metadata) -> Kind {
    if metadata.is_file() {
        Kind::File
    } else if metadata.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests;
