//! Splits any bytes that open as a WIM, opens the parts as one WIM again and puts the very same
//! bytes together; and gives the bytes to these as parts and as a frame. Nothing may panic, hang or
//! make much out of little.
#![no_main]

use std::ops::ControlFlow;
use std::sync::Arc;

use extent_image::{BytesSource, Plan, ReadAt, Source, StreamOptions};
use libfuzzer_sys::fuzz_target;
use wim_image::{Limits, RestoreError, Wim, frame, restore, split};

/// Small, so that a run stays short whatever sizes the input claims.
const LIMIT: u64 = 4 << 20;

// The first eight bytes are the room for file data in part 1 and in the others; then the WIM.
fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first_chunk() else { return };
    let Some((others, data)) = rest.split_first_chunk() else { return };
    let room = [first, others].map(|room| u64::from(u32::from_le_bytes(*room)) % LIMIT);
    whole(data, room);
    let source = source(data);
    let _ = restore(&source, std::slice::from_ref(&source));
});

fn source(bytes: &[u8]) -> Arc<dyn Source> {
    Arc::new(BytesSource::new("input", bytes.to_vec()))
}

fn bytes_of(plan: &Plan) -> Vec<u8> {
    let mut bytes = Vec::new();
    let report = plan.write_to(&mut bytes, &StreamOptions::default(), &mut ());
    let _ = report.expect("memory neither ends nor changes");
    bytes
}

fn whole(data: &[u8], room: [u64; 2]) {
    let limits = Limits::new()
        .with_table(LIMIT)
        .with_xml(LIMIT)
        .with_metadata(LIMIT)
        .with_in_memory(LIMIT)
        .with_entries(2000)
        .with_depth(64);
    let bytes = BytesSource::new("input", data.to_vec());
    let Ok(wim) = Wim::open_with_limits(Arc::new(bytes), limits) else { return };
    let source = source(data);
    let Ok(single) = split(&wim, &source, &[]) else { return };
    assert_eq!(single.len(), 1);
    // Resources lie apart; the blob table unpacks to no more than the file, the XML lies in it.
    let len = single.iter().map(|part| part.plan().len()).sum::<u64>();
    assert!(len <= 3 * data.len() as u64);

    let room = room.map(|room| room + len / 4);
    let Ok(parts) = split(&wim, &source, &room) else { return };
    assert!(parts.iter().all(|part| part.plan().len() <= room[usize::from(part.number() > 1)]));
    let parts: Vec<Vec<u8>> = parts.iter().take(20).map(|part| bytes_of(part.plan())).collect();
    let all: Vec<Arc<dyn ReadAt>> = parts
        .iter()
        .map(|part| -> Arc<dyn ReadAt> { Arc::new(BytesSource::new("part", part.clone())) })
        .collect();
    let Ok(set) = Wim::open_set_with_limits(all, limits) else { return };
    assert_eq!((set.infos(), set.boot_index()), (wim.infos(), wim.boot_index()));
    let _ = set.verify(&mut |done, _| {
        if done < 16 * LIMIT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let Ok(frame) = frame(&wim, &source) else { return };
    let parts: Vec<_> = parts.iter().map(|part| self::source(part)).collect();
    match restore(&self::source(&bytes_of(&frame)), &parts) {
        Ok(restored) => assert!(bytes_of(&restored) == data),
        // A packed blob table may unpack to more than the frame's length, and is then not read.
        Err(error) => assert!(matches!(error, RestoreError::Frame { .. }), "{error:?}"),
    }
}
