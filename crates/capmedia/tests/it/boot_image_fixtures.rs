//! Boot images as administrators have them, made in code: stock ones of the Windows ADK, and those
//! that Configuration Manager made ready. Programs that UEFI starts are the signed fixtures of
//! `boot-image`; nothing in them starts Windows.
//!
//! Used by the tests of `capmedia-cli` too.

use std::path::Path;

use capmedia::sample;
use wim_image::write::{ImageBuilder, WimBuilder};
use wim_image::{Architecture, Version};

/// A program signed under certificates that have the names of Microsoft's.
pub(crate) fn signed(name: &str) -> Vec<u8> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = crates.join("boot-image/tests/fixtures/authenticode").join(name);
    std::fs::read(path).unwrap()
}

/// As the programs in the fixtures are called.
fn efi_name(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86 => "ia32",
        Architecture::Arm64 => "arm64",
        _ => "x64",
    }
}

/// As Windows calls it in the names of packages.
fn package_name(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86 => "x86",
        Architecture::Arm64 => "arm64",
        _ => "amd64",
    }
}

pub(crate) fn manifest(package: &str, architecture: Architecture, language: &str) -> String {
    let architecture = package_name(architecture);
    format!(
        r"Windows\servicing\Packages\{package}~31bf3856ad364e35~{architecture}~{language}~10.0.26100.1.mum"
    )
}

/// An image with files; later ones of the same path do not replace earlier ones.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) architecture: Architecture,
    pub(crate) name: &'static str,
    files: Vec<(String, Vec<u8>)>,
    edition: Option<&'static str>,
}

impl Fixture {
    pub(crate) fn empty(name: &'static str) -> Self {
        Self { architecture: Architecture::Amd64, name, files: Vec::new(), edition: None }
    }

    /// The `winpe.wim` of the Windows ADK: boot managers of 2011, no component, no program for
    /// discs, no boot configuration.
    pub(crate) fn adk(architecture: Architecture) -> Self {
        let program = signed(&format!("pca-2011-{}.efi", efi_name(architecture)));
        let mut this = Self {
            architecture,
            name: "Microsoft Windows PE",
            files: Vec::new(),
            edition: Some("WindowsPE"),
        }
        .with(r"Windows\Boot\EFI\bootmgfw.efi", &program)
        .with(r"Windows\Boot\EFI\bootmgr.efi", &program)
        .with(r"Windows\Boot\EFI\boot.stl", b"revoked")
        .with(r"Windows\Boot\Fonts\segoe_slboot.ttf", b"a font")
        .with(r"Windows\Boot\Fonts\wgl4_boot.ttf", b"another font")
        .with(r"Windows\System32\wpeinit.exe", b"")
        .with(&manifest("Microsoft-Windows-WinPE-Package", architecture, ""), b"")
        .with(
            &manifest("Microsoft-Windows-WinPE-LanguagePack-Package", architecture, "en-US"),
            b"",
        );
        if architecture != Architecture::Arm64 {
            this = this
                .with(r"Windows\Boot\PCAT\bootmgr", b"boot manager for BIOS")
                .with(r"Windows\Boot\DVD\PCAT\boot.sdi", b"RAM disk");
        }
        this
    }

    /// The same, serviced with an update of 2024, and made ready by Configuration Manager.
    pub(crate) fn configuration_manager(architecture: Architecture) -> Self {
        let program = signed(&format!("ca-2023-{}.efi", efi_name(architecture)));
        let mut this = Self::adk(architecture)
            .with(r"Windows\Boot\EFI_EX\bootmgfw_EX.efi", &program)
            .with(r"Windows\Boot\EFI_EX\bootmgr_EX.efi", &signed("other-x64.efi"))
            .with(r"Windows\Boot\Fonts_EX\segoe_slboot_EX.ttf", b"a font")
            .with(r"Windows\Boot\DVD_EX\EFI\en-US\efisys_EX.bin", b"efisys");
        for package in ["WMI", "Scripting", "WDS-Tools", "SecureStartup", "HTA", "NetFx"] {
            for language in ["", "en-US", "de-DE"] {
                let package = format!("WinPE-{package}-Package");
                this = this.with(&manifest(&package, architecture, language), b"");
            }
        }
        let bin = match architecture {
            Architecture::X86 => r"sms\bin\i386",
            _ => r"sms\bin\x64",
        };
        for file in ["TsBootShell.exe", "tsmbootstrap.exe", "TsManager.exe", "TsCore.dll"] {
            this = this.with(&format!(r"{bin}\{file}"), b"");
        }
        for file in ["OsdCaptureSystemImage.exe", "TSBootShell.ini", "oscdimg.exe", "TsEnv.exe"] {
            this = this.with(&format!(r"{bin}\{file}"), b"");
        }
        let shell = format!("[LaunchApps]\r\n%SYSTEMDRIVE%\\{bin}\\TsBootShell.exe\r\n");
        this.with(r"sms\boot\boot.sdi", b"RAM disk")
            .with(r"Windows\System32\winpeshl.ini", shell.as_bytes())
    }

    /// Adds a file where there is none.
    pub(crate) fn with(mut self, path: &str, bytes: &[u8]) -> Self {
        if !self.files.iter().any(|(known, _)| known.eq_ignore_ascii_case(path)) {
            self.files.push((path.to_owned(), bytes.to_vec()));
        }
        self
    }

    /// Takes all files away whose path holds `part`.
    pub(crate) fn without(mut self, part: &str) -> Self {
        self.files.retain(|(path, _)| !path.contains(part));
        self
    }

    /// A driver package in the store with its file and catalog; one that was added has a published
    /// name.
    pub(crate) fn with_driver(
        mut self,
        stem: &str,
        published: Option<&str>,
        class: &str,
        provider: &str,
    ) -> Self {
        let inf = driver_inf(stem, class, provider, self.architecture);
        let architecture = package_name(self.architecture);
        let folder = format!(
            r"Windows\System32\DriverStore\FileRepository\{stem}.inf_{architecture}_0123456789abcdef"
        );
        for (name, bytes) in [("inf", inf.as_bytes()), ("sys", b"driver"), ("cat", b"catalog")] {
            self = self.with(&format!(r"{folder}\{stem}.{name}"), bytes);
        }
        let published = published.map_or(format!("{stem}.inf"), str::to_owned);
        self.with(&format!(r"Windows\INF\{published}"), inf.as_bytes())
    }

    pub(crate) fn image(&self) -> ImageBuilder {
        let mut image = ImageBuilder::new(self.name, sample::TIME);
        if let Some(edition) = self.edition {
            image = image
                .with_architecture(self.architecture)
                .with_version(Version::new(10, 0, 26100, 1))
                .with_edition(edition)
                .with_language("en-US")
                .with_language("de-DE");
        }
        for (path, bytes) in &self.files {
            image = image.with_bytes(path, bytes.clone()).unwrap();
        }
        image
    }

    /// A WIM of this image alone, which boots.
    pub(crate) fn wim(&self) -> Vec<u8> {
        WimBuilder::new().with_image(self.image()).with_boot_index(1).to_vec().unwrap()
    }
}

fn driver_inf(stem: &str, class: &str, provider: &str, architecture: Architecture) -> String {
    let guid = match class {
        "Net" => "{4d36e972-e325-11ce-bfc1-08002be10318}",
        "SCSIAdapter" => "{4d36e97b-e325-11ce-bfc1-08002be10318}",
        _ => "{4d36e968-e325-11ce-bfc1-08002be10318}",
    };
    let nt = package_name(architecture);
    format!(
        "[Version]\r\nSignature=\"$Windows NT$\"\r\nClass={class}\r\nClassGuid={guid}\r\n\
         Provider=%Maker%\r\nDriverVer=03/21/2024,12.19.2.60\r\nCatalogFile={stem}.cat\r\n\
         [Manufacturer]\r\n%Maker%=Models,NT{nt}\r\n\
         [Models.NT{nt}]\r\n\"Device\"=Install,PCI\\VEN_8086&DEV_15F3\r\n\
         [Install.NT]\r\nCopyFiles=Files\r\n[Files]\r\n{stem}.sys\r\n\
         [SourceDisksNames]\r\n1=disk\r\n[SourceDisksFiles]\r\n{stem}.sys=1\r\n\
         [Strings]\r\nMaker=\"{provider}\"\r\n"
    )
}

/// What an administrator of today has: Configuration Manager's x64 boot image, serviced, with drivers
/// of Windows and two that were added, of which one is of no use there.
pub(crate) fn rich() -> Fixture {
    Fixture::configuration_manager(Architecture::Amd64)
        .with_driver("netvsc", None, "Net", "Microsoft")
        .with_driver("stornvme", None, "SCSIAdapter", "Microsoft")
        .with_driver("e2f", Some("oem0.inf"), "Net", "Intel")
        .with_driver("screen", Some("oem1.inf"), "Display", "Contoso")
}

/// Two images, neither of which is marked bootable.
pub(crate) fn two_images() -> Vec<u8> {
    let first = Fixture { edition: None, ..Fixture::empty("Notes") }.with("notes.txt", b"notes");
    let second = Fixture::adk(Architecture::Amd64);
    WimBuilder::new().with_image(first.image()).with_image(second.image()).to_vec().unwrap()
}

/// Packages, as administrators keep them in a WIM.
pub(crate) fn data() -> Vec<u8> {
    let image = Fixture::empty("Office").with(r"Office\setup.exe", b"MZ").image();
    WimBuilder::new().with_image(image).to_vec().unwrap()
}

/// A Windows to be installed; it has boot managers too.
pub(crate) fn windows() -> Vec<u8> {
    let windows = Fixture { edition: Some("Enterprise"), ..Fixture::adk(Architecture::Amd64) }
        .with(r"Windows\System32\config\SOFTWARE", b"");
    WimBuilder::new().with_image(windows.image()).to_vec().unwrap()
}
