use crate::inf_files::FILES;
use crate::inf_models::{ID_LEN, IDS};

use super::*;

const NET: &str = "\
; A card of our own.
[Version]
Signature   = \"$WINDOWS NT$\"
Class       = Display ; wrong, the GUID counts
ClassGuid   = {4d36e972-e325-11ce-bfc1-08002be10318}
Provider    = %Maker%
CatalogFile = card.cat
CatalogFile.NTarm64 = cardA64.cat
DriverVer   = 05/17/2021,12.19.1.37

[Manufacturer]
%Maker% = Cards, NTamd64.10.0...17763, NTarm64, NT.6.1, NTmips

[Cards.NTamd64.10.0...17763]
%Card% = Install, PCI\\VEN_8086&DEV_15F3, PCI\\CC_0200
%Card% = Install,, PCI\\VEN_8086&DEV_15F2
[Cards.NTarm64]
%Card% = Install, %Bus%\\VEN_8086&DEV_15F3
[Cards.NT.6.1]
%Card% = Install, PCI\\VEN_8086&DEV_100E
[Cards.NTmips]
%Card% = Install, PCI\\VEN_8086&DEV_9999

[Install.NT]
CopyFiles = Drivers
[Install.NTarm64]
CopyFiles = Drivers, @cardA64.sys
[Drivers]
card.sys,,,2
carddiag.dll

[SourceDisksFiles]
card.sys = 1
old.sys = 1
carddiag.dll = 1
[sourcedisksfiles.ARM64]
cardA64.SYS = 1

[Strings]
Maker = \"Grey \"\"Box\"\" Söhne\"
Card = \"Card, fast\"
Bus = PCI
";

#[test]
fn every_encoding_gives_the_same_facts() {
    let utf16 = |unit: fn(u16) -> [u8; 2]| NET.encode_utf16().flat_map(unit).collect::<Vec<_>>();
    let ansi: Vec<u8> = NET.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let little = [b"\xFF\xFE".to_vec(), utf16(u16::to_le_bytes)].concat();
    let big = [b"\xFE\xFF".to_vec(), utf16(u16::to_be_bytes)].concat();
    let utf8 = [b"\xEF\xBB\xBF".to_vec(), NET.as_bytes().to_vec()].concat();
    let inf = Inf::parse(&utf8).unwrap();
    for bytes in [ansi, little, big, utf16(u16::to_le_bytes)] {
        assert_eq!(Inf::parse(&bytes).unwrap(), inf);
    }
    assert_eq!(inf.class().unwrap().to_string(), "Net");
    assert_eq!(inf.provider(), Some("Grey \"Box\" Söhne"));
    assert_eq!(inf.date().unwrap().to_string(), "2021-05-17");
    assert_eq!(inf.version().unwrap().to_string(), "12.19.1.37");
}

#[test]
fn devices_are_told_apart_by_architecture() {
    let inf = Inf::parse(NET.replace('ö', "oe").as_bytes()).unwrap();
    let models: Vec<_> = inf
        .models()
        .iter()
        .map(|models| (models.architecture, models.is_named, models.since, models.ids.len()))
        .collect();
    let expected = [
        (Architecture::Amd64, true, Some((10, 0, 17763)), 3),
        (Architecture::Arm64, true, None, 1),
        (Architecture::X86, false, Some((6, 1, 0)), 1),
    ];
    assert_eq!(models, expected);
    assert_eq!(&*inf.models()[1].ids[0], r"PCI\VEN_8086&DEV_15F3");
    let architectures = [Architecture::X86, Architecture::Amd64, Architecture::Arm64];
    assert_eq!(inf.architectures(), architectures);
    let [x86, amd64, arm64] = architectures;
    assert_eq!(inf.catalog(amd64), Some("card.cat"));
    assert_eq!(inf.catalog(arm64), Some("cardA64.cat"));
    assert_eq!(inf.sys_files(x86).collect::<Vec<_>>(), ["card.sys"]);
    assert_eq!(inf.sys_files(arm64).collect::<Vec<_>>(), ["cardA64.SYS", "card.sys"]);
    assert!([x86, amd64, arm64].iter().all(|one| inf.sys(*one).iter().all(|file| file.is_sure)));
}

/// The `.sys` files on x64, and whether each is sure.
fn sys(rest: &str) -> Vec<(String, bool)> {
    let head = "[Version]\nSignature=$Chicago$\n[Manufacturer]\nV=M,NTamd64\n[M.NTamd64]\nx=a,ID\n";
    let inf = Inf::parse(format!("{head}{rest}").as_bytes()).unwrap();
    let files = inf.sys(Architecture::Amd64).iter();
    files.map(|file| (file.name.to_string(), file.is_sure)).collect()
}

fn sure(names: &[&str]) -> Vec<(String, bool)> {
    names.iter().map(|name| ((*name).to_owned(), true)).collect()
}

#[test]
fn files_that_are_copied_stand_in_for_a_list() {
    let files = sys("[a.nt]\nCopyFiles = b, @one.sys\ncopyfiles=b,none\n\
                     [b]\ntwo.sys,Source.sys,,2\nthree.sys\nfour.dll\n[c]\nfive.sys\n");
    assert_eq!(files, sure(&["Source.sys", "one.sys", "three.sys"]));
}

#[test]
fn files_of_other_architectures_are_left_out() {
    let lists = "[SourceDisksFiles]\nn32.sys=1\n[SourceDisksFiles.amd64]\nn.sys=1\n";
    let copies = "[a.NTx86]\nCopyFiles=@n32.sys\n[a]\nCopyFiles=@n32.sys\n\
                  [a.NTamd64]\nCopyFiles=@n.sys\n";
    assert_eq!(sys(&format!("{lists}{copies}")), sure(&["n.sys"]));
    // Without a word on what is copied only the list of the architecture is sure.
    let expected = [("n.sys".to_owned(), true), ("n32.sys".to_owned(), false)];
    assert_eq!(sys(lists), expected);
    // A device that needs no file.
    assert!(sys(&format!("{lists}[a]\nCopyFiles=@other.dll\n")).is_empty());
    // Of sections for several versions of Windows one is used.
    let versions = "[a.NTamd64.6.1]\nCopyFiles=@n.sys\n[a.NTamd64.10.0]\nCopyFiles=@n10.sys\n";
    assert_eq!(sys(&format!("{lists}{versions}")), [("n.sys".to_owned(), false)]);
}

#[test]
fn files_have_a_limit() {
    let many: String = (0..FILES + 50).map(|at| format!("f{at}.sys=1\n")).collect();
    assert_eq!(sys(&format!("[SourceDisksFiles]\n{many}")).len(), FILES);
}

#[test]
fn catalogs_are_kept_once() {
    let many = "CatalogFile=%a%\nCatalogFile.NT=b\ncatalogfile.ntamd64=c\n".repeat(1000);
    let inf = Inf::parse(format!("[Version]\nSignature=$Chicago$\n{many}").as_bytes()).unwrap();
    assert_eq!(inf.catalogs.len(), 2);
    assert_eq!(inf.catalog(Architecture::Amd64), Some("c"));
}

#[test]
fn a_maker_alone_names_its_section() {
    let inf = Inf::parse(
        b"[version]\nsignature=\"$Windows NT$\"\nDriverVer=13/01/2000,1.2\nClass=Mine\n\
          [manufacturer]\n\"Us\"\nThem,\n[Us]\nx=i,A\\B\n[them]\nx=i,C\\D\n",
    );
    let inf = inf.unwrap();
    let ids: Vec<_> =
        inf.models().iter().flat_map(|models| models.ids.iter()).map(|id| &**id).collect();
    assert_eq!(ids, [r"A\B", r"C\D"]);
    assert_eq!((inf.date(), inf.version()), (None, Some(DriverVersion([1, 2, 0, 0]))));
    assert_eq!(inf.class().unwrap().to_string(), "Mine");
    assert_eq!(inf.class().unwrap().guid, None);
}

#[test]
fn other_files_are_refused() {
    assert_eq!(Inf::parse(b""), Err(InfError::NoVersion));
    assert_eq!(Inf::parse(b"[autorun]\nopen=x.exe"), Err(InfError::NoVersion));
    let found = "$Other$".to_owned();
    let other = Inf::parse(b"[Version]\nSignature=$Other$\n");
    assert_eq!(other, Err(InfError::Signature { found }));
    let found = String::new();
    assert_eq!(Inf::parse(b"[Version]\n"), Err(InfError::Signature { found }));
    let long = format!("[Version]\nSignature={}\n", "x".repeat(1 << 20));
    let found = "x".repeat(SIGNATURE);
    assert_eq!(Inf::parse(long.as_bytes()), Err(InfError::Signature { found }));
    let large = vec![b' '; usize::try_from(INF_LEN).unwrap() + 1];
    assert!(matches!(Inf::parse(&large), Err(InfError::TooLarge { .. })));
}

#[test]
fn long_and_many_ids_have_limits() {
    let head = "[Version]\nSignature=$Chicago$\n[Manufacturer]\nm=s\n[s]\n";
    let long = format!("{head}x=i,{}\nx=i,ok\n", "y".repeat(ID_LEN + 1));
    let inf = Inf::parse(long.as_bytes()).unwrap();
    assert_eq!(&*inf.models()[0].ids, [Box::from("ok")]);
    let many = format!("{head}x=i{}\n", ",%a%".repeat(IDS + 1));
    assert_eq!(Inf::parse(many.as_bytes()), Err(InfError::TooManyIds { limit: IDS }));
}
