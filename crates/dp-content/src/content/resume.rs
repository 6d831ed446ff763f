//! Bytes of a file, one after the other, whatever happens to connections and locations on the way.

use std::io::{self, Read};
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::access::{AccessError, AccessKind};
use crate::content::blocks::in_u64;
use crate::content::file::ContentFile;
use crate::content::place::Health;
use crate::error::ContentError;
use crate::event::ContentEvent;

/// Bytes after which tries are counted anew (the rest of the file, where that is less): a server
/// that gives one byte with each connection does not get any farther.
const PROGRESS: u64 = 256 * 1024;

/// Faults of one location in one reading while another is left: that one may be quicker.
const FAULTS_WITH_OTHERS: u32 = 100;

/// The same where no other is left, so that a reading ends.
const FAULTS: u32 = 1000;

/// A location that gives less than [`SLOW`] bytes in so much time spent reading has stalled.
const SLOW_TIME: Duration = Duration::from_secs(60);
const SLOW: u64 = 64 * 1024;

/// Reads a range of a file: resumes, and falls over to other locations.
pub(crate) struct Resuming<'a> {
    file: &'a ContentFile,
    reader: Option<Box<dyn Read + Send + 'a>>,
    at: u64,
    end: u64,
    /// The location being read.
    place: Option<usize>,
    /// The only location that may be read.
    only: Option<usize>,
    /// Locations that were given up since it got on, and what they said.
    tried: Vec<usize>,
    answers: Vec<AccessError>,
    /// Tries at this location since it got on.
    tries: u32,
    /// Bytes that came from this location since then, up to [`PROGRESS`].
    came: u64,
    /// Faults of each location.
    faults: Vec<(usize, u32)>,
    pace: Pace,
    /// The location that gave the bytes read last.
    gave: Option<usize>,
}

impl<'a> Resuming<'a> {
    pub(crate) fn new(file: &'a ContentFile, range: Range<u64>, only: Option<usize>) -> Self {
        Self {
            file,
            reader: None,
            at: range.start,
            end: range.end,
            place: None,
            only,
            tried: Vec::new(),
            answers: Vec::new(),
            tries: 0,
            came: 0,
            faults: Vec::new(),
            pace: Pace::default(),
            gave: None,
        }
    }

    /// The location that gave the bytes read last.
    pub(crate) fn place(&self) -> usize {
        self.gave.unwrap_or(usize::MAX)
    }

    /// Some of what is left; 0 bytes only at the end, or for an empty buffer.
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> Result<usize, ContentError> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let Some(buf) = buf.get_mut(..wanted).filter(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        loop {
            self.file.shared.options.go_on()?;
            if self.place.is_none() {
                self.place = Some(self.first_place()?);
            }
            let error = match self.try_read(buf) {
                Ok(count) => {
                    self.came(in_u64(count));
                    if self.at == self.end {
                        // Whatever it holds, a connection or a lock, others can have now.
                        self.reader = None;
                    }
                    return Ok(count);
                }
                Err(error) => error,
            };
            self.reader = None;
            self.overcome(error)?;
        }
    }

    fn try_read(&mut self, buf: &mut [u8]) -> Result<usize, AccessError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => self.connect()?,
        };
        let start = Instant::now();
        let count = read_some(&mut **reader, buf);
        let slow = self.pace.is_slow(start.elapsed(), *count.as_ref().unwrap_or(&0));
        let error = match count {
            _ if slow => AccessKind::Lost(format!("fewer than {SLOW} bytes came in {SLOW_TIME:?}")),
            Ok(0) => AccessKind::Lost(format!("it ended {} bytes early", self.end - self.at)),
            Ok(count) => return Ok(count.min(buf.len())),
            Err(error) => return Err(AccessError::of_io(&self.what(), &error)),
        };
        Err(AccessError::new(self.what(), error))
    }

    fn first_place(&self) -> Result<usize, ContentError> {
        let place = self.only.or_else(|| self.file.next_place(&[]));
        place.ok_or_else(|| self.file.unreadable(self.at, Vec::new()))
    }

    fn connect(&mut self) -> Result<&mut Box<dyn Read + Send + 'a>, AccessError> {
        let file = self.file;
        self.pace = Pace::default();
        let place = self.place.and_then(|place| file.shared.places.get(place));
        let Some(place) = place.filter(|place| place.health() != Health::GivenUp) else {
            let kind = AccessKind::Denied("it refused the login".to_owned());
            return Err(AccessError::new(self.what(), kind));
        };
        let reader = place.location.open(&file.id, self.at..self.end)?;
        Ok(self.reader.insert(reader))
    }

    /// What errors call the file there.
    fn what(&self) -> String {
        let place = self.place.map(|place| self.file.place_name(place)).unwrap_or_default();
        format!("{} at {place}", self.file.name())
    }

    fn came(&mut self, count: u64) {
        self.at += count;
        self.gave = self.place;
        // Not for each buffer.
        if self.came >= PROGRESS {
            return;
        }
        self.came += count;
        if self.came >= PROGRESS || self.at == self.end {
            self.tries = 0;
            self.tried.clear();
            self.answers.clear();
            if let Some(place) = self.place.and_then(|place| self.file.shared.places.get(place)) {
                place.answered();
            }
        }
    }

    /// Counts a fault of a location; whether it was asked often enough.
    fn has_failed(&mut self, number: usize) -> bool {
        let faults = match self.faults.iter_mut().find(|(place, _)| *place == number) {
            Some((_, faults)) => {
                *faults += 1;
                *faults
            }
            None => {
                self.faults.push((number, 1));
                1
            }
        };
        faults >= FAULTS || (faults >= FAULTS_WITH_OTHERS && self.next(number).is_some())
    }

    /// Where to go on instead of there.
    fn next(&self, number: usize) -> Option<usize> {
        if self.only.is_some() {
            return None;
        }
        let worn = self.faults.iter().filter(|(_, faults)| *faults >= FAULTS);
        let mut passed: Vec<usize> = worn.map(|(place, _)| *place).collect();
        passed.extend(&self.tried);
        passed.push(number);
        self.file.next_place(&passed)
    }

    /// Decides what to do about a fault: try again here, go on elsewhere, or give up.
    fn overcome(&mut self, error: AccessError) -> Result<(), ContentError> {
        if matches!(error.kind(), AccessKind::Cancelled) {
            return Err(error.into());
        }
        let file = self.file;
        let shared = &file.shared;
        let Some((number, place)) =
            self.place.and_then(|number| Some((number, shared.places.get(number)?)))
        else {
            return Err(error.into());
        };
        if self.came >= PROGRESS {
            self.came = 0;
        }
        let enough = self.has_failed(number);
        let allowed = if place.health() == Health::Good { shared.options.retries.tries } else { 0 };
        let again = error.is_transient() && self.tries < allowed;
        if again && !enough {
            let wait = shared.options.retries.wait(self.tries);
            self.tries += 1;
            shared.events.push(ContentEvent::Resumed {
                what: file.name(),
                location: place.name.clone(),
                at: Some(self.at),
                error,
                wait,
            });
            return shared.options.wait(wait);
        }
        place.failed(&error, &shared.events);
        if matches!(error.kind(), AccessKind::Length { .. }) {
            file.wrong_length(number);
        }
        // One that gets on, if slowly, is better than none.
        if !again {
            self.answers.push(error.clone());
            self.tried.push(number);
        }
        self.tries = 0;
        self.came = 0;
        let Some(next) = self.next(number) else {
            if again {
                self.answers.push(error);
            }
            return Err(file.unreadable(self.at, std::mem::take(&mut self.answers)));
        };
        shared.events.push(ContentEvent::FellOver {
            file: file.name(),
            from: place.name.clone(),
            to: file.place_name(next),
            at: self.at,
            error,
        });
        self.place = Some(next);
        Ok(())
    }
}

/// How much comes in how much time.
#[derive(Default)]
struct Pace {
    time: Duration,
    bytes: u64,
}

impl Pace {
    /// Whether too little came of late; `time` is what one reading took.
    fn is_slow(&mut self, time: Duration, bytes: usize) -> bool {
        self.time += time;
        self.bytes += in_u64(bytes);
        if self.time < SLOW_TIME {
            return false;
        }
        let slow = self.bytes < SLOW;
        *self = Self::default();
        slow
    }
}

fn read_some(reader: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
