//! Listings and multistatus replies.

use super::store::{Entry, Found};
use super::{Links, Options};

/// A page as a distribution point's own (reference 2.3): no `;` behind `&gt` of folders, absolute
/// links of http wherever the page came from, the link again as text.
pub(super) fn listing(options: &Options, host: &str, link: &str, entries: &[Entry]) -> String {
    let mut page = String::from("<html><body><pre>\r\n");
    let separator = if options.backslash { '\\' } else { '/' };
    for Entry { name, is_folder, len } in entries {
        let name = match options.links {
            Links::Raw => name.clone(),
            Links::Encoded => encoded(name),
        };
        let link = format!("http://{host}/{link}{separator}{name}");
        let time = if *is_folder { "4/13/2024  8:40 pm" } else { "4/ 5/2023  8:24 pm" };
        let kind = if *is_folder { format!("{:>12}&lt;dir&gt", "") } else { format!("{len:>17}") };
        page.push_str(&format!("{time}{kind} <a href=\"{link}\">{link}</a><br>\r\n"));
    }
    page.push_str("</pre></body></html>\r\n");
    page
}

/// A reply to PROPFIND (RFC 4918, 9.1), as nginx writes it. `path` is that of the request.
pub(super) fn multistatus(path: &str, found: &Found, depth: &str) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n");
    xml.push_str("<D:multistatus xmlns:D=\"DAV:\">\n");
    let href = format!("/{}", path.split('/').map(encoded).collect::<Vec<_>>().join("/"));
    match found {
        Found::File { path, .. } => {
            let len = path.metadata().map_or(0, |metadata| metadata.len());
            response(&mut xml, &href, Some(len));
        }
        Found::Signatures(tar) => response(&mut xml, &href, Some(tar.len() as u64)),
        Found::Folder { entries, .. } => {
            response(&mut xml, &format!("{href}/"), None);
            for entry in entries.iter().filter(|_| depth != "0") {
                let slash = if entry.is_folder { "/" } else { "" };
                let href = format!("{href}/{}{slash}", encoded(&entry.name));
                response(&mut xml, &href, (!entry.is_folder).then_some(entry.len));
            }
        }
    }
    xml.push_str("</D:multistatus>\n");
    xml
}

fn response(xml: &mut String, href: &str, len: Option<u64>) {
    let props = match len {
        None => "<D:resourcetype><D:collection/></D:resourcetype>".to_owned(),
        Some(len) => format!(
            "<D:getcontentlength>{len}</D:getcontentlength><D:resourcetype></D:resourcetype>"
        ),
    };
    xml.push_str(&format!(
        "<D:response>\n<D:href>{href}</D:href>\n<D:propstat>\n<D:prop>{props}</D:prop>\n\
         <D:status>HTTP/1.1 200 OK</D:status>\n</D:propstat>\n</D:response>\n"
    ));
}

/// All but the unreserved characters of RFC 3986 as `%XX`.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' | b'$' => text.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
