//! Starts a Linux kernel in QEMU and has it mount an image: a judge that needs neither root nor the
//! file systems of the machine's own kernel.
//!
//! Used by the tests of several crates:
//! `#[path = "../../../iso9660-image/tests/it/linux.rs"] mod linux;`
//!
//! The kernel and BusyBox are Debian's, unpacked by `cargo xtask test` into the folder that the
//! variable CAPMEDIA_LINUX names.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::path::Path;

#[path = "guest.rs"]
mod guest;

use guest::Guest;

/// What the file systems need of the kernel.
const MODULES: [&str; 3] = ["nls_utf8", "isofs", "udf"];

/// A file as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    /// Below the mounted root, `/` between names.
    pub(crate) path: String,
    pub(crate) len: u64,
    /// SHA-256 in hexadecimal digits; of a file over [`WHOLE`], that of its first and last MiB.
    pub(crate) digest: String,
}

/// Longer files are looked at in part: an emulated processor hashes some 30 MiB a second.
pub(crate) const WHOLE: u64 = 64 << 20;
/// What is hashed of them at either end.
pub(crate) const PART: u64 = 1 << 20;

/// Mounts `image` once with each of `mounts`, as in `"iso9660 norock,utf8"`, and gives the files
/// that the kernel then finds, by path.
///
/// Panics, with what the kernel said, when a mount fails.
pub(crate) fn mount_in_linux(image: &Path, mounts: &[&str]) -> Vec<Vec<Seen>> {
    let guest = Guest::new().with_modules(&MODULES).with_disk(image, true);
    let said = guest.run(&script(mounts));
    let seen: Vec<Vec<Seen>> = said.split_terminator("\n--\n").map(parse).collect();
    assert_eq!(seen.len(), mounts.len(), "{said}");
    seen
}

/// What the machine does. A failure ends it early.
fn script(mounts: &[&str]) -> String {
    let mut script = String::from("set -e\n");
    // Lines of "digest  length  path".
    script += &format!(
        "list() {{\n\
         cd /mnt\n\
         find . -type f -size -{whole}k -exec sha256sum {{}} + >/sums\n\
         find . -type f -size -{whole}k -exec stat -c '%s' {{}} + >/sizes\n\
         paste -d ' ' /sizes /sums\n\
         find . -type f ! -size -{whole}k | while read -r file; do\n\
         size=$(stat -c %s \"$file\")\n\
         sum=$( {{ head -c {PART} \"$file\"; tail -c {PART} \"$file\"; }} | sha256sum)\n\
         echo \"$size ${{sum%% *}}  $file\"\n\
         done\n\
         cd /\n\
         echo --\n\
         }}\n",
        whole = WHOLE >> 10
    );
    for mount in mounts {
        let (kind, options) = mount.split_once(' ').unwrap_or((mount, "ro"));
        script += &format!("mount -t {kind} -o ro,{options} /dev/vda /mnt\nlist\n");
        script += "umount /mnt\n";
    }
    script
}

/// Lines of `length digest  ./path`, sorted.
fn parse(listing: &str) -> Vec<Seen> {
    let mut seen: Vec<Seen> = listing
        .lines()
        .filter(|line| *line != "--")
        .map(|line| {
            let (len, rest) = line.split_once(' ').expect("a length");
            let (digest, path) = rest.split_once("  ./").expect("a digest and a path");
            let len = len.parse().expect("a number");
            Seen { path: path.to_owned(), len, digest: digest.to_owned() }
        })
        .collect();
    seen.sort();
    seen
}
