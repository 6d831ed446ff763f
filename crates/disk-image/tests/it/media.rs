//! A whole USB image, volume and disk planned by us, under both kinds of firmware.

use std::num::NonZeroU32;

use bytes::Bytes;
use disk_image::boot_code::standin::{BOOTMGR_LEN, BOOTX64, boot_wim_line, bootmgr};
use disk_image::{Code, DEFAULT_START, MbrOptions, boot_code, mbr_disk};
use extent_image::{Data, Meta, NodeId, Plan, Timestamp, TreeBuilder};
use fat32_image::{BootCode, Label, VolumeOptions};

use crate::boot::expect_boot;
use crate::image::Image;
use crate::qemu::{ALL_WELL, Firmware, Medium, Qemu, UEFI_LIMIT};

const HIDDEN: u32 = (DEFAULT_START / 512) as u32;

fn boot_wim() -> Vec<u8> {
    [b"MSWIM\0\0\0".as_slice(), &[7; 1 << 20]].concat()
}

fn disk() -> Plan {
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
        .with_hidden_sectors(HIDDEN)
        .with_boot_code(code);
    let volume = fat32_image::plan(&tree.finish().unwrap(), &options).unwrap();
    mbr_disk(volume.plan(), &MbrOptions::new(NonZeroU32::new(0x0BAD_CAFE).unwrap())).unwrap()
}

#[test]
fn a_usb_image_reads_back() {
    let plan = disk();
    let disk = disk_image::read(&mut plan.reader()).unwrap();
    assert_eq!(disk.faults(), []);
    assert_eq!((disk.code(), disk.signature()), (Code::Ours, 0x0BAD_CAFE));
    assert_eq!(disk.active().unwrap().first_sector(), HIDDEN);
}

#[test]
#[ignore = "needs qemu-system-x86_64 and OVMF"]
fn a_usb_image_boots_under_bios_and_uefi() {
    let image = Image::of_plan(&disk());
    expect_boot("planned image", Qemu::bios().with_disk(&image.path), 0x80, HIDDEN);
    let stick = Qemu::with_only(Firmware::Bios, Medium::Stick, &image.path);
    expect_boot("planned image as a stick", stick, 0x80, HIDDEN);

    let boot = Qemu::with_only(Firmware::Uefi, Medium::Stick, &image.path).run(UEFI_LIMIT);
    let content = boot_wim_line(&boot_wim()[..]).unwrap();
    for told in [&content, "capmedia sample: boot.wim on my device begins with MSWIM\r\n"] {
        assert!(boot.serial.contains(told), "no {told:?} in {}", boot.serial);
    }
    assert_eq!(boot.code, Some(ALL_WELL));
    println!("OVMF: {} ms", boot.took.as_millis());
}
