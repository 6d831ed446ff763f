use std::sync::Arc;

use extent_image::{
    Content, Data, Meta, NodeId, PlanBuilder, Source, StreamOptions, Timestamp, TreeBuilder,
};

/// A source without content of its own, as small as a path would be.
struct Repeat(u64);

impl Source for Repeat {
    fn len(&self) -> u64 {
        self.0
    }

    fn open(&self, from: u64) -> std::io::Result<Box<dyn std::io::Read + Send + '_>> {
        Ok(Box::new(std::io::Read::take(std::io::repeat(3), self.0 - from)))
    }

    fn describe(&self) -> String {
        "repeat".to_owned()
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A million files and 8 GB of content: memory is the names and a few numbers for each, and one
/// buffer, whatever the content's length.
#[test]
fn a_million_files_and_gigabytes_of_content() {
    let before = resident();
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut builder = TreeBuilder::new(meta);
    for number in 0..1_000_000 {
        let data: Data = Arc::new(Repeat(8)).into();
        builder.file(NodeId::ROOT, &format!("file-{number}.bin"), meta, data).unwrap();
    }
    let data: Data = Arc::new(Repeat(8 << 30)).into();
    builder.file(NodeId::ROOT, "large.bin", meta, data).unwrap();
    let tree = builder.finish().unwrap();
    let mut plan = PlanBuilder::new();
    for id in tree.data_order() {
        plan.data("file data", tree.data(id).unwrap()).unwrap();
        plan.zero_to("slack", plan.position().next_multiple_of(2048)).unwrap();
    }
    let plan = plan.finish();
    assert!(plan.len() > 8 << 30);
    assert_eq!(
        plan.extents().iter().filter(|e| matches!(e.content(), Content::Zero)).count(),
        1_000_000
    );
    let mut part = |done, _| {
        // The end of the large file comes too late for a debug build; half a gigabyte shows it.
        if done > 1 << 29 {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    };
    let _ = plan.write_to(std::io::sink(), &StreamOptions::default(), &mut part);
    let used = resident() - before;
    assert!(used < 400 << 20, "{} MiB for a million files", used >> 20);
}
