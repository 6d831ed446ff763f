//! Facts become the media tree: every file of the media has its name, place, time and order. Pure:
//! nothing is opened.

use bytes::Bytes;
use extent_image::{Data, Digest, Hasher, NodeId, Timestamp, Tree};
use media_model::{MediaLabel, MediaPath};

use crate::layout::{Collision, Layout, LayoutError};
use crate::manifest::{DESCRIPTION, Description, MANIFEST, manifest};
use crate::unconfirmed;

/// Order of content on a volume. What firmware and boot manager read lies in front: an image of more
/// than 4.5 GB does not start otherwise (iso-format, section 11).
mod rank {
    pub(super) const BOOT_PROGRAM: i16 = 0;
    pub(super) const BOOT_MANAGER: i16 = 1;
    pub(super) const BOOT_FILE: i16 = 2;
    pub(super) const BOOT_IMAGE: i16 = 3;
    pub(super) const OTHER: i16 = 4;
    pub(super) const MANIFEST: i16 = 5;
}

/// A boot file with its place on the media.
#[derive(Debug, Clone)]
pub(crate) struct BootFileAt {
    pub(crate) path: MediaPath,
    pub(crate) data: Data,
    pub(crate) modified: Timestamp,
    pub(crate) part: Part,
}

/// What a boot file is to the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Started by the BIOS from a disc.
    BiosProgram,
    /// Started by UEFI from a disc.
    EfiImage,
    /// Started by boot code or firmware by its name.
    BootManager,
    /// Read by the boot manager.
    Other,
}

/// A file or folder that the operator adds.
#[derive(Debug, Clone)]
pub(crate) struct Added {
    pub(crate) path: MediaPath,
    pub(crate) modified: Timestamp,
    /// `None` for a folder.
    pub(crate) data: Option<Data>,
    pub(crate) origin: String,
}

/// All that the tree follows from.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) label: MediaLabel,
    pub(crate) include_autorun: bool,
    pub(crate) architecture: String,
    /// Digest of the boot code outside the file system, where there is some.
    pub(crate) boot_code: Option<Digest>,
    pub(crate) boot_image: Data,
    pub(crate) boot_image_modified: Timestamp,
    pub(crate) boot_files: Vec<BootFileAt>,
    pub(crate) added: Vec<Added>,
    /// `SOURCE_DATE_EPOCH`.
    pub(crate) newest_allowed: Option<Timestamp>,
}

/// The tree of a medium and what its format writer must know of it.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) tree: Tree,
    pub(crate) bios_program: Option<NodeId>,
    pub(crate) efi_image: Option<NodeId>,
    pub(crate) description: Description,
    /// 16 bytes that follow from the content; the text form is in `description`.
    pub(crate) set_id: [u8; 16],
}

/// The media cannot be laid out as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// Two files want one path.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// A name no tree can hold.
    #[error(transparent)]
    Tree(#[from] extent_image::TreeError),
    /// A path of our own is not one; a mistake in this program.
    #[error("the media path {path:?} of a boot file is not one; please report this")]
    OwnPath {
        /// The path.
        path: String,
    },
}

impl From<LayoutError> for ComposeError {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::Collision(error) => Self::Collision(error),
            LayoutError::Tree(error) => Self::Tree(error),
        }
    }
}

/// Names every file of the media.
pub(crate) fn compose(facts: &Facts) -> Result<Composed, ComposeError> {
    let time = facts.boot_image_modified;
    let mut layout = Layout::new(time, facts.newest_allowed);
    let mut files = Vec::new();
    let (mut bios_program, mut efi_image) = (None, None);
    for file in &facts.boot_files {
        let rank = match file.part {
            Part::BiosProgram | Part::EfiImage => rank::BOOT_PROGRAM,
            Part::BootManager => rank::BOOT_MANAGER,
            Part::Other => rank::BOOT_FILE,
        };
        let origin = file.data.describe();
        let placed = layout.file(&file.path, file.modified, file.data.clone(), rank, &origin)?;
        match file.part {
            Part::BiosProgram => bios_program = Some(placed.id),
            Part::EfiImage => efi_image = Some(placed.id),
            Part::BootManager | Part::Other => {}
        }
        files.push((placed.path, file.data.clone()));
    }

    let boot_image = own_path(r"sources\boot.wim")?;
    let origin = facts.boot_image.describe();
    layout.file(&boot_image, time, facts.boot_image.clone(), rank::BOOT_IMAGE, &origin)?;
    files.push((boot_image, facts.boot_image.clone()));

    let mut own = vec![("MediaLabel.txt", Bytes::from(facts.label.media_label_txt()))];
    if facts.include_autorun {
        own.push(("autorun.inf", Bytes::from(unconfirmed::autorun_inf(facts.label.as_str()))));
    }
    for (name, bytes) in own {
        let (path, data) = (own_path(name)?, Data::bytes(name, bytes));
        layout.file(&path, time, data.clone(), rank::OTHER, "capmedia")?;
        files.push((path, data));
    }
    for added in &facts.added {
        match &added.data {
            None => {
                layout.folder(&added.path, &added.origin)?;
            }
            Some(data) => {
                let (path, origin) = (&added.path, &added.origin);
                let placed =
                    layout.file(path, added.modified, data.clone(), rank::OTHER, origin)?;
                files.push((placed.path, data.clone()));
            }
        }
    }

    let set_id = set_id(facts, &files);
    let description = Description {
        format: 1,
        media: "capture".to_owned(),
        label: facts.label.as_str().to_owned(),
        set_id: uuid_text(&set_id),
        volume: 1,
        volumes: 1,
        architecture: facts.architecture.clone(),
        boot_code: facts.boot_code.map(|digest| digest.to_string()),
    };
    let path = own_path(DESCRIPTION)?;
    let data = Data::bytes(DESCRIPTION, description.to_bytes());
    layout.file(&path, time, data.clone(), rank::OTHER, "capmedia")?;
    files.push((path, data));

    let late = manifest(files.into_iter().map(|(path, data)| (path.to_slash(), data)));
    let late = Data::Late(std::sync::Arc::new(late));
    layout.file(&own_path(MANIFEST)?, time, late, rank::MANIFEST, "capmedia")?;
    let tree = layout.finish()?;
    Ok(Composed { tree, bios_program, efi_image, description, set_id })
}

fn own_path(path: &str) -> Result<MediaPath, ComposeError> {
    MediaPath::new(path).map_err(|_| ComposeError::OwnPath { path: path.to_owned() })
}

/// Identity of a set of media: it follows from label, paths, sizes and the time of the boot image,
/// so the same input gives the same id and nothing else goes in.
fn set_id(facts: &Facts, files: &[(MediaPath, Data)]) -> [u8; 16] {
    let mut hasher = Hasher::new();
    hasher.update(b"capmedia set id, version 1\0");
    let mut text = |text: &str| {
        hasher.update(text.as_bytes());
        hasher.update(&[0]);
    };
    text(facts.label.as_str());
    let time = facts.boot_image_modified;
    let time = facts.newest_allowed.map_or(time, |newest| time.min(newest));
    text(&time.unix_seconds().to_string());
    let mut sorted: Vec<_> = files.iter().map(|(path, data)| (path, data.len())).collect();
    sorted.sort_unstable();
    for (path, len) in sorted {
        text(&path.to_slash());
        text(&len.to_string());
    }
    let digest = hasher.finish();
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    // RFC 9562: version 8, a value of the application's own making, in the variant of the RFC.
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut id;
    *version = *version & 0x0F | 0x80;
    *variant = *variant & 0x3F | 0x80;
    id
}

fn uuid_text(id: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in id.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use media_model::is_own_file;

    use super::*;

    fn facts() -> Facts {
        let time = Timestamp::from_unix_seconds(1_700_000_000);
        let boot_file = |path: &str, part| BootFileAt {
            path: MediaPath::new(path).unwrap(),
            data: Data::bytes("boot file", path.to_owned()),
            modified: time,
            part,
        };
        Facts {
            label: MediaLabel::default(),
            include_autorun: true,
            architecture: "x64".into(),
            boot_code: None,
            boot_image: Data::bytes("boot.wim", "wim"),
            boot_image_modified: time,
            boot_files: vec![
                boot_file("bootmgr", Part::BootManager),
                boot_file(r"boot\etfsboot.com", Part::BiosProgram),
                boot_file(r"EFI\Boot\bootx64.efi", Part::BootManager),
                boot_file(r"EFI\Microsoft\Boot\bcd", Part::Other),
            ],
            added: vec![],
            newest_allowed: None,
        }
    }

    #[test]
    fn every_file_has_its_place_and_order() {
        let composed = compose(&facts()).unwrap();
        let tree = &composed.tree;
        let order: Vec<_> = tree.data_order().into_iter().map(|id| tree.path(id)).collect();
        assert_eq!(
            order,
            [
                "boot/etfsboot.com",
                "EFI/Boot/bootx64.efi",
                "bootmgr",
                "EFI/Microsoft/Boot/bcd",
                "sources/boot.wim",
                "MediaLabel.txt",
                "autorun.inf",
                "media.json",
                "SHA256SUMS",
            ]
        );
        assert_eq!(tree.path(composed.bios_program.unwrap()), "boot/etfsboot.com");
        assert_eq!(composed.efi_image, None);
        assert_eq!(composed.description.set_id.as_bytes()[14], b'8');
    }

    #[test]
    fn what_we_make_is_what_requests_may_not_add() {
        let composed = compose(&facts()).unwrap();
        for id in composed.tree.data_order() {
            let path = composed.tree.path(id);
            let path = MediaPath::new(&path).unwrap();
            let from_boot_image = path.to_slash() == "boot/etfsboot.com";
            assert!(from_boot_image || is_own_file(&path, true), "{path}");
        }
    }

    #[test]
    fn identity_follows_content_and_nothing_else() {
        let first = compose(&facts()).unwrap();
        assert_eq!(first.set_id, compose(&facts()).unwrap().set_id);
        let mut other = facts();
        other.boot_image = Data::bytes("boot.wim", "wim!");
        assert_ne!(first.set_id, compose(&other).unwrap().set_id);
        let mut later = facts();
        later.boot_image_modified = Timestamp::from_unix_seconds(1_800_000_000);
        assert_ne!(first.set_id, compose(&later).unwrap().set_id);
        later.newest_allowed = Some(Timestamp::from_unix_seconds(1_700_000_000));
        assert_eq!(first.set_id, compose(&later).unwrap().set_id);
    }

    #[test]
    fn two_added_files_at_one_path_are_refused() {
        let mut twice = facts();
        for origin in ["one", "two"] {
            twice.added.push(Added {
                path: MediaPath::new(r"Tools\a.txt").unwrap(),
                modified: Timestamp::FAT_EPOCH,
                data: Some(Data::bytes("t", "x")),
                origin: origin.into(),
            });
        }
        let Err(ComposeError::Collision(collision)) = compose(&twice) else { panic!("accepted") };
        assert_eq!((&*collision.first, &*collision.second), ("one", "two"));
    }
}
