//! Driver stores of boot images, and the devices that they serve. The INFs and the hive are our own.

use std::sync::Arc;

use bcd_store::hive::{FileTime, KeyTree, ValueType};
use boot_image::{
    Architecture, BootImage, Device, DeviceList, DriverDoubt, DriverFinding, DriverFound,
    DriverOrigin, Drivers, HardwareId, Inf, NoDriver,
};
use extent_image::{BytesSource, Timestamp};
use proptest::prelude::*;
use wim_image::Version;
use wim_image::write::{ImageBuilder, WimBuilder};

const STORE: &str = r"Windows\System32\DriverStore\FileRepository";
const NET: &str = "{4d36e972-e325-11ce-bfc1-08002be10318}";
const SCSI: &str = "{4d36e97b-e325-11ce-bfc1-08002be10318}";
const DISPLAY: &str = "{4d36e968-e325-11ce-bfc1-08002be10318}";

/// An INF for one device. `file` is its `.sys` and `.cat` without ending.
fn inf(class: &str, decoration: &str, version: &str, file: &str, ids: &str) -> String {
    format!(
        "; Made for a test\r\n\
         [Version]\r\n\
         Signature = \"$Windows NT$\"\r\n\
         ClassGuid = {class}\r\n\
         Provider = %Maker%\r\n\
         CatalogFile = {file}.cat\r\n\
         DriverVer = 05/17/2021,{version}\r\n\
         [Manufacturer]\r\n\
         %Maker% = Models,{decoration}\r\n\
         [Models.{decoration}]\r\n\
         %Device% = Install,{ids}\r\n\
         [SourceDisksFiles]\r\n\
         {file}.sys = 1\r\n\
         [Strings]\r\n\
         Maker = \"Werkstatt Süd\"\r\n\
         Device = \"Some device\"\r\n"
    )
}

fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    b"\xFF\xFE".iter().copied().chain(units).collect()
}

fn utf8(text: &str) -> Vec<u8> {
    [b"\xEF\xBB\xBF", text.as_bytes()].concat()
}

fn ansi(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

#[derive(Default)]
struct Fixture(Vec<(String, Vec<u8>)>);

impl Fixture {
    fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.push((path.to_owned(), bytes.into()));
        self
    }

    /// A package in the store, its INF published under a name.
    fn package(self, folder: &str, bytes: &[u8], published: &str, files: &[&str]) -> Self {
        let (inf, _) = folder.split_at(folder.find(".inf").unwrap() + 4);
        let this = self
            .file(&format!(r"{STORE}\{folder}\{inf}"), bytes)
            .file(&format!(r"Windows\INF\{published}"), bytes);
        files.iter().fold(this, |this, file| {
            let bytes = format!("{folder} {file}");
            this.file(&format!(r"{STORE}\{folder}\{file}"), bytes.into_bytes())
        })
    }

    fn open(self) -> BootImage {
        let mut image = ImageBuilder::new("Windows PE", Timestamp::FAT_EPOCH)
            .with_architecture(Architecture::Amd64)
            .with_version(Version::new(10, 0, 19041, 1));
        for (path, bytes) in self.0 {
            image = image.with_bytes(&path, bytes).unwrap();
        }
        let wim = WimBuilder::new().with_image(image).with_boot_index(1).to_vec().unwrap();
        BootImage::open(Arc::new(BytesSource::new("boot.wim", wim))).unwrap()
    }

    fn drivers(self) -> Drivers {
        self.open().drivers(Architecture::Amd64)
    }
}

fn good_store() -> Fixture {
    Fixture::default()
        .package(
            "netcard.inf_amd64_0123456789abcdef",
            &utf16(&inf(NET, "NTamd64.10.0", "1.2.3.4", "netcard", r"PCI\VEN_8086&DEV_15F3")),
            "oem0.inf",
            &["netcard.sys", "netcard.cat"],
        )
        .package(
            "disk.inf_amd64_0123456789abcdef",
            &ansi(&inf(SCSI, "NTamd64", "10.0.1.0", "disk", r",PCI\CC_010802")),
            "disk.inf",
            &[],
        )
        .file(r"Windows\System32\drivers\DISK.SYS", "started from here")
}

fn texts(drivers: &Drivers) -> Vec<String> {
    drivers.findings().iter().map(ToString::to_string).collect()
}

#[test]
fn packages_are_told_with_all_that_is_known() {
    let drivers = good_store()
        .file(r"Windows\INF\oem7.inf", utf8(&inf(NET, "NTamd64", "2.0", "x", r"USB\VID_1&PID_2")))
        .file(r"Windows\INF\setup.inf", "[Version]\nSignature=$Chicago$\n")
        .drivers();
    assert!(drivers.has_store());
    let [disk, net, lone] = drivers.packages() else { panic!("{drivers:#?}") };
    assert_eq!(net.name(), "oem0.inf (netcard.inf)");
    assert_eq!(net.origin, DriverOrigin::Added);
    assert_eq!(net.class.as_ref().unwrap().to_string(), "Net");
    assert_eq!(net.provider.as_deref(), Some("Werkstatt Süd"));
    assert_eq!(net.date.unwrap().to_string(), "2021-05-17");
    assert_eq!(net.version.unwrap().to_string(), "1.2.3.4");
    assert_eq!(net.architectures(), [Architecture::Amd64]);
    assert_eq!(net.folder_architecture, Some(Architecture::Amd64));
    assert!(net.sys().all(|file| file.is_present) && net.catalog().unwrap().is_present);
    assert_eq!(net.is_registered, None);
    assert_eq!((disk.name().as_str(), disk.origin), ("disk.inf", DriverOrigin::Inbox));
    assert_eq!(disk.provider.as_deref(), Some("Werkstatt Süd"));
    assert_eq!(disk.sys().map(|file| file.is_present).collect::<Vec<_>>(), [true]);
    // Published, and not in the store: without its files.
    assert_eq!((lone.name().as_str(), &lone.folder), ("oem7.inf", &None));
    let [files, catalog] = &*texts(&drivers) else { panic!("{:?}", texts(&drivers)) };
    assert!(files.contains("oem7.inf is without x.sys"), "{files}");
    assert!(catalog.contains("x.cat"), "{catalog}");
}

#[test]
fn images_without_a_windows_say_nothing() {
    assert!(texts(&Fixture::default().file("readme.txt", "x").drivers()).is_empty());
    let kernel = Fixture::default().file(r"Windows\System32\ntoskrnl.exe", "x").drivers();
    assert_eq!(kernel.findings(), [DriverFinding::NoStore]);
    assert!(texts(&good_store().drivers()).is_empty(), "{:?}", texts(&good_store().drivers()));
}

#[test]
fn protocols_and_software_are_no_network_adapters() {
    let protocol = "{4d36e975-e325-11ce-bfc1-08002be10318}";
    let drivers = Fixture::default()
        .package(
            "a.inf_amd64_0",
            &utf16(&inf(protocol, "NTamd64", "1", "a", r"PCI\X")),
            "a.inf",
            &[],
        )
        .package(
            "b.inf_amd64_0",
            &utf16(&inf(NET, "NTamd64", "1", "b", r"ROOT\B")),
            "b.inf",
            &["b.sys"],
        )
        .package("c.inf_amd64_0", &utf16(&inf(SCSI, "NTarm64", "1", "c", r"PCI\C")), "c.inf", &[])
        .drivers();
    let found = texts(&drivers);
    let [net, disk] = &*found else { panic!("{found:?}") };
    assert!(net.contains("no driver for a network adapter") && disk.contains("storage"));
}

#[test]
fn what_is_wrong_with_added_packages() {
    let net = |decoration, version: &str, id| utf8(&inf(NET, decoration, version, "n", id));
    let drivers = good_store()
        .package("arm.inf_arm64_0", &net("NTarm64", "1", r"PCI\A"), "oem1.inf", &["n.sys", "n.cat"])
        .package("other.inf_0", &net("NTx86", "1", r"PCI\B"), "oem2.inf", &[])
        .package("bare.inf_amd64_0", &net("NTamd64", "1", r"PCI\C"), "oem3.inf", &[])
        .package("v.inf_amd64_1", &net("NTamd64", "1.9", r"PCI\D"), "oem4.inf", &["n.sys", "n.cat"])
        .package(
            "v.inf_amd64_2",
            &net("NTamd64", "1.10", r"PCI\D"),
            "oem5.inf",
            &["n.sys", "N.CAT"],
        )
        .package(
            "gpu.inf_amd64_0",
            &utf16(&inf(DISPLAY, "NTamd64", "1", "g", r"PCI\E")),
            "oem6.inf",
            &["g.sys", "g.cat"],
        )
        .file(&format!(r"{STORE}\empty.inf_amd64_0\readme.txt"), "no INF")
        .file(&format!(r"{STORE}\odd.inf_amd64_0\odd.inf"), "no INF either")
        .drivers();
    let errors: Vec<_> = drivers.findings().into_iter().filter(DriverFinding::is_error).collect();
    let texts = texts(&drivers);
    assert_eq!(errors.len(), 2, "{texts:#?}");
    for (at, expected) in [
        "oem1.inf (arm.inf) is for arm64, the boot image for x64",
        "oem2.inf (other.inf) is for x86",
        "oem3.inf (bare.inf) is without n.sys",
        "oem3.inf (bare.inf) is without its catalog n.cat",
        "oem6.inf (gpu.inf) (class Display)",
        "oem4.inf (v.inf) has version 1.9.0.0; oem5.inf (v.inf) is the same with version 1.10.0.0",
        "empty.inf_amd64_0 is a driver's folder without INF",
        "odd.inf cannot be read: there is no [Version] section",
    ]
    .iter()
    .enumerate()
    {
        assert!(texts[at].contains(expected), "{expected}: {texts:#?}");
    }
    assert_eq!(texts.len(), 8, "{texts:#?}");
}

fn sz(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn hive(packages: &[(&str, &str)]) -> Vec<u8> {
    let keys = packages.iter().fold(KeyTree::new("DriverPackages"), |keys, (folder, published)| {
        keys.with_subkey(KeyTree::new(*folder).with_value("", ValueType::SZ, sz(published)))
    });
    let database = KeyTree::new("DriverDatabase").with_subkey(keys);
    KeyTree::new("ROOT").with_subkey(database).to_hive(FileTime::from_unix_seconds(0)).unwrap()
}

#[test]
fn the_registry_is_part_of_the_picture() {
    let store = good_store().package(
        "more.inf_amd64_0",
        &utf16(&inf(NET, "NTamd64", "1", "more", r"PCI\MORE")),
        "unrelated.txt",
        &["more.sys", "more.cat"],
    );
    let drivers = store
        .file(
            r"Windows\System32\config\DRIVERS",
            hive(&[
                ("NETCARD.inf_amd64_0123456789abcdef", "oem0.inf"),
                ("gone.inf_amd64_0", "oem9.inf"),
                ("trace.inf_amd64_0", "trace.inf"),
            ]),
        )
        .file(r"Windows\System32\config\SYSTEM", hive(&[]))
        .drivers();
    let net = drivers.packages().iter().find(|package| package.inf == "netcard.inf").unwrap();
    assert_eq!(net.is_registered, Some(true));
    let texts = texts(&drivers);
    let [unknown, gone] = &*texts else { panic!("{texts:#?}") };
    assert!(unknown.contains("more.inf_amd64_0, which the image's registry does not know"));
    assert!(gone.contains("oem9.inf, whose folder gone.inf_amd64_0"));
}

#[test]
fn a_registry_with_gaps_blames_nobody() {
    let known = || hive(&[("disk.inf_amd64_0123456789abcdef", "disk.inf")]);
    let mut dirty = known();
    // A write that was not ended: the second sequence number, and the checksum with it.
    dirty[4] ^= 2;
    dirty[508] ^= 2;
    for (drivers, system, says) in [
        (b"no hive at all".to_vec(), known(), "DRIVERS cannot be read whole"),
        (known(), b"no hive at all".to_vec(), "SYSTEM cannot be read whole"),
        (dirty, known(), "DRIVERS was not closed"),
    ] {
        let drivers = good_store()
            .file(r"Windows\System32\config\DRIVERS", drivers)
            .file(r"Windows\System32\config\SYSTEM", system)
            .drivers();
        let registered = |inf| {
            let package = drivers.packages().iter().find(|package| package.inf == inf);
            package.unwrap().is_registered
        };
        assert_eq!((registered("netcard.inf"), registered("disk.inf")), (None, Some(true)));
        let texts = texts(&drivers);
        assert!(texts.len() == 1 && texts[0].contains(says), "{texts:#?}");
        assert_eq!(found(&drivers, CARD).doubts, []);
    }
}

const CARD: &str = r"PCI\VEN_8086&DEV_15F3";

fn found(drivers: &Drivers, id: &str) -> DriverFound {
    let devices = [Device::from_id(&id.parse().unwrap())];
    drivers.answers(&devices).remove(0).driver.unwrap()
}

#[test]
fn packages_that_are_whole_come_first() {
    let net = |ids| utf16(&inf(NET, "NTamd64", "1", "n", ids));
    let specific = r"PCI\VEN_8086&DEV_15F3&SUBSYS_00008086";
    let store = || {
        Fixture::default()
            .package("bare.inf_amd64_0", &net(specific), "oem1.inf", &["n.cat"])
            .package("nocat.inf_amd64_0", &net(specific), "oem2.inf", &["n.sys"])
    };
    // The one that is whole, though it names the device less precisely.
    let whole = store().package("z.inf_amd64_0", &net(CARD), "oem3.inf", &["n.sys", "n.cat"]);
    let whole = found(&whole.drivers(), specific);
    assert_eq!((whole.package.as_str(), &*whole.doubts), ("oem3.inf (z.inf)", &[][..]));
    let doubtful = found(&store().drivers(), specific);
    assert_eq!(doubtful.package, "oem2.inf (nocat.inf)");
    assert_eq!(doubtful.doubts, [DriverDoubt::Unsigned]);
    // Signed, and not known to the registry.
    let drivers = Fixture::default()
        .package("a.inf_amd64_0", &net(CARD), "oem1.inf", &["n.sys", "n.cat"])
        .file(r"Windows\System32\config\DRIVERS", hive(&[("b.inf_amd64_0", "b.inf")]))
        .drivers();
    assert_eq!(found(&drivers, CARD).doubts, [DriverDoubt::Unregistered]);
    let bare = Fixture::default()
        .package("bare.inf_amd64_0", &net(CARD), "oem1.inf", &["n.cat"])
        .drivers();
    let text = answer(&bare, CARD).unwrap_err().to_string();
    assert_eq!(
        text,
        "oem1.inf (bare.inf) has a driver for it, but is without n.sys, which its INF names"
    );
}

#[test]
fn sections_for_other_windows_do_not_count() {
    let card = |decorations: &str, sections: &str| {
        let text = format!(
            "[Version]\nSignature=$Windows NT$\nClassGuid={NET}\n[Manufacturer]\n\
             %V%=M,{decorations}\n{sections}[Strings]\nV=Us\n"
        );
        Fixture::default().package("n.inf_amd64_0", text.as_bytes(), "n.inf", &[]).drivers()
    };
    let line = r"d=i,PCI\VEN_8086&DEV_15F3";
    let drivers =
        card("NTamd64.6.0,NTamd64.6.1", &format!("[M.NTamd64.6.0]\n{line}\n[M.NTamd64.6.1]\n"));
    let replaced = answer(&drivers, CARD).unwrap_err();
    assert!(matches!(replaced, NoDriver::OtherWindows { replaced: Some((6, 1, 0)), .. }));
    assert!(replaced.to_string().contains("older Windows only"), "{replaced}");
    // It has no driver for any network adapter then.
    assert!(texts(&drivers)[0].contains("no driver for a network adapter"));
    let drivers = card("NTamd64.10.0.3", &format!("[M.NTamd64.10.0.3]\n{line}\n"));
    let server = answer(&drivers, CARD).unwrap_err();
    assert!(matches!(server, NoDriver::OtherWindows { replaced: None, .. }), "{server}");
    let drivers = card("NTamd64.6.0", &format!("[M.NTamd64.6.0]\n{line}\n"));
    assert!(answer(&drivers, CARD).is_ok());
}

/// A few bytes of an image make no large memory, whatever it repeats.
#[test]
fn packages_of_one_inf_share_it() {
    let names: String = (0..400).map(|at| format!("f{at}.sys=1\n")).collect();
    let text = format!(
        "[Version]\nSignature=$Windows NT$\nClassGuid={NET}\nProvider={}\n[Manufacturer]\n\
         V=M,NTamd64\n[M.NTamd64]\nd=i,{CARD}\n[SourceDisksFiles]\n{names}",
        "long ".repeat(4000),
    );
    let folders = (0..300).map(|at| format!("x.inf_amd64_{at:04}"));
    let store = folders.fold(Fixture::default(), |store, folder| {
        store.package(&folder, text.as_bytes(), &format!("{folder}.txt"), &[])
    });
    let drivers = store.drivers();
    assert_eq!(drivers.packages().len(), 300);
    let first = &drivers.packages()[0];
    assert!(first.provider.as_ref().unwrap().len() <= 512);
    for package in drivers.packages() {
        assert!(std::ptr::eq(package.facts().unwrap(), first.facts().unwrap()));
        assert!(Arc::ptr_eq(package.class.as_ref().unwrap(), first.class.as_ref().unwrap()));
        assert!(Arc::ptr_eq(package.provider.as_ref().unwrap(), first.provider.as_ref().unwrap()));
        assert_eq!(package.sys().count(), 256);
    }
    // One hundred are told of, each with a few of its files.
    let findings = texts(&drivers);
    assert_eq!(findings.iter().filter(|text| text.contains("and 248 more")).count(), 100);
    assert!(findings.iter().any(|text| text == "200 more of these findings are not told"));
}

#[test]
fn what_infs_make_of_little_text_has_a_limit() {
    // Some 20 MB of IDs out of 1 MB of text.
    let inf = |at: usize| {
        let ids: String = (0..99_000).map(|id| format!(",%a%{at}{id:05}")).collect();
        format!(
            "[Version]\nSignature=$Windows NT$\nClassGuid={NET}\n[Manufacturer]\nV=M,NTamd64\n\
             [M.NTamd64]\nd=i{ids}\n[Strings]\na={}",
            "y".repeat(190)
        )
    };
    let store = (0..4).fold(Fixture::default(), |store, at| {
        store.package(&format!("x{at}.inf_amd64_0"), inf(at).as_bytes(), &format!("{at}.txt"), &[])
    });
    let drivers = store.drivers();
    let read = drivers.packages().iter().filter(|package| package.facts().is_some()).count();
    assert_eq!(read, 2);
    assert!(drivers.findings().iter().any(|f| matches!(f, DriverFinding::Truncated { .. })));
}

fn answer(drivers: &Drivers, id: &str) -> Result<(String, String), NoDriver> {
    let device = Device::from_id(&id.parse::<HardwareId>().unwrap());
    let devices = [device];
    let answer = drivers.answers(&devices).remove(0).driver;
    answer.map(|found| (found.package, found.id))
}

#[test]
fn devices_match_by_the_ids_that_windows_would_try() {
    let net = |decoration, id| utf16(&inf(NET, decoration, "1", "n", id));
    let drivers = good_store()
        .package("arm.inf_arm64_0", &net("NTarm64", r"PCI\VEN_0001&DEV_0001"), "a.inf", &[])
        .package(
            "late.inf_amd64_0",
            &net("NTamd64.10.0...22000", r"PCI\VEN_0001&DEV_0002"),
            "l.inf",
            &[],
        )
        .package(
            "board.inf_amd64_0",
            &net("NTamd64", r"PCI\VEN_0001&DEV_0003&SUBSYS_00041028"),
            "b.inf",
            &["n.sys"],
        )
        .package(
            "ext.inf_amd64_0",
            &utf16(&inf(
                "{e2f84ce7-8efa-411c-aa69-97454ca4cb57}",
                "NTamd64",
                "1",
                "e",
                r"PCI\VEN_0001&DEV_0004",
            )),
            "e.inf",
            &[],
        )
        .drivers();
    let netcard = || "oem0.inf (netcard.inf)".to_owned();
    let plain = r"PCI\VEN_8086&DEV_15F3".to_owned();
    for id in [
        r"PCI\VEN_8086&DEV_15F3",
        r"pci\ven_8086&dev_15f3&subsys_00008086&rev_03",
        r"PCI\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03\6&102e3adf&0&0000F0",
    ] {
        assert_eq!(answer(&drivers, id), Ok((netcard(), plain.clone())), "{id}");
    }
    assert_eq!(answer(&drivers, r"PCI\VEN_8086&DEV_9999"), Err(NoDriver::Unknown));
    assert_eq!(answer(&drivers, r"PCI\VEN_0001&DEV_0004"), Err(NoDriver::Unknown));
    let text = |id| answer(&drivers, id).unwrap_err().to_string();
    assert_eq!(text(r"PCI\VEN_0001&DEV_0001"), "arm.inf has a driver for it, for arm64");
    assert!(text(r"PCI\VEN_0001&DEV_0002").contains("for Windows 10.0.22000 and later"));
    let without = text(r"PCI\VEN_0001&DEV_0003");
    assert!(without.contains("SUBSYS_00041028") && without.contains("give the ID"), "{without}");
    let other = text(r"PCI\VEN_0001&DEV_0003&SUBSYS_00051028");
    assert!(other.contains("SUBSYS_00041028") && !other.contains("give the ID"), "{other}");
    let found = answer(&drivers, r"PCI\VEN_0001&DEV_0003&SUBSYS_00041028&REV_07").unwrap();
    assert_eq!(found.0, "board.inf");
}

#[test]
fn devices_of_a_list_need_a_driver_of_their_class() {
    let list = DeviceList::parse(
        b"00:1f.6 Ethernet controller [0200]: Maker [8086:15f3] (rev 03)\n\
          01:00.0 Non-Volatile memory controller [0108]: Maker [144d:a808]\n\
          02:00.0 Ethernet controller [0200]: Maker [1af4:1000]\n",
    )
    .unwrap();
    let wrong = inf(DISPLAY, "NTamd64", "1", "w", r"PCI\VEN_1AF4&DEV_1000");
    let drivers = good_store().package("w.inf_amd64_0", &ansi(&wrong), "w.inf", &[]).drivers();
    let answers = drivers.answers(list.needed());
    let [net, disk, other] = &*answers else { panic!("{answers:#?}") };
    assert_eq!(net.driver.as_ref().unwrap().id, r"PCI\VEN_8086&DEV_15F3");
    assert_eq!(disk.driver.as_ref().unwrap().id, r"PCI\CC_010802");
    let reason = other.driver.as_ref().unwrap_err().to_string();
    assert_eq!(reason, "w.inf names it, but is of class Display");
}

#[test]
fn a_driver_that_makes_a_bus_drives_the_card() {
    let list = DeviceList::parse(
        b"01:00.0 Ethernet controller [0200]: Maker [14e4:1639] (rev 20)\n\
          02:00.0 Ethernet controller [0200]: Maker [1af4:1000]\n\
          \tSubsystem: Maker [1af4:0001]\n",
    )
    .unwrap();
    let system = "{4d36e97d-e325-11ce-bfc1-08002be10318}";
    let card = r"PCI\VEN_1AF4&DEV_1000&SUBSYS_00011AF4&REV_00";
    let bus = ansi(&inf(system, "NTamd64", "1", "b", r"PCI\VEN_14E4&DEV_1639"));
    // The driver of the class wins, whatever names the card more closely.
    let both = ansi(&inf(system, "NTamd64", "1", "c", card));
    let store = good_store()
        .package("b.inf_amd64_0", &bus, "b.inf", &["b.sys"])
        .package("c.inf_amd64_0", &both, "c.inf", &["c.sys"])
        .package("n.inf_amd64_0", &ansi(&inf(NET, "NTamd64", "1", "n", card)), "n.inf", &["n.sys"]);
    let drivers = store.drivers();
    let answers = drivers.answers(list.needed());
    let found: Vec<_> = answers
        .iter()
        .map(|answer| answer.driver.as_ref().unwrap())
        .map(|found| (found.package.as_str(), found.is_bus))
        .collect();
    assert_eq!(found, [("b.inf", true), ("n.inf", false)]);
}

/// INFs and lists as files, which are also the first inputs of the fuzzers.
const UTF16: &[u8] = include_bytes!("../fixtures/drivers/net-utf16.inf");
const UTF8: &[u8] = include_bytes!("../fixtures/drivers/storage-utf8.inf");
const ANSI: &[u8] = include_bytes!("../fixtures/drivers/old-ansi.inf");
const PNPUTIL: &[u8] = include_bytes!("../fixtures/drivers/pnputil-german.txt");
const LSPCI: &[u8] = include_bytes!("../fixtures/drivers/lspci-nnv.txt");

#[test]
fn infs_in_three_encodings() {
    let facts = |bytes| {
        let inf = Inf::parse(bytes).unwrap();
        let models: Vec<_> = inf
            .models()
            .iter()
            .map(|models| (models.architecture, models.since, models.ids.len()))
            .collect();
        let text = |text: Option<String>| text.unwrap_or_default();
        (
            text(inf.class().map(ToString::to_string)),
            text(inf.provider().map(str::to_owned)),
            text(inf.date().map(|date| date.to_string())),
            text(inf.version().map(|version| version.to_string())),
            text(inf.catalog(Architecture::Amd64).map(str::to_owned)),
            inf.sys_files(Architecture::Amd64).map(str::to_owned).collect::<Vec<_>>().join(" "),
            models,
        )
    };
    let row = |class: &str, provider: &str, date: &str, version: &str, cat: &str, sys: &str, m| {
        let [class, provider, date] = [class, provider, date].map(str::to_owned);
        (class, provider, date, version.to_owned(), cat.to_owned(), sys.to_owned(), m)
    };
    let (x64, arm64, x86) = (Architecture::Amd64, Architecture::Arm64, Architecture::X86);
    let models = vec![(x64, Some((10, 0, 17763)), 3), (arm64, Some((10, 0, 22000)), 1)];
    let net = ("Net", "Grey Box 灰色", "2024-03-09", "3.1.4.15", "greycard.cat", "greycard.sys");
    assert_eq!(facts(UTF16), row(net.0, net.1, net.2, net.3, net.4, net.5, models));
    let models = vec![(x64, None, 1), (x86, None, 1)];
    let disk = ("SCSIAdapter", "Étagère & Co", "2023-11-30", "9.8.0.0", "rack64.cat");
    let sys = "rack64.sys";
    assert_eq!(facts(UTF8), row(disk.0, disk.1, disk.2, disk.3, disk.4, sys, models));
    let provider = "Müller & Söhne – Köln";
    assert_eq!(facts(ANSI), row("Net", provider, "2003-02-01", "", "", "", vec![(x86, None, 2)]));
}

#[test]
fn two_systems_name_the_same_devices() {
    let store = || {
        Fixture::default()
            .package("net.inf_amd64_1", UTF16, "oem0.inf", &["greycard.sys", "greycard.cat"])
            .package("rack.inf_amd64_1", UTF8, "oem1.inf", &["rack64.sys", "rack64.cat"])
            .package("old.inf_x86_1", ANSI, "old.inf", &[])
    };
    let drivers = store().drivers();
    for bytes in [PNPUTIL, LSPCI] {
        let list = DeviceList::parse(bytes).unwrap();
        let answers = drivers.answers(list.needed());
        let mut found: Vec<_> = answers
            .iter()
            .map(|answer| {
                let driver = answer.driver.as_ref().unwrap();
                (driver.package.as_str(), driver.id.as_str())
            })
            .collect();
        found.sort_unstable();
        let expected = [
            ("oem0.inf (net.inf)", r"PCI\VEN_1D0F&DEV_EC20"),
            ("oem1.inf (rack.inf)", r"PCI\VEN_1E4B&DEV_1001&CC_0104"),
        ];
        assert_eq!(found, expected);
        assert_eq!(list.others().len(), 1);
    }
    // rack32.sys is for the other architecture.
    assert!(texts(&drivers).is_empty(), "{:?}", texts(&drivers));
}

/// Pieces that INFs and lists are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[Version]\n"),
        Just("Signature=$Chicago$\n"),
        Just("[Manufacturer]\n"),
        Just("%m%=S"),
        Just(",NTamd64"),
        Just(".10.0...22000"),
        Just("[S.NTamd64]\n"),
        Just("[s]\r\n"),
        Just("x=i,"),
        Just("PCI\\VEN_8086&DEV_15F3"),
        Just("PCI\\CC_0200"),
        Just("&SUBSYS_00008086"),
        Just("&REV_03"),
        Just("[Strings]\nm="),
        Just("[strings.0409]\n"),
        Just("%"),
        Just("\""),
        Just("\\\n"),
        Just(";"),
        Just("="),
        Just(","),
        Just("\n"),
        Just("\r"),
        Just("ClassGuid={4d36e972-e325-11ce-bfc1-08002be10318}\n"),
        Just("DriverVer=1/2/2003,4.5\n"),
        Just("[SourceDisksFiles.amd64]\na.sys=1\n"),
        Just("CopyFiles=@b.sys,c\n"),
        Just("00:1f.6 Ethernet [0200]: "),
        Just("[8086:15f3]"),
        Just("\tSubsystem: "),
        Just("0000:00:00.0 "),
        Just("Label: "),
        Just("        "),
        Just("\\3&1&0"),
        Just("{4d36e97b-e325-11ce-bfc1-08002be10318}"),
        Just("#"),
        Just("é灰"),
        Just("[c]\nd,e.sys\n"),
        Just("*PNP0A03"),
        Just("(rev 1"),
        Just("\u{0}"),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn infs_say_the_same_in_every_encoding(text in pieces()) {
        let one = Inf::parse(&utf8(&text));
        prop_assert_eq!(&one, &Inf::parse(&utf16(&text)));
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        prop_assert_eq!(&one, &Inf::parse(&[b"\xFE\xFF".to_vec(), big].concat()));
        // Line ends and comments say nothing.
        let windows = text.replace('\r', "\n").replace('\n', " ; comment\r\n\r\n");
        if !text.contains(['"', ';']) {
            prop_assert_eq!(&one, &Inf::parse(&utf8(&windows)));
        }
    }

    #[test]
    fn lists_say_the_same_in_every_encoding(text in pieces()) {
        let one = DeviceList::parse(&utf8(&text));
        prop_assert_eq!(&one, &DeviceList::parse(&utf16(&text)));
        if let Ok(list) = one {
            for device in list.needed().iter().chain(list.others()) {
                prop_assert!(!device.ids.is_empty());
                for id in &device.ids {
                    prop_assert_eq!(&id.as_str().parse::<HardwareId>(), &Ok(id.clone()));
                    prop_assert_eq!(&id.with_less_specific()[0], id);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Inf::parse(&bytes);
        let _ = DeviceList::parse(&bytes);
    }

    #[test]
    fn any_store_can_be_told_of(
        infs in proptest::collection::vec(pieces(), 0..4),
        hive in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut store = good_store().file(r"Windows\System32\config\DRIVERS", hive);
        for (at, inf) in infs.iter().enumerate() {
            store = store.package(&format!("x{at}.inf_amd64_{at}"), inf.as_bytes(), &format!("x{at}.txt"), &[]);
            store = store.file(&format!(r"Windows\INF\oem{}.inf", at + 20), inf.as_bytes());
        }
        let drivers = store.drivers();
        for finding in drivers.findings() {
            prop_assert!(!finding.to_string().is_empty());
        }
        // What else there is does not take the driver away.
        prop_assert!(answer(&drivers, r"PCI\VEN_8086&DEV_15F3&REV_01").is_ok());
    }

    #[test]
    fn more_specific_devices_keep_their_drivers(board in "[0-9A-F]{8}", revision in "[0-9a-f]{2}") {
        let drivers = good_store().drivers();
        let plain = answer(&drivers, r"PCI\VEN_8086&DEV_15F3").unwrap();
        for id in [
            format!(r"PCI\VEN_8086&DEV_15F3&SUBSYS_{board}"),
            format!(r"PCI\VEN_8086&DEV_15F3&SUBSYS_{board}&REV_{revision}"),
            format!(r"PCI\VEN_8086&DEV_15F3&REV_{revision}"),
            r"PCI\VEN_8086&DEV_15F3&CC_020000".to_owned(),
        ] {
            prop_assert_eq!(&answer(&drivers, &id).unwrap(), &plain);
        }
    }
}
