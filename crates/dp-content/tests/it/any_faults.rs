//! Any faults at any places, and any ways to read: the same bytes, or an error.

use std::io::Read;
use std::sync::Arc;

use dp_content::ContentError;
use proptest::prelude::*;

use crate::doubles::{Act, Scripted, bytes, content, lost};
use crate::flow::{kinds, read, source};

const MIB: usize = 1 << 20;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_faults_give_the_same_bytes_or_an_error(
        len in 0..2 * MIB,
        cuts in proptest::collection::vec((0..2 * MIB, 0..4_usize, any::<bool>()), 0..12),
        opens in proptest::collection::vec((0..3 * MIB, 1..600_000_usize), 1..6),
        flip in proptest::option::of((0..3 * MIB, 0..2_usize)),
        step in 1000..300_000_usize,
    ) {
        let data = bytes(len);
        let acts = |wanted: bool| {
            let act = |(at, kind, _): &(usize, usize, bool)| match kind {
                0 => Act::Cut(*at),
                1 => Act::Early(*at),
                2 => Act::Stall(*at),
                _ => Act::Refuse(lost()),
            };
            cuts.iter().filter(move |(.., first)| *first == wanted).map(act).collect::<Vec<_>>()
        };
        let location = |n: usize, name: &str| {
            let location = Scripted::whole(name, &data).acts(acts(n == 0)).step(step);
            match flip {
                Some((at, which)) if which == n && len > 0 => location.flipped(at % len),
                _ => location,
            }
        };
        let (first, second) = (Arc::new(location(0, "A")), Arc::new(location(1, "B")));
        let (content, _) = content(&[&first, &second]);
        let source = source(&content);
        let mut wrong = false;
        for (from, count) in opens {
            let from = from.min(len);
            let mut part = vec![0; count.min(len - from)];
            let to = from + part.len();
            match source.open(from as u64).unwrap().read_exact(&mut part) {
                Ok(()) => wrong |= part != data[from..to],
                Err(error) => prop_assert!(ContentError::in_io(&error).is_some(), "{}", error),
            }
            if let Ok(all) = read(&*source, 0) {
                prop_assert!(all == data);
            }
        }
        if wrong {
            // Bytes of a part can be wrong until it is settled; then somebody must know.
            let settled = content.settle();
            prop_assert!(settled.is_err() || kinds(&content).contains(&"bad-copy"));
        }
        while content.settle().is_err() {
            prop_assert!(content.can_go_on(), "{:?}", content.events());
        }
        prop_assert!(read(&*source, 0).unwrap() == data);
    }
}
