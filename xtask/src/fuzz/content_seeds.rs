//! First inputs of the targets that read what a distribution point says.

use anyhow::Result;

/// Takes a seed: target, name, bytes.
pub(super) type Put<'a> = dyn FnMut(&str, &str, &[u8]) -> Result<()> + 'a;

/// Gives each seed to `put`.
pub(super) fn make(put: &mut Put<'_>) -> Result<()> {
    for (target, name, text) in TEXTS {
        put(target, name, text.as_bytes())?;
    }
    let tar = [
        entry("configure-baseline.ps1", b'0', "226", &[0x18; 150]),
        entry("././@LongLink", b'L', "150", &[b'n'; 104]),
        entry("nnn", b'0', "0", b""),
        entry("i386\\client.msi", 0, "1", b"x"),
        entry("folder/", b'5', "", b""),
        vec![0; 1024],
    ];
    put("dp_signature_tar", "small.tar", &tar.concat())
}

/// Literally as the reference has them, where it does.
const TEXTS: [(&str, &str, &str); 10] = [
    (
        "dp_ini",
        "file.ini",
        "[File]\r\nAttributes=00000020\r\nSize=2263\r\nTimeModified=133672811237132153\r\n\
         Hash=7CEEA6CCA359BD79DE86CDC2F6603E81F979F55BD8796775D0D92C91DB6E7FE3\r\n",
    ),
    (
        "dp_ini",
        "content.ini",
        "\u{FEFF}[Info]\r\nHashAlgorithm=32780\r\n\
         Hash =7CEEA6CCA359BD79DE86CDC2F6603E81F979F55BD8796775D0D92C91DB6E7FE3\r\n",
    ),
    (
        "dp_ini",
        "package.ini",
        "\u{FEFF}[Packages]\r\nPS100005.2=\r\nPS100005.3=\r\n[Info]\r\nVersion=3\r\n",
    ),
    (
        "dp_ini",
        "users.ini",
        "[Users]\nPS100005.3=\nContent_eefec8cc-a785-4d88-80a8-259b472eb54a.1=\n",
    ),
    (
        "dp_listing",
        "distribution-point.html",
        "<html><body><pre>\r\n4/13/2024  8:40 pm            &lt;dir&gt \
         <a href=\"http://127.0.0.1/SMS_DP_SMSPKG$/X.1\\i386\">i386</a><br>\r\n\
         4/ 5/2023  8:24 pm          6746504 \
         <a href=\"http://127.0.0.1/sms_dp_smspkg$/X.1/a%20b%23c%25.txt\">a</a><br>\r\n</pre>",
    ),
    (
        "dp_listing",
        "package.html",
        "<!-- x --><A HREF='/SMS_DP_SMSPKG$/'>..</A> 5 \
         <a href=http://dp/SMS_DP_SMSPKG$/CON00123.2/i386/R&amp;D x='1'>a</a>",
    ),
    (
        "dp_listing",
        "nginx.html",
        "<h1>Index of /</h1><hr><pre><a href=\"../\">../</a>\r\n\
         <a href=\"i386/\">i386/</a>      23-Nov-2026 02:51        -\r\n\
         <a href=\"a%20b.txt\">a b.txt</a>  23-Nov-2026 02:51       10\r\n</pre><hr>",
    ),
    (
        "dp_multistatus",
        "nginx.xml",
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<D:multistatus xmlns:D=\"DAV:\"><D:response>\
         <D:href>/SMS_DP_SMSPKG$/X.1/</D:href><D:propstat><D:prop>\
         <D:resourcetype><D:collection/></D:resourcetype></D:prop>\
         <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response><D:response>\
         <D:href>/SMS_DP_SMSPKG$/X.1/a%20b</D:href><D:propstat><D:prop>\
         <D:getcontentlength>5</D:getcontentlength></D:prop>\
         <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>",
    ),
    (
        "dp_multistatus",
        "microsoft.xml",
        "<a:multistatus xmlns:a=\"DAV:\"><a:response>\
         <a:href><![CDATA[http://dp/sms_dp_smspkg$/X.1/i386]]></a:href><a:propstat>\
         <a:status>HTTP/1.1 200 OK</a:status><a:prop><a:iscollection>1</a:iscollection></a:prop>\
         </a:propstat></a:response></a:multistatus>",
    ),
    (
        "dp_multistatus",
        "failed.xml",
        "<multistatus><response><href>R&amp;&#x44;</href><status>HTTP/1.1 403 Forbidden</status>\
         </response><!-- x --></multistatus>",
    ),
];

/// A header and its data; `len` in octal digits.
fn entry(name: &str, kind: u8, len: &str, data: &[u8]) -> Vec<u8> {
    let mut entry = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| {
        for (slot, byte) in entry.iter_mut().skip(at).zip(bytes) {
            *slot = *byte;
        }
    };
    put(0, name.as_bytes());
    put(0x7C, len.as_bytes());
    put(0x9C, &[kind]);
    put(0x101, b"ustar  ");
    entry.extend_from_slice(data);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_content_target_has_seeds() {
        let mut targets = Vec::new();
        let mut put = |target: &str, _: &str, bytes: &[u8]| {
            assert!(!bytes.is_empty());
            targets.push(target.to_owned());
            Ok(())
        };
        make(&mut put).unwrap();
        targets.dedup();
        assert_eq!(targets, ["dp_ini", "dp_listing", "dp_multistatus", "dp_signature_tar"]);
    }

    #[test]
    fn the_file_ini_is_as_long_as_a_real_one() {
        assert_eq!(TEXTS[0].2.len(), 144);
        assert_eq!(entry("a", b'0', "1", b"x").len(), 1024);
    }
}
