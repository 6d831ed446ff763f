//! Whole USB images, volume and disk planned by us, under both kinds of firmware.

use std::num::NonZeroU32;

use bytes::Bytes;
use disk_image::boot_code::standin::{BOOTMGR_LEN, BOOTX64, boot_wim_line, bootmgr};
use disk_image::{
    Code, DEFAULT_START, DiskOptions, Gpt, GptType, Guid, Mbr, SectorSize, Table, TableKind,
    boot_code,
};
use extent_image::{Data, Meta, NodeId, Plan, Timestamp, TreeBuilder};
use fat32_image::{BootCode, Label, VolumeOptions};

use crate::boot::expect_boot;
use crate::image::Image;
use crate::qemu::{ALL_WELL, Firmware, Medium, Qemu, UEFI_LIMIT};

const HIDDEN: u32 = (DEFAULT_START / 512) as u32;

fn boot_wim() -> Vec<u8> {
    [b"MSWIM\0\0\0".as_slice(), &[7; 1 << 20]].concat()
}

fn mbr() -> DiskOptions {
    DiskOptions::new(Table::Mbr(Mbr::new(NonZeroU32::new(0x0BAD_CAFE).unwrap())))
}

fn gpt(kind: GptType) -> DiskOptions {
    let [disk, partition] = [[1; 16], [2; 16]].map(Guid::from_digest);
    DiskOptions::new(Table::Gpt(Gpt::new(disk, partition).with_type(kind)))
}

fn disk(disk: &DiskOptions) -> Plan {
    let at = Meta::at(Timestamp::FAT_EPOCH);
    let mut tree = TreeBuilder::new(at);
    let mut put = |folders: &[&str], name, bytes: Vec<u8>| {
        let mut parent = NodeId::ROOT;
        for folder in folders {
            parent = tree.folder(parent, folder, at).unwrap();
        }
        tree.file(parent, name, at, Data::bytes("file", bytes)).unwrap();
    };
    put(&["EFI", "Boot"], "bootx64.efi", BOOTX64.to_vec());
    put(&["sources"], "boot.wim", boot_wim());
    put(&[], "a long name before the boot manager.txt", vec![1]);
    put(&[], "bootmgr", bootmgr(BOOTMGR_LEN).unwrap());
    put(&[], "bootmgr.efi", vec![2; 5000]);

    let stage2 = boot_code::FAT32_STAGE2.map(|(sector, bytes)| (sector, Bytes::from_static(bytes)));
    let code = BootCode::new(boot_code::FAT32_BOOT_RECORD.as_slice(), stage2.to_vec()).unwrap();
    let options = VolumeOptions::new()
        .with_label(Label::new("CAPTURE").unwrap())
        .with_hidden_sectors(disk.hidden_sectors());
    let options = match disk.sector_size() {
        SectorSize::B512 => options.with_boot_code(code),
        SectorSize::B4096 => options.with_sector_size(fat32_image::SectorSize::B4096),
    };
    let volume = fat32_image::plan(&tree.finish().unwrap(), &options).unwrap();
    disk_image::disk(volume.plan(), disk).unwrap()
}

#[test]
fn a_usb_image_reads_back() {
    let plan = disk(&mbr());
    let disk = disk_image::read(&mut plan.reader()).unwrap();
    assert_eq!(disk.faults(), []);
    assert_eq!((disk.code(), disk.signature()), (Code::Ours, 0x0BAD_CAFE));
    assert_eq!(disk.active().unwrap().first_sector(), u64::from(HIDDEN));
}

#[test]
#[ignore = "needs qemu-system-x86_64 and OVMF"]
fn a_usb_image_boots_under_bios_and_uefi() {
    let image = Image::of_plan(&disk(&mbr()));
    expect_boot("planned image", Qemu::bios().with_disk(&image.path), 0x80, HIDDEN);
    let stick = Qemu::with_only(Firmware::Bios, Medium::Stick, &image.path);
    expect_boot("planned image as a stick", stick, 0x80, HIDDEN);

    expect_uefi("MBR", Qemu::with_only(Firmware::Uefi, Medium::Stick, &image.path));
}

/// Boots a machine with UEFI and expects the stand-in to find its boot image.
fn expect_uefi(name: &str, machine: Qemu) {
    let boot = machine.run(UEFI_LIMIT);
    let content = boot_wim_line(&boot_wim()[..]).unwrap();
    for told in [&content, "capmedia sample: boot.wim on my device begins with MSWIM\r\n"] {
        assert!(boot.serial.contains(told), "{name}: no {told:?} in {}", boot.serial);
    }
    assert_eq!(boot.code, Some(ALL_WELL));
    println!("{name}, OVMF: {} ms", boot.took.as_millis());
}

#[test]
fn every_table_reads_back() {
    for size in [SectorSize::B512, SectorSize::B4096] {
        let tables = [
            (mbr(), TableKind::Mbr),
            (gpt(GptType::BasicData), TableKind::Gpt),
            (DiskOptions::new(Table::None), TableKind::None),
        ];
        for (options, table) in tables {
            let options = options.with_sector_size(size);
            let plan = disk(&options);
            let found = disk_image::read(&mut plan.reader()).unwrap();
            assert_eq!((found.table(), found.sector_size()), (table, size));
            assert_eq!(found.faults(), [], "{table} {size:?}");
            let volume = found.volume().unwrap();
            assert_eq!(volume.range().start, options.start());
            assert_eq!(volume.first_sector(), u64::from(options.hidden_sectors()));
        }
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64 and OVMF"]
fn sticks_with_a_gpt_boot_under_uefi() {
    for kind in [GptType::BasicData, GptType::EfiSystem] {
        let image = Image::of_plan(&disk(&gpt(kind)));
        let stick = Qemu::with_only(Firmware::Uefi, Medium::Stick, &image.path);
        expect_uefi(&format!("GPT, {kind:?}"), stick);
    }
}

#[test]
#[ignore = "needs qemu-system-x86_64 and OVMF"]
fn a_stick_without_a_table_boots_under_bios_and_uefi() {
    let image = Image::of_plan(&disk(&DiskOptions::new(Table::None)));
    expect_boot("no table", Qemu::bios().with_disk(&image.path), 0x80, 0);
    let stick = Qemu::with_only(Firmware::Bios, Medium::Stick, &image.path);
    expect_boot("no table, as a stick", stick, 0x80, 0);
    expect_uefi("no table", Qemu::with_only(Firmware::Uefi, Medium::Stick, &image.path));
}

#[test]
#[ignore = "needs qemu-system-x86_64 and OVMF"]
fn drives_with_sectors_of_4096_bytes_boot_under_uefi() {
    // Not behind a master boot record, whose numbers OVMF takes for those of 512-byte sectors.
    for (name, options) in
        [("GPT", gpt(GptType::BasicData)), ("no table", DiskOptions::new(Table::None))]
    {
        let image = Image::of_plan(&disk(&options.with_sector_size(SectorSize::B4096)));
        let machine = Qemu::uefi().with_4096_byte_disk(&image.path);
        expect_uefi(&format!("4Kn, {name}"), machine);
    }
}
