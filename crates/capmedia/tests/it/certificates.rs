//! Who signed what UEFI starts from media, as `verify` tells it. The programs are boot-image's
//! fixtures, which carry Microsoft's names on test certificates.

use std::fs::File;
use std::io::Cursor;
use std::path::Path;

use capmedia::{UefiLoader, Verification, verify};
use extent_image::{Data, Meta, NodeId, Timestamp, TreeBuilder};
use fat32_image::{VolumeOptions, VolumeSize};
use wim_image::Architecture;

use crate::support::{Parts, Workshop, floppy, make, read, small_parts, wim};

const MANAGER: &str = r"Windows\Boot\EFI\bootmgfw.efi";
const EFISYS: &str = r"Windows\Boot\DVD\EFI\en-US\efisys.bin";
const PCA_2011: &str = "Microsoft Windows Production PCA 2011";
const CA_2023: &str = "Windows UEFI CA 2023";

fn program(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(folder.join("../boot-image/tests/fixtures/authenticode").join(name)).unwrap()
}

fn parts(manager: &str) -> Parts {
    let mut parts = small_parts(Architecture::Amd64);
    parts.insert(MANAGER.into(), program(manager));
    parts
}

/// A volume that starts a program of its own, as `efisys.bin` is one.
pub(crate) fn efisys(loader: &[u8]) -> Vec<u8> {
    efisys_with("BOOTX64.EFI", loader)
}

/// The same with a loader of this name.
pub(crate) fn efisys_with(name: &str, loader: &[u8]) -> Vec<u8> {
    let meta = Meta::at(Timestamp::FAT_EPOCH);
    let mut tree = TreeBuilder::new(meta);
    let efi = tree.folder(NodeId::ROOT, "EFI", meta).unwrap();
    let boot = tree.folder(efi, "BOOT", meta).unwrap();
    tree.file(boot, name, meta, Data::bytes("loader", loader.to_vec())).unwrap();
    let options = VolumeOptions::new().with_smallest_fat_type().with_size(VolumeSize::Tight);
    let plan = fat32_image::plan(&tree.finish().unwrap(), &options).unwrap();
    read(plan.into_plan().reader())
}

fn verified(parts: &Parts, kind: &str) -> Verification {
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Amd64), parts));
    let request = workshop.request(kind);
    make(&request).unwrap();
    verify(File::open(request.path[0].clone()).unwrap(), &mut ()).unwrap()
}

#[test]
fn the_loader_of_a_stick_and_of_a_disc_is_told() {
    for kind in ["usb", "cd-dvd"] {
        let found = verified(&parts("ca-2023-x64.efi"), kind);
        assert!(found.is_clean(), "{:?}", found.faults);
        let [loader] = &*found.loaders else { panic!("{:?}", found.loaders) };
        assert_eq!((loader.path.as_str(), loader.volume), ("EFI/Boot/bootx64.efi", None));
        assert_eq!(loader.signatures[0].certificate, CA_2023);
        assert_eq!(loader.signatures[0].intact, Some(true));
        assert!(loader.secure_boot.contains("refused by machines that trust only Microsoft"));
        assert_eq!(found.notes, [] as [&str; 0]);
    }
}

#[test]
fn a_changed_loader_is_a_fault_and_an_unsigned_one_is_none() {
    let found = verified(&parts("changed-x64.efi"), "cd-dvd");
    assert_eq!(
        found.faults,
        [format!(
            "EFI/Boot/bootx64.efi: changed after it was signed under {PCA_2011}: every machine with \
             Secure Boot on refuses it"
        )]
    );
    let found = verified(&parts("unsigned-x64.efi"), "usb");
    assert!(found.is_clean(), "{:?}", found.faults);
    let words = "not signed: every machine with Secure Boot on refuses it";
    assert_eq!(found.loaders[0].secure_boot, words);
}

#[test]
fn what_a_disc_starts_with_is_held_against_its_own_loader() {
    let told = |found: &Verification| -> Vec<_> {
        let one = |it: &UefiLoader| (it.volume.is_some(), it.signatures[0].certificate.clone());
        found.loaders.iter().map(one).collect()
    };
    let found = verified_with("pca-2011-x64.efi", "ca-2023-x64.efi");
    assert_eq!(told(&found), [(false, PCA_2011.into()), (true, CA_2023.into())]);
    let [note] = &*found.notes else { panic!("{:?}", found.notes) };
    assert!(note.contains(&format!("is signed under {CA_2023}")), "{note}");
    assert!(note.ends_with("starts only where both are trusted"), "{note}");

    // Of two signatures it is the one in common that counts.
    let found = verified_with("two-entries-x64.efi", "ca-2023-x64.efi");
    let [note] = &*found.notes else { panic!("{:?}", found.notes) };
    assert!(note.contains(&format!("{PCA_2011} and {CA_2023}: with Secure Boot on")), "{note}");
    let end = format!("machines that trust {CA_2023}, and not on those that trust only {PCA_2011}");
    assert!(note.ends_with(&end), "{note}");
    for (manager, inner) in
        [("pca-2011-x64.efi", "nested-x64.efi"), ("unsigned-x64.efi", "ca-2023-x64.efi")]
    {
        let found = verified_with(manager, inner);
        assert_eq!((found.loaders.len(), &*found.notes), (2, &[][..]));
    }

    let found = verified_with("pca-2011-x64.efi", "unsigned-x64.efi");
    let [note] = &*found.notes else { panic!("{:?}", found.notes) };
    assert!(note.contains("is not signed, the disc's own is, under"), "{note}");

    let found = verified_with("two-entries-x64.efi", "changed-x64.efi");
    let fault = found.faults.iter().find(|fault| fault.contains("changed after it was signed"));
    assert!(fault.unwrap().contains("in UEFI's volume at byte"), "{:?}", found.faults);
}

/// What `verify` tells of a disc with this boot manager that starts that other program. No disc of
/// ours mixes years, so the program comes onto the disc when that is made.
fn verified_with(manager: &str, inner: &str) -> Verification {
    let inner = program(inner);
    let place = vec![b'x'; inner.len()];
    let mut parts = parts(manager);
    parts.insert(EFISYS.into(), efisys(&place));
    let workshop = Workshop::with_boot_image(&wim(Some(Architecture::Amd64), &parts));
    let request = workshop.request("cd-dvd");
    make(&request).unwrap();
    let mut disc = std::fs::read(request.path[0].clone()).unwrap();
    let at = disc.windows(place.len()).position(|bytes| bytes == place).unwrap();
    disc[at..at + inner.len()].copy_from_slice(&inner);
    verify(Cursor::new(disc), &mut ()).unwrap()
}

#[test]
fn a_loader_that_cannot_be_followed_is_told() {
    let mut parts = parts("pca-2011-x64.efi");
    let mut floppy = floppy();
    floppy[19..21].copy_from_slice(&[1, 0]);
    parts.insert(EFISYS.into(), floppy);
    let found = verified(&parts, "cd-dvd");
    let [note] = &*found.notes else { panic!("{:?}", found.notes) };
    assert!(note.contains("its loader could not be looked at"), "{note}");
}
