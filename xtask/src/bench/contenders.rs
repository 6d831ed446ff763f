//! The programs that are measured, ours and other people's.

use std::ffi::OsString;

use crate::bench::material::Material;
use crate::context::Context;

/// A way to turn the folder `{in}` into `{out}`, which is not there before.
pub(super) struct Contender {
    pub(super) name: &'static str,
    /// The program and its arguments. `{examples}`, `{release}` and `{peers}` are the folders with
    /// what is built for the run, `{fat-kib}` is the size of a FAT32 volume that holds the input.
    command: &'static [&'static str],
    /// Ours: what the numbers are about.
    pub(super) ours: bool,
}

const fn other(name: &'static str, command: &'static [&'static str]) -> Contender {
    Contender { name, command, ours: false }
}

const fn ours(name: &'static str, command: &'static [&'static str]) -> Contender {
    Contender { name, command, ours: true }
}

/// One pass over the files into one file: what every ratio of small files is against.
pub(super) const TAR: &str = "`tar` to one file";
/// What the ratios of one big file are against, as it is without options: it shares blocks where it
/// can, and copies in the kernel where it cannot.
pub(super) const CP: &str = "`cp`";
/// What it is against where blocks can be shared.
pub(super) const CP_COPYING: &str = "`cp --reflink=never`";
/// The rows that the targets of the README speak of.
pub(super) const BRIDGE: &str = "**ours**, bridge";

const ONE_TAR: Contender = other(TAR, &["tar", "-cf", "{out}", "-C", "{in}", "."]);
const PLAIN_CP: Contender = other(CP, &["cp", "-r", "{in}", "{out}"]);
const COPYING: Contender = other(CP_COPYING, &["cp", "-r", "--reflink=never", "{in}", "{out}"]);
const MKISO: &str = "{examples}/mkiso";

/// Joliet everywhere it can be had, and files of 4 GiB where a tool must be asked for them.
#[rustfmt::skip]
pub(super) const ISO: &[Contender] = &[
    ONE_TAR,
    PLAIN_CP,
    COPYING,
    other("raw copy loop", &["{release}/raw-copy", "{in}", "{out}"]),
    ours("**ours**, ISO and Joliet", &[MKISO, "--format", "iso", "{in}", "{out}"]),
    ours(BRIDGE, &[MKISO, "--format", "bridge", "{in}", "{out}"]),
    ours("**ours**, bridge with SHA256SUMS", &["{release}/manifest-iso", "{in}", "{out}"]),
    other("hadris, ISO and Joliet", &["{peers}/hadris", "iso", "{in}", "{out}"]),
    other("hadris, bridge", &["{peers}/hadris", "bridge", "{in}", "{out}"]),
    other("genisoimage -J", &["genisoimage", "-quiet", "-J", "-iso-level", "3", "-o", "{out}", "{in}"]),
    other("genisoimage -J -udf", &["genisoimage", "-quiet", "-J", "-udf", "-iso-level", "3", "-o", "{out}", "{in}"]),
    other("xorriso -J", &["xorriso", "-as", "mkisofs", "-quiet", "-J", "-iso-level", "3", "-o", "{out}", "{in}"]),
    other("bsdtar", &["bsdtar", "-cf", "{out}", "--format", "iso9660", "--options", "iso9660:iso-level=3,iso9660:!rockridge", "-C", "{in}", "."]),
];

/// The row that the targets of sticks speak of.
pub(super) const STICK: &str = "**ours**, image";
/// Rows for one big file alone.
pub(super) const DD: &str = "`dd bs=1M`";
pub(super) const DD_LOOP: &str = "`dd bs=1M` to a loop device";
/// Rows that write a loop device: to a drive as far as the system can tell, and past its cache.
pub(super) const LOOPS: [&str; 4] =
    [DD_LOOP, "**ours**, loop device", "**ours**, loop device, read back", MCOPY_LOOP];
const MCOPY_LOOP: &str = "mkfs.fat and mcopy, loop device";

/// Runs what follows its first two words with a loop device over the file `$1` as the last word; the
/// volume of `$2` KiB fits it with what else there is on a disk.
const ON_LOOP: &str = r#"set -e
file=$1; kib=$2; shift 2
truncate --size "$((kib + 65536))K" "$file"
loop=$(losetup --find --show --direct-io=on "$file")
trap 'losetup --detach "$loop"' EXIT
"$@" "$loop""#;
const MCOPY: &str = r#"mkfs.fat -C -F 32 -s 8 "$2" "$3" && mcopy -s -i "$2" "$1"/* ::"#;
const MCOPY_TO: &str = r#"mkfs.fat -F 32 -s 8 "$2" && mcopy -s -i "$2" "$1"/* :: && sync "$2""#;
const DD_TO: &str = r#"dd if="$1"/big.bin of="$2" bs=1M oflag=direct conv=fsync"#;
const WRITE_DRIVES: &str = "{release}/write-drives";

#[rustfmt::skip]
pub(super) const USB: &[Contender] = &[
    ONE_TAR,
    PLAIN_CP,
    COPYING,
    other(DD, &["dd", "if={in}/big.bin", "of={out}", "bs=1M"]),
    other("raw copy loop", &["{release}/raw-copy", "{in}", "{out}"]),
    ours(STICK, &["{examples}/mkusb", "{in}", "{out}"]),
    other("mkfs.fat and mcopy", &["bash", "-c", MCOPY, "bash", "{in}", "{out}", "{fat-kib}"]),
    other("hadris-fat", &["{peers}/hadris", "fat", "{in}", "{out}", "{fat-kib}"]),
    other("fatfs", &["{peers}/fatfs", "{in}", "{out}", "{fat-kib}"]),
    other(DD_LOOP, &["bash", "-c", ON_LOOP, "bash", "{out}", "{fat-kib}", "bash", "-c", DD_TO, "bash", "{in}"]),
    ours(LOOPS[1], &["bash", "-c", ON_LOOP, "bash", "{out}", "{fat-kib}", WRITE_DRIVES, "--no-verify", "{in}"]),
    ours(LOOPS[2], &["bash", "-c", ON_LOOP, "bash", "{out}", "{fat-kib}", WRITE_DRIVES, "{in}"]),
    other(MCOPY_LOOP, &["bash", "-c", ON_LOOP, "bash", "{out}", "{fat-kib}", "bash", "-c", MCOPY_TO, "bash", "{in}"]),
];

/// What the ratios of content are against: the bytes of the boot image fetched into a file.
pub(super) const CURL: &str = "`curl`";
pub(super) const CURL_TO_DISK: &str = "`curl` and `sync`";
pub(super) const CURL_HASHED: &str = "`curl`, then `sha256sum`";
pub(super) const HTTP: &str = "**ours**, from nginx";

/// Media whose boot image is a package. What is ours also reads, hashes and writes all other files,
/// and flushes what it made.
#[rustfmt::skip]
pub(super) const CONTENT: &[Contender] = &[
    other(CURL, &["curl", "-sSf", "-o", "{out}", "{url}"]),
    other(CURL_TO_DISK, &["bash", "-c", r#"curl -sSf -o "$1" "$2" && sync "$1""#, "bash", "{out}", "{url}"]),
    other(CURL_HASHED, &["bash", "-c", r#"curl -sSf -o "$1" "$2" && sha256sum "$1""#, "bash", "{out}", "{url}"]),
    ours("**ours**, from a file", &[CAPMEDIA, "create", "--media-type", "cd-dvd", "--boot-image", "{in}/boot.wim", "--path", "{out}"]),
    ours("**ours**, from a folder", &[CAPMEDIA, "create", "--media-type", "cd-dvd", "--boot-image", "PS100005", "--path", "{out}", "--distribution-point", "{library}"]),
    ours(HTTP, &[CAPMEDIA, "create", "--media-type", "cd-dvd", "--boot-image", "PS100005", "--path", "{out}", "--distribution-point", "{nginx}"]),
    ours("**ours**, from Apache, NTLM", &[CAPMEDIA, "create", "--media-type", "cd-dvd", "--boot-image", "PS100005", "--path", "{out}", "--distribution-point", "{apache}", "--user", "{account}", "--password-file", "{password-file}"]),
    ours("**ours**, from Samba, signed", &[CAPMEDIA, "create", "--media-type", "cd-dvd", "--boot-image", "PS100005", "--path", "{out}", "--distribution-point", "{smb}", "--user", "{account}", "--password-file", "{password-file}"]),
];
const CAPMEDIA: &str = "{release}/capmedia";

impl Contender {
    /// The command for an input and an output.
    pub(super) fn command(&self, context: &Context, material: &Material) -> Vec<OsString> {
        let release = context.target().join("release");
        let places = [
            ("{in}", material.folder.clone().into_os_string()),
            ("{out}", material.out().into_os_string()),
            ("{fat-kib}", material.fat_kib().to_string().into()),
            ("{examples}", release.join("examples").into_os_string()),
            ("{release}", release.into_os_string()),
            ("{peers}", context.target().join("peers").join("release").into_os_string()),
        ];
        let fill = |word: &&str| {
            let place = places.iter().chain(&material.places).find_map(|(name, value)| {
                word.split_once(name).map(|(before, after)| (before, value, after))
            });
            let Some((before, value, after)) = place else { return OsString::from(word) };
            let mut filled = OsString::from(before);
            filled.push(value);
            filled.push(after);
            filled
        };
        self.command.iter().map(fill).collect()
    }

    /// The system's program without which it is left out.
    pub(super) fn needs(&self) -> Option<&'static str> {
        self.command.first().copied().filter(|program| !program.starts_with('{'))
    }
}
