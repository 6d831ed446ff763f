//! What `bcdedit` calls elements. Of the many that exist, those that boot media and ordinary
//! systems have; others are shown by number.
//!
//! Microsoft's pages "BcdLibraryElementTypes", "BcdBootMgrElementTypes",
//! "BcdOSLoaderElementTypes", "BcdMemDiagElementTypes", "BcdDeviceObjectElementTypes".

use crate::object::ObjectKind;

/// The name of an element in an object of that kind.
pub(crate) fn name(element: u32, object: ObjectKind) -> Option<&'static str> {
    let tables: &[&[(u32, &str)]] = match (element >> 28, object) {
        (1, _) => &[LIBRARY],
        (2, ObjectKind::FirmwareBootManager | ObjectKind::BootManager) => &[BOOT_MANAGER],
        (2, ObjectKind::OsLoader) => &[OS_LOADER],
        (2, ObjectKind::MemoryTest) => &[MEMORY_TEST],
        // Numbers of different applications do not mix, but settings may be for any of them.
        (2, ObjectKind::Settings) => &[OS_LOADER, BOOT_MANAGER],
        (3, _) => &[DEVICE],
        _ => &[],
    };
    let mut entries = tables.iter().flat_map(|table| table.iter());
    entries.find(|(number, _)| *number == element).map(|(_, name)| *name)
}

const LIBRARY: &[(u32, &str)] = &[
    (0x1100_0001, "device"),
    (0x1200_0002, "path"),
    (0x1200_0004, "description"),
    (0x1200_0005, "locale"),
    (0x1400_0006, "inherit"),
    (0x1500_0007, "truncatememory"),
    (0x1400_0008, "recoverysequence"),
    (0x1600_0009, "recoveryenabled"),
    (0x1700_000A, "badmemorylist"),
    (0x1600_000B, "badmemoryaccess"),
    (0x1500_000C, "firstmegabytepolicy"),
    (0x1500_000D, "relocatephysical"),
    (0x1500_000E, "avoidlowmemory"),
    (0x1600_000F, "traditionalkseg"),
    (0x1600_0010, "bootdebug"),
    (0x1500_0011, "debugtype"),
    (0x1500_0012, "debugaddress"),
    (0x1500_0013, "debugport"),
    (0x1500_0014, "baudrate"),
    (0x1500_0015, "channel"),
    (0x1200_0016, "targetname"),
    (0x1600_0017, "noumex"),
    (0x1500_0018, "debugstart"),
    (0x1200_0019, "busparams"),
    (0x1500_001A, "hostip"),
    (0x1500_001B, "port"),
    (0x1600_001C, "dhcp"),
    (0x1200_001D, "key"),
    (0x1600_0020, "bootems"),
    (0x1500_0022, "emsport"),
    (0x1500_0023, "emsbaudrate"),
    (0x1200_0030, "loadoptions"),
    (0x1600_0040, "advancedoptions"),
    (0x1600_0041, "optionsedit"),
    (0x1600_0046, "graphicsmodedisabled"),
    (0x1500_0047, "configaccesspolicy"),
    (0x1600_0048, "nointegritychecks"),
    (0x1600_0049, "testsigning"),
    (0x1200_004A, "fontpath"),
    (0x1600_0050, "extendedinput"),
    (0x1500_0051, "initialconsoleinput"),
    (0x1500_0052, "graphicsresolution"),
    (0x1600_0053, "restartonfailure"),
    (0x1600_0054, "highestmode"),
    (0x1600_0060, "isolatedcontext"),
];

const BOOT_MANAGER: &[(u32, &str)] = &[
    (0x2400_0001, "displayorder"),
    (0x2400_0002, "bootsequence"),
    (0x2300_0003, "default"),
    (0x2500_0004, "timeout"),
    (0x2600_0005, "resume"),
    (0x2300_0006, "resumeobject"),
    (0x2400_0010, "toolsdisplayorder"),
    (0x2600_0020, "displaybootmenu"),
    (0x2600_0021, "noerrordisplay"),
    (0x2100_0022, "bcddevice"),
    (0x2200_0023, "bcdfilepath"),
    (0x2600_0028, "processcustomactionsfirst"),
    (0x2700_0030, "customactions"),
    (0x2600_0031, "persistbootsequence"),
];

const OS_LOADER: &[(u32, &str)] = &[
    (0x2100_0001, "osdevice"),
    (0x2200_0002, "systemroot"),
    (0x2300_0003, "resumeobject"),
    (0x2600_0004, "stampdisks"),
    (0x2600_0010, "detecthal"),
    (0x2200_0011, "kernel"),
    (0x2200_0012, "hal"),
    (0x2200_0013, "dbgtransport"),
    (0x2500_0020, "nx"),
    (0x2500_0021, "pae"),
    (0x2600_0022, "winpe"),
    (0x2600_0024, "nocrashautoreboot"),
    (0x2600_0025, "lastknowngood"),
    (0x2600_0026, "oslnointegritychecks"),
    (0x2600_0027, "osltestsigning"),
    (0x2600_0030, "nolowmem"),
    (0x2500_0031, "removememory"),
    (0x2500_0032, "increaseuserva"),
    (0x2500_0033, "perfmem"),
    (0x2600_0040, "vga"),
    (0x2600_0041, "quietboot"),
    (0x2600_0042, "novesa"),
    (0x2600_0043, "novga"),
    (0x2600_0051, "usephysicaldestination"),
    (0x2600_0054, "uselegacyapicmode"),
    (0x2600_0060, "onecpu"),
    (0x2500_0061, "numproc"),
    (0x2600_0062, "maxproc"),
    (0x2500_0063, "configflags"),
    (0x2600_0070, "usefirmwarepcisettings"),
    (0x2500_0071, "msi"),
    (0x2500_0072, "pciexpress"),
    (0x2500_0080, "safeboot"),
    (0x2600_0081, "safebootalternateshell"),
    (0x2600_0090, "bootlog"),
    (0x2600_0091, "sos"),
    (0x2600_00A0, "debug"),
    (0x2600_00A1, "halbreakpoint"),
    (0x2600_00A2, "useplatformclock"),
    (0x2600_00B0, "ems"),
    (0x2500_00C1, "driverloadfailurepolicy"),
    (0x2500_00C2, "bootmenupolicy"),
    (0x2600_00C3, "onetimeadvancedoptions"),
    (0x2500_00E0, "bootstatuspolicy"),
    (0x2600_00E1, "disableelamdrivers"),
    (0x2500_00F0, "hypervisorlaunchtype"),
    (0x2600_00F2, "hypervisordebug"),
    (0x2500_00F3, "hypervisordebugtype"),
];

const MEMORY_TEST: &[(u32, &str)] =
    &[(0x2500_0001, "passcount"), (0x2500_0002, "testmix"), (0x2500_0003, "failurecount")];

const DEVICE: &[(u32, &str)] = &[
    (0x3500_0001, "ramdiskimageoffset"),
    (0x3500_0002, "ramdisktftpclientport"),
    (0x3100_0003, "ramdisksdidevice"),
    (0x3200_0004, "ramdisksdipath"),
    (0x3500_0005, "ramdiskimagelength"),
    (0x3600_0006, "exportascd"),
    (0x3500_0007, "ramdisktftpblocksize"),
    (0x3500_0008, "ramdisktftpwindowsize"),
    (0x3600_0009, "ramdiskmcenabled"),
    (0x3600_000A, "ramdiskmctftpfallback"),
    (0x3600_000B, "ramdisktftpvarwindow"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::ElementType;

    #[test]
    fn one_number_means_different_things() {
        let default = ElementType::DEFAULT.0;
        assert_eq!(name(default, ObjectKind::BootManager), Some("default"));
        assert_eq!(name(default, ObjectKind::OsLoader), Some("resumeobject"));
        assert_eq!(name(default, ObjectKind::Device), None);
        assert_eq!(name(0x1600_0054, ObjectKind::Settings), Some("highestmode"));
    }

    #[test]
    fn numbers_come_once_and_have_formats() {
        for table in [LIBRARY, BOOT_MANAGER, OS_LOADER, MEMORY_TEST, DEVICE] {
            let mut numbers: Vec<u32> = table.iter().map(|(number, _)| *number).collect();
            assert!(numbers.iter().all(|number| ElementType(*number).format().is_some()));
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), table.len());
        }
    }
}
