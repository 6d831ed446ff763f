//! Where the files of a boot image for x64 lie on media, and what else is on all media.
//!
//! Used by the tests of `capmedia-cli` too.

/// Paths on the media and in the boot image. A disc has the first two and a stick has not.
pub(crate) const X64: [(&str, &str); 19] = [
    ("boot/etfsboot.com", r"Windows\Boot\DVD\PCAT\etfsboot.com"),
    ("EFI/Microsoft/Boot/efisys.bin", r"Windows\Boot\DVD\EFI\en-US\efisys.bin"),
    ("bootmgr", r"Windows\Boot\PCAT\bootmgr"),
    ("bootmgr.efi", r"Windows\Boot\EFI\bootmgr.efi"),
    ("EFI/Boot/bootx64.efi", r"Windows\Boot\EFI\bootmgfw.efi"),
    ("boot/bcd", r"Windows\Boot\DVD\PCAT\BCD"),
    ("boot/boot.sdi", r"Windows\Boot\DVD\PCAT\boot.sdi"),
    ("boot/bootfix.bin", r"Windows\Boot\DVD\PCAT\en-US\bootfix.bin"),
    ("EFI/Microsoft/Boot/bcd", r"Windows\Boot\DVD\EFI\BCD"),
    ("boot/fonts/segmono_boot.ttf", r"Windows\Boot\Fonts\segmono_boot.ttf"),
    ("boot/fonts/wgl4_boot.ttf", r"Windows\Boot\Fonts\wgl4_boot.ttf"),
    ("EFI/Microsoft/Boot/fonts/segmono_boot.ttf", r"Windows\Boot\Fonts\segmono_boot.ttf"),
    ("EFI/Microsoft/Boot/fonts/wgl4_boot.ttf", r"Windows\Boot\Fonts\wgl4_boot.ttf"),
    ("SMS/bin/x64/TsBootShell.exe", r"sms\bin\x64\TsBootShell.exe"),
    ("SMS/bin/x64/TsmBootstrap.exe", r"sms\bin\x64\TsmBootstrap.exe"),
    ("SMS/bin/x64/TsManager.exe", r"sms\bin\x64\TsManager.exe"),
    ("SMS/bin/x64/TsCore.dll", r"sms\bin\x64\TsCore.dll"),
    ("SMS/bin/x64/OsdCaptureSystemImage.exe", r"sms\bin\x64\OsdCaptureSystemImage.exe"),
    ("SMS/bin/x64/OsdCaptureCD.exe", r"sms\bin\x64\OsdCaptureCD.exe"),
];

/// The media data of a request that captures to `\\server\share\image.wim`: paths and content.
pub(crate) fn media_data() -> [(&'static str, Vec<u8>); 3] {
    let crlf = |text: &str| text.replace('\n', "\r\n").into_bytes();
    [
        ("LaunchMedia.cmd", crlf(include_str!("../../src/tree/LaunchMedia.cmd"))),
        ("SMS/data/TsmBootstrap.ini", crlf(include_str!("TsmBootstrap.ini"))),
        ("SMS/data/TaskSequence.xml", crlf(include_str!("TaskSequence.xml"))),
    ]
}
