//! What the criterion benchmarks in `benches/` measure: trees and sources that are the same in every
//! run and touch no disk.

use std::sync::Arc;

use extent_image::{
    BytesSource, Data, Meta, NodeId, Source, Timestamp, Tree, TreeBuilder, TreeError,
};

/// Bytes that look random and are the same in every run (Marsaglia's xorshift, 64 bits).
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(len).collect()
}

/// A source of so many bytes of [`noise`], in memory.
pub fn noise_source(len: usize) -> Arc<dyn Source> {
    Arc::new(BytesSource::new("noise", noise(len)))
}

/// A tree of `folders` folders with `files` files of `len` bytes in each. Every file is a source of
/// its own, so nothing is stored once for all.
///
/// # Errors
/// More than a tree can number.
pub fn tree(folders: usize, files: usize, len: usize) -> Result<Tree, TreeError> {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let content = BytesSource::new("noise", noise(len));
    let mut builder = TreeBuilder::new(meta);
    for folder in 0..folders {
        let folder = builder.folder(NodeId::ROOT, &format!("Folder {folder:03}"), meta)?;
        for file in 0..files {
            let source: Arc<dyn Source> = Arc::new(content.clone());
            let name = format!("File with a long name {file:03}.data");
            builder.file(folder, &name, meta, Data::Source(source))?;
        }
    }
    builder.finish()
}
