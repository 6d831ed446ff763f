//! A small boot image that anyone may have: a real WIM whose boot programs are our own stand-ins for
//! Microsoft's, each of which says on the screen and on COM1 that it runs.
//!
//! It shows that media is laid out so that firmware starts the right program from the right place.
//! It does not start Windows PE: there is none in it, and its RAM disk and task sequence runtime are
//! placeholders. Its boot configurations are real ones, in the places where Windows Setup's boot image
//! has its own.

use bcd_store::hive::FileTime;
use bcd_store::{BootStore, Firmware};
use disk_image::boot_code::standin;
use extent_image::Timestamp;
use wim_image::write::{ImageBuilder, WimBuilder, WriteError};
use wim_image::{Architecture, Version};

/// What starts a task sequence, and what captures from within Windows.
const RUNTIME: [&str; 6] = [
    "TsBootShell.exe",
    "TsmBootstrap.exe",
    "TsManager.exe",
    "TsCore.dll",
    "OsdCaptureSystemImage.exe",
    "OsdCaptureCD.exe",
];

/// Time of everything in the sample: 2026-01-01 00:00:00 UTC.
pub const TIME: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// The sample boot image for x64, the same bytes every time.
///
/// # Errors
/// [`WriteError`]; the sample's own paths and sizes do not cause one.
pub fn boot_image() -> Result<Vec<u8>, WriteError> {
    Loader::X64.boot_image()
}

/// The sample boot image for another architecture, the same bytes every time; `None` for one that has
/// no stand-ins: Itanium and 32-bit ARM.
///
/// # Errors
/// [`WriteError`]; the sample's own paths and sizes do not cause one.
pub fn boot_image_for(architecture: Architecture) -> Result<Option<Vec<u8>>, WriteError> {
    let loaders = [Loader::X64, Loader::X86, Loader::ARM64];
    let loader = loaders.iter().find(|loader| loader.architecture == architecture);
    loader.map(Loader::boot_image).transpose()
}

/// What differs between architectures.
struct Loader {
    architecture: Architecture,
    /// In place of the UEFI boot manager.
    program: &'static [u8],
    /// What UEFI calls it in `\EFI\BOOT`, as FAT writes it.
    short_name: &'static [u8; 11],
    /// Configuration Manager's folder below `sms\bin`.
    folder: &'static str,
    bios: bool,
}

impl Loader {
    const X64: Self = Self {
        architecture: Architecture::Amd64,
        program: standin::BOOTX64,
        short_name: b"BOOTX64 EFI",
        folder: "x64",
        bios: true,
    };
    const X86: Self = Self {
        architecture: Architecture::X86,
        program: standin::BOOTIA32,
        short_name: b"BOOTIA32EFI",
        folder: "i386",
        bios: true,
    };
    const ARM64: Self = Self {
        architecture: Architecture::Arm64,
        program: standin::BOOTAA64,
        short_name: b"BOOTAA64EFI",
        folder: "arm64",
        bios: false,
    };

    fn boot_image(&self) -> Result<Vec<u8>, WriteError> {
        let name = format!("capmedia sample boot image ({})", self.architecture);
        let mut image = ImageBuilder::new(&name, TIME)
            .with_description("Boot programs of capmedia's own; does not start Windows PE")
            .with_architecture(self.architecture)
            .with_version(Version::new(10, 0, 26100, 1))
            .with_edition("WindowsPE")
            .with_language("en-US");
        let efisys = fat12::boot_floppy(self.short_name, self.program);
        let uefi = configuration(Firmware::Uefi);
        let runtime = format!(r"sms\bin\{}", self.folder);
        let shell = format!("[LaunchApps]\r\n%SYSTEMDRIVE%\\{runtime}\\TsBootShell.exe\r\n");
        let files: [(&str, &[u8]); 8] = [
            (r"Windows\Boot\EFI\bootmgfw.efi", self.program),
            (r"Windows\Boot\EFI\bootmgr.efi", self.program),
            (r"Windows\Boot\DVD\EFI\BCD", &uefi),
            (r"Windows\Boot\DVD\EFI\en-US\efisys.bin", &efisys),
            (r"Windows\Boot\DVD\EFI\en-US\efisys_noprompt.bin", &efisys),
            (r"Windows\Boot\Fonts\segmono_boot.ttf", b"capmedia sample: in place of a font\r\n"),
            (r"Windows\Boot\Fonts\wgl4_boot.ttf", b"capmedia sample: in place of another font\r\n"),
            (r"Windows\System32\winpeshl.ini", shell.as_bytes()),
        ];
        for (path, bytes) in files {
            image = image.with_bytes(path, bytes.to_vec())?;
        }
        for name in RUNTIME {
            let bytes = format!("capmedia sample: in place of {name}\r\n");
            image = image.with_bytes(&format!(r"{runtime}\{name}"), bytes.into_bytes())?;
        }
        let boot_sdi = &b"capmedia sample: in place of boot.sdi\r\n"[..];
        if self.bios {
            let bootmgr = standin::bootmgr(standin::BOOTMGR_LEN).unwrap_or_default();
            let bios = configuration(Firmware::Bios);
            let bootfix = b"capmedia sample: bootfix.bin\r\n";
            let files: [(&str, &[u8]); 5] = [
                (r"Windows\Boot\PCAT\bootmgr", &bootmgr),
                (r"Windows\Boot\DVD\PCAT\etfsboot.com", standin::ETFSBOOT),
                (r"Windows\Boot\DVD\PCAT\BCD", &bios),
                (r"Windows\Boot\DVD\PCAT\boot.sdi", boot_sdi),
                (r"Windows\Boot\DVD\PCAT\en-US\bootfix.bin", bootfix),
            ];
            for (path, bytes) in files {
                image = image.with_bytes(path, bytes.to_vec())?;
            }
        } else {
            image = image.with_bytes(r"Windows\Boot\DVD\EFI\boot.sdi", boot_sdi)?;
        }
        WimBuilder::new().with_image(image).with_boot_index(1).to_vec()
    }
}

/// The sample's `efisys.bin`.
#[cfg(test)]
pub(crate) fn floppy() -> Vec<u8> {
    fat12::boot_floppy(Loader::X64.short_name, Loader::X64.program)
}

/// The boot configuration of the sample; none of its texts can be refused.
fn configuration(firmware: Firmware) -> Vec<u8> {
    let store = BootStore::new(firmware).with_description("capmedia sample").build();
    let time = FileTime::from_unix_seconds(TIME.unix_seconds());
    store.ok().and_then(|store| store.to_bytes(time).ok()).unwrap_or_default()
}

/// A 1.44 MB FAT12 floppy image, as `efisys.bin` is one, that holds nothing but a program in
/// `\EFI\BOOT`. Only for the sample: real images come from the boot image.
mod fat12 {
    const SECTOR: usize = 512;
    const SECTORS: usize = 2880;
    const FAT_SECTORS: usize = 9;
    const ROOT_SLOTS: usize = 224;
    const ROOT_AT: usize = (1 + 2 * FAT_SECTORS) * SECTOR;
    const DATA_AT: usize = ROOT_AT + ROOT_SLOTS * 32;
    /// Clusters are one sector; 2 and 3 are the folders.
    const EFI: u16 = 2;
    const BOOT: u16 = 3;
    const FILE: u16 = 4;
    const END: u16 = 0xFFF;
    /// 2026-01-01 as FAT writes it.
    const DATE: u16 = (46 << 9) | (1 << 5) | 1;

    pub(super) fn boot_floppy(name: &[u8; 11], program: &[u8]) -> Vec<u8> {
        let mut image = vec![0; SECTORS * SECTOR];
        put(&mut image, 0, &boot_sector());
        let clusters = u16::try_from(program.len().div_ceil(SECTOR)).unwrap_or(u16::MAX);
        let mut fat = vec![0xFF0, END, END, END];
        fat.extend((1..clusters).map(|n| FILE + n));
        fat.push(END);
        let fat = pack(&fat);
        put(&mut image, SECTOR, &fat);
        put(&mut image, (1 + FAT_SECTORS) * SECTOR, &fat);
        put(&mut image, ROOT_AT, &slot(b"EFI        ", true, EFI, 0));
        for (cluster, parent, name, to, folder, len) in
            [(EFI, 0, b"BOOT       ", BOOT, true, 0), (BOOT, EFI, name, FILE, false, program.len())]
        {
            let at = place(cluster);
            put(&mut image, at, &slot(b".          ", true, cluster, 0));
            put(&mut image, at + 32, &slot(b"..         ", true, parent, 0));
            put(&mut image, at + 64, &slot(name, folder, to, len));
        }
        put(&mut image, place(FILE), program);
        image
    }

    fn place(cluster: u16) -> usize {
        DATA_AT + (usize::from(cluster) - 2) * SECTOR
    }

    /// Puts bytes where the layout above has room for them.
    fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
        for (to, from) in image.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    }

    /// Microsoft's FAT specification, "BPB": the values of every 3.5-inch 1.44 MB floppy.
    fn boot_sector() -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        put(&mut sector, 0, &[0xEB, 0x3C, 0x90]);
        put(&mut sector, 3, b"MSWIN4.1");
        put(&mut sector, 11, &512u16.to_le_bytes());
        put(&mut sector, 13, &[1]);
        put(&mut sector, 14, &1u16.to_le_bytes());
        put(&mut sector, 16, &[2]);
        put(&mut sector, 17, &224u16.to_le_bytes());
        put(&mut sector, 19, &2880u16.to_le_bytes());
        put(&mut sector, 21, &[0xF0]);
        put(&mut sector, 22, &9u16.to_le_bytes());
        put(&mut sector, 24, &18u16.to_le_bytes());
        put(&mut sector, 26, &2u16.to_le_bytes());
        put(&mut sector, 38, &[0x29, 0x4D, 0x44, 0x45, 0x4D]);
        put(&mut sector, 43, b"EFISYS     FAT12   ");
        put(&mut sector, 510, &[0x55, 0xAA]);
        sector
    }

    /// Two 12-bit entries in three bytes.
    fn pack(entries: &[u16]) -> Vec<u8> {
        let mut packed = Vec::new();
        for pair in entries.chunks(2) {
            let low = u32::from(pair.first().copied().unwrap_or(0));
            let high = u32::from(pair.get(1).copied().unwrap_or(0));
            let [a, b, c, _] = (low | high << 12).to_le_bytes();
            packed.extend([a, b, c]);
        }
        packed
    }

    fn slot(name: &[u8; 11], folder: bool, cluster: u16, len: usize) -> [u8; 32] {
        let mut slot = [0; 32];
        put(&mut slot, 0, name);
        put(&mut slot, 11, &[if folder { 0x10 } else { 0x20 }]);
        put(&mut slot, 24, &DATE.to_le_bytes());
        put(&mut slot, 26, &cluster.to_le_bytes());
        put(&mut slot, 28, &u32::try_from(len).unwrap_or(0).to_le_bytes());
        slot
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn entries_are_packed_as_the_specification_draws_them() {
            assert_eq!(pack(&[0xABC, 0x123, 0xFFF]), [0xBC, 0x3A, 0x12, 0xFF, 0x0F, 0x00]);
        }

        #[test]
        fn the_floppy_has_its_length_and_signature() {
            let image = boot_floppy(b"BOOTX64 EFI", &[7; 1000]);
            assert_eq!(image.len(), 1_474_560);
            assert_eq!(image[510..512], [0x55, 0xAA]);
            assert_eq!(image[DATA_AT + 2 * SECTOR..][..1000], [7; 1000]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use boot_image::BootImage;
    use extent_image::BytesSource;

    use super::*;

    #[test]
    fn the_samples_are_complete_and_always_the_same() {
        for architecture in [Architecture::Amd64, Architecture::X86, Architecture::Arm64] {
            let bytes = boot_image_for(architecture).unwrap().unwrap();
            assert_eq!(Some(&bytes), boot_image_for(architecture).unwrap().as_ref());
            if architecture == Architecture::Amd64 {
                assert_eq!(bytes, boot_image().unwrap());
            }
            let image = BootImage::open(Arc::new(BytesSource::new("boot.wim", bytes))).unwrap();
            assert_eq!(image.architecture(None).unwrap(), architecture);
            let files = image.boot_files(architecture, None).unwrap();
            let found = files.require(&[]).unwrap();
            assert!(found.iter().any(|file| file.media.ends_with(architecture.efi_boot_file())));
        }
        assert_eq!(boot_image_for(Architecture::Ia64).unwrap(), None);
    }
}
