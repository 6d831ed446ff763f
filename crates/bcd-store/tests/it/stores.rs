//! The stores of our media, what they start, and how stores print.

use bcd_store::hive::{Hive, KeyTree, ValueType};
use bcd_store::{
    BootStore, Device, Element, ElementError, ElementType, ElementValue, Firmware, Locale,
    MenuPolicy, NoRamDiskBoot, Object, ObjectId, ObjectKind, ObjectType, Resolution, Store,
    StoreError, Volume,
};

use crate::support::{RawHive, TIME, set_checksum};

const ENTRY: ObjectId = ObjectId::MEDIA_ENTRY;

fn uefi() -> Store {
    BootStore::new(Firmware::Uefi).build().unwrap()
}

/// The store with one object changed.
fn changed(id: ObjectId, change: impl FnOnce(Object) -> Object) -> Store {
    let store = uefi();
    let object = store.object(id).unwrap().clone();
    store.with_object(id, change(object))
}

fn set(id: ObjectId, element: ElementType, value: ElementValue) -> Store {
    changed(id, |object| object.with(element, &value).unwrap())
}

/// The object without one of its elements.
fn without(id: ObjectId, left_out: ElementType) -> Store {
    changed(id, |object| {
        let kept = object.elements().filter(|(element, _)| *element != left_out);
        kept.fold(Object::new(object.object_type()), |new, (element, raw)| {
            new.with_raw(element, raw.clone())
        })
    })
}

fn ram_disk(volume: Volume, options: Option<ObjectId>) -> ElementValue {
    let path = r"\sources\boot.wim".to_owned();
    ElementValue::Device(Device::RamDisk { volume, path, options })
}

const MBR: Volume = Volume::Mbr { offset: 1 << 20, signature: 0x1234_5678 };

#[test]
fn our_stores_start_our_boot_image() {
    for (firmware, loader) in [(Firmware::Bios, "winload.exe"), (Firmware::Uefi, "winload.efi")] {
        let store = BootStore::new(firmware).build().unwrap();
        let bytes = store.to_bytes(TIME).unwrap();
        // A store for media is small.
        assert_eq!(bytes.len() % 4096, 0);
        assert!(bytes.len() <= 16384, "{}", bytes.len());
        assert_eq!(BootStore::new(firmware).build().unwrap().to_bytes(TIME).unwrap(), bytes);
        let read = Store::read(&bytes).unwrap();
        assert_eq!(read, store);
        let boot = read.ram_disk_boot().unwrap();
        assert_eq!(boot.entry, ENTRY);
        assert!(boot.starts(r"\Sources\BOOT.WIM"));
        assert!(!boot.starts(r"\sources\install.wim"));
        assert_eq!(boot.sdi, r"\boot\boot.sdi");
        assert_eq!(boot.loader, format!(r"\windows\system32\boot\{loader}"));
        assert_eq!(boot.firmware(), Some(firmware));
    }
    let elsewhere = BootStore::new(Firmware::Bios).with_wim(r"\a\b.wim").with_sdi(r"\c.sdi");
    let boot = elsewhere.build().unwrap().ram_disk_boot().unwrap();
    assert_eq!((boot.wim.as_str(), boot.sdi.as_str()), (r"\a\b.wim", r"\c.sdi"));
    let element = ElementType::DESCRIPTION;
    let no = BootStore::new(Firmware::Bios).with_description("a\0b").build();
    assert_eq!(no, Err(ElementError::Text { element }));
}

/// The media's stores differ in names of programs only.
#[test]
fn firmware_makes_one_difference() {
    let text =
        |firmware| BootStore::new(firmware).with_memory_test(true).build().unwrap().to_string();
    let as_uefi = text(Firmware::Bios)
        .replace("winload.exe", "winload.efi")
        .replace(r"\boot\memtest.exe", r"\EFI\Microsoft\Boot\memtest.efi");
    assert_eq!(as_uefi, text(Firmware::Uefi));
}

#[test]
fn a_whole_store_in_print() {
    let store = BootStore::new(Firmware::Bios)
        .with_locale(Locale::new("de-DE").unwrap())
        .with_description("Lab 7")
        .with_timeout(0)
        .with_menu_policy(MenuPolicy::Legacy)
        .with_resolution(Resolution::Highest)
        .with_text_mode(true)
        .with_no_vga(true)
        .with_memory_test(true)
        .build()
        .unwrap();
    let expected = r"Windows Boot Manager
--------------------
identifier              {bootmgr}
description             Windows Boot Manager
locale                  de-DE
inherit                 {globalsettings}
default                 {7619dcc9-fafe-11d9-b411-000476eba25f}
displayorder            {7619dcc9-fafe-11d9-b411-000476eba25f}
toolsdisplayorder       {memdiag}
timeout                 0

Windows Boot Loader
-------------------
identifier              {7619dcc9-fafe-11d9-b411-000476eba25f}
device                  ramdisk=[boot]\sources\boot.wim,{7619dcc8-fafe-11d9-b411-000476eba25f}
path                    \windows\system32\boot\winload.exe
description             Lab 7
locale                  de-DE
inherit                 {globalsettings}
osdevice                ramdisk=[boot]\sources\boot.wim,{7619dcc8-fafe-11d9-b411-000476eba25f}
systemroot              \windows
bootmenupolicy          Legacy
detecthal               Yes
winpe                   Yes
novga                   Yes
ems                     No

Windows Memory Tester
---------------------
identifier              {memdiag}
device                  boot
path                    \boot\memtest.exe
description             Windows Memory Diagnostic
locale                  de-DE
inherit                 {globalsettings}
badmemoryaccess         Yes

Inherited settings
------------------
identifier              {globalsettings}
graphicsmodedisabled    Yes
highestmode             Yes

Device options
--------------
identifier              {7619dcc8-fafe-11d9-b411-000476eba25f}
description             RAM disk
ramdisksdidevice        boot
ramdisksdipath          \boot\boot.sdi
";
    assert_eq!(store.to_string(), expected);
    // Nothing that weakens the check of signatures.
    for (_, object) in store.objects() {
        let weak = [ElementType::NO_INTEGRITY_CHECKS, ElementType::TEST_SIGNING];
        assert!(object.elements().all(|(element, _)| !weak.contains(&element)));
    }
}

#[test]
fn what_is_not_known_prints_and_stays() {
    let raw = |value_type, data: &[u8]| Element::from_raw(value_type, data.to_vec());
    let object = Object::new(ObjectType(0x1030_0006))
        .with_raw(ElementType(0x1200_0004), raw(ValueType::SZ, b"a\0\x1B\0\x2E\x20"))
        .with_raw(ElementType(0x1500_0013), raw(ValueType::DWORD, &[1, 0, 0, 0]))
        .with_raw(ElementType(0x1700_000A), raw(ValueType::BINARY, &[0x10; 16]))
        .with_raw(ElementType(0x2400_0001), raw(ValueType::MULTI_SZ, &[0; 2]))
        .with_raw(ElementType(0x5F12_3456), raw(ValueType(0x99), &[0xAB; 300]));
    let store = Store::new().with_object(ObjectId::NTLDR, object);
    let digits = "ab".repeat(256);
    let expected = format!(
        r"Other application (10300006)
----------------------------
identifier              {{ntldr}}
description             a\u{{1b}}\u{{202e}}
debugport               REG_DWORD 01000000
badmemorylist           0x1010101010101010
                        0x1010101010101010
custom:24000001         (none)
custom:5f123456         REG_153 {digits}... (44 more bytes)
"
    );
    assert_eq!(store.to_string(), expected);
    let read = Store::read(&store.to_bytes(TIME).unwrap()).unwrap();
    assert_eq!(read, store);
}

#[test]
fn why_a_store_does_not_start_a_boot_image() {
    let why = |store: &Store| store.ram_disk_boot().unwrap_err().to_string();
    let manager = ObjectId::BOOT_MANAGER;
    let options = ObjectId::MEDIA_RAM_DISK;
    assert_eq!(why(&Store::new()), "there is no object {bootmgr}, which says what to start");
    let bare = Store::new().with_object(manager, Object::new(ObjectType::BOOT_MANAGER));
    assert_eq!(why(&bare), "{bootmgr} names no entry: it has no default and no display order");
    let lost = set(manager, ElementType::DEFAULT, ElementValue::Object(ObjectId::new(5)));
    assert_eq!(
        why(&lost),
        "there is no object {00000000-0000-0000-0000-000000000005}, the entry to be started"
    );
    // A one-time sequence comes before the default.
    let once = ElementValue::Objects(vec![options]);
    assert_eq!(
        set(manager, ElementType::BOOT_SEQUENCE, once).ram_disk_boot(),
        Err(NoRamDiskBoot::NotALoader { entry: options, found: ObjectKind::Device })
    );
    // Without a default, the first of the menu.
    assert!(without(manager, ElementType::DEFAULT).ram_disk_boot().is_ok());

    let boot = ElementValue::Device(Device::Plain(Volume::Boot));
    let found = Box::new(Device::Plain(Volume::Boot));
    let element = ElementType::DEVICE;
    assert_eq!(
        set(ENTRY, element, boot).ram_disk_boot(),
        Err(NoRamDiskBoot::NotARamDisk { id: ENTRY, element, found })
    );
    let store = set(ENTRY, element, ram_disk(MBR, Some(options)));
    assert_eq!(
        why(&store),
        r"object {7619dcc9-fafe-11d9-b411-000476eba25f}: its element 11000001 is on ramdisk=[partition at byte 1048576 of disk 12345678]\sources\boot.wim,{7619dcc8-fafe-11d9-b411-000476eba25f}, which only one machine has; [boot] is on every medium"
    );
    let store = set(ENTRY, element, ram_disk(Volume::Boot, None));
    assert_eq!(store.ram_disk_boot(), Err(NoRamDiskBoot::TwoDevices { entry: ENTRY }));
    let object = store.object(ENTRY).unwrap().clone();
    let object = object.with(ElementType::OS_DEVICE, &ram_disk(Volume::Boot, None)).unwrap();
    let store = store.with_object(ENTRY, object);
    assert_eq!(store.ram_disk_boot(), Err(NoRamDiskBoot::NoOptions { entry: ENTRY }));

    for (id, element) in [
        (ENTRY, ElementType::DEVICE),
        (ENTRY, ElementType::OS_DEVICE),
        (ENTRY, ElementType::PATH),
        (ENTRY, ElementType::SYSTEM_ROOT),
        (options, ElementType::SDI_DEVICE),
        (options, ElementType::SDI_PATH),
    ] {
        let error = without(id, element).ram_disk_boot().unwrap_err();
        assert!(
            matches!(error, NoRamDiskBoot::NoElement { id: i, element: e, .. } if (i, e) == (id, element)),
            "{error}"
        );
    }
    let installed = set(ENTRY, ElementType::WINPE, ElementValue::Boolean(false));
    assert_eq!(installed.ram_disk_boot(), Err(NoRamDiskBoot::NotWindowsPe { entry: ENTRY }));
    let store = set(options, ElementType::SDI_DEVICE, ElementValue::Device(Device::Plain(MBR)));
    assert!(matches!(store.ram_disk_boot(), Err(NoRamDiskBoot::OneMachine { .. })));
    let damaged = Element::from_raw(ValueType::BINARY, vec![0; 20]);
    let store = changed(ENTRY, |object| object.with_raw(ElementType::DEVICE, damaged));
    let error = store.ram_disk_boot().unwrap_err();
    let mut source: &dyn std::error::Error = &error;
    let mut chain = Vec::new();
    while let Some(next) = source.source() {
        chain.push(next.to_string());
        source = next;
    }
    let device = "element 11000001: its device cannot be read";
    assert_eq!(chain, [device, "a device of 4 bytes; its type needs 16"]);

    let mut bytes = uefi().to_bytes(TIME).unwrap();
    bytes[4] = 2;
    set_checksum(&mut bytes);
    let dirty = Store::read(&bytes).unwrap();
    assert!(dirty.to_string().starts_with("(not closed properly"));
    assert_eq!(dirty.ram_disk_boot(), Err(NoRamDiskBoot::Dirty));
    // Written anew it is a clean one.
    let clean = Store::read(&dirty.to_bytes(TIME).unwrap()).unwrap();
    assert!(clean.ram_disk_boot().is_ok());
}

#[test]
fn elements_are_inherited_and_circles_end() {
    // All of the entry's settings in another object, which inherits the first one again.
    let settings = ObjectId::LOADER_SETTINGS;
    let store = uefi();
    let entry = store.object(ENTRY).unwrap();
    let inherit = |id| ElementValue::Objects(vec![ObjectId::new(1), id]);
    let full = entry
        .elements()
        .filter(|(element, _)| *element != ElementType::INHERIT)
        .fold(Object::new(ObjectType::LOADER_SETTINGS), |new, (element, raw)| {
            new.with_raw(element, raw.clone())
        })
        .with(ElementType::INHERIT, &inherit(ENTRY))
        .unwrap();
    let bare =
        Object::new(ObjectType::OS_LOADER).with(ElementType::INHERIT, &inherit(settings)).unwrap();
    let store = store.with_object(settings, full).with_object(ENTRY, bare);
    assert_eq!(store.ram_disk_boot(), uefi().ram_disk_boot());
    let found = store.element(ENTRY, ElementType::PATH).map(|(id, _)| id);
    assert_eq!(found, Some(settings));
    assert_eq!(store.element(ENTRY, ElementType(0x1200_0099)), None);
}

#[test]
fn hives_of_other_things_are_no_stores() {
    let read = |tree: KeyTree| Store::read(&tree.to_hive(TIME).unwrap());
    let missing = |what: &str| Err(StoreError::Missing { what: what.to_owned() });
    assert_eq!(read(KeyTree::new("ROOT")), missing("Objects"));
    let with = |object: KeyTree| {
        read(KeyTree::new("R").with_subkey(KeyTree::new("Objects").with_subkey(object)))
    };
    let path = r"Objects\Software".to_owned();
    assert_eq!(with(KeyTree::new("Software")), Err(StoreError::Name { path, expected: "a GUID" }));
    let guid = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}";
    assert_eq!(with(KeyTree::new(guid)), missing(&format!(r"Objects\{guid}\Description")));
    let typed = |value_type| {
        KeyTree::new(guid).with_subkey(KeyTree::new("Description").with_value(
            "Type",
            value_type,
            [2, 0, 0x10, 0x10],
        ))
    };
    let what = format!(r"Objects\{guid}\Description, Type (REG_DWORD)");
    assert_eq!(with(typed(ValueType::BINARY)), missing(&what));
    // No elements at all is an object nevertheless.
    assert!(with(typed(ValueType::DWORD)).is_ok());
    let element = |name: &str| {
        let elements = KeyTree::new("Elements").with_subkey(KeyTree::new(name));
        with(typed(ValueType::DWORD).with_subkey(elements))
    };
    for name in ["1200004", "+2000004", "1200000g"] {
        let path = format!(r"Objects\{guid}\Elements\{name}");
        let expected = "a number of 8 digits";
        assert_eq!(element(name), Err(StoreError::Name { path, expected }));
    }
    let what = format!(r"Objects\{guid}\Elements\12000004, Element");
    assert_eq!(element("12000004"), missing(&what));

    let too_long = vec![0; 5 << 20];
    let error = Store::read(&too_long).unwrap_err();
    assert_eq!(error.to_string(), "the boot configuration is no sound registry hive");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the hive has 5242880 bytes; at most 4194304 are read");
}

/// Not possible by our writer: a hive tool that does not look.
#[test]
fn one_object_twice_is_refused() {
    let mut raw = RawHive::new();
    let root = raw.key("Root", u32::MAX, (1, 0), (0, u32::MAX));
    let objects = raw.key("Objects", root, (2, 0), (0, u32::MAX));
    let mut twins = Vec::new();
    for name in ["{9dea862c-5cdd-4e70-acc1-f32b344d4795}", "{9DEA862C-5CDD-4E70-ACC1-F32B344D4795}"]
    {
        let object = raw.key(name, objects, (1, 0), (0, u32::MAX));
        let kind = raw.value("Type", 4, 4 | 1 << 31, 0x1010_0002);
        let values = raw.offsets(&[kind]);
        let description = raw.key("Description", object, (0, u32::MAX), (1, values));
        let list = raw.plain_list(b"li", &[description]);
        raw.put(object, 28, &list.to_le_bytes());
        twins.push(object);
    }
    for (parent, children) in [(root, &[objects][..]), (objects, &twins)] {
        let list = raw.plain_list(b"li", children);
        raw.put(parent, 28, &list.to_le_bytes());
    }
    let bytes = raw.finish(3, root);
    assert!(Hive::open(&bytes).is_ok());
    let path = r"Objects\{9DEA862C-5CDD-4E70-ACC1-F32B344D4795}".to_owned();
    assert_eq!(Store::read(&bytes), Err(StoreError::Twice { path }));
}
