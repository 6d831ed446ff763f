//! Facts become the media tree: every file of the media has its name, place, time and order. Pure:
//! nothing is opened.

use std::any::Any;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use extent_image::{
    Attributes, BytesSource, Data, Digest, Hasher, Meta, NodeId, Source, Timestamp, Tree,
};
use media_model::{MediaLabel, MediaPath};

use crate::tree::layout::{Collision, Layout, LayoutError};
use crate::tree::manifest::{
    DESCRIPTION, Description, FORMAT, JoinedFile, LARGEST_DESCRIPTION, MANIFEST, SetFile, manifest,
};
use crate::tree::media_data::DataFile;
use crate::tree::sequence::SEQUENCE;

/// Order of content on a volume. What firmware and boot manager read lies in front: an image of more
/// than 4.5 GB does not start otherwise (iso-format, section 11).
mod rank {
    pub(super) const BOOT_PROGRAM: i32 = 0;
    pub(super) const BOOT_MANAGER: i32 = 1;
    pub(super) const BOOT_FILE: i32 = 2;
    pub(super) const BOOT_IMAGE: i32 = 3;
    pub(super) const OTHER: i32 = 4;
    pub(super) const MANIFEST: i32 = 5;
}

/// A boot file with its place on the media.
#[derive(Debug, Clone)]
pub(crate) struct BootFileAt {
    pub(crate) path: MediaPath,
    pub(crate) data: Data,
    pub(crate) modified: Timestamp,
    pub(crate) part: Part,
    /// Whether a computer that UEFI starts reads it.
    pub(crate) for_uefi: bool,
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
    /// Of a file; a folder has none.
    pub(crate) attributes: Attributes,
    /// Which `--add` or `--package` it comes from, counted from 0: these stay together on one volume of a set if
    /// they can.
    pub(crate) group: usize,
}

/// What one volume holds of the [`Facts`], and what it says of itself.
pub(crate) struct Share<'a> {
    pub(crate) added: &'a mut dyn Iterator<Item = &'a Added>,
    /// `None` for media of one volume.
    pub(crate) set: Option<SetShare>,
}

/// A volume of a set. What makes the media start is on the first.
pub(crate) struct SetShare {
    pub(crate) id: [u8; 16],
    pub(crate) description: Description,
    /// `media.json`, with room for what is not known yet while volumes are measured.
    pub(crate) bytes: Bytes,
}

/// All that the tree follows from.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) label: MediaLabel,
    pub(crate) architecture: String,
    /// The image is a disc and a stick.
    pub(crate) hybrid: bool,
    /// Digest of the boot code that is in no file, where there is some.
    pub(crate) boot_code: Option<Digest>,
    pub(crate) boot_image: Data,
    pub(crate) boot_image_modified: Timestamp,
    pub(crate) boot_files: Vec<BootFileAt>,
    /// On the first volume, behind the boot image.
    pub(crate) media_data: Vec<DataFile>,
    pub(crate) added: Vec<Added>,
    /// Files that stand on media of one volume in parts, which are among the added ones.
    pub(crate) joins: Vec<JoinedFile>,
    /// `SOURCE_DATE_EPOCH`.
    pub(crate) newest_allowed: Option<Timestamp>,
    /// What else is known of content that is not read while media is planned.
    pub(crate) known: Vec<String>,
    /// The task sequence holds a password.
    pub(crate) holds_password: bool,
}

impl Facts {
    /// A time as it stands on the media.
    pub(crate) fn clamped(&self, time: Timestamp) -> Timestamp {
        self.newest_allowed.map_or(time, |newest| time.min(newest))
    }
}

/// The tree of a medium and what its format writer must know of it.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) tree: Arc<Tree>,
    pub(crate) bios_program: Option<NodeId>,
    pub(crate) efi_image: Option<NodeId>,
    /// All that UEFI reads before Windows PE runs.
    pub(crate) uefi_files: Vec<NodeId>,
    pub(crate) description: Description,
    /// 16 bytes that follow from the content; the text form is in `description`.
    pub(crate) set_id: [u8; 16],
    /// The added files and folders, in the order given, by the paths they got: a folder keeps the
    /// case in which it came first.
    pub(crate) added: Vec<MediaPath>,
    /// The boot image; it is on the first volume.
    pub(crate) boot_image: Option<NodeId>,
    /// The added files, those of packages among them.
    pub(crate) packages: Vec<NodeId>,
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
    /// The description would be longer than any that is read back.
    #[error(
        "{DESCRIPTION}, which lists every file of the set, would have {len} bytes, {allowed} are \
         allowed; add fewer files, or an archive of them"
    )]
    DescriptionTooLong {
        /// Its length.
        len: u64,
        /// What is allowed.
        allowed: u64,
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

/// Names every file of media of one volume.
pub(crate) fn compose(facts: &Facts) -> Result<Composed, ComposeError> {
    compose_volume(facts, Share { added: &mut facts.added.iter(), set: None })
}

/// Names every file of one volume.
pub(crate) fn compose_volume(facts: &Facts, share: Share<'_>) -> Result<Composed, ComposeError> {
    let starts = share.set.as_ref().is_none_or(|set| set.description.volume == 1);
    let time = facts.boot_image_modified;
    let own = Meta::at(time);
    let mut layout = Layout::new(time, facts.newest_allowed);
    let mut files = Vec::new();
    let (mut bios_program, mut efi_image, mut boot_image_at) = (None, None, None);
    let mut packages = Vec::new();
    let mut uefi_files = Vec::new();
    for file in facts.boot_files.iter().filter(|_| starts) {
        let rank = match file.part {
            Part::BiosProgram | Part::EfiImage => rank::BOOT_PROGRAM,
            Part::BootManager => rank::BOOT_MANAGER,
            Part::Other => rank::BOOT_FILE,
        };
        let origin = file.data.describe();
        let placed =
            layout.file(&file.path, Meta::at(file.modified), file.data.clone(), rank, &origin)?;
        match file.part {
            Part::BiosProgram => bios_program = Some(placed.id),
            Part::EfiImage => efi_image = Some(placed.id),
            Part::BootManager | Part::Other => {}
        }
        if file.for_uefi && file.part != Part::EfiImage {
            uefi_files.push(placed.id);
        }
        files.push((placed.path, file.data.clone()));
    }

    if starts {
        let boot_image = own_path(r"sources\boot.wim")?;
        let origin = facts.boot_image.describe();
        let placed =
            layout.file(&boot_image, own, facts.boot_image.clone(), rank::BOOT_IMAGE, &origin)?;
        uefi_files.push(placed.id);
        boot_image_at = Some(placed.id);
        files.push((boot_image, facts.boot_image.clone()));
        let label = own_path("MediaLabel.txt")?;
        let data = Data::bytes("MediaLabel.txt", facts.label.media_label_txt());
        layout.file(&label, own, data.clone(), rank::OTHER, "capmedia")?;
        files.push((label, data));
        for file in &facts.media_data {
            let (data, origin) = (file.data.clone(), &file.origin);
            let placed =
                layout.file(&file.path, Meta::at(file.modified), data, rank::OTHER, origin)?;
            files.push((placed.path, file.data.clone()));
        }
    }
    let mut placed_added = Vec::new();
    for added in share.added {
        match &added.data {
            None => {
                let (_, path) = layout.folder(&added.path, &added.origin)?;
                placed_added.push(path);
            }
            Some(data) => {
                let (path, origin) = (&added.path, &added.origin);
                let meta = Meta { modified: added.modified, attributes: added.attributes };
                let placed = layout.file(path, meta, data.clone(), rank::OTHER, origin)?;
                placed_added.push(placed.path.clone());
                packages.push(placed.id);
                files.push((placed.path, data.clone()));
            }
        }
    }

    let SetShare { id: set_id, description, bytes } = share.set.unwrap_or_else(|| {
        let id = set_id(facts, &files);
        let mut description = describe(facts, &id);
        if !facts.joins.is_empty() {
            // What is a part is told by its place in the list, as on the discs of a set.
            let file = |(path, data): &(MediaPath, Data)| SetFile {
                path: path.to_slash(),
                size: data.len(),
                volume: 1,
            };
            description.files = files.iter().map(file).collect();
            description.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
            description.joins.clone_from(&facts.joins);
        }
        SetShare { id, bytes: description.to_bytes(), description }
    });
    let (len, allowed) = (bytes.len() as u64, LARGEST_DESCRIPTION);
    if len > allowed {
        return Err(ComposeError::DescriptionTooLong { len, allowed });
    }
    let path = own_path(DESCRIPTION)?;
    let data = Data::bytes(DESCRIPTION, bytes);
    layout.file(&path, own, data.clone(), rank::OTHER, "capmedia")?;
    files.push((path, data));

    let late = manifest(files.into_iter().map(|(path, data)| (path.to_slash(), data)));
    let late = Data::Late(Arc::new(late));
    layout.file(&own_path(MANIFEST)?, own, late, rank::MANIFEST, "capmedia")?;
    let tree = Arc::new(layout.finish()?);
    Ok(Composed {
        tree,
        bios_program,
        efi_image,
        uefi_files,
        description,
        set_id,
        added: placed_added,
        boot_image: boot_image_at,
        packages,
    })
}

/// What media of one volume says of itself.
pub(crate) fn describe(facts: &Facts, set_id: &[u8; 16]) -> Description {
    Description {
        format: FORMAT,
        media: "capture".to_owned(),
        label: facts.label.as_str().to_owned(),
        set_id: uuid_text(set_id),
        volume: 1,
        volumes: 1,
        architecture: facts.architecture.clone(),
        hybrid: facts.hybrid,
        boot_code: facts.boot_code.map(|digest| digest.to_string()),
        files: Vec::new(),
        joins: Vec::new(),
    }
}

fn own_path(path: &str) -> Result<MediaPath, ComposeError> {
    MediaPath::new(path).map_err(|_| ComposeError::OwnPath { path: path.to_owned() })
}

/// Identity of a set of media: it follows from label, paths, sizes, the time of the boot image and
/// what is known of content without reading it, so the same input gives the same id and nothing else
/// goes in.
fn set_id(facts: &Facts, files: &[(MediaPath, Data)]) -> [u8; 16] {
    let mut sorted: Vec<_> = files
        .iter()
        .map(|(path, data)| (path.to_slash(), data.len(), content_id(facts, path, data)))
        .collect();
    sorted.sort_unstable();
    let files = sorted.into_iter().flat_map(|(path, len, id)| [path, len.to_string(), id]);
    id_of("capmedia set id, version 2", facts, files)
}

/// What tells a file from others of its length: of one that is in memory, as those are that capmedia
/// makes, the digest; of others nothing. Nor of one that holds a password: the id is shown around, and
/// guesses could be tried against it.
pub(crate) fn content_id(facts: &Facts, path: &MediaPath, data: &Data) -> String {
    let is_secret = facts.holds_password && path.to_slash() == SEQUENCE.replace('\\', "/");
    let made = match data {
        Data::Source(source) if !is_secret => source.as_any(),
        _ => None,
    };
    let mut bytes = Vec::new();
    // Reading from memory does not fail.
    let read = made
        .and_then(<dyn Any>::downcast_ref::<BytesSource>)
        .map(|made| made.open(0).and_then(|mut from| from.read_to_end(&mut bytes)));
    match read {
        Some(Ok(_)) => Digest::of(&bytes).to_string(),
        _ => String::new(),
    }
}

/// Identity that follows from the label, the time of the boot image, what else is known, and texts in
/// their order.
pub(crate) fn id_of(domain: &str, facts: &Facts, texts: impl Iterator<Item = String>) -> [u8; 16] {
    let mut hasher = Hasher::new();
    let mut text = |text: &str| {
        hasher.update(text.as_bytes());
        hasher.update(&[0]);
    };
    text(domain);
    text(facts.label.as_str());
    text(&facts.clamped(facts.boot_image_modified).unix_seconds().to_string());
    text(&facts.known.join(" "));
    texts.for_each(|next| text(&next));
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
            for_uefi: path.starts_with("EFI"),
        };
        Facts {
            label: MediaLabel::default(),
            architecture: "x64".into(),
            hybrid: false,
            boot_code: None,
            boot_image: Data::bytes("boot.wim", "wim"),
            boot_image_modified: time,
            boot_files: vec![
                boot_file("bootmgr", Part::BootManager),
                boot_file(r"boot\etfsboot.com", Part::BiosProgram),
                boot_file(r"EFI\Boot\bootx64.efi", Part::BootManager),
                boot_file(r"EFI\Microsoft\Boot\bcd", Part::Other),
            ],
            media_data: [
                "LaunchMedia.cmd",
                "autorun.inf",
                r"SMS\data\TsmBootstrap.ini",
                r"SMS\data\TaskSequence.xml",
            ]
            .map(|path| DataFile {
                path: MediaPath::new(path).unwrap(),
                data: Data::bytes("media data", path),
                modified: time,
                origin: "capmedia".into(),
            })
            .into(),
            added: vec![],
            joins: vec![],
            newest_allowed: None,
            known: vec![],
            holds_password: false,
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
                "LaunchMedia.cmd",
                "MediaLabel.txt",
                "SMS/data/TaskSequence.xml",
                "SMS/data/TsmBootstrap.ini",
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
        // The same lengths, and what is known besides.
        let mut index = facts();
        index.known = vec!["2".into()];
        assert_ne!(first.set_id, compose(&index).unwrap().set_id);
        let mut bcd = facts();
        bcd.boot_files[3].data = Data::bytes("boot file", r"EFI\Microsoft\Boot\BCD");
        assert_ne!(first.set_id, compose(&bcd).unwrap().set_id);
    }

    #[test]
    fn identity_tells_nothing_of_a_password() {
        let id = |password: &'static str, holds_password| {
            let mut facts = Facts { holds_password, ..facts() };
            facts.media_data[3].data = Data::bytes("sequence", password);
            compose(&facts).unwrap().set_id
        };
        assert_ne!(id("secret", false), id("sesame", false));
        assert_eq!(id("secret", true), id("sesame", true));
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
                attributes: Attributes::default(),
                group: 0,
            });
        }
        let Err(ComposeError::Collision(collision)) = compose(&twice) else { panic!("accepted") };
        assert_eq!((&*collision.first, &*collision.second), ("one", "two"));
    }
}
