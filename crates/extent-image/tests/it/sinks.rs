use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use extent_image::{BytesSource, Digest, Late, Plan, PlanBuilder, Source, SourceId, StreamOptions};
use proptest::prelude::*;

/// A piece of a plan, for generating.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    Source(Vec<u8>),
    Part(Vec<u8>, usize, usize),
    Again,
    Zero(u64),
    Free(u64),
    Nested(Vec<Piece>),
}

pub(crate) fn piece() -> impl Strategy<Value = Piece> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..300);
    // Lengths around the hole limit and the buffer size matter.
    let long = prop_oneof![0u64..70, 65_000u64..66_000, Just(1 << 20), Just((1 << 20) + 1)];
    let big = prop_oneof![Just(1usize << 18), Just((1 << 18) - 1), Just(1 << 20), Just(700_001)]
        .prop_map(|len| (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect::<Vec<u8>>());
    let leaf = prop_oneof![
        4 => bytes().prop_map(Piece::Bytes),
        4 => bytes().prop_map(Piece::Source),
        1 => big.prop_map(Piece::Source),
        2 => (bytes(), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(b, i, j)| {
            let (i, j) = (i.index(b.len() + 1), j.index(b.len() + 1));
            Piece::Part(b, i.min(j), i.max(j))
        }),
        2 => Just(Piece::Again),
        2 => long.clone().prop_map(Piece::Zero),
        2 => long.prop_map(Piece::Free),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        proptest::collection::vec(inner, 0..4).prop_map(Piece::Nested)
    })
}

/// Builds the plan and, apart from it, the bytes it must give.
pub(crate) fn build(pieces: &[Piece], last: &mut Option<Arc<dyn Source>>) -> (Plan, Vec<u8>) {
    let mut builder = PlanBuilder::new();
    let mut expected = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => {
                builder.bytes("bytes", bytes.clone()).unwrap();
                expected.extend_from_slice(bytes);
            }
            Piece::Source(bytes) => {
                let source: Arc<dyn Source> = Arc::new(BytesSource::new("source", bytes.clone()));
                builder.source("source", Arc::clone(&source)).unwrap();
                expected.extend_from_slice(bytes);
                *last = Some(source);
            }
            Piece::Part(bytes, from, to) => {
                let source: Arc<dyn Source> = Arc::new(BytesSource::new("part", bytes.clone()));
                let (start, len) = (*from as u64, (to - from) as u64);
                builder.source_part("part", source, start, len).unwrap();
                expected.extend_from_slice(&bytes[*from..*to]);
            }
            Piece::Again => {
                if let Some(source) = last {
                    builder.source("again", Arc::clone(source)).unwrap();
                    source.open(0).unwrap().read_to_end(&mut expected).unwrap();
                }
            }
            Piece::Zero(len) => {
                builder.zero("zero", *len).unwrap();
                expected.resize(expected.len() + usize::try_from(*len).unwrap(), 0);
            }
            Piece::Free(len) => {
                builder.free_to("free", builder.position() + len).unwrap();
                expected.resize(expected.len() + usize::try_from(*len).unwrap(), 0);
            }
            Piece::Nested(inner) => {
                let (plan, bytes) = build(inner, last);
                builder.plan(&plan).unwrap();
                expected.extend(bytes);
            }
        }
    }
    (builder.finish(), expected)
}

/// Takes one byte at a time.
struct OneByte(Vec<u8>);

impl Write for OneByte {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend(bytes.first());
        Ok(bytes.len().min(1))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn all_digests() -> StreamOptions {
    StreamOptions::default().with_image_digest(true).with_source_digests(true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_sink_gets_the_same_bytes(pieces in proptest::collection::vec(piece(), 0..8)) {
        let (plan, expected) = build(&pieces, &mut None);
        prop_assert_eq!(plan.len(), expected.len() as u64);
        let mut end = 0;
        for extent in plan.extents() {
            prop_assert_eq!(extent.start(), end);
            prop_assert!(extent.len() > 0);
            end = extent.end();
        }
        prop_assert_eq!(end, plan.len());

        let mut plain = Vec::new();
        let report = plan.write_to(&mut plain, &StreamOptions::default(), &mut ()).unwrap();
        prop_assert!(plain == expected, "pipe");
        prop_assert_eq!(report.image_digest, None);
        prop_assert_eq!(report.written, plan.len());

        let mut hashed = Vec::new();
        let report = plan.write_to(&mut hashed, &all_digests(), &mut ()).unwrap();
        prop_assert!(hashed == expected, "pipe with digests");
        prop_assert_eq!(report.image_digest, Some(Digest::of(&expected)));

        if expected.len() < 200_000 {
            let mut slow = OneByte(Vec::new());
            let _ = plan.write_to(&mut slow, &StreamOptions::default(), &mut ()).unwrap();
            prop_assert!(slow.0 == expected, "one byte at a time");
        }

        for options in [StreamOptions::default(), all_digests()] {
            let mut file = tempfile::tempfile().unwrap();
            let _ = plan.write_file(&file, &options, &mut ()).unwrap();
            let mut written = Vec::new();
            file.seek(SeekFrom::Start(0)).unwrap();
            file.read_to_end(&mut written).unwrap();
            prop_assert!(written == expected, "file");
        }

        let mut read = Vec::new();
        plan.reader().read_to_end(&mut read).unwrap();
        prop_assert!(read == expected, "reader");
        let as_source: &dyn Source = &plan;
        let middle = plan.len() / 2;
        let mut tail = Vec::new();
        as_source.open(middle).unwrap().read_to_end(&mut tail).unwrap();
        prop_assert!(tail == expected[usize::try_from(middle).unwrap()..], "plan as a source");
    }

    #[test]
    fn reading_anywhere_gives_the_bytes_there(
        pieces in proptest::collection::vec(piece(), 1..6),
        places in proptest::collection::vec((any::<prop::sample::Index>(), 1usize..400), 1..20),
    ) {
        let (plan, expected) = build(&pieces, &mut None);
        let mut reader = plan.reader();
        for (place, len) in places {
            let at = place.index(expected.len() + 1);
            reader.seek(SeekFrom::Start(at as u64)).unwrap();
            let mut found = vec![0; len.min(expected.len() - at)];
            reader.read_exact(&mut found).unwrap();
            prop_assert!(found == expected[at..at + found.len()]);
        }
        reader.seek(SeekFrom::End(0)).unwrap();
        prop_assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    }
}

#[test]
fn late_content_knows_every_digest_even_of_sources_behind_it() {
    let before: Arc<dyn Source> = Arc::new(BytesSource::new("before", vec![1; 3 << 20]));
    let split: Arc<dyn Source> = Arc::new(BytesSource::new("split", vec![2; 100]));
    let after: Arc<dyn Source> = Arc::new(BytesSource::new("after", "behind"));
    let empty: Arc<dyn Source> = Arc::new(BytesSource::new("empty", ""));
    let wanted = [&before, &split, &after, &empty].map(Arc::clone);
    let late = Late::new("list", 4 * 64, move |digests| {
        let list: String = wanted.iter().map(|s| digests.of(s).unwrap().to_string()).collect();
        list.into()
    });
    let data = extent_image::Data::Late(Arc::new(late));
    let mut builder = PlanBuilder::new();
    builder.source("data", before).unwrap();
    builder.source_part("data", Arc::clone(&split), 50, 50).unwrap();
    builder.source_part("data", split, 0, 50).unwrap();
    builder.data("late", &data).unwrap();
    builder.source("data", after).unwrap();
    let plan = builder.finish();

    let list: String = [&vec![1; 3 << 20][..], &[2; 100], b"behind", b""]
        .map(|b| Digest::of(b).to_string())
        .concat();
    let mut piped = Vec::new();
    let report = plan.write_to(&mut piped, &StreamOptions::default(), &mut ()).unwrap();
    let place = (3 << 20) + 100..(3 << 20) + 100 + list.len();
    assert_eq!(std::str::from_utf8(&piped[place]).unwrap(), list);
    // Asked for nothing, but the late content needed them.
    assert!(report.source_digests.len() >= 2);
    let mut read = Vec::new();
    plan.reader().read_to_end(&mut read).unwrap();
    assert!(read == piped);
}

#[test]
fn parts_in_another_order_are_not_taken_for_the_source() {
    let bytes: Vec<u8> = (0..30).collect();
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("s", bytes.clone()));
    for order in [[0, 20, 10], [0, 10, 20], [20, 10, 0], [10, 0, 20]] {
        let mut builder = PlanBuilder::new();
        for from in order {
            builder.source_part("part", Arc::clone(&source), from, 10).unwrap();
        }
        let options = StreamOptions::default().with_source_digests(true);
        let report = builder.finish().write_to(io::sink(), &options, &mut ()).unwrap();
        let digest = report.source_digests.of(&source);
        assert!(digest.is_none_or(|digest| digest == Digest::of(&bytes)), "{order:?}");
        assert_eq!(digest.is_some(), order == [0, 10, 20], "{order:?}");
    }
}

#[test]
fn what_was_in_the_file_does_not_show_through_holes() {
    let mut builder = PlanBuilder::new();
    builder.bytes("head", "head").unwrap();
    builder.zero("gap", 1 << 20).unwrap();
    builder.bytes("tail", "tail").unwrap();
    let plan = builder.finish();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&vec![0xAA; 3 << 20]).unwrap();
    let _ = plan.write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
    let (mut written, mut expected) = (Vec::new(), Vec::new());
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut written).unwrap();
    plan.reader().read_to_end(&mut expected).unwrap();
    assert!(written == expected);
}

#[test]
fn holes_are_not_written() {
    let mut builder = PlanBuilder::new();
    builder.bytes("head", vec![1; 4096]).unwrap();
    builder.zero("gap", 200 << 20).unwrap();
    builder.bytes("tail", vec![2; 4096]).unwrap();
    builder.free_to("room", 400 << 20).unwrap();
    let plan = builder.finish();
    let file = tempfile::tempfile().unwrap();
    let report = plan.write_file(&file, &StreamOptions::default(), &mut ()).unwrap();
    assert_eq!(report.written, 8192);
    assert_eq!(file.metadata().unwrap().len(), 400 << 20);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert!(file.metadata().unwrap().blocks() * 512 < 1 << 20);
    }
}

#[test]
fn equal_requests_give_equal_plans() {
    let source: Arc<dyn Source> = Arc::new(BytesSource::new("s", "abc"));
    let make = |role| {
        let mut builder = PlanBuilder::new();
        builder.bytes(role, "x").unwrap();
        builder.source("data", Arc::clone(&source)).unwrap();
        builder.finish()
    };
    assert_eq!(make("a"), make("a"));
    assert_ne!(make("a"), make("b"));
    assert_eq!(SourceId::of(&source), SourceId::of(&Arc::clone(&source)));
}
