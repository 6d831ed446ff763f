//! A file larger than a disc, in parts that are sources of their own.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use extent_image::{Data, Plan, Source, read_at};
use media_model::{MediaPath, MediaPathError, part_name};
use wim_image::{SplitError, SwmPart, Wim};

/// How a file is cut.
pub(crate) enum Cut {
    /// Into numbered parts of at most so many bytes.
    Numbered(u64),
    /// A WIM into parts that imaging tools read.
    Swm(Swm),
}

/// A WIM in parts.
pub(crate) struct Swm {
    /// The most bytes of a part.
    room: u64,
    parts: Vec<SwmPart>,
    /// With it the parts are the WIM again.
    frame: Plan,
}

/// The files that stand for one that was cut.
pub(crate) struct Files {
    pub(crate) parts: Vec<(MediaPath, Data)>,
    pub(crate) frame: Option<(MediaPath, Data)>,
}

impl Cut {
    /// The most bytes of a part.
    pub(crate) fn room(&self) -> u64 {
        match self {
            Self::Numbered(room) => *room,
            Self::Swm(swm) => swm.room,
        }
    }

    /// The parts of `whole`, which is the file at `path`.
    pub(crate) fn files(
        &self,
        path: &MediaPath,
        whole: &Arc<dyn Source>,
    ) -> Result<Files, MediaPathError> {
        match self {
            Self::Numbered(room) => {
                let parts = (1..).zip(Part::all(whole, *room)).map(|(number, part)| {
                    Ok((numbered_path(path, number)?, Data::Source(Arc::new(part))))
                });
                Ok(Files { parts: parts.collect::<Result<_, _>>()?, frame: None })
            }
            Self::Swm(swm) => {
                let stem = wim_stem(path).unwrap_or_default();
                let data = |plan: &Plan, name: &str| {
                    let describe = format!("{} as {name}", whole.describe());
                    let path = whole.local_path().map(Path::to_path_buf);
                    Data::Source(Arc::new(Planned { plan: plan.clone(), describe, path }))
                };
                let mut parts = Vec::new();
                for part in &swm.parts {
                    let name = part.file_name(stem);
                    parts.push((beside(path, &name)?, data(part.plan(), &name)));
                }
                let name = frame_name(path);
                let frame = Some((beside(path, &name)?, data(&swm.frame, &name)));
                Ok(Files { parts, frame })
            }
        }
    }
}

impl Swm {
    /// Parts of at most `room` bytes. `None` when the file is no WIM that can be read, whatever it is
    /// called.
    pub(crate) fn split(whole: &Arc<dyn Source>, room: u64) -> Option<Result<Self, SplitError>> {
        let wim = Wim::open(read_at(whole)).ok()?;
        let parts = wim_image::split(&wim, whole, &[room]);
        Some(
            parts.and_then(|parts| Ok(Self { room, parts, frame: wim_image::frame(&wim, whole)? })),
        )
    }

    /// The smallest length of parts that the WIM can be split into.
    pub(crate) fn smallest_part(whole: &Arc<dyn Source>) -> Option<u64> {
        let mut room = 1;
        // What must be in the first part, then the largest file, and perhaps both once more.
        for _ in 0..8 {
            let needed = match Self::split(whole, room)? {
                Ok(_) => return Some(room),
                Err(
                    SplitError::FirstPart { needed, .. }
                    | SplitError::LargeFile { needed, .. }
                    | SplitError::EmptyPart { needed, .. },
                ) => needed,
                Err(_) => return None,
            };
            room = needed.max(room.saturating_add(1));
        }
        None
    }
}

/// The name of a WIM without its `.wim`; `None` for another file.
pub(crate) fn wim_stem(path: &MediaPath) -> Option<&str> {
    let name = path.file_name()?;
    let (stem, end) = name.split_at_checked(name.len().checked_sub(4)?)?;
    end.eq_ignore_ascii_case(".wim").then_some(stem)
}

fn frame_name(path: &MediaPath) -> String {
    format!("{}.frame", path.file_name().unwrap_or_default())
}

/// The path of an SWM part of the WIM at `path`.
pub(crate) fn swm_path(path: &MediaPath, number: u32) -> Result<MediaPath, MediaPathError> {
    beside(path, &format!("{}{number}.swm", wim_stem(path).unwrap_or_default()))
}

/// The path of a numbered part of the file at `path`.
pub(crate) fn numbered_path(path: &MediaPath, number: u32) -> Result<MediaPath, MediaPathError> {
    beside(path, &part_name(path.file_name().unwrap_or_default(), number))
}

fn beside(path: &MediaPath, name: &str) -> Result<MediaPath, MediaPathError> {
    Ok(path.parent().unwrap_or(MediaPath::ROOT).join(&MediaPath::new(name)?))
}

/// A plan as a source that tells what it is made of.
struct Planned {
    plan: Plan,
    describe: String,
    path: Option<PathBuf>,
}

impl Source for Planned {
    fn len(&self) -> u64 {
        self.plan.len()
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        self.plan.open(from)
    }

    fn describe(&self) -> String {
        self.describe.clone()
    }

    fn local_path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn equals(&self, other: &dyn Source) -> bool {
        let other = other.as_any().and_then(<dyn std::any::Any>::downcast_ref::<Self>);
        other.is_some_and(|other| other.plan == self.plan)
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

/// Bytes `[start, start + len)` of another source.
pub(crate) struct Part {
    whole: Arc<dyn Source>,
    start: u64,
    len: u64,
}

impl Part {
    /// `len` bytes of `whole` from `start` on.
    pub(crate) fn new(whole: Arc<dyn Source>, start: u64, len: u64) -> Self {
        Self { whole, start, len }
    }

    /// The parts of `whole`, each of `room` bytes but the last; `room` is not 0.
    pub(crate) fn all(whole: &Arc<dyn Source>, room: u64) -> impl Iterator<Item = Self> {
        let total = whole.len();
        let starts = std::iter::successors(Some(0u64), move |start| {
            start.checked_add(room).filter(|next| *next < total)
        });
        starts.map(move |start| {
            Self::new(Arc::clone(whole), start, room.min(total.saturating_sub(start)))
        })
    }
}

impl Source for Part {
    fn len(&self) -> u64 {
        self.len
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let reader = self.whole.open(self.start.saturating_add(from))?;
        if self.start.saturating_add(self.len) >= self.whole.len() {
            // The last part ends where the whole does: what that says of its end is heard.
            return Ok(reader);
        }
        Ok(Box::new(reader.take(self.len.saturating_sub(from))))
    }

    fn describe(&self) -> String {
        format!("{} from byte {}", self.whole.describe(), self.start)
    }

    fn open_local(&self) -> io::Result<Option<(File, u64)>> {
        let local = self.whole.open_local()?;
        Ok(local.map(|(file, at)| (file, at.saturating_add(self.start))))
    }

    fn local_from(&self) -> u64 {
        self.whole.local_from().saturating_sub(self.start)
    }

    fn local_path(&self) -> Option<&Path> {
        self.whole.local_path()
    }

    fn equals(&self, other: &dyn Source) -> bool {
        let other = other.as_any().and_then(<dyn std::any::Any>::downcast_ref::<Self>);
        other.is_some_and(|other| {
            (other.start, other.len) == (self.start, self.len) && self.whole.equals(&*other.whole)
        })
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use extent_image::BytesSource;

    use super::*;

    #[test]
    fn names_stand_beside_the_file() {
        let path = MediaPath::new(r"Images\Install.WIM").unwrap();
        assert_eq!(wim_stem(&path), Some("Install"));
        for other in ["wim", "install.wim2", "install.esd", ""] {
            assert_eq!(wim_stem(&MediaPath::new(other).unwrap()), None, "{other}");
        }
        assert_eq!(numbered_path(&path, 7).unwrap().to_slash(), "Images/Install.WIM.007");
        assert_eq!(frame_name(&path), "Install.WIM.frame");
    }

    fn parts(text: &'static str, room: u64) -> Vec<String> {
        let whole: Arc<dyn Source> = Arc::new(BytesSource::new("t", text));
        let read = |part: Part| {
            let mut text = String::new();
            part.open(0).unwrap().read_to_string(&mut text).unwrap();
            let len = Source::len(&part);
            assert_eq!(text.len() as u64, len);
            let mut end = String::new();
            part.open(len - 1).unwrap().read_to_string(&mut end).unwrap();
            assert!(text.ends_with(&end) && end.len() == 1);
            text
        };
        Part::all(&whole, room).map(read).collect()
    }

    #[test]
    fn parts_join_to_the_whole() {
        assert_eq!(parts("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(parts("abcdef", 3), ["abc", "def"]);
        assert_eq!(parts("ab", 3), ["ab"]);
        assert_eq!(parts("ab", u64::MAX), ["ab"]);
    }

    #[test]
    fn equal_parts_of_equal_sources_are_equal() {
        let whole =
            |text: &'static str| -> Arc<dyn Source> { Arc::new(BytesSource::new("t", text)) };
        let part = |whole, at| Part::all(&whole, 2).nth(at).unwrap();
        assert!(part(whole("abcd"), 1).equals(&part(whole("abcd"), 1)));
        assert!(!part(whole("abcd"), 0).equals(&part(whole("abcd"), 1)));
        assert!(!part(whole("abcd"), 1).equals(&part(whole("abce"), 1)));
    }
}
