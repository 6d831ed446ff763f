//! Any plan on any drives.

use extent_image::{DriveOptions, PlanBuilder};
use proptest::prelude::*;

use crate::drives::{MIB, assert_holds, write};
use crate::scripted::Drive;
use crate::sinks::{build, piece};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn drives_hold_their_plans(
        pieces in proptest::collection::vec(piece(), 0..12),
        head in prop_oneof![Just(0u64), 1..5000u64, 60_000..400_000u64],
        tails in proptest::collection::vec(0..200_000u64, 1..4),
        blocks in proptest::collection::vec(prop_oneof![Just(512u32), Just(4096)], 4),
        gap in 0..5u64,
        verify: bool,
    ) {
        let (body, _) = build(&pieces, &mut None);
        let start = gap * 32_768;
        let plans: Vec<_> = tails
            .iter()
            .zip(0u8..)
            .map(|(tail, number)| {
                let mut builder = PlanBuilder::new();
                builder.bytes("table", vec![number; 600.min(start as usize)]).unwrap();
                builder.free_to("gap", start).unwrap();
                builder.plan(&body).unwrap();
                builder.zero_to("pad", builder.position().next_multiple_of(4096)).unwrap();
                builder.free_to("room", builder.position() + tail).unwrap();
                builder.bytes("tail", vec![!number; 1000]).unwrap();
                builder.finish()
            })
            .collect();
        // The padding is the same in all.
        let end = (start + body.len()).next_multiple_of(4096);
        let drives: Vec<_> = plans
            .iter()
            .zip(&blocks)
            .zip([0, 3 * MIB, 4096].iter().cycle())
            .map(|((plan, block), more)| {
                Drive::with_block(plan.len().next_multiple_of(4096) + more, *block)
            })
            .collect();
        let options = DriveOptions::default().with_body(start..end).with_head(head);
        let report = write(&drives, &plans, &options.with_verify(verify)).unwrap();
        for ((drive, plan), done) in drives.iter().zip(&plans).zip(&report.drives) {
            let done = done.as_ref().unwrap();
            prop_assert!(done.written + done.skipped_free >= plan.len());
            prop_assert_eq!(done.verified, if verify { done.written } else { 0 });
            assert_holds(drive, plan, head.next_multiple_of(4096));
        }
    }
}
