//! `capmedia drives`.

use std::io::{self, Write};

use anyhow::Error;
use capmedia::media_device::{
    Bus, Drive, FileSystem, Identity, Mount, Partition, Permissions, System, shown,
};
use serde::Serialize;

use crate::exit::{Code, Failure};
use crate::print::{self, size};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// List drives that are not removable, and loop devices, too.
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let system = System::new().with_loops(true).with_labels(true);
    let found = system.drives().map_err(|error| Failure::new(Code::Input, Error::from(error)))?;
    let listing = Listing::new(&found, args.all);
    let mut to = io::stdout().lock();
    if args.json {
        print::json(&mut to, &listing)?;
    } else {
        let mut text = Vec::new();
        listing.show(&mut text)?;
        to.write_all(&text)?;
    }
    Ok(Code::Done)
}

/// The drives of a machine, as programs read them. Keys are only ever added.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Listing<'a> {
    drives: Vec<Listed<'a>>,
    /// Drives that `--all` lists.
    others: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Listed<'a> {
    name: &'a str,
    path: String,
    vendor: Option<&'a str>,
    model: Option<&'a str>,
    /// As the drive says it.
    serial: Option<&'a str>,
    /// What `--drive-serial` takes: the serial, else `diskseq:N`; that, too, where another drive says
    /// the same serial.
    drive_serial: Option<String>,
    diskseq: Option<u64>,
    bytes: u64,
    sector_size: u32,
    bus: String,
    removable: bool,
    read_only: bool,
    file_system: Option<&'static str>,
    label: Option<&'a str>,
    partitions: Vec<ListedPartition<'a>>,
    /// Of the drive itself; partitions have their own.
    mounts: Vec<String>,
    /// Why it would not be written, without further options; empty where it would.
    refusals: Vec<Refused>,
    #[serde(skip)]
    drive: &'a Drive,
    /// The drives with the same serial.
    #[serde(skip)]
    twins: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ListedPartition<'a> {
    name: &'a str,
    path: String,
    number: u32,
    /// Bytes before it.
    start: u64,
    bytes: u64,
    file_system: Option<&'static str>,
    label: Option<&'a str>,
    mounts: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Refused {
    /// A word for programs.
    kind: &'static str,
    /// For people.
    reason: String,
}

impl<'a> Listing<'a> {
    fn new(found: &'a [Drive], all: bool) -> Self {
        let (drives, others): (Vec<_>, Vec<_>) =
            found.iter().partition(|drive| all || drive.removable);
        let listed = |drive: &'a Drive| Listed::new(drive, found);
        Self { drives: drives.into_iter().map(listed).collect(), others: others.len() }
    }

    fn show(&self, to: &mut Vec<u8>) -> io::Result<()> {
        for drive in &self.drives {
            about(drive.drive).iter().try_for_each(|text| print::line(to, text))?;
            if let (Some(twins), Some(name)) = (&drive.twins, &drive.drive_serial) {
                let text = format!("--drive-serial {name}: {twins} has the same serial");
                print::line(to, format_args!("    {text}"))?;
            }
            for Refused { reason, .. } in &drive.refusals {
                print::wrapped(to, "    not written as it is: ", 6, reason)?;
            }
        }
        match (&*self.drives, self.others) {
            ([], 0) => writeln!(to, "There are no drives."),
            ([], others) => {
                writeln!(to, "There are no removable drives; {} with --all.", others_of(others))
            }
            (_, 0) => Ok(()),
            (_, others) => writeln!(to, "{} with --all.", others_of(others)),
        }
    }
}

fn others_of(count: usize) -> String {
    if count == 1 { "1 more is listed".to_owned() } else { format!("{count} more are listed") }
}

impl<'a> Listed<'a> {
    fn new(drive: &'a Drive, all: &[Drive]) -> Self {
        let mut refusals = drive.refusals(&Permissions::default());
        if drive.is_system() {
            // No option helps.
            refusals.truncate(1);
        }
        let refused = |refusal: &capmedia::media_device::Refusal| Refused {
            kind: refusal.code(),
            reason: refusal.to_string(),
        };
        let twins: Vec<&str> = twins(drive, all).map(|twin| twin.name.as_str()).collect();
        Self {
            name: &drive.name,
            path: drive.path.display().to_string(),
            vendor: drive.vendor.as_deref(),
            model: drive.model.as_deref(),
            serial: drive.serial.as_deref(),
            drive_serial: drive_serial(drive, all),
            diskseq: drive.disk_sequence,
            bytes: drive.len,
            sector_size: drive.logical_block_size,
            bus: drive.bus.to_string().to_lowercase(),
            removable: drive.removable,
            read_only: drive.read_only,
            file_system: drive.file_system.as_ref().map(|found| found.kind),
            label: drive.file_system.as_ref().and_then(|found| found.label.as_deref()),
            partitions: drive.partitions.iter().map(ListedPartition::new).collect(),
            mounts: paths(&drive.mounts),
            refusals: refusals.iter().map(refused).collect(),
            drive,
            twins: (!twins.is_empty()).then(|| twins.join(" and ")),
        }
    }
}

impl<'a> ListedPartition<'a> {
    fn new(partition: &'a Partition) -> Self {
        Self {
            name: &partition.name,
            path: partition.path.display().to_string(),
            number: partition.number,
            start: partition.start,
            bytes: partition.len,
            file_system: partition.file_system.as_ref().map(|found| found.kind),
            label: partition.file_system.as_ref().and_then(|found| found.label.as_deref()),
            mounts: paths(&partition.mounts),
        }
    }
}

/// What `--drive-serial` takes for the drive among all that are connected.
fn drive_serial(drive: &Drive, all: &[Drive]) -> Option<String> {
    match drive.identity_among(all) {
        Identity::Unknown => None,
        identity => Some(identity.to_string()),
    }
}

/// The other drives that say the same serial.
fn twins<'a>(drive: &'a Drive, all: &'a [Drive]) -> impl Iterator<Item = &'a Drive> {
    let is_twin = |other: &&Drive| other.serial == drive.serial && other.name != drive.name;
    all.iter().filter(|_| drive.serial.is_some()).filter(is_twin)
}

/// What somebody needs to know a drive by, and what is on it, in lines.
pub(crate) fn about(drive: &Drive) -> Vec<String> {
    let unknown = match drive.bus {
        Bus::Loop => "a file as a drive",
        _ => "of an unknown make",
    };
    let title = drive.title().unwrap_or_else(|| unknown.to_owned());
    let len = if drive.len == 0 { "no medium".to_owned() } else { size(drive.len) };
    let removable = if drive.removable { "removable" } else { "not removable" };
    let serial = match (&drive.serial, drive.disk_sequence) {
        (Some(serial), Some(number)) => format!("serial {serial}, diskseq:{number}"),
        (Some(serial), None) => format!("serial {serial}"),
        (None, Some(number)) => format!("no serial, diskseq:{number}"),
        (None, None) => "no serial".to_owned(),
    };
    let mut lines = vec![
        format!("{}: {title}, {len}, {}, {removable}", drive.path.display(), drive.bus),
        format!("    {serial}"),
    ];
    if let Some(file) = &drive.backing_file {
        lines.push(format!("    in {}", shown(file)));
    }
    let itself = content(drive.file_system.as_ref(), &drive.mounts);
    if !itself.is_empty() {
        lines.push(format!("    without partitions: {}", itself.join(", ")));
    }
    for partition in &drive.partitions {
        let mut parts = vec![size(partition.len)];
        parts.extend(content(partition.file_system.as_ref(), &partition.mounts));
        lines.push(format!("    {}: {}", partition.name, parts.join(", ")));
    }
    lines
}

/// What is in a drive or a partition.
fn content(file_system: Option<&FileSystem>, mounts: &[Mount]) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(FileSystem { kind, label, .. }) = file_system {
        let label = label.as_ref().map(|label| format!(" labelled {label:?}"));
        parts.push(format!("{kind}{}", label.unwrap_or_default()));
    }
    parts.extend(mounts.iter().map(|mount| format!("mounted at {}", mount.place())));
    parts
}

fn paths(mounts: &[Mount]) -> Vec<String> {
    mounts.iter().map(|mount| mount.path.display().to_string()).collect()
}

// Drives are known on Linux only.
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use serde_json::json;

    use super::*;

    const STICK: &str = "pci0000:00/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0";

    /// What the kernel says of a drive, in a folder that looks like a machine.
    fn put(machine: &Path, way: &str, name: &str, facts: &[(&str, &str)]) {
        let device = machine.join("sys/devices").join(way);
        let folder = device.join("block").join(name);
        fs::create_dir_all(folder.join("queue")).unwrap();
        symlink(&device, folder.join("device")).unwrap();
        for link in ["sys/block", "sys/class/block"] {
            fs::create_dir_all(machine.join(link)).unwrap();
            symlink(&folder, machine.join(link).join(name)).unwrap();
        }
        for (fact, value) in facts {
            let file = folder.join(fact);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("{value}\n")).unwrap();
        }
        fs::create_dir_all(machine.join("dev")).unwrap();
        fs::write(machine.join("dev").join(name), "").unwrap();
    }

    /// A stick with a mounted partition, and the disk that the machine runs from.
    fn machine() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (removable, fixed) = (("removable", "1"), ("removable", "0"));
        let stick = [
            ("dev", "8:16"),
            ("size", "60062500"),
            removable,
            ("ro", "0"),
            ("diskseq", "12"),
            ("queue/logical_block_size", "512"),
            ("device/vendor", "SanDisk "),
            ("device/model", "Cruzer\x1b[2J Blade"),
            ("sdb1/dev", "8:17"),
            ("sdb1/partition", "1"),
            ("sdb1/start", "2048"),
            ("sdb1/size", "60060452"),
        ];
        put(root, STICK, "sdb", &stick);
        let usb = root.join("sys/devices/pci0000:00/usb1/1-2");
        fs::write(usb.join("idVendor"), "0781\n").unwrap();
        fs::write(usb.join("serial"), "4C530001\n").unwrap();
        let disk = [("dev", "254:0"), ("size", "2048"), fixed, ("ro", "0")];
        put(root, "pci0000:00/virtio2", "vda", &disk);
        fs::create_dir_all(root.join("proc/self")).unwrap();
        let mounts = "21 1 254:0 / / rw - ext4 /dev/vda rw\n\
                      36 21 8:17 / /media/x\\040y rw - vfat /dev/sdb1 rw\n";
        fs::write(root.join("proc/self/mountinfo"), mounts).unwrap();
        fs::write(root.join("proc/swaps"), "Filename Type Size Used Priority\n").unwrap();
        folder
    }

    fn text_of(listing: &Listing<'_>) -> String {
        let mut text = Vec::new();
        listing.show(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn sticks_are_told_and_what_keeps_them_from_being_written() {
        let machine = machine();
        let drives = System::at(machine.path()).with_loops(true).drives().unwrap();
        let listing = Listing::new(&drives, false);
        let root = machine.path().display().to_string();
        // Where lines end depends on the length of the folder's name.
        let text = text_of(&listing).replace("\n      ", " ").replace(&root, "");
        let expected = "\
/dev/sdb: SanDisk Cruzer_[2J Blade, 28.6 GiB, USB, removable
    serial 4C530001, diskseq:12
    sdb1: 28.6 GiB, mounted at /media/x y
    not written as it is: /dev/sdb is mounted at /media/x y; unmount it, or have it unmounted with \
--unmount
1 more is listed with --all.
";
        assert_eq!(text, expected);

        let told = serde_json::to_value(&listing).unwrap();
        let path = |name: &str| machine.path().join("dev").join(name).display().to_string();
        let stick = &told["drives"][0];
        assert_eq!((told["drives"].as_array().unwrap().len(), &told["others"]), (1, &json!(1)));
        for (key, value) in [
            ("name", json!("sdb")),
            ("path", json!(path("sdb"))),
            ("serial", json!("4C530001")),
            ("drive-serial", json!("4C530001")),
            ("diskseq", json!(12)),
            ("bytes", json!(30_752_000_000_u64)),
            ("sector-size", json!(512)),
            ("bus", json!("usb")),
            ("removable", json!(true)),
            ("read-only", json!(false)),
            ("file-system", json!(null)),
            ("mounts", json!([])),
        ] {
            assert_eq!(stick[key], value, "{key}");
        }
        assert_eq!(stick["refusals"][0]["kind"], "mounted");
        let partition = json!({
            "name": "sdb1",
            "path": path("sdb1"),
            "number": 1,
            "start": 1_048_576,
            "bytes": 30_750_951_424_u64,
            "file-system": null,
            "label": null,
            "mounts": ["/media/x y"],
        });
        assert_eq!(stick["partitions"], json!([partition]));
    }

    #[test]
    fn a_serial_that_two_drives_say_is_not_offered() {
        let machine = machine();
        let reader = [("dev", "8:32"), ("size", "0"), ("removable", "1"), ("diskseq", "13")];
        put(machine.path(), &STICK.replace("6:0:0:0", "6:0:0:1"), "sdc", &reader);
        let drives = System::at(machine.path()).drives().unwrap();
        let listing = Listing::new(&drives, false);
        let told: Vec<_> = listing.drives.iter().map(|drive| &drive.drive_serial).collect();
        assert_eq!(told, [&Some("diskseq:12".to_owned()), &Some("diskseq:13".to_owned())]);
        let text = text_of(&listing);
        assert!(text.contains("--drive-serial diskseq:12: sdc has the same serial"), "{text}");
    }

    /// Whoever can mount chooses the folder's name.
    #[test]
    fn a_mount_point_does_not_turn_the_line_around() {
        let machine = machine();
        let mounts = "36 21 8:17 / /media/\u{202e}gnp.a\x1b rw - vfat /dev/sdb1 rw\n";
        fs::write(machine.path().join("proc/self/mountinfo"), mounts).unwrap();
        let drives = System::at(machine.path()).drives().unwrap();
        let text = text_of(&Listing::new(&drives, false));
        assert!(text.contains("mounted at /media/"), "{text}");
        assert!(!text.contains(['\u{202e}', '\x1b']), "{text:?}");
    }

    #[test]
    fn the_disk_of_the_machine_is_told_once_and_no_option_offered() {
        let machine = machine();
        let drives = System::at(machine.path()).drives().unwrap();
        let listing = Listing::new(&drives, true);
        assert_eq!(listing.drives.len(), 2);
        let refusals = &listing.drives[1].refusals;
        assert_eq!(refusals.len(), 1);
        assert_eq!(refusals[0].kind, "system");
        assert!(!refusals[0].reason.contains("--allow-fixed"), "{refusals:?}");
    }

    #[test]
    fn nothing_to_list_is_said() {
        assert_eq!(text_of(&Listing::new(&[], true)), "There are no drives.\n");
        let machine = machine();
        let drives = System::at(machine.path()).drives().unwrap();
        let text = text_of(&Listing::new(&drives[1..], false));
        assert_eq!(text, "There are no removable drives; 1 more is listed with --all.\n");
        assert_eq!(serde_json::to_value(Listing::new(&[], false)).unwrap()["drives"], json!([]));
    }
}
