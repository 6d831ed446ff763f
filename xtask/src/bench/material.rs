//! Inputs of the comparison: the same bytes in every run, none of them compressible.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A folder of files to be put into an image.
pub(super) struct Material {
    pub(super) title: String,
    pub(super) folder: PathBuf,
    /// Length of all files.
    pub(super) len: u64,
    /// Bytes, and room for the rest of the last cluster of each file.
    clusters_len: u64,
    /// More names that stand for something in the command of a contender.
    pub(super) places: Vec<(&'static str, OsString)>,
}

/// Ten thousand files: in so many folders, with as many folders in each, and the files dealt out.
const FILES: u32 = 10_000;
const OUTER: u32 = 56;
const INNER: u32 = 3;
/// The shortest file; as many files are between one power of two and the next as between any other.
const SMALLEST: u64 = 512;
const OCTAVES: u64 = 9;
const CLUSTER: u64 = 4096;

impl Material {
    /// A folder that holds one file of `len` bytes.
    pub(super) fn one_big_file(folder: &Path, len: u64) -> Result<Self> {
        make_folder(folder)?;
        // One piece of noise again and again, numbered: no tool of the comparison compresses or
        // looks for repetition, and gibibytes of noise take their time.
        let mut piece = Noise::new(1).bytes(1 << 20);
        let mut file = File::create(folder.join("big.bin"))?;
        let mut left = len;
        while left > 0 {
            for (byte, digit) in piece.iter_mut().zip(left.to_le_bytes()) {
                *byte = digit;
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            file.write_all(piece.get(..step).unwrap_or_default())?;
            left -= u64::try_from(step)?;
        }
        let title = format!("one file of {} MiB", len >> 20);
        Ok(Self { title, folder: folder.to_path_buf(), len, clusters_len: len, places: Vec::new() })
    }

    /// Ten thousand files in 168 folders, most of them short, few long: what a folder of programs
    /// looks like.
    pub(super) fn small_files(folder: &Path) -> Result<Self> {
        let mut noise = Noise::new(2);
        let (mut bytes, mut clusters_len) = (0, 0);
        for number in 0..FILES {
            let (outer, inner) = (number % OUTER, number / OUTER % INNER);
            let inner = folder.join(format!("folder-{outer:03}")).join(format!("part-{inner}"));
            make_folder(&inner)?;
            let octave = SMALLEST << (noise.next() % OCTAVES);
            let len = octave + noise.next() % octave;
            bytes += len;
            clusters_len += len.next_multiple_of(CLUSTER);
            fs::write(inner.join(format!("file-{number:05}.bin")), noise.bytes(len))?;
        }
        // Folders take clusters too: 60 long names fill two.
        clusters_len += u64::from(OUTER * (INNER + 1)) * 4 * CLUSTER;
        let title = format!("10,000 files, {} MiB in all", bytes >> 20);
        Ok(Self {
            title,
            folder: folder.to_path_buf(),
            len: bytes,
            clusters_len,
            places: Vec::new(),
        })
    }

    /// `count` files of 4 KiB in one folder, whose long names all give the same short name but for its
    /// number.
    pub(super) fn one_prefix(folder: &Path, count: u32) -> Result<Self> {
        let mut noise = Noise::new(3);
        let inner = folder.join("names");
        make_folder(&inner)?;
        for number in 0..count {
            let path = inner.join(format!("Some Long File Name {number:05}.data"));
            fs::write(path, noise.bytes(CLUSTER))?;
        }
        let len = u64::from(count) * CLUSTER;
        // An entry for the short name and three for the long one, 32 bytes each.
        let clusters_len = len + u64::from(count) * 4 * 32;
        let title = format!("{count} names with one prefix in one directory");
        Ok(Self { title, folder: folder.to_path_buf(), len, clusters_len, places: Vec::new() })
    }

    /// A million empty files in a thousand folders.
    pub(super) fn empty_files(folder: &Path) -> Result<Self> {
        for outer in 0..1000 {
            let inner = folder.join(format!("folder-{outer:03}"));
            make_folder(&inner)?;
            for number in 0..1000 {
                File::create(inner.join(format!("file-{number:03}.bin")))?;
            }
        }
        let title = "1,000,000 empty files".to_owned();
        Ok(Self {
            title,
            folder: folder.to_path_buf(),
            len: 0,
            clusters_len: 0,
            places: Vec::new(),
        })
    }

    /// A boot image that a distribution point has, too.
    pub(super) fn boot_image(folder: &Path, places: Vec<(&'static str, OsString)>) -> Result<Self> {
        let path = folder.join("boot.wim");
        let len =
            path.metadata().with_context(|| format!("{} was not made", path.display()))?.len();
        let title = format!("media of a boot image of {} MiB", len >> 20);
        Ok(Self { title, folder: folder.to_path_buf(), len, clusters_len: len, places })
    }

    /// Where contenders put what they make.
    pub(super) fn out(&self) -> PathBuf {
        self.folder.with_extension("out")
    }

    /// Size of a FAT32 volume of 4 KiB clusters that holds it, in KiB: at least 65,600 clusters, so
    /// that it is FAT32 at all, and 1/512 more for the two FATs, four bytes a cluster each.
    pub(super) fn fat_kib(&self) -> u64 {
        let clusters = (self.clusters_len.div_ceil(CLUSTER) + 64).max(65_600);
        (clusters * CLUSTER).div_ceil(1024) + clusters.div_ceil(100) + 1024
    }
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

/// Numbers that look random and are the same in every run (Marsaglia's xorshift, 64 bits).
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, len: u64) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn material_is_the_same_every_time() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let big = Material::one_big_file(&a, (1 << 20) + 5).unwrap();
        Material::one_big_file(&b, (1 << 20) + 5).unwrap();
        let bytes = fs::read(a.join("big.bin")).unwrap();
        assert_eq!(bytes.len(), (1 << 20) + 5);
        assert_eq!(bytes, fs::read(b.join("big.bin")).unwrap());
        assert_eq!(big.fat_kib(), 65_600 * 4 + 656 + 1024);
        assert_ne!(Noise::new(1).next(), Noise::new(2).next());
    }
}
