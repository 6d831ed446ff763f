//! The XML of a WIM to be written (wim-format 1.7).

use std::fmt::Write as _;

use extent_image::Timestamp;
use quick_xml::escape::escape;

use super::ImageBuilder;
use crate::cast::to_u64;

/// UTF-16LE with its byte-order mark. `sizes` are the total bytes of the files of each image.
pub(super) fn xml(images: &[ImageBuilder], sizes: &[u64], wim_bytes: u64) -> Vec<u8> {
    let mut text = String::from("<WIM>");
    put(&mut text, "TOTALBYTES", wim_bytes);
    for ((image, size), index) in images.iter().zip(sizes).zip(1..) {
        // Writing to a string cannot fail.
        let _ = write!(text, "<IMAGE INDEX=\"{index}\">");
        put(&mut text, "DIRCOUNT", to_u64(image.root.folder_count()));
        put(&mut text, "FILECOUNT", to_u64(image.root.files().len()));
        put(&mut text, "TOTALBYTES", *size);
        put(&mut text, "HARDLINKBYTES", 0_u32);
        put_time(&mut text, "CREATIONTIME", image.time);
        put_time(&mut text, "LASTMODIFICATIONTIME", image.time);
        put_windows(&mut text, image);
        put(&mut text, "NAME", escape(&image.name));
        if let Some(description) = &image.description {
            put(&mut text, "DESCRIPTION", escape(description));
        }
        text.push_str("</IMAGE>");
    }
    text.push_str("</WIM>");
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn put(text: &mut String, element: &str, value: impl std::fmt::Display) {
    let _ = write!(text, "<{element}>{value}</{element}>");
}

fn put_time(text: &mut String, element: &str, time: Timestamp) {
    let ticks = time.filetime();
    let (high, low) = (ticks >> 32, ticks & 0xFFFF_FFFF);
    let _ = write!(
        text,
        "<{element}><HIGHPART>0x{high:08X}</HIGHPART><LOWPART>0x{low:08X}</LOWPART></{element}>"
    );
}

fn put_windows(text: &mut String, image: &ImageBuilder) {
    let ImageBuilder { architecture, version, edition, languages, .. } = image;
    let nothing = architecture.is_none() && version.is_none() && edition.is_none();
    if nothing && languages.is_empty() {
        return;
    }
    text.push_str("<WINDOWS>");
    if let Some(architecture) = architecture {
        put(text, "ARCH", architecture.xml_number());
    }
    if let Some(edition) = edition {
        put(text, "EDITIONID", escape(edition));
        put(text, "INSTALLATIONTYPE", escape(edition));
    }
    if let Some(default) = languages.first() {
        text.push_str("<LANGUAGES>");
        for language in languages {
            put(text, "LANGUAGE", escape(language));
        }
        put(text, "DEFAULT", escape(default));
        text.push_str("</LANGUAGES>");
    }
    if let Some(version) = version {
        text.push_str("<VERSION>");
        put(text, "MAJOR", version.major);
        put(text, "MINOR", version.minor);
        put(text, "BUILD", version.build);
        put(text, "SPBUILD", version.revision);
        put(text, "SPLEVEL", version.service_pack);
        text.push_str("</VERSION>");
    }
    text.push_str("<SYSTEMROOT>WINDOWS</SYSTEMROOT></WINDOWS>");
}
