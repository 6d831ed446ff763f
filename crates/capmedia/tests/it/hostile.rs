//! Boot images that are cut off, or of which some bits are wrong. Such a run either fails with a
//! clear error or makes sound media, and never leaves anything half-written.

use std::fs;

use capmedia::{Blame, inspect};
use proptest::prelude::*;

use crate::support::{Workshop, assert_sound, make, small_wim, told};

/// Tries to make media; what was in the folder before must be there after.
fn attempt(workshop: &Workshop, kind: &str) -> Result<(), String> {
    let request = workshop.request(kind).with_force(true);
    let path = request.path[0].clone();
    fs::write(&path, "old").unwrap();
    let before = workshop.out();
    let outcome = make(&request);
    assert_eq!(workshop.out(), before);
    let _ = inspect(&workshop.path("boot.wim"));
    match outcome {
        Ok(_) => {
            assert_sound(&path);
            Ok(())
        }
        Err(error) => {
            assert_eq!(fs::read(&path).unwrap(), b"old");
            assert_eq!(error.blame(), Blame::Input, "{}", told(&error));
            Err(told(&error))
        }
    }
}

#[test]
fn a_boot_image_cut_off_anywhere_is_refused() {
    let whole = small_wim();
    let workshop = Workshop::new();
    let steps = (0..whole.len()).step_by(whole.len() / 150).chain([207, 208, whole.len() - 1]);
    for (index, len) in steps.enumerate() {
        workshop.put("boot.wim", &whole[..len]);
        let kind = ["cd-dvd", "usb"][index % 2];
        let text = attempt(&workshop, kind).expect_err("a part of a boot image is accepted");
        assert!(text.contains("boot.wim"), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn wrong_bits_are_refused_or_do_not_matter(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..4),
        in_header in any::<bool>(),
        usb in any::<bool>(),
    ) {
        let mut bytes = small_wim();
        let len = if in_header { 208 } else { bytes.len() };
        for (at, bit) in flips {
            bytes[at.index(len)] ^= 1 << bit;
        }
        let workshop = Workshop::with_boot_image(&bytes);
        if let Err(text) = attempt(&workshop, if usb { "usb" } else { "cd-dvd" }) {
            prop_assert!(text.contains("boot.wim"), "{}", text);
        }
    }
}

/// Every boot file is checked against its SHA-1: a flipped bit in one is never copied to media.
#[test]
fn a_wrong_bit_in_a_boot_file_is_seen() {
    let whole = small_wim();
    for (wanted, name) in [
        (&b"stands in for boot/etfsboot.com"[..], r"Windows\Boot\DVD\PCAT\etfsboot.com"),
        (b"stands in for boot/boot.sdi", r"Windows\Boot\DVD\PCAT\boot.sdi"),
        (b"stands in for boot/bootfix.bin", r"Windows\Boot\DVD\PCAT\en-US\bootfix.bin"),
    ] {
        let mut bytes = whole.clone();
        let at = bytes.windows(wanted.len()).position(|bytes| bytes == wanted).unwrap();
        bytes[at] ^= 1;
        let workshop = Workshop::with_boot_image(&bytes);
        let text = attempt(&workshop, "cd-dvd").expect_err("a damaged boot file is accepted");
        assert!(text.contains(name), "{text}");
    }
}
