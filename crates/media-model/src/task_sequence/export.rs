//! A task sequence as the console exports it: a zip with the object of the site's database in
//! `SMS_TaskSequencePackage/<id>/object.xml` (configmgr-media 3.1).

use super::MAX_FILE_BYTES;
use super::error::{ExportError, SequenceError, SequenceFault};
use super::model::Sequence;
use super::read::{Attributes, children, end, root, sequence, text_and_children};
use super::text::Document;
use super::tokens::{Tag, Token, Tokens};
use super::zip::{Archive, Entry};

/// The class of a task sequence in the site's database, and the folder of its objects in an export.
const CLASS: &str = "SMS_TaskSequencePackage";

/// Largest manifest that is read; those seen have 418 bytes.
const MAX_MANIFEST: usize = 1 << 20;

/// An exported task sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    package_id: Option<String>,
    name: Option<String>,
    boot_image_id: Option<String>,
    sequence: Sequence,
}

impl Export {
    /// Reads an export. With several task sequences in it (a sequence and those it runs) the
    /// manifest says which one was exported.
    ///
    /// Only the manifest and one object are unpacked; every name in the zip is looked at.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ExportError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(ExportError::TooLarge { bytes: bytes.len(), max: MAX_FILE_BYTES });
        }
        let archive = Archive::open(bytes)?;
        let entry = object(&archive)?;
        let xml = archive.read(entry, MAX_FILE_BYTES)?;
        let properties = Properties::read(&xml).map_err(|error| ExportError::Xml {
            entry: entry.name.clone(),
            error: Box::new(error),
        })?;
        let Some(text) = properties.sequence else {
            return Err(ExportError::NoSequence { entry: entry.name.clone() });
        };
        let sequence = sequence(&Document::inner(text)).map_err(|error| ExportError::Sequence {
            entry: entry.name.clone(),
            error: Box::new(error),
        })?;
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            package_id: present(properties.package_id),
            name: present(properties.name),
            boot_image_id: present(properties.boot_image_id),
            sequence,
        })
    }

    /// The id of the task sequence.
    pub fn package_id(&self) -> Option<&str> {
        self.package_id.as_deref()
    }

    /// The name of the task sequence.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The package id of its boot image, which is not in the reference list.
    pub fn boot_image_id(&self) -> Option<&str> {
        self.boot_image_id.as_deref()
    }

    /// The task sequence.
    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// The task sequence alone.
    pub fn into_sequence(self) -> Sequence {
        self.sequence
    }
}

/// The entry of the exported object.
fn object<'a>(archive: &'a Archive<'_>) -> Result<&'a Entry, ExportError> {
    let objects: Vec<_> = archive
        .entries()
        .iter()
        .filter_map(|entry| Some((object_id(&entry.name)?, entry)))
        .collect();
    match objects.as_slice() {
        [] => Err(ExportError::NoObject),
        [(_, entry)] => Ok(entry),
        several => {
            let main = manifest_id(archive)?;
            let is_main =
                |id: &str| main.as_ref().is_some_and(|main| main.eq_ignore_ascii_case(id));
            several.iter().find(|(id, _)| is_main(id)).map(|(_, entry)| *entry).ok_or_else(|| {
                let ids = several.iter().map(|(id, _)| (*id).to_owned()).collect();
                ExportError::SeveralObjects { ids }
            })
        }
    }
}

/// The id in `SMS_TaskSequencePackage/<id>/object.xml`, also where the whole export was packed
/// again inside a folder.
fn object_id(name: &str) -> Option<&str> {
    let mut parts = name.rsplit('/');
    let (file, id, class) = (parts.next()?, parts.next()?, parts.next()?);
    (file.eq_ignore_ascii_case("object.xml") && class.eq_ignore_ascii_case(CLASS)).then_some(id)
}

/// The id of the first task sequence among `LibraryDocument/EntryObjects/Object` of the manifest.
fn manifest_id(archive: &Archive<'_>) -> Result<Option<String>, ExportError> {
    let named = |entry: &&Entry| {
        entry.name.rsplit('/').next().is_some_and(|n| n.eq_ignore_ascii_case("Manifest.xml"))
    };
    let Some(entry) = archive.entries().iter().find(named) else { return Ok(None) };
    let xml = archive.read(entry, MAX_MANIFEST)?;
    read_manifest(&xml)
        .map_err(|error| ExportError::Xml { entry: entry.name.clone(), error: Box::new(error) })
}

fn read_manifest(xml: &[u8]) -> Result<Option<String>, SequenceError> {
    let document = Document::decode(xml)?;
    let mut tokens = Tokens::new(&document)?;
    let mut id = None;
    root(&mut tokens, "LibraryDocument")?;
    children(&mut tokens, "LibraryDocument", &mut |tokens, tag| {
        if tag.name != "EntryObjects" {
            return skip(tokens);
        }
        children(tokens, "EntryObjects", &mut |tokens, tag| {
            let mut attributes = Attributes::new("Object", tag);
            let of_class = attributes.take("Type").as_deref() == Some(CLASS);
            if let Some(path) = attributes.take("Path").filter(|_| of_class && id.is_none()) {
                // SMS_TaskSequencePackage.PackageID='MEM000F8'
                id = path.split('\'').nth(1).map(str::to_owned);
            }
            skip(tokens)
        })
    })?;
    end(&mut tokens)?;
    Ok(id)
}

/// The properties of the object that are of use.
#[derive(Default)]
struct Properties {
    sequence: Option<String>,
    package_id: Option<String>,
    name: Option<String>,
    boot_image_id: Option<String>,
}

impl Properties {
    fn read(xml: &[u8]) -> Result<Self, SequenceError> {
        let document = Document::decode(xml)?;
        let mut tokens = Tokens::new(&document)?;
        let mut properties = Self::default();
        root(&mut tokens, "INSTANCE")?;
        children(&mut tokens, "INSTANCE", &mut |tokens, tag| properties.child(tokens, tag))?;
        end(&mut tokens)?;
        Ok(properties)
    }

    fn child(&mut self, tokens: &mut Tokens<'_>, tag: Tag) -> Result<(), SequenceError> {
        let (is_property, at) = (tag.name == "PROPERTY", tag.at);
        let name = Attributes::new("PROPERTY", tag).take("NAME").filter(|_| is_property);
        let place = match name.as_deref() {
            Some("Sequence") => &mut self.sequence,
            Some("PackageID") => &mut self.package_id,
            Some("Name") => &mut self.name,
            Some("BootImageID") => &mut self.boot_image_id,
            _ => return skip(tokens),
        };
        if place.is_some() {
            return Err(tokens.error(at, SequenceFault::Repeated { element: "PROPERTY" }));
        }
        children(tokens, "PROPERTY", &mut |tokens, tag| {
            if tag.name != "VALUE" {
                return skip(tokens);
            }
            if place.is_some() {
                return Err(tokens.error(tag.at, SequenceFault::Repeated { element: "VALUE" }));
            }
            *place = Some(text_and_children(tokens, &mut |tokens, _| skip(tokens))?);
            Ok(())
        })
    }
}

/// Passes over an element whose start was read.
fn skip(tokens: &mut Tokens<'_>) -> Result<(), SequenceError> {
    let mut open = 1_usize;
    while open > 0 {
        match tokens.next()? {
            Token::Start(_) => open += 1,
            Token::End => open -= 1,
            Token::Text(_) => {}
            Token::Eof => break,
        }
    }
    Ok(())
}
