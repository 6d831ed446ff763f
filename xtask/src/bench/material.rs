//! Inputs of the comparison: the same bytes in every run, none of them compressible.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A folder of files to be put into an image.
pub(super) struct Material {
    pub(super) title: String,
    pub(super) folder: PathBuf,
    /// Bytes, and room for the rest of the last cluster of each file.
    clusters_len: u64,
}

const FOLDERS: u32 = 100;
const FILES_PER_FOLDER: u32 = 100;
/// Small files are 4 to 8 KiB long.
const SMALLEST: u64 = 4096;
const CLUSTER: u64 = 4096;

impl Material {
    /// A folder that holds one file of `len` bytes.
    pub(super) fn one_big_file(folder: &Path, len: u64) -> Result<Self> {
        make_folder(folder)?;
        let mut noise = Noise::new(1);
        let mut file = File::create(folder.join("big.bin"))?;
        let mut left = len;
        while left > 0 {
            let step = left.min(1 << 20);
            file.write_all(&noise.bytes(step))?;
            left -= step;
        }
        let title = format!("one file of {} MiB", len >> 20);
        Ok(Self { title, folder: folder.to_path_buf(), clusters_len: len })
    }

    /// Ten thousand files in a hundred folders.
    pub(super) fn small_files(folder: &Path) -> Result<Self> {
        let mut noise = Noise::new(2);
        let (mut bytes, mut clusters_len) = (0, 0);
        for outer in 0..FOLDERS {
            let inner = folder.join(format!("folder-{outer:03}"));
            make_folder(&inner)?;
            for number in 0..FILES_PER_FOLDER {
                let len = SMALLEST + noise.next() % SMALLEST;
                bytes += len;
                clusters_len += len.next_multiple_of(CLUSTER);
                fs::write(inner.join(format!("file-{number:03}.bin")), noise.bytes(len))?;
            }
            // Folders take clusters too: 100 long names fill two or three.
            clusters_len += 4 * CLUSTER;
        }
        let title = format!("{} files, {} MiB in all", FOLDERS * FILES_PER_FOLDER, bytes >> 20);
        Ok(Self { title, folder: folder.to_path_buf(), clusters_len })
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
