//! What the volume descriptors say of the volume as a whole.

use extent_image::Timestamp;
use zerocopy::FromZeros;

use crate::disk::both_endian::{Both16, Both32};
use crate::disk::date::LongDate;
use crate::disk::volume_descriptor::{
    JOLIET_LEVEL_3, PRIMARY, STANDARD_ID, SUPPLEMENTARY, TERMINATOR, Terminator, VolumeDescriptor,
};
use crate::name::utf16_be;
use crate::options::ImageOptions;
use crate::report::RecordTree;
use crate::text::InfoText;
use crate::units::{Lba, SECTOR_LEN};
use crate::volume_set::VolumeSet;

/// The first volume descriptor (ECMA-119 6.2.1); what lies before is the system area.
pub(crate) const FIRST_DESCRIPTOR: Lba = Lba::new(16);

/// The facts that both trees' descriptors share.
pub(crate) struct Volume<'a> {
    pub(crate) options: &'a ImageOptions,
    /// All sectors of the image, padding included.
    pub(crate) sectors: u32,
    /// Newest time of the tree.
    pub(crate) newest: Timestamp,
}

impl Volume<'_> {
    /// The descriptor of one tree, all but where its path tables and root are.
    pub(crate) fn descriptor(&self, kind: RecordTree) -> VolumeDescriptor {
        let options = self.options;
        let mut it = VolumeDescriptor::new_zeroed();
        it.standard_id = STANDARD_ID;
        it.version = 1;
        it.file_structure_version = 1;
        it.volume_space_size = Both32::new(self.sectors);
        let set = options.volume_set.as_ref();
        it.volume_set_size = Both16::new(set.map_or(1, VolumeSet::size));
        it.volume_sequence_number = Both16::new(set.map_or(1, VolumeSet::number));
        // 2048 fits 16 bits.
        it.logical_block_size = Both16::new(u16::try_from(SECTOR_LEN).unwrap_or_default());
        let (label, set_id) = match kind {
            RecordTree::Primary => {
                it.kind = PRIMARY;
                (options.volume_id.as_str(), set.map(|set| set.id().as_str()))
            }
            RecordTree::Joliet => {
                it.kind = SUPPLEMENTARY;
                let [first, second, third, ..] = &mut it.escape_sequences;
                [*first, *second, *third] = JOLIET_LEVEL_3;
                (options.joliet_volume_id.as_str(), set.map(|set| set.id().joliet()))
            }
        };
        let info = |text: &Option<InfoText>| text.as_ref().map_or("", InfoText::as_str).to_owned();
        put_text(kind, &mut it.system_id, "");
        put_text(kind, &mut it.volume_id, label);
        put_text(kind, &mut it.volume_set_id, set_id.unwrap_or_default());
        put_text(kind, &mut it.publisher_id, &info(&options.publisher));
        put_text(kind, &mut it.preparer_id, &info(&options.preparer));
        put_text(kind, &mut it.application_id, &info(&options.application));
        put_text(kind, &mut it.copyright_file_id, "");
        put_text(kind, &mut it.abstract_file_id, "");
        put_text(kind, &mut it.bibliographic_file_id, "");
        let newest = LongDate::of(self.newest).unwrap_or(LongDate::NONE);
        (it.created, it.modified) = (newest, newest);
        (it.expires, it.effective) = (LongDate::NONE, LongDate::NONE);
        it
    }
}

/// The descriptor that ends the set.
pub(crate) fn terminator() -> Terminator {
    Terminator { kind: TERMINATOR, standard_id: STANDARD_ID, version: 1, reserved: [0; 2041] }
}

/// Puts a text into its field, filled with spaces of the tree's character set. The odd byte at the
/// end of the file identifiers of a Joliet descriptor stays zero.
fn put_text(kind: RecordTree, field: &mut [u8], text: &str) {
    let (bytes, space): (Vec<u8>, &[u8]) = match kind {
        RecordTree::Primary => (text.as_bytes().to_vec(), b" "),
        RecordTree::Joliet => (utf16_be(text), b"\0 "),
    };
    // The types of the texts know the lengths of the fields.
    debug_assert!(bytes.len() <= field.len());
    let width = space.len();
    let filler = space.iter().copied().cycle();
    let whole = field.len().saturating_sub(field.len().checked_rem(width).unwrap_or(0));
    let content = bytes.iter().copied().chain(filler);
    for (slot, byte) in field.iter_mut().take(whole).zip(content) {
        *slot = byte;
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;

    use super::*;
    use crate::{JolietVolumeId, VolumeId, VolumeSetId};

    #[test]
    fn descriptors_by_hand() {
        let options =
            ImageOptions::new(VolumeId::new("DISC").unwrap(), JolietVolumeId::new("Dïsc").unwrap())
                .with_publisher(InfoText::new("US").unwrap());
        let newest = Timestamp::from_unix_seconds(951_827_696);
        let volume = Volume { options: &options, sectors: 0x0001_0203, newest };

        let primary = volume.descriptor(RecordTree::Primary);
        let bytes = primary.as_bytes();
        assert_eq!(bytes[..8], *b"\x01CD001\x01\0");
        assert_eq!(bytes[8..72], *format!("{:32}{:32}", "", "DISC").as_bytes());
        assert_eq!(bytes[80..88], [3, 2, 1, 0, 0, 1, 2, 3]);
        assert_eq!(bytes[88..120], [0; 32]);
        assert_eq!(bytes[120..132], [1, 0, 0, 1, 1, 0, 0, 1, 0, 8, 8, 0]);
        assert_eq!(bytes[318..446], *format!("{:128}", "US").as_bytes());
        assert_eq!(bytes[702..813], [b' '; 111]);
        assert_eq!(bytes[813..847], *b"2000022912345600\x002000022912345600\0");
        assert_eq!(bytes[847..881], *b"0000000000000000\x000000000000000000\0");
        assert_eq!(bytes[881..883], [1, 0]);
        assert_eq!(bytes[883..], [0; 1165]);

        let joliet = volume.descriptor(RecordTree::Joliet);
        let bytes = joliet.as_bytes();
        assert_eq!(bytes[..8], *b"\x02CD001\x01\0");
        assert_eq!(bytes[40..52], *b"\0D\0\xEF\0s\0c\0 \0 ");
        assert_eq!(bytes[88..92], *b"%/E\0");
        // Eighteen units and a zero byte, then the next field.
        let filled = [b"\0 ".repeat(18), vec![0]].concat();
        assert_eq!(bytes[702..739], filled);
        assert_eq!(bytes[739..813], [filled.clone(), filled].concat());
    }

    #[test]
    fn a_volume_of_a_set_by_hand() {
        let id = VolumeSetId::new(&"S".repeat(128)).unwrap();
        let options =
            ImageOptions::from_label("D").with_volume_set(VolumeSet::new(id, 2, 0x0103).unwrap());
        let volume = Volume { options: &options, sectors: 9, newest: Timestamp::FAT_EPOCH };
        let primary = volume.descriptor(RecordTree::Primary);
        assert_eq!(primary.as_bytes()[120..128], [3, 1, 1, 3, 2, 0, 0, 2]);
        assert_eq!(primary.as_bytes()[190..318], [b'S'; 128]);
        let joliet = volume.descriptor(RecordTree::Joliet);
        assert_eq!(joliet.as_bytes()[120..128], [3, 1, 1, 3, 2, 0, 0, 2]);
        assert_eq!(joliet.as_bytes()[190..318], b"\0S".repeat(64));
    }

    #[test]
    fn terminator_by_hand() {
        let terminator = terminator();
        assert_eq!(terminator.as_bytes()[..7], *b"\xFFCD001\x01");
        assert_eq!(terminator.as_bytes()[7..], [0; 2041]);
    }
}
