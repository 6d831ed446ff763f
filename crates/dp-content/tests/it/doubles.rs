//! Locations that do as they are told.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dp_content::{
    AccessError, AccessKind, Content, ContentError, ContentOptions, ContentPath, FileId, Listed,
    Location, Package, PackageFile,
};
use extent_image::Digest;
use media_model::PackageId;

/// What happens to one opening.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Everything goes well.
    Serve,
    /// It cannot be opened.
    Refuse(AccessKind),
    /// So many bytes, then the connection is lost.
    Cut(usize),
    /// So many bytes, then nothing comes any more.
    Stall(usize),
    /// So many bytes, then a clean end.
    Early(usize),
    /// One byte too many.
    Long,
    /// Another byte at this offset of the file, this time only.
    Damaged(usize),
}

/// A location that holds files in memory.
pub(crate) struct Scripted {
    name: String,
    package: Mutex<Result<Package, VecDeque<ContentError>>>,
    files: Vec<(ContentPath, Arc<Vec<u8>>)>,
    acts: Mutex<VecDeque<Act>>,
    /// What is done when there are no acts left.
    then: Mutex<Act>,
    opened: Mutex<Vec<Range<u64>>>,
    asked: Mutex<usize>,
    /// Bytes given at once.
    step: usize,
}

pub(crate) fn lost() -> AccessKind {
    AccessKind::Lost("reset".to_owned())
}

pub(crate) fn id() -> PackageId {
    PackageId::new("PS100005").unwrap()
}

/// Package `PS100005.3` of these files; `true` for a digest.
pub(crate) fn package(files: &[(&str, &[u8], bool)]) -> Package {
    let file = |(path, bytes, known): &(&str, &[u8], bool)| PackageFile {
        id: FileId {
            package_id: "PS100005".to_owned(),
            content_id: "PS100005.3".to_owned(),
            path: ContentPath::new(path).unwrap(),
            len: bytes.len() as u64,
            digest: known.then(|| Digest::of(bytes)),
        },
        listed_len: None,
        modified: None,
        attributes: 0,
    };
    Package {
        id: PackageId::new("PS100005.3").unwrap(),
        content_id: "PS100005.3".to_owned(),
        files: files.iter().map(file).collect(),
        folders: Vec::new(),
        declared_hash: None,
        hash_trouble: None,
        computed_hash: None,
        warnings: Vec::new(),
    }
}

impl Scripted {
    /// Lists `package`, and gives `bytes` for its first file.
    pub(crate) fn new(name: &str, package: Package, bytes: Vec<u8>) -> Self {
        let path = package.files[0].id.path.clone();
        Self {
            name: name.to_owned(),
            package: Mutex::new(Ok(package)),
            files: vec![(path, Arc::new(bytes))],
            acts: Mutex::default(),
            then: Mutex::new(Act::Serve),
            opened: Mutex::default(),
            asked: Mutex::default(),
            step: 100_000,
        }
    }

    /// Has the file `boot.wim`, under its digest.
    pub(crate) fn whole(name: &str, bytes: &[u8]) -> Self {
        Self::new(name, package(&[("boot.wim", bytes, true)]), bytes.to_vec())
    }

    /// Answers with these errors when asked for a package; the last one for ever.
    pub(crate) fn without(name: &str, errors: impl IntoIterator<Item = ContentError>) -> Self {
        let mut location = Self::whole(name, b"");
        location.package = Mutex::new(Err(errors.into_iter().collect()));
        location
    }

    pub(crate) fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.push((ContentPath::new(path).unwrap(), Arc::new(bytes.to_vec())));
        self
    }

    /// With another byte at `at`.
    pub(crate) fn flipped(mut self, at: usize) -> Self {
        Arc::make_mut(&mut self.files[0].1)[at] ^= 1;
        self
    }

    pub(crate) fn acts(self, acts: impl IntoIterator<Item = Act>) -> Self {
        self.acts.lock().unwrap().extend(acts);
        self
    }

    pub(crate) fn then(self, act: Act) -> Self {
        *self.then.lock().unwrap() = act;
        self
    }

    pub(crate) fn step(mut self, step: usize) -> Self {
        self.step = step;
        self
    }

    pub(crate) fn set(&self, act: Act) {
        *self.then.lock().unwrap() = act;
    }

    /// The ranges that were opened.
    pub(crate) fn opened(&self) -> Vec<Range<u64>> {
        self.opened.lock().unwrap().clone()
    }

    /// How often it was asked for a package.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

impl Location for Scripted {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        let package = self.package(&id())?;
        Ok(vec![Listed {
            id: "PS100005".to_owned(),
            content_ids: vec![package.content_id],
            trouble: None,
        }])
    }

    fn package(&self, _: &PackageId) -> Result<Package, ContentError> {
        *self.asked.lock().unwrap() += 1;
        match &mut *self.package.lock().unwrap() {
            Ok(package) => Ok(package.clone()),
            Err(errors) if errors.len() > 1 => Err(errors.pop_front().unwrap()),
            Err(errors) => Err(errors[0].clone()),
        }
    }

    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        self.opened.lock().unwrap().push(range.clone());
        let act = self.acts.lock().unwrap().pop_front();
        let act = act.unwrap_or_else(|| self.then.lock().unwrap().clone());
        if let Act::Refuse(kind) = act {
            return Err(AccessError::new(&self.name, kind));
        }
        let held = self.files.iter().find(|(path, _)| *path == file.path);
        let Some((_, bytes)) = held else {
            return Err(AccessError::new(&self.name, AccessKind::NotFound));
        };
        let found = bytes.len() as u64;
        if found != file.len {
            let kind = AccessKind::Length { expected: file.len, found };
            return Err(AccessError::new(&self.name, kind));
        }
        let mut bytes = bytes[range.start as usize..range.end as usize].to_vec();
        if let Act::Damaged(at) = act
            && range.contains(&(at as u64))
        {
            bytes[at - range.start as usize] ^= 1;
        }
        Ok(Box::new(Body { name: self.name.clone(), bytes, at: 0, act, step: self.step }))
    }
}

struct Body {
    name: String,
    bytes: Vec<u8>,
    at: usize,
    act: Act,
    step: usize,
}

impl Read for Body {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let end = match self.act {
            Act::Cut(n) | Act::Stall(n) | Act::Early(n) => n.min(self.bytes.len()),
            _ => self.bytes.len(),
        };
        let count = (end - self.at).min(buf.len()).min(self.step);
        buf[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        if count > 0 || buf.is_empty() {
            return Ok(count);
        }
        match self.act {
            Act::Cut(_) => Err(AccessError::new(&self.name, lost()).into()),
            Act::Stall(_) => {
                Err(AccessError::new(&self.name, AccessKind::Stalled { seconds: 30 }).into())
            }
            Act::Long => {
                self.act = Act::Serve;
                buf[0] = 0;
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

/// Waits that were asked for instead of slept.
pub(crate) type Waits = Arc<Mutex<Vec<Duration>>>;

/// Content at these locations that never sleeps.
pub(crate) fn content(locations: &[&Arc<Scripted>]) -> (Content, Waits) {
    let waits = Waits::default();
    let noted = Arc::clone(&waits);
    let options = ContentOptions::new().with_pause(move |wait| noted.lock().unwrap().push(wait));
    let locations = locations.iter().map(|location| Arc::clone(location) as Arc<dyn Location>);
    (Content::with_locations(locations.collect(), options), waits)
}

/// Bytes without a pattern that a block or a piece has.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = vec![0; len];
    for word in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes()[..word.len()]);
    }
    bytes
}
