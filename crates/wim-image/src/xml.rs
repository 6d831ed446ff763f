//! The XML of a WIM: names, versions and architectures of its images (wim-format 1.7).

use extent_image::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::architecture::Architecture;
use crate::cast::to_usize32;
use crate::error::OpenError;

/// What the XML says of one image. Anything may be missing: nothing in a WIM depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageInfo {
    /// `NAME`.
    pub name: Option<String>,
    /// `DESCRIPTION`.
    pub description: Option<String>,
    /// `DISPLAYNAME`.
    pub display_name: Option<String>,
    /// `DISPLAYDESCRIPTION`.
    pub display_description: Option<String>,
    /// `FLAGS`, the edition as the imaging tools call it.
    pub flags: Option<String>,
    /// `DIRCOUNT`.
    pub folders: Option<u64>,
    /// `FILECOUNT`.
    pub files: Option<u64>,
    /// `TOTALBYTES`.
    pub total_bytes: Option<u64>,
    /// `CREATIONTIME`.
    pub created: Option<Timestamp>,
    /// `LASTMODIFICATIONTIME`.
    pub modified: Option<Timestamp>,
    /// `WINDOWS/ARCH`, also when it is no number of an [`Architecture`].
    pub architecture_number: Option<u32>,
    /// `WINDOWS/PRODUCTNAME`.
    pub product_name: Option<String>,
    /// `WINDOWS/EDITIONID`, `WindowsPE` in boot images.
    pub edition: Option<String>,
    /// `WINDOWS/INSTALLATIONTYPE`, `WindowsPE` in boot images.
    pub installation_type: Option<String>,
    /// `WINDOWS/SYSTEMROOT`.
    pub system_root: Option<String>,
    /// `WINDOWS/LANGUAGES/LANGUAGE`, in the order of the XML.
    pub languages: Vec<String>,
    /// `WINDOWS/LANGUAGES/DEFAULT`.
    pub default_language: Option<String>,
    /// `WINDOWS/VERSION`, if it has at least a build.
    pub version: Option<Version>,
}

impl ImageInfo {
    /// The architecture, if the XML has one that is known.
    pub fn architecture(&self) -> Option<Architecture> {
        self.architecture_number.and_then(Architecture::from_xml_number)
    }
}

/// A Windows version: `WINDOWS/VERSION`. Shown as `10.0.26100.1742`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub struct Version {
    /// `MAJOR`.
    pub major: u32,
    /// `MINOR`.
    pub minor: u32,
    /// `BUILD`.
    pub build: u32,
    /// `SPBUILD`, the update revision.
    pub revision: u32,
    /// `SPLEVEL`, the service pack.
    pub service_pack: u32,
}

impl Version {
    /// A version without service pack.
    pub const fn new(major: u32, minor: u32, build: u32, revision: u32) -> Self {
        Self { major, minor, build, revision, service_pack: 0 }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { major, minor, build, revision, service_pack: _ } = self;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

/// Reads the XML of a WIM with `count` images.
pub(crate) fn parse(bytes: &[u8], count: u32) -> Result<Vec<ImageInfo>, OpenError> {
    let text = decode(bytes);
    let mut reader = Reader::from_str(&text);
    let mut walk = Walk {
        images: vec![ImageInfo::default(); to_usize32(count)],
        seen: vec![false; to_usize32(count)],
        current: None,
        high: None,
        encrypted: false,
    };
    let mut path: Vec<String> = Vec::new();
    let mut content = String::new();
    loop {
        let malformed = |at, problem: &dyn std::fmt::Display| OpenError::XmlMalformed {
            at,
            problem: problem.to_string(),
        };
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => return Err(malformed(reader.error_position(), &error)),
        };
        match event {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                content.clear();
                if path == ["WIM", "IMAGE"] {
                    let index = start.try_get_attribute("INDEX").ok().flatten();
                    walk.enter(index.and_then(|index| number(&index.value)));
                } else if path == ["WIM", "ESD", "ENCRYPTED"] {
                    walk.encrypted = true;
                }
            }
            Event::Empty(empty) => {
                let name = empty.name();
                walk.encrypted |= path == ["WIM", "ESD"] && name.as_ref() == "ENCRYPTED";
            }
            Event::End(_) => {
                walk.leave(&path, content.trim());
                path.pop();
                content.clear();
            }
            Event::Text(text) => content.push_str(&text),
            Event::CData(data) => content.push_str(&data),
            Event::GeneralRef(reference) => {
                let predefined = match &*reference {
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "amp" => Some('&'),
                    "apos" => Some('\''),
                    "quot" => Some('"'),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                content.push(predefined.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Event::Eof if path.is_empty() => break,
            Event::Eof => {
                return Err(malformed(reader.buffer_position(), &"it ends inside an element"));
            }
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
    if walk.encrypted { Err(OpenError::EsdEncrypted) } else { Ok(walk.images) }
}

/// UTF-16LE, with or without its byte-order mark.
fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(&[0xFF, 0xFE]).unwrap_or(bytes);
    let (units, _) = bytes.as_chunks::<2>();
    char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

struct Walk {
    images: Vec<ImageInfo>,
    /// Of two elements for one image the first counts.
    seen: Vec<bool>,
    /// 0-based index of the image the walk is in.
    current: Option<usize>,
    /// The last `HIGHPART`.
    high: Option<u64>,
    encrypted: bool,
}

impl Walk {
    fn enter(&mut self, index: Option<u32>) {
        self.current = None;
        let Some(place) = index.and_then(|index| index.checked_sub(1)).map(to_usize32) else {
            return;
        };
        if let Some(seen) = self.seen.get_mut(place)
            && !std::mem::replace(seen, true)
        {
            self.current = Some(place);
        }
    }

    /// `path` ends here, with `content` as its text.
    fn leave(&mut self, path: &[String], content: &str) {
        let Some(image) = self.current.and_then(|place| self.images.get_mut(place)) else { return };
        let [wim, image_element, inner @ ..] = path else { return };
        if wim != "WIM" || image_element != "IMAGE" {
            return;
        }
        let text = || Some(content.to_owned()).filter(|text| !text.is_empty());
        // Deeper than any element that is known.
        let mut names = [""; 4];
        if inner.len() > names.len() {
            return;
        }
        for (name, element) in names.iter_mut().zip(inner) {
            *name = element;
        }
        match names {
            ["", ..] => self.current = None,
            ["NAME", "", ..] => image.name = text(),
            ["DESCRIPTION", "", ..] => image.description = text(),
            ["DISPLAYNAME", "", ..] => image.display_name = text(),
            ["DISPLAYDESCRIPTION", "", ..] => image.display_description = text(),
            ["FLAGS", "", ..] => image.flags = text(),
            ["DIRCOUNT", "", ..] => image.folders = content.parse().ok(),
            ["FILECOUNT", "", ..] => image.files = content.parse().ok(),
            ["TOTALBYTES", "", ..] => image.total_bytes = content.parse().ok(),
            ["CREATIONTIME" | "LASTMODIFICATIONTIME", "HIGHPART", ..] => {
                self.high = hexadecimal(content);
            }
            [element @ ("CREATIONTIME" | "LASTMODIFICATIONTIME"), "LOWPART", ..] => {
                let time = self
                    .high
                    .take()
                    .zip(hexadecimal(content))
                    .map(|(high, low)| Timestamp::from_filetime(high << 32 | low));
                if element == "CREATIONTIME" {
                    image.created = time;
                } else {
                    image.modified = time;
                }
            }
            ["WINDOWS", "ARCH", ..] => image.architecture_number = number(content),
            ["WINDOWS", "PRODUCTNAME", ..] => image.product_name = text(),
            ["WINDOWS", "EDITIONID", ..] => image.edition = text(),
            ["WINDOWS", "INSTALLATIONTYPE", ..] => image.installation_type = text(),
            ["WINDOWS", "SYSTEMROOT", ..] => image.system_root = text(),
            ["WINDOWS", "LANGUAGES", "LANGUAGE", ..] => image.languages.extend(text()),
            ["WINDOWS", "LANGUAGES", "DEFAULT", ..] => image.default_language = text(),
            ["WINDOWS", "VERSION", part, ..] if !part.is_empty() => {
                let Some(value) = number(content) else { return };
                let version = image.version.get_or_insert_default();
                match part {
                    "MAJOR" => version.major = value,
                    "MINOR" => version.minor = value,
                    "BUILD" => version.build = value,
                    "SPBUILD" => version.revision = value,
                    "SPLEVEL" => version.service_pack = value,
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

/// 32 bits as `0x01DA2B3C`.
fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    u32::from_str_radix(digits, 16).ok().map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xFE];
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        bytes
    }

    #[test]
    fn images_out_of_order() {
        let xml = "<WIM><TOTALBYTES>9</TOTALBYTES>\
            <IMAGE INDEX=\"2\"><NAME> Two &amp; &#x41; </NAME><WINDOWS><ARCH>12</ARCH></WINDOWS>\
            <NEW><NAME>no</NAME></NEW></IMAGE>\
            <IMAGE INDEX=\"1\"><DIRCOUNT>3</DIRCOUNT><FILECOUNT>4</FILECOUNT>\
            <CREATIONTIME><HIGHPART>0x01DA0000</HIGHPART><LOWPART>0x00000001</LOWPART>\
            </CREATIONTIME><WINDOWS><ARCH>9</ARCH><EDITIONID>WindowsPE</EDITIONID>\
            <LANGUAGES><LANGUAGE>en-US</LANGUAGE><LANGUAGE>de-DE</LANGUAGE>\
            <DEFAULT>de-DE</DEFAULT></LANGUAGES><VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR>\
            <BUILD>26100</BUILD><SPBUILD>1742</SPBUILD><SPLEVEL>0</SPLEVEL></VERSION>\
            </WINDOWS></IMAGE>\
            <IMAGE INDEX=\"1\"><NAME>again</NAME></IMAGE>\
            <IMAGE INDEX=\"0\"><NAME>none</NAME></IMAGE><IMAGE><NAME>none</NAME></IMAGE>\
            <IMAGE INDEX=\"3\"><NAME>too many</NAME></IMAGE></WIM>";
        let images = parse(&utf16(xml), 2).unwrap();
        assert_eq!(images[1].name.as_deref(), Some("Two & A"));
        assert_eq!(images[1].architecture(), Some(Architecture::Arm64));
        let first = &images[0];
        assert_eq!(first.name, None);
        assert_eq!((first.folders, first.files), (Some(3), Some(4)));
        assert_eq!(first.created, Some(Timestamp::from_filetime(0x01DA_0000_0000_0001)));
        assert_eq!(first.architecture(), Some(Architecture::Amd64));
        assert_eq!(first.edition.as_deref(), Some("WindowsPE"));
        assert_eq!(first.languages, ["en-US", "de-DE"]);
        assert_eq!(first.default_language.as_deref(), Some("de-DE"));
        assert_eq!(first.version.unwrap().to_string(), "10.0.26100.1742");
    }

    #[test]
    fn encrypted_esd() {
        for xml in
            ["<WIM><ESD><ENCRYPTED/></ESD></WIM>", "<WIM><ESD><ENCRYPTED>1</ENCRYPTED></ESD></WIM>"]
        {
            assert!(matches!(parse(&utf16(xml), 0), Err(OpenError::EsdEncrypted)), "{xml}");
        }
        assert!(parse(&utf16("<WIM><ENCRYPTED/></WIM>"), 0).is_ok());
    }

    #[test]
    fn malformed() {
        for xml in ["<WIM>", "<WIM></IMAGE>", "<", "<WIM><IMAGE INDEX=\"1\"></WIM>"] {
            let found = parse(&utf16(xml), 1);
            assert!(matches!(found, Err(OpenError::XmlMalformed { .. })), "{xml}: {found:?}");
        }
        assert_eq!(parse(&[], 1).unwrap(), [ImageInfo::default()]);
    }

    #[test]
    fn deep_nesting_is_no_recursion() {
        let xml = "<A>".repeat(200_000) + &"</A>".repeat(200_000);
        assert!(parse(&utf16(&xml), 1).is_ok());
    }
}
