//! Hives put together from raw cells, without the crate's records.

use bcd_store::hive::FileTime;

pub(crate) const TIME: FileTime = FileTime::from_unix_seconds(1_700_000_000);
pub(crate) const NONE: u32 = u32::MAX;

/// One bin of cells.
pub(crate) struct RawHive {
    bin: Vec<u8>,
}

impl RawHive {
    pub(crate) fn new() -> Self {
        Self { bin: vec![0; 32] }
    }

    /// Adds a cell; its offset.
    pub(crate) fn cell(&mut self, parts: &[&[u8]]) -> u32 {
        let offset = self.next();
        let content = parts.concat();
        let size = (content.len() + 4).next_multiple_of(8);
        self.bin.extend((-(size as i32)).to_le_bytes());
        self.bin.extend(&content);
        self.bin.resize(offset as usize + size, 0);
        offset
    }

    /// Where the next cell will be.
    pub(crate) fn next(&self) -> u32 {
        self.bin.len() as u32
    }

    /// Changes the content of a cell.
    pub(crate) fn put(&mut self, cell: u32, at: usize, bytes: &[u8]) {
        self.bin[cell as usize + 4 + at..][..bytes.len()].copy_from_slice(bytes);
    }

    /// A key with a Latin-1 name. Subkeys and values: how many, and the cell of their list.
    pub(crate) fn key(
        &mut self,
        name: &str,
        parent: u32,
        subkeys: (u32, u32),
        values: (u32, u32),
    ) -> u32 {
        let latin1: Vec<u8> = name.chars().map(|c| c as u8).collect();
        self.key_named(0x20, &latin1, parent, subkeys, values)
    }

    pub(crate) fn key_named(
        &mut self,
        flags: u8,
        name: &[u8],
        parent: u32,
        subkeys: (u32, u32),
        values: (u32, u32),
    ) -> u32 {
        let mut nk = [0; 76];
        nk[..2].copy_from_slice(b"nk");
        nk[2] = flags;
        nk[16..20].copy_from_slice(&parent.to_le_bytes());
        nk[20..24].copy_from_slice(&subkeys.0.to_le_bytes());
        nk[28..32].copy_from_slice(&subkeys.1.to_le_bytes());
        nk[36..40].copy_from_slice(&values.0.to_le_bytes());
        nk[40..44].copy_from_slice(&values.1.to_le_bytes());
        nk[72..74].copy_from_slice(&(name.len() as u16).to_le_bytes());
        self.cell(&[&nk, name])
    }

    /// A value; its data in place when the length has bit 31.
    pub(crate) fn value(&mut self, name: &str, kind: u32, len: u32, data: u32) -> u32 {
        let name_len = (name.len() as u16).to_le_bytes();
        let [len, data, kind] = [len, data, kind].map(u32::to_le_bytes);
        self.cell(&[b"vk", &name_len, &len, &data, &kind, &[1, 0, 0, 0], name.as_bytes()])
    }

    /// `li` or `ri`
    pub(crate) fn plain_list(&mut self, signature: &[u8; 2], cells: &[u32]) -> u32 {
        let entries: Vec<u8> = cells.iter().flat_map(|cell| cell.to_le_bytes()).collect();
        self.cell(&[signature, &(cells.len() as u16).to_le_bytes(), &entries])
    }

    /// `lf` or `lh`
    pub(crate) fn hinted_list(&mut self, signature: &[u8; 2], cells: &[u32]) -> u32 {
        let entries: Vec<u8> =
            cells.iter().flat_map(|cell| [cell.to_le_bytes(), *b"HINT"].concat()).collect();
        self.cell(&[signature, &(cells.len() as u16).to_le_bytes(), &entries])
    }

    pub(crate) fn offsets(&mut self, cells: &[u32]) -> u32 {
        let entries: Vec<u8> = cells.iter().flat_map(|cell| cell.to_le_bytes()).collect();
        self.cell(&[&entries])
    }

    pub(crate) fn finish(mut self, minor: u8, root: u32) -> Vec<u8> {
        let len = self.bin.len().next_multiple_of(4096);
        let free = (len - self.bin.len()) as i32;
        if free > 0 {
            self.bin.extend(free.to_le_bytes());
        }
        self.bin.resize(len, 0);
        self.bin[..4].copy_from_slice(b"hbin");
        self.bin[8..12].copy_from_slice(&(len as u32).to_le_bytes());
        let mut hive = vec![0; 4096];
        hive[..4].copy_from_slice(b"regf");
        hive[4] = 9;
        hive[8] = 9;
        hive[20] = 1;
        hive[24] = minor;
        hive[32] = 1;
        hive[36..40].copy_from_slice(&root.to_le_bytes());
        hive[40..44].copy_from_slice(&(len as u32).to_le_bytes());
        hive[44] = 1;
        hive[48..52].copy_from_slice(b"B\0C\0");
        hive.append(&mut self.bin);
        set_checksum(&mut hive);
        hive
    }
}

/// Makes the base block's checksum right.
pub(crate) fn set_checksum(hive: &mut [u8]) {
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let sum = hive[..508].chunks_exact(4).fold(0, |sum, bytes| sum ^ number(bytes));
    let sum = match sum {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    };
    hive[508..512].copy_from_slice(&sum.to_le_bytes());
}
