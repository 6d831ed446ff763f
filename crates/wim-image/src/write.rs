//! Writes small uncompressed WIMs: samples, fixtures and tests.
//!
//! The output is a function of what the builders were given: equal calls give equal bytes. Data that
//! occurs several times is stored once. Nothing is compressed, there are no security descriptors,
//! links or alternate streams.

mod layout;
mod tree;
mod xml;

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use extent_image::{Source, Timestamp};

use crate::architecture::Architecture;
use crate::xml::Version;
use tree::Folder;

/// Why a WIM could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A path Windows cannot hold.
    #[error("{path:?} cannot be a path in an image: {problem}")]
    Path {
        /// As given.
        path: String,
        /// Which rule it breaks.
        problem: &'static str,
    },
    /// Two things with one name (upper and lower case are the same).
    #[error("{path:?} is in the image already")]
    Collision {
        /// As given the second time.
        path: String,
    },
    /// The boot index names no image.
    #[error("boot index {index}, but only {count} images")]
    BootIndex {
        /// As given.
        index: u32,
        /// How many images there are.
        count: u32,
    },
    /// More of something than its field can count.
    #[error("{what} of {size} bytes; the format ends at {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit of the format.
        limit: u64,
    },
    /// A source could not be read.
    #[error("cannot read {name}")]
    Read {
        /// What the source calls itself.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A source was read twice and differed, or was not as long as it said.
    #[error("{name} changed while the WIM was written")]
    Changed {
        /// What the source calls itself.
        name: String,
    },
    /// The output could not be written.
    #[error("cannot write the WIM")]
    Write {
        /// Why.
        source: io::Error,
    },
}

/// One image: a tree of files and what the XML is to say of it.
#[derive(Clone)]
#[must_use]
pub struct ImageBuilder {
    name: String,
    description: Option<String>,
    time: Timestamp,
    architecture: Option<Architecture>,
    version: Option<Version>,
    edition: Option<String>,
    languages: Vec<String>,
    root: Folder,
}

impl ImageBuilder {
    /// An empty image. `time` is the time of the image, of its folders and of files that have none
    /// of their own.
    pub fn new(name: impl Into<String>, time: Timestamp) -> Self {
        Self {
            name: name.into(),
            description: None,
            time,
            architecture: None,
            version: None,
            edition: None,
            languages: Vec::new(),
            root: Folder::default(),
        }
    }

    /// `DESCRIPTION`; default none.
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// `WINDOWS/ARCH`; default none, as in an image that holds no Windows.
    pub fn with_architecture(mut self, architecture: Architecture) -> Self {
        self.architecture = Some(architecture);
        self
    }

    /// `WINDOWS/VERSION`; default none.
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// `WINDOWS/EDITIONID` and `INSTALLATIONTYPE`, `WindowsPE` for boot images; default none.
    pub fn with_edition(mut self, edition: impl Into<String>) -> Self {
        self.edition = Some(edition.into());
        self
    }

    /// A further `WINDOWS/LANGUAGES/LANGUAGE`; the first is the default one.
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.languages.push(language.into());
        self
    }

    /// Adds a folder and the folders above it; one that is there already is fine.
    ///
    /// # Errors
    /// The path is not possible, or is a file.
    pub fn with_folder(mut self, path: &str) -> Result<Self, WriteError> {
        self.root.folder(path)?;
        Ok(self)
    }

    /// Adds a file of bytes in memory, with the image's time, and the folders above it. Either
    /// slash separates names.
    ///
    /// # Errors
    /// The path is not possible or is there already.
    pub fn with_bytes(self, path: &str, bytes: impl Into<Bytes>) -> Result<Self, WriteError> {
        let time = self.time;
        self.with_file(path, Arc::new(extent_image::BytesSource::new("bytes", bytes)), time)
    }

    /// Adds a file, and the folders above it. The source is read twice: for its hash and for its
    /// data.
    ///
    /// # Errors
    /// The path is not possible or is there already.
    pub fn with_file(
        mut self,
        path: &str,
        source: Arc<dyn Source>,
        time: Timestamp,
    ) -> Result<Self, WriteError> {
        self.root.file(path, source, time)?;
        Ok(self)
    }
}

/// A WIM to be written.
#[derive(Clone, Default)]
#[must_use]
pub struct WimBuilder {
    images: Vec<ImageBuilder>,
    boot_index: u32,
    guid: Option<[u8; 16]>,
    integrity: bool,
}

impl WimBuilder {
    /// A WIM without images.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an image; the first has index 1.
    pub fn with_image(mut self, image: ImageBuilder) -> Self {
        self.images.push(image);
        self
    }

    /// The image that boots, counted from 1; default 0, none.
    pub const fn with_boot_index(mut self, index: u32) -> Self {
        self.boot_index = index;
        self
    }

    /// The GUID in the order of the file's bytes; default one derived from the content.
    pub const fn with_guid(mut self, guid: [u8; 16]) -> Self {
        self.guid = Some(guid);
        self
    }

    /// An integrity table of SHA-1 hashes over each 10 MiB; default none.
    pub const fn with_integrity_table(mut self) -> Self {
        self.integrity = true;
        self
    }

    /// Writes the WIM from first byte to last and tells its length.
    ///
    /// # Errors
    /// A source cannot be read, the boot index names no image, or the output cannot be written.
    pub fn write_to(&self, mut to: impl Write) -> Result<u64, WriteError> {
        layout::write(self, &mut to)
    }

    /// The WIM in memory.
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to).
    pub fn to_vec(&self) -> Result<Vec<u8>, WriteError> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }
}
