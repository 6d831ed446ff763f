//! A bridge of a folder with a SHA256SUMS at its end: what `capmedia create` does to bytes, so that
//! the price of the manifest can be told apart from that of the bare writer.
//!
//! ```text
//! manifest-iso FOLDER IMAGE
//! ```

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use extent_image::{
    Data, Digests, Late, Meta, NodeId, Source, StreamOptions, Timestamp, TreeBuilder, scan,
};
use iso9660_image::{Format, ImageOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1);
    let (Some(folder), Some(image)) = (args.next(), args.next()) else {
        return Err("usage: manifest-iso FOLDER IMAGE".into());
    };
    let root = Meta::at(Timestamp::FAT_EPOCH);
    let mut builder = TreeBuilder::new(root);
    let mut folders = HashMap::from([(String::new(), NodeId::ROOT)]);
    let mut listed: Vec<(String, Arc<dyn Source>)> = Vec::new();
    for entry in scan::host_folder(Path::new(&folder))? {
        let (parent, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        // A folder comes before what is in it.
        let parent = folders.get(parent).copied().unwrap_or(NodeId::ROOT);
        let meta = Meta::at(entry.modified);
        if let Some(file) = entry.file {
            let source: Arc<dyn Source> = file;
            builder.file(parent, name, meta, Data::Source(Arc::clone(&source)))?;
            listed.push((entry.path, source));
        } else {
            let id = builder.folder(parent, name, meta)?;
            folders.insert(entry.path, id);
        }
    }
    let len: usize = listed.iter().map(|(path, _)| 64 + 2 + path.len() + 1).sum();
    let make = move |digests: &Digests| {
        let line = |(path, source): &(String, Arc<dyn Source>)| {
            digests.of(source).map(|digest| format!("{digest}  {path}\n"))
        };
        Bytes::from(listed.iter().filter_map(line).collect::<String>())
    };
    let manifest = Late::new("SHA256SUMS", u64::try_from(len)?, make);
    let file = builder.file(NodeId::ROOT, "SHA256SUMS", root, Data::Late(Arc::new(manifest)))?;
    builder.set_rank(file, i32::MAX);

    let options = ImageOptions::from_label("CDROM").with_format(Format::Bridge);
    let disc = iso9660_image::plan(&builder.finish()?, &options)?;
    let file = File::create_new(image)?;
    let _ = disc.plan().write_file(&file, &StreamOptions::default(), &mut ())?;
    Ok(())
}
