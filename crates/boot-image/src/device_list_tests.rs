use super::*;
use crate::driver_class::DeviceRole;

/// In the manner of `pnputil /enum-devices /ids` on a German Windows.
const GERMAN: &str = "\
Microsoft-PnP-Dienstprogramm

Instanz-ID:                 PCI\\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03\\6&102e3adf&0&0000F0
Gerätebeschreibung:         Intel(R) Ethernet Controller I225-V
Klassenname:                Net
Klassen-GUID:               {4d36e972-e325-11ce-bfc1-08002be10318}
Herstellername:             Intel
Status:                     Gestartet
Treibername:                oem12.inf
Namen von Erweiterungstreibern: oem7.inf
                            oem9.inf
Hardware-IDs:               PCI\\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03
                            PCI\\VEN_8086&DEV_15F3&SUBSYS_00008086
                            PCI\\VEN_8086&DEV_15F3&CC_020000
                            PCI\\VEN_8086&DEV_15F3&CC_0200
Kompatible IDs:             PCI\\VEN_8086&DEV_15F3&REV_03
                            PCI\\VEN_8086&DEV_15F3
                            PCI\\CC_0200

Instanz-ID:                 ROOT\\KDNIC\\0000
Gerätebeschreibung:         Netzwerkadapter für Kerneldebugger
Klassenname:                Net
Klassen-GUID:               {4d36e972-e325-11ce-bfc1-08002be10318}
Hardware-IDs:               root\\kdnic

Instanz-ID:                 PCI\\VEN_8086&DEV_2723&SUBSYS_00848086&REV_1A\\4&1
Gerätebeschreibung:         Funkkarte
Klassen-GUID:               {4d36e972-e325-11ce-bfc1-08002be10318}
Hardware-IDs:               PCI\\VEN_8086&DEV_2723&SUBSYS_00848086&REV_1A
Kompatible IDs:             PCI\\CC_0280

Instanz-ID:                 PCI\\VEN_8086&DEV_9A0B&SUBSYS_00008086&REV_00\\3&1
Gerätebeschreibung:         RAID-Controller
Hardware-IDs:               PCI\\VEN_8086&DEV_9A0B&SUBSYS_00008086&REV_00
Kompatible IDs:             PCI\\VEN_8086&DEV_9A0B&CC_0104
                            PCI\\CC_0104

Instanz-ID:                 HDAUDIO\\FUNC_01&VEN_10EC\\5&1
Gerätebeschreibung:         Ton
Klassen-GUID:               {4d36e96c-e325-11ce-bfc1-08002be10318}
Hardware-IDs:               HDAUDIO\\FUNC_01&VEN_10EC

Instanz-ID:                 USB\\VID_0BDA&PID_8153\\0013 0000
Gerätebeschreibung:         Adapter
Klassen-GUID:               {4D36E972-E325-11CE-BFC1-08002BE10318}
Hardware-IDs:               USB\\VID_0BDA&PID_8153&REV_3000
                            USB\\VID_0BDA&PID_8153
";

fn ids(device: &Device) -> Vec<&str> {
    device.ids.iter().map(HardwareId::as_str).collect()
}

#[test]
fn pnputil_in_any_language() {
    let list = DeviceList::parse(GERMAN.as_bytes()).unwrap();
    assert_eq!(list.form(), DeviceListForm::Pnputil);
    let [net, raid, usb] = list.needed() else { panic!("{list:#?}") };
    assert_eq!(net.role, Some(DeviceRole::Network));
    assert!(net.name.ends_with("(Intel(R) Ethernet Controller I225-V)"));
    let expected = [
        r"PCI\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03",
        r"PCI\VEN_8086&DEV_15F3&SUBSYS_00008086",
        r"PCI\VEN_8086&DEV_15F3&CC_020000",
        r"PCI\VEN_8086&DEV_15F3&CC_0200",
        r"PCI\VEN_8086&DEV_15F3&REV_03",
        r"PCI\VEN_8086&DEV_15F3",
        r"PCI\CC_0200",
    ];
    assert_eq!(ids(net), expected);
    assert_eq!(raid.role, Some(DeviceRole::Storage));
    assert_eq!(ids(usb), [r"USB\VID_0BDA&PID_8153&REV_3000", r"USB\VID_0BDA&PID_8153"]);
    assert!(usb.removable && !net.removable);
    assert_eq!(list.others().len(), 3);

    // As PowerShell redirects it, with the line ends of Windows; with wide colons.
    let windows = GERMAN.replace('\n', "\r\n").replace(':', "：");
    let utf16 = windows.encode_utf16().flat_map(u16::to_le_bytes);
    let bytes: Vec<u8> = b"\xFF\xFE".iter().copied().chain(utf16).collect();
    assert_eq!(DeviceList::parse(&bytes).unwrap(), list);
    // In code page 850 the umlauts are other bytes, and the rest is the same.
    let old: Vec<u8> = GERMAN.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    assert_eq!(DeviceList::parse(&old).unwrap().needed(), list.needed());
}

#[test]
fn lspci_with_names_and_without() {
    let named = "\
00:02.0 VGA compatible controller [0300]: Maker, Inc. [AB/CD] Xe [8086:9a49] (rev 01)
\tSubsystem: Grey Box Ltd. [1028:09be]
00:1f.6 Ethernet controller [0200]: Intel Corporation I219-V [8086:15fc] (rev 20)
\tDeviceName: Onboard LAN
\tSubsystem: Grey Box Ltd. Board (rev 2) [1028:09be]
\tKernel driver in use: e1000e

0000:01:00.0 Non-Volatile memory controller [0108]: Maker SSD [Pro] [144d:a808] (prog-if 02 [NVM Express])
02:00.0 Network controller [0280]: Intel Corporation Wi-Fi [8086:2723] (rev 1a)
";
    let list = DeviceList::parse(named.as_bytes()).unwrap();
    assert_eq!(list.form(), DeviceListForm::Lspci);
    let [net, disk] = list.needed() else { panic!("{list:#?}") };
    assert_eq!(net.name, r"PCI\VEN_8086&DEV_15FC (Intel Corporation I219-V)");
    let expected = [
        r"PCI\VEN_8086&DEV_15FC&SUBSYS_09BE1028&REV_20",
        r"PCI\VEN_8086&DEV_15FC&SUBSYS_09BE1028",
        r"PCI\VEN_8086&DEV_15FC&REV_20",
        r"PCI\VEN_8086&DEV_15FC&CC_020000",
        r"PCI\VEN_8086&DEV_15FC&CC_0200",
        r"PCI\VEN_8086&DEV_15FC",
        r"PCI\VEN_8086&CC_020000",
        r"PCI\VEN_8086&CC_0200",
        r"PCI\CC_020000",
        r"PCI\CC_0200",
    ];
    assert_eq!(ids(net), expected);
    assert_eq!(disk.role, Some(DeviceRole::Storage));
    assert!(ids(disk).contains(&r"PCI\CC_010802"));
    assert_eq!(list.others().len(), 2);

    let bare = "\
00:02.0 0300: 8086:9a49 (rev 01)
00:1f.6 0200: 8086:15fc (rev 20)
\tSubsystem: 1028:09be
";
    let list = DeviceList::parse(bare.as_bytes()).unwrap();
    let [bare] = list.needed() else { panic!("{list:#?}") };
    assert_eq!((&bare.ids, bare.name.as_str()), (&net.ids, r"PCI\VEN_8086&DEV_15FC"));

    let nameless = "00:02.0 VGA compatible controller: Maker Xe (rev 01)\n";
    let error = DeviceList::parse(nameless.as_bytes()).unwrap_err();
    assert!(matches!(error, DeviceListError::NoNumbers { line: 1, .. }), "{error}");
    // One without numbers among others is told too, or a card would be forgotten.
    let error = DeviceList::parse(format!("{named}{nameless}").as_bytes()).unwrap_err();
    assert!(matches!(error, DeviceListError::NoNumbers { line: 10, .. }), "{error}");
}

#[test]
fn plain_ids_with_comments() {
    let text = "# our notebooks\r\n\r\npci\\ven_8086&dev_15f3 # dock\r\nVMBUS\\{F8615163}\r\n";
    let list = DeviceList::parse(text.as_bytes()).unwrap();
    assert_eq!(list.form(), DeviceListForm::Plain);
    let names: Vec<_> = list.needed().iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, [r"PCI\VEN_8086&DEV_15F3", r"VMBUS\{F8615163}"]);
    assert!(list.needed().iter().all(|device| device.role.is_none()));

    let error = DeviceList::parse(b"PCI\\VEN_8086&DEV_15F3\r\nthe other one\r\n").unwrap_err();
    assert!(matches!(error, DeviceListError::Id { line: 2, .. }), "{error}");
    for empty in [&b""[..], b"\xFF\xFE", b"# nothing\n\n"] {
        assert_eq!(DeviceList::parse(empty), Err(DeviceListError::Empty));
    }
    let large = vec![b'\n'; usize::try_from(DEVICE_LIST_LEN).unwrap() + 1];
    assert!(matches!(DeviceList::parse(&large), Err(DeviceListError::TooLarge { .. })));
}

/// A device of `pnputil`; an empty class is left out.
fn block(instance: &str, class: &str, ids: &[&str]) -> String {
    let ids = ids.join("\n                ");
    let mut text = format!("Instance ID:    {instance}\nDescription:    Thing\n");
    if !class.is_empty() {
        text.push_str(&format!("Class GUID:     {class}\n"));
    }
    if !ids.is_empty() {
        text.push_str(&format!("Hardware IDs:   {ids}\n"));
    }
    text + "\n"
}

const NET: &str = "{4d36e972-e325-11ce-bfc1-08002be10318}";
const SYSTEM: &str = "{4d36e97d-e325-11ce-bfc1-08002be10318}";
const SCSI: &str = "{4d36e97b-e325-11ce-bfc1-08002be10318}";
const DISPLAY: &str = "{4d36e968-e325-11ce-bfc1-08002be10318}";

#[test]
fn which_devices_of_pnputil_are_needed() {
    use DeviceRole::{Network, Storage};
    for (instance, class, ids, role) in [
        // Cards whose driver makes a bus, and what is on it.
        (
            r"PCI\A\1",
            SYSTEM,
            &[r"PCI\VEN_14E4&DEV_1639&CC_0200", r"PCI\CC_0200"][..],
            Some(Network),
        ),
        (r"B06BDRV\L2ND&PCI_163914E4\1", NET, &[r"B06BDRV\L2ND&PCI_163914E4"], Some(Network)),
        (r"PCI\A\1", SYSTEM, &[r"PCI\CC_0601"], None),
        (r"PCI\A\1", DISPLAY, &[r"PCI\CC_0200"], None),
        // Without driver yet.
        (r"PCI\A\1", "", &[r"PCI\CC_0104"], Some(Storage)),
        (r"VMBUS\{1}\1", NET, &[r"VMBUS\{1}"], Some(Network)),
        // Wi-Fi, mobile broadband, and what software makes.
        (r"PCI\A\1", NET, &[r"PCI\VEN_8086&DEV_2723&CC_0280"], None),
        (r"PCI\A\1", SYSTEM, &[r"PCI\VEN_15B3&DEV_1003&CC_0280"], Some(Network)),
        (r"SD\VID_02D0\1", NET, &[r"SD\VID_02D0&PID_4345"], None),
        (r"USB\A\1", NET, &[r"USB\VID_2C7C&PID_0800", r"USB\Class_02&SubClass_0e&Prot_00"], None),
        (r"{5D624F94}\VWIFIMP_WFD\1", NET, &[r"{5d624f94}\vwifimp_wfd"], None),
        (r"SWD\MSRRAS\MS_NDISWANIP", NET, &["ms_ndiswanip"], None),
        (r"BTH\MS_BTHPAN\1", NET, &[r"BTH\MS_BTHPAN"], None),
        (r"ROOT\SPACEPORT\0000", SCSI, &[r"Root\Spaceport"], None),
    ] {
        // One with IDs in the list at least.
        let list = block(r"USB\A\1", NET, &[r"USB\A"]) + &block(instance, class, ids);
        let list = DeviceList::parse(list.as_bytes()).unwrap();
        let mut all = list.needed().iter().chain(list.others());
        let found = all.rfind(|device| !ids.is_empty() && device.name != r"USB\A (Thing)").unwrap();
        assert_eq!(found.role, role, "{instance} {ids:?}");
    }
}

#[test]
fn ids_that_are_not_told_are_asked_for() {
    let card = r"PCI\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03\1";
    let usb = block(r"USB\A\1", "", &[r"USB\A"]);
    for (text, expected) in [
        (block(card, NET, &[]), 1),
        (block(card, SCSI, &[r"PCI\VEN_8086&DEV_15F3"]), 1),
        (usb.clone() + &block(card, NET, &[]), 5),
        (usb + &block(r"VMBUS\{1}\1", NET, &[]), 5),
        // None of them has a driver yet.
        (block(card, "", &[]) + &block(r"USB\A\1", "", &[]), 1),
    ] {
        let error = DeviceList::parse(text.as_bytes()).unwrap_err();
        let is_it = matches!(error, DeviceListError::NoIds { line, .. } if line == expected);
        assert!(is_it, "{text}{error}");
    }
}

#[test]
fn a_revision_of_zero_is_known() {
    let text = "00:03.0 Ethernet controller [0200]: Red Hat Virtio [1af4:1000]\n\
                \tSubsystem: Red Hat [1af4:0001]\n";
    let list = DeviceList::parse(text.as_bytes()).unwrap();
    let first = r"PCI\VEN_1AF4&DEV_1000&SUBSYS_00011AF4&REV_00";
    assert_eq!(list.needed()[0].ids[0].as_str(), first);
}

#[test]
fn the_first_line_tells_who_wrote_a_list() {
    let id = r"PCI\VEN_8086&DEV_15F3";
    let instance = block(r"PCI\A\1", NET, &[r"PCI\CC_0200"]);
    for text in [format!("{id}\ncard: {id}\n"), format!("{id} # dock\n{instance}")] {
        let error = DeviceList::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, DeviceListError::Id { line: 2, .. }), "{error}");
    }
    for text in ["8086:15f3", "PCIVEN_8086", "hello", r"PCI\VEN_8086"] {
        let error = DeviceList::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, DeviceListError::Id { line: 1, .. }), "{text}: {error}");
    }
    let record = "Slot:\t00:1f.6\nClass:\tEthernet controller [0200]\n";
    let error = DeviceList::parse(record.as_bytes()).unwrap_err();
    assert!(matches!(error, DeviceListError::NoNumbers { line: 1, .. }), "{error}");
    assert!(error.to_string().contains("lspci -nn"));
    // Line ends that were translated twice end no device.
    let twice = GERMAN.replace('\n', "\r\r\n");
    assert_eq!(DeviceList::parse(twice.as_bytes()), DeviceList::parse(GERMAN.as_bytes()));
}

#[test]
fn a_long_list_is_not_read_to_its_end() {
    let line = "00:1f.6 0200: 8086:15fc\n";
    assert_eq!(DeviceList::parse(line.repeat(4096).as_bytes()).unwrap().needed().len(), 4096);
    let ids = r"PCI\VEN_8086&DEV_15F3".to_owned() + "\n";
    for text in [line.repeat(4098) + "00:1f.6 none", ids.repeat(4097) + "none"] {
        let error = DeviceList::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, DeviceListError::TooManyDevices { limit: 4096 });
    }
}
