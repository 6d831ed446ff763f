//! What an untrusted hive may ask for.

/// Upper bounds that numbers read from a hive meet before anything is done for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub(crate) len: u64,
    pub(crate) depth: u16,
    pub(crate) values: u32,
    pub(crate) value_len: u32,
}

impl Limits {
    /// The defaults: boot configurations and the DRIVERS and SYSTEM hives of boot images stay far
    /// below them.
    pub const fn new() -> Self {
        Self { len: 64 << 20, depth: 512, values: 65_536, value_len: 16 << 20 }
    }

    /// Bytes of the file; default 64 MiB. Hives that grew in use (SOFTWARE of an installed system
    /// has hundreds of MiB) need a higher limit, and that much memory.
    #[must_use]
    pub const fn with_len(mut self, bytes: u64) -> Self {
        self.len = bytes;
        self
    }

    /// Depth of keys below the root; default 512, the most that Windows allows.
    #[must_use]
    pub const fn with_depth(mut self, depth: u16) -> Self {
        self.depth = depth;
        self
    }

    /// Values of one key; default 65,536.
    #[must_use]
    pub const fn with_values(mut self, values: u32) -> Self {
        self.values = values;
        self
    }

    /// Bytes of a value; default 16 MiB.
    #[must_use]
    pub const fn with_value_len(mut self, bytes: u32) -> Self {
        self.value_len = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
