//! The names in the root of media, where a refresh in place is one write of one sector.
//!
//! A sector of 512 bytes has 16 slots. The label takes one, a name of the form 8.3 one, others one more
//! for every 13 characters (Microsoft's FAT specification, section 7):
//!
//! ```text
//! label 1, SHA256SUMS 2, media.json 2, sources, EFI, boot, SMS, bootmgr and bootmgr.efi 1 each    11
//! what was added: 1 for a name like TOOLS or tools, 2 for Tools, more for long ones           5 left
//! MediaLabel.txt 3, autorun.inf 1 where it was asked for         where there is room, 1 or 2 are left
//! LaunchMedia.cmd 3                                                            in the second sector
//! ```
//!
//! What is left is for a folder that a refresh adds.

use std::collections::HashSet;

use extent_image::{NodeId, Tree};
use media_model::MediaPath;

use super::old_media::fold;

/// What changes with the boot image and the capture, first on every stick of ours.
const FIRST: [&str; 8] =
    ["SHA256SUMS", "media.json", "sources", "EFI", "boot", "SMS", "bootmgr", "bootmgr.efi"];

/// What changes with the label.
const WITH_LABEL: [&str; 2] = ["MediaLabel.txt", "autorun.inf"];

/// What no refresh changes.
pub(crate) const LAST: [&str; 1] = ["LaunchMedia.cmd"];

/// What tells firmware and people that media is there: it appears with all that it leads to.
pub(super) const SWITCH: [&str; 5] = ["SHA256SUMS", "media.json", "bootmgr", "bootmgr.efi", "EFI"];

/// The names in the root in the order of their slots: added ones before what hardly changes.
pub(crate) fn root_order(tree: &Tree) -> Vec<String> {
    let all = || FIRST.iter().chain(&WITH_LABEL).chain(&LAST);
    let ours = |name: &str| all().any(|ours| ours.eq_ignore_ascii_case(name));
    let names = tree.children(NodeId::ROOT).iter().map(|id| tree.name(*id));
    let added = names.filter(|name| !ours(name));
    FIRST.into_iter().chain(added).chain(WITH_LABEL).map(str::to_owned).collect()
}

/// Files of the media whose places are ours on every stick: all but what was added, which may have
/// been the user's there before.
pub(super) fn own_places(tree: &Tree, added: &[MediaPath]) -> Vec<String> {
    let added: HashSet<String> = added.iter().map(|path| fold(&path.to_slash())).collect();
    let files = tree.data_order().into_iter().map(|id| tree.path(id));
    files.filter(|path| !added.contains(&fold(path))).collect()
}

#[cfg(test)]
mod tests {
    use extent_image::{Data, Meta, Timestamp, TreeBuilder};

    use super::*;

    #[test]
    fn what_was_added_may_be_the_users() {
        let meta = Meta::at(Timestamp::from_unix_seconds(1_600_000_000));
        let mut builder = TreeBuilder::new(meta);
        let folder = builder.folder(NodeId::ROOT, "sources", meta).unwrap();
        for name in ["boot.wim", "install.wim"] {
            builder.file(folder, name, meta, Data::bytes("file", "text".to_owned())).unwrap();
        }
        let tree = builder.finish().unwrap();
        let added = [MediaPath::new(r"Sources\Install.wim").unwrap()];
        assert_eq!(own_places(&tree, &added), ["sources/boot.wim"]);
    }
}
