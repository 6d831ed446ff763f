//! What an untrusted file may ask for.

/// Upper bounds that numbers read from a file meet before anything is allocated for them.
///
/// Beside these, every table must lie inside the file, and the metadata of an image may unpack to at
/// most 512 times the length of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub(crate) table: u64,
    pub(crate) xml: u64,
    pub(crate) images: u32,
    pub(crate) metadata: u64,
    pub(crate) entries: u32,
    pub(crate) depth: u32,
    pub(crate) in_memory: u64,
}

impl Limits {
    /// The defaults, which the largest Windows images stay far below.
    pub const fn new() -> Self {
        Self {
            table: 256 << 20,
            xml: 16 << 20,
            images: 4096,
            metadata: 1 << 30,
            entries: 8_000_000,
            depth: 512,
            in_memory: 256 << 20,
        }
    }

    /// Bytes of the blob table and of the integrity table, each; default 256 MiB (5 million blobs).
    #[must_use]
    pub const fn with_table(mut self, bytes: u64) -> Self {
        self.table = bytes;
        self
    }

    /// Bytes of the XML as stored in the file; default 16 MiB.
    #[must_use]
    pub const fn with_xml(mut self, bytes: u64) -> Self {
        self.xml = bytes;
        self
    }

    /// Images; default 4096.
    #[must_use]
    pub const fn with_images(mut self, images: u32) -> Self {
        self.images = images;
        self
    }

    /// Unpacked bytes of one image's metadata; default 1 GiB.
    #[must_use]
    pub const fn with_metadata(mut self, bytes: u64) -> Self {
        self.metadata = bytes;
        self
    }

    /// Files and folders of one image; default 8 million.
    #[must_use]
    pub const fn with_entries(mut self, entries: u32) -> Self {
        self.entries = entries;
        self
    }

    /// Depth of folders; default 512.
    #[must_use]
    pub const fn with_depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// Bytes of a file that is read into memory as a whole
    /// ([`FileInWim::read_verified`](crate::FileInWim::read_verified)); default 256 MiB.
    #[must_use]
    pub const fn with_in_memory(mut self, bytes: u64) -> Self {
        self.in_memory = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
