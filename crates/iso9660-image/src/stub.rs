//! The primary tree of a disc whose files are in UDF only.

use extent_image::{Data, NodeId, Tree, TreeBuilder};

use crate::error::PlanError;
use crate::options::ImageOptions;

/// The text that everything without UDF shows.
const NAME: &str = "README.TXT";
const TEXT: &str = "\
The files of this disc are in its UDF file system.\r\n\
\r\n\
What you use to read it sees the ISO 9660 part alone, which holds nothing but\r\n\
this text. Open the disc with a system or program that reads UDF 1.02.\r\n";

/// A root with the text, as old as the newest file of the disc.
pub(crate) fn tree(tree: &Tree, options: &ImageOptions) -> Result<Tree, PlanError> {
    let mut meta = tree.meta(NodeId::ROOT);
    let mut stub = TreeBuilder::new(meta);
    meta.modified = tree.newest();
    let text = options.stub_text.clone().unwrap_or_else(|| TEXT.to_owned());
    stub.file(NodeId::ROOT, NAME, meta, Data::bytes("README.TXT", text))?;
    Ok(stub.finish()?)
}

/// The text of a stub.
pub(crate) fn readme(stub: &Tree) -> Option<&Data> {
    stub.children(NodeId::ROOT).first().and_then(|file| stub.data(*file))
}
