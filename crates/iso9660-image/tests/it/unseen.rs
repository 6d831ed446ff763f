//! Single defects that an independent review found unseen; `matrix` plants them.

use iso9660_image::TreeKind;
use iso9660_image::check::FaultKind;

use crate::defects::{JOLIET, joliet, le32, primary, records};
use crate::matrix::{INTEGRITY, Is, PARTITION, Plant, RECOGNITION, SECTOR, value};

/// What an independent review found unseen.
pub(crate) const UNSEEN: &[(&str, Plant, Is)] = &[
    (
        "type of the Joliet descriptor",
        |image| {
            image[JOLIET] = 3;
            JOLIET
        },
        |kind| matches!(kind, FaultKind::Value { found: 3, expected: 2, .. }),
    ),
    (
        "escape sequence of Joliet",
        |image| {
            image[JOLIET + 90] = b'D';
            JOLIET + 88
        },
        |kind| matches!(kind, FaultKind::Escape),
    ),
    (
        "a name of Joliet",
        |image| {
            let at = joliet(image, &["bootmgr"]);
            image[at + 34] = b'a';
            at
        },
        |kind| matches!(kind, FaultKind::OtherName { tree: TreeKind::Joliet, name } if name == "bootmgr"),
    ),
    (
        "what ends the integrity sequence",
        |image| {
            image[INTEGRITY + SECTOR + 4] ^= 1;
            INTEGRITY + SECTOR + 4
        },
        |kind| value(kind, "checksum of a UDF tag"),
    ),
    (
        "what ends the file sets",
        |image| {
            image[PARTITION + SECTOR] = 9;
            PARTITION + SECTOR
        },
        |kind| value(kind, "identifier of a UDF descriptor"),
    ),
    (
        "bytes of a terminating descriptor",
        |image| {
            image[PARTITION + SECTOR + 511] = 9;
            PARTITION + SECTOR + 511
        },
        |kind| matches!(kind, FaultKind::Reserved { .. }),
    ),
    (
        "type of a recognition descriptor",
        |image| {
            image[RECOGNITION] = 1;
            RECOGNITION
        },
        |kind| value(kind, "type of a recognition descriptor"),
    ),
    (
        "version of a recognition descriptor",
        |image| {
            image[RECOGNITION + SECTOR + 6] = 2;
            RECOGNITION + SECTOR + 6
        },
        |kind| value(kind, "version of a recognition descriptor"),
    ),
    (
        "bytes of a recognition descriptor",
        |image| {
            image[RECOGNITION + 2 * SECTOR + 2047] = 2;
            RECOGNITION + 2 * SECTOR + 2047
        },
        |kind| matches!(kind, FaultKind::Reserved { .. }),
    ),
    (
        "NSR03",
        |image| {
            image[RECOGNITION + SECTOR + 5] = b'3';
            RECOGNITION + SECTOR + 1
        },
        |kind| matches!(kind, FaultKind::Udf { what } if what.starts_with("NSR02 is for")),
    ),
    (
        "file unit size of the parent's record",
        |image| {
            let fonts = primary(image, &["BOOT", "FONTS"]);
            let parent = records(image, le32(image, fonts + 2), SECTOR)[1].0;
            image[parent + 26] = 1;
            parent + 26
        },
        |kind| matches!(kind, FaultKind::Interleaved { .. }),
    ),
    (
        "date of a directory's own record",
        |image| {
            let own = le32(image, primary(image, &["BOOT"]) + 2) * SECTOR;
            image[own + 23] ^= 1;
            own + 18
        },
        |kind| matches!(kind, FaultKind::DatesDiffer { .. }),
    ),
    (
        "flags of a directory's own record",
        |image| {
            let own = le32(image, joliet(image, &["boot"]) + 2) * SECTOR;
            image[own + 25] ^= 1;
            own + 25
        },
        |kind| value(kind, "flags of a directory in its own record"),
    ),
];
