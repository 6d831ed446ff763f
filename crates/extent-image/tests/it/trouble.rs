use std::fs;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use extent_image::{
    BytesSource, FileSource, Late, PlanBuilder, Source, StreamError, StreamOptions,
};

/// Says one length and gives another.
struct Lying {
    says: u64,
    gives: usize,
}

impl Source for Lying {
    fn len(&self) -> u64 {
        self.says
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let left = (self.gives as u64).saturating_sub(from);
        Ok(Box::new(io::repeat(7).take(left)))
    }

    fn describe(&self) -> String {
        "lying source".to_owned()
    }
}

fn stream(source: impl Source + 'static) -> (Result<(), StreamError>, Vec<u8>) {
    let mut builder = PlanBuilder::new();
    builder.bytes("head", "head").unwrap();
    builder.source("data", Arc::new(source)).unwrap();
    builder.bytes("tail", "tail").unwrap();
    let mut out = Vec::new();
    let outcome = builder.finish().write_to(&mut out, &StreamOptions::default(), &mut ());
    (outcome.map(drop), out)
}

#[test]
fn a_shorter_source_is_an_error() {
    let (outcome, out) = stream(Lying { says: 10, gives: 7 });
    let StreamError::SourceChanged { planned: 10, found: 7, name } = outcome.unwrap_err() else {
        panic!("wrong error")
    };
    assert_eq!(&*name, "lying source");
    assert!(out.len() <= 4 + 7);
}

#[test]
fn a_longer_source_is_an_error_and_nothing_past_the_extent_is_written() {
    let (outcome, out) = stream(Lying { says: 10, gives: 11 });
    assert!(matches!(
        outcome.unwrap_err(),
        StreamError::SourceChanged { planned: 10, found: 11, .. }
    ));
    assert!(out.len() <= 4 + 10);
}

#[test]
fn a_part_of_a_source_does_not_look_behind_itself() {
    let mut builder = PlanBuilder::new();
    builder.source_part("part", Arc::new(BytesSource::new("s", "abcdef")), 1, 3).unwrap();
    let mut out = Vec::new();
    let _ = builder.finish().write_to(&mut out, &StreamOptions::default(), &mut ()).unwrap();
    assert_eq!(out, b"bcd");
}

#[test]
fn a_local_file_that_was_touched_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (change, what) in [
        (
            (|p| fs::write(p, "longer than it was")) as fn(&std::path::Path) -> io::Result<()>,
            "length",
        ),
        (
            |p| {
                // Same length and time, another file.
                let time = fs::metadata(p)?.modified()?;
                let other = p.with_extension("other");
                fs::write(&other, "EIGHT by")?;
                fs::File::options().write(true).open(&other)?.set_modified(time)?;
                fs::rename(other, p)
            },
            "inode",
        ),
        (
            |p| {
                let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3);
                fs::File::options().write(true).open(p)?.set_modified(later)
            },
            "time",
        ),
    ] {
        if cfg!(windows) && what == "inode" {
            continue;
        }
        fs::write(&path, "eight by").unwrap();
        let source = FileSource::new(&path).unwrap();
        change(&path).unwrap();
        let (outcome, _) = stream(source);
        assert!(
            matches!(outcome.as_ref().unwrap_err(), StreamError::SourceChanged { planned: 8, .. }),
            "{what}: {outcome:?}"
        );
    }
}

#[test]
fn a_wrong_digest_is_an_error_when_digests_are_computed() {
    struct Expecting(BytesSource);
    impl Source for Expecting {
        fn len(&self) -> u64 {
            Source::len(&self.0)
        }
        fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
            self.0.open(from)
        }
        fn describe(&self) -> String {
            "expected content".to_owned()
        }
        fn sha256(&self) -> Option<[u8; 32]> {
            Some([9; 32])
        }
    }
    let mut builder = PlanBuilder::new();
    builder.source("data", Arc::new(Expecting(BytesSource::new("x", "abc")))).unwrap();
    let plan = builder.finish();
    let options = StreamOptions::default().with_source_digests(true);
    let error = plan.write_to(io::sink(), &options, &mut ()).unwrap_err();
    let StreamError::DigestMismatch(mismatch) = error else { panic!("{error}") };
    assert_eq!(mismatch.name, "expected content");
    assert_eq!(mismatch.expected.as_bytes(), &[9; 32]);
}

#[test]
fn late_content_of_another_length_is_an_error() {
    let late = Late::new("list", 5, |_| "four".into());
    let mut builder = PlanBuilder::new();
    builder.data("late", &extent_image::Data::Late(Arc::new(late))).unwrap();
    let plan = builder.finish();
    let error = plan.write_to(io::sink(), &StreamOptions::default(), &mut ()).unwrap_err();
    assert!(matches!(error, StreamError::LateLength { name: "list", planned: 5, made: 4 }));
    assert!(plan.reader().read(&mut [0; 8]).is_err());
}

#[test]
fn progress_counts_every_byte_and_can_stop() {
    let mut builder = PlanBuilder::new();
    builder.bytes("head", vec![1; 3 << 20]).unwrap();
    builder.zero("gap", 40 << 20).unwrap();
    builder.bytes("tail", "x").unwrap();
    let plan = builder.finish();
    for options in [StreamOptions::default(), StreamOptions::default().with_image_digest(true)] {
        let mut seen = Vec::new();
        let mut watch = |done, total| {
            seen.push(done);
            assert_eq!(total, plan.len());
            ControlFlow::Continue(())
        };
        let _ = plan.write_to(io::sink(), &options, &mut watch).unwrap();
        assert_eq!(seen.last(), Some(&plan.len()));
        assert!(seen.is_sorted() && seen.len() > 5);
        let mut stop = |done, _| {
            if done > 2 << 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let error = plan.write_to(io::sink(), &options, &mut stop).unwrap_err();
        assert!(
            matches!(error, StreamError::Cancelled { at, .. } if (2 << 20..=3 << 20).contains(&at))
        );
    }
}

#[test]
fn a_refusing_sink_is_named_with_its_place() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.0);
            self.0 -= count;
            if count == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut builder = PlanBuilder::new();
    builder.bytes("data", vec![1; 5 << 20]).unwrap();
    let plan = builder.finish();
    let error = plan.write_to(Full(2 << 20), &StreamOptions::default(), &mut ()).unwrap_err();
    let StreamError::Write { at, total, source } = error else { panic!("{error}") };
    assert_eq!((at, total, source.kind()), (2 << 20, 5 << 20, io::ErrorKind::StorageFull));
}

#[test]
fn errors_stay_small() {
    assert!(size_of::<StreamError>() <= 64);
}

/// Claims a digest and sees to it by itself; fails at the end when `good` is false.
struct Sure {
    good: bool,
}

impl Source for Sure {
    fn len(&self) -> u64 {
        4
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let data = &b"data"[usize::try_from(from).unwrap()..];
        if self.good {
            return Ok(Box::new(data));
        }
        Ok(Box::new(data.chain(Fails)))
    }

    fn describe(&self) -> String {
        "sure source".to_owned()
    }

    fn sha256(&self) -> Option<[u8; 32]> {
        Some([7; 32])
    }

    fn verifies_itself(&self) -> bool {
        true
    }
}

struct Fails;

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("it is not what it should be"))
    }
}

/// The digest of a source that verifies itself is taken as it is, and its verdict at the end heard.
#[test]
fn a_source_may_verify_itself() {
    let run = |good| {
        let source: Arc<dyn Source> = Arc::new(Sure { good });
        let mut builder = PlanBuilder::new();
        builder.source("data", Arc::clone(&source)).unwrap();
        let expected = extent_image::Digest::from([7; 32]);
        let of = Arc::clone(&source);
        let late = Late::new("digest", 64, move |digests| {
            digests.of(&of).map(|digest| digest.to_string()).unwrap_or_default().into()
        });
        builder.data("late", &extent_image::Data::Late(Arc::new(late))).unwrap();
        let plan = builder.finish();
        let options = StreamOptions::default().with_source_digests(true);
        let outcome = plan.write_to(io::sink(), &options, &mut ());
        outcome.map(|report| assert_eq!(report.source_digests.of(&source), Some(expected)))
    };
    run(true).unwrap();
    let error = run(false).unwrap_err();
    assert!(matches!(error, StreamError::Read { at: 4, .. }), "{error}");
}
