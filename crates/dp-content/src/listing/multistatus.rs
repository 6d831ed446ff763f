//! Replies to PROPFIND with `Depth: 1` (RFC 4918, 9.1 and 13): what is in a folder.
//!
//! Nobody has published what a distribution point answers, so elements are known by their names
//! without prefix and namespace, where they stand, and anything else is passed over. There is no
//! document type and no entity but the five of XML: replies that have one are refused, and nothing
//! of attributes is read.

use quick_xml::events::Event;
use quick_xml::{Error, Reader};

use crate::access::TransportEntry;
use crate::listing::link::{Leads, LinkError, Page, are_encoded, shown};

/// Bytes of a reply: some 30,000 entries with all their properties.
pub(crate) const MAX_BYTES: usize = 32 << 20;

/// Entries of a reply.
pub(crate) const MAX_ENTRIES: usize = 100_000;

/// Elements in each other; those that are read are six deep.
const MAX_DEPTH: usize = 64;

/// A reply that does not tell what is in the folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum MultistatusError {
    #[error(
        "the reply has {found} bytes, at most {MAX_BYTES} are read; read the library from its share"
    )]
    TooLong { found: usize },
    #[error("the reply has more than {MAX_ENTRIES} entries; read the library from its share")]
    TooMany,
    #[error("the reply is not UTF-8 at byte {at}; read the library from its share")]
    NotText { at: usize },
    #[error(
        "the reply is no XML at byte {at}: {problem}; try again, or read the library from its share"
    )]
    NotXml { at: usize, problem: &'static str },
    #[error("the reply has {what} at byte {at}, which no distribution point needs")]
    Refused { at: usize, what: &'static str },
    #[error(
        "the reply begins with the element {found:?} in place of multistatus; look at whether the \
         address is that of a distribution point"
    )]
    NotMultistatus { found: String },
    #[error(
        "the server answers {status} for {href:?} in the folder; look at the rights of the account \
         and at the server's log"
    )]
    Member { href: String, status: u16 },
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// What is in the folder of `page`, in the order of the reply; the folder itself is left out.
///
/// # Errors
/// [`MultistatusError`]
pub(crate) fn parse(xml: &[u8], page: &Page<'_>) -> Result<Vec<TransportEntry>, MultistatusError> {
    if xml.len() > MAX_BYTES {
        return Err(MultistatusError::TooLong { found: xml.len() });
    }
    let text = match str::from_utf8(xml) {
        Ok(text) => text,
        Err(error) => return Err(MultistatusError::NotText { at: error.valid_up_to() }),
    };
    let mut walk = Walk::default();
    walk.run(text)?;
    let encoded = are_encoded(walk.members.iter().map(|member| &*member.href));
    let mut entries = Vec::new();
    for Member { href, properties } in walk.members {
        if let Leads::To { name, is_folder } = page.leads(&href, encoded)? {
            let is_folder = is_folder || properties.is_folder;
            let len = properties.len.filter(|_| !is_folder);
            entries.push(TransportEntry { name, is_folder, len, modified: None });
        }
    }
    Ok(entries)
}

/// Something that the reply tells of.
struct Member {
    href: String,
    properties: Properties,
}

#[derive(Debug, Clone, Copy, Default)]
struct Properties {
    is_folder: bool,
    len: Option<u64>,
}

/// Elements that mean something, at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Multistatus,
    Response,
    Href,
    Status,
    Propstat,
    Prop,
    ResourceType,
    Collection,
    ContentLength,
    IsCollection,
    Other,
}

impl Element {
    fn of(name: &str) -> Self {
        match name.rsplit(':').next().unwrap_or_default() {
            "multistatus" => Self::Multistatus,
            "response" => Self::Response,
            "href" => Self::Href,
            "status" => Self::Status,
            "propstat" => Self::Propstat,
            "prop" => Self::Prop,
            "resourcetype" => Self::ResourceType,
            "collection" => Self::Collection,
            "getcontentlength" => Self::ContentLength,
            // Microsoft's own property, as old as its servers for WebDAV.
            "iscollection" => Self::IsCollection,
            _ => Self::Other,
        }
    }
}

#[derive(Default)]
struct Walk {
    members: Vec<Member>,
    /// The elements that are open.
    path: Vec<Element>,
    begun: bool,
    /// Of the element that is open.
    text: String,
    /// Of the response that is open.
    hrefs: Vec<String>,
    status: Option<u16>,
    properties: Properties,
    /// Of the propstat that is open.
    found: Properties,
    found_status: Option<u16>,
}

impl Walk {
    fn run(&mut self, xml: &str) -> Result<(), MultistatusError> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        loop {
            let at = offset(reader.buffer_position());
            let not_xml = |problem| MultistatusError::NotXml { at, problem };
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let at = offset(reader.error_position());
                    return Err(MultistatusError::NotXml { at, problem: problem(&error) });
                }
            };
            match event {
                Event::Start(start) => {
                    let name = start.name();
                    let name: &str = name.as_ref();
                    let element = Element::of(name);
                    if self.path.is_empty() {
                        if self.begun {
                            return Err(not_xml("an element behind the last"));
                        }
                        if element != Element::Multistatus {
                            return Err(MultistatusError::NotMultistatus { found: shown(name) });
                        }
                        self.begun = true;
                    }
                    if self.path.len() == MAX_DEPTH {
                        return Err(not_xml("more than 64 elements in each other"));
                    }
                    self.enter(element);
                }
                Event::End(_) => self.leave(at)?,
                Event::Text(text) => self.text.push_str(&text.xml10_content()),
                Event::CData(data) => self.text.push_str(&data.xml10_content()),
                Event::GeneralRef(reference) => self.text.push(match &*reference {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "apos" => '\'',
                    "quot" => '"',
                    _ => match reference.resolve_char_ref() {
                        Ok(Some(c)) => c,
                        _ => return Err(MultistatusError::Refused { at, what: "an entity" }),
                    },
                }),
                Event::DocType(_) => {
                    return Err(MultistatusError::Refused { at, what: "a document type" });
                }
                Event::Eof if !self.path.is_empty() => {
                    return Err(not_xml("it ends inside an element"));
                }
                Event::Eof if !self.begun => {
                    return Err(MultistatusError::NotMultistatus { found: String::new() });
                }
                Event::Eof => return Ok(()),
                // Empty elements come as two events.
                Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
    }

    fn enter(&mut self, element: Element) {
        use Element::{Multistatus, Propstat, Response};
        self.path.push(element);
        self.text.clear();
        match *self.path {
            [Multistatus, Response] => {
                self.hrefs.clear();
                self.status = None;
                self.properties = Properties::default();
            }
            [Multistatus, Response, Propstat] => {
                self.found = Properties::default();
                self.found_status = None;
            }
            _ => {}
        }
    }

    /// `at` is where the end tag begins.
    fn leave(&mut self, at: usize) -> Result<(), MultistatusError> {
        use Element::{
            Collection, ContentLength, Href, IsCollection, Multistatus, Prop, Propstat,
            ResourceType, Response, Status,
        };
        let text = self.text.trim();
        match *self.path {
            [Multistatus, Response] => self.member(at)?,
            [Multistatus, Response, Href] => {
                if self.members.len() + self.hrefs.len() >= MAX_ENTRIES {
                    return Err(MultistatusError::TooMany);
                }
                self.hrefs.push(text.to_owned());
            }
            [Multistatus, Response, Status] => self.status = Some(status(text, at)?),
            [Multistatus, Response, Propstat] if self.found_status.is_none_or(is_success) => {
                self.properties.is_folder |= self.found.is_folder;
                self.properties.len = self.found.len.or(self.properties.len);
            }
            [Multistatus, Response, Propstat, Status] => {
                self.found_status = Some(status(text, at)?);
            }
            [Multistatus, Response, Propstat, Prop, ResourceType, Collection] => {
                self.found.is_folder = true;
            }
            [Multistatus, Response, Propstat, Prop, IsCollection] => {
                self.found.is_folder |= text == "1" || text.eq_ignore_ascii_case("true");
            }
            [Multistatus, Response, Propstat, Prop, ContentLength] => {
                self.found.len = text.parse().ok();
            }
            _ => {}
        }
        self.path.pop();
        self.text.clear();
        Ok(())
    }

    fn member(&mut self, at: usize) -> Result<(), MultistatusError> {
        if self.hrefs.is_empty() {
            return Err(MultistatusError::NotXml { at, problem: "a response without href" });
        }
        if let Some(status) = self.status.filter(|status| !is_success(*status)) {
            let href = self.hrefs.first().map_or_else(String::new, |href| shown(href));
            return Err(MultistatusError::Member { href, status });
        }
        for href in self.hrefs.drain(..) {
            self.members.push(Member { href, properties: self.properties });
        }
        Ok(())
    }
}

/// The number in `HTTP/1.1 200 OK`.
fn status(text: &str, at: usize) -> Result<u16, MultistatusError> {
    let number = text.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok());
    number.ok_or(MultistatusError::NotXml { at, problem: "a status that is no status line" })
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The reader's own words quote the reply at any length.
fn problem(error: &Error) -> &'static str {
    match error {
        Error::Syntax(_) => "a tag, comment or declaration has no end",
        Error::IllFormed(_) => "an end tag or & is not that of what stands before",
        _ => "it cannot be read on",
    }
}

/// Offsets count bytes that are in memory.
fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::ContentPath;

    fn list(xml: &str) -> Result<Vec<TransportEntry>, MultistatusError> {
        let folder = ContentPath::new("X.1").unwrap();
        parse(xml.as_bytes(), &Page::new("SMS_DP_SMSPKG$", &folder))
    }

    fn file(name: &str, len: impl Into<Option<u64>>) -> TransportEntry {
        TransportEntry { name: name.to_owned(), is_folder: false, len: len.into(), modified: None }
    }

    fn folder(name: &str) -> TransportEntry {
        TransportEntry { name: name.to_owned(), is_folder: true, len: None, modified: None }
    }

    fn reply(inside: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<D:multistatus xmlns:D=\"DAV:\">{inside}</D:multistatus>")
    }

    /// A response with these properties.
    fn response(href: &str, properties: &str) -> String {
        format!(
            "<D:response><D:href>{href}</D:href><D:propstat><D:prop>{properties}</D:prop>\
             <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
        )
    }

    #[test]
    fn nginx() {
        let xml = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<D:multistatus xmlns:D=\"DAV:\">\n\
            <D:response>\n<D:href>/SMS_DP_SMSPKG$/X.1/</D:href>\n<D:propstat>\n<D:prop>\n\
            <D:displayname>X.1</D:displayname>\n<D:getlastmodified>Mon, 23 Nov 2026 02:51:00 GMT\
            </D:getlastmodified>\n<D:resourcetype><D:collection/></D:resourcetype>\n<D:lockdiscovery/>\n\
            </D:prop>\n<D:status>HTTP/1.1 200 OK</D:status>\n</D:propstat>\n</D:response>\n\
            <D:response>\n<D:href>/SMS_DP_SMSPKG$/X.1/a%20b%23c%25.txt</D:href>\n<D:propstat>\n<D:prop>\n\
            <D:getcontentlength>5</D:getcontentlength>\n<D:resourcetype></D:resourcetype>\n</D:prop>\n\
            <D:status>HTTP/1.1 200 OK</D:status>\n</D:propstat>\n</D:response>\n\
            <D:response>\n<D:href>/SMS_DP_SMSPKG$/X.1/i386</D:href>\n<D:propstat>\n<D:prop>\n\
            <D:resourcetype><D:collection/></D:resourcetype>\n</D:prop>\n\
            <D:status>HTTP/1.1 200 OK</D:status>\n</D:propstat>\n</D:response>\n</D:multistatus>\n";
        assert_eq!(list(xml).unwrap(), [file("a b#c%.txt", 5), folder("i386")]);
    }

    #[test]
    fn apache() {
        let xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
            <D:multistatus xmlns:D=\"DAV:\" xmlns:ns0=\"DAV:\">\n\
            <D:response xmlns:lp1=\"DAV:\" xmlns:lp2=\"http://apache.org/dav/props/\">\n\
            <D:href>/SMS_DP_SMSPKG%24/X.1/i386/</D:href>\n<D:propstat>\n<D:prop>\n\
            <lp1:resourcetype><D:collection/></lp1:resourcetype>\n</D:prop>\n\
            <D:status>HTTP/1.1 200 OK</D:status>\n</D:propstat>\n</D:response>\n\
            <D:response xmlns:lp1=\"DAV:\">\n<D:href>/SMS_DP_SMSPKG%24/X.1/R&amp;D</D:href>\n<D:propstat>\n\
            <D:prop>\n<lp1:resourcetype/>\n<lp1:getcontentlength>6746504</lp1:getcontentlength>\n</D:prop>\n\
            <D:status>HTTP/1.1 200 OK</D:status>\n</D:propstat>\n<D:propstat>\n<D:prop>\n\
            <D:getcontentlength/><D:resourcetype><D:collection/></D:resourcetype></D:prop>\n\
            <D:status>HTTP/1.1 404 Not Found</D:status>\n</D:propstat>\n</D:response>\n</D:multistatus>";
        assert_eq!(list(xml).unwrap(), [folder("i386"), file("R&D", 6_746_504)]);
    }

    #[test]
    fn microsoft() {
        let xml = "<?xml version=\"1.0\"?><a:multistatus \
            xmlns:b=\"urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/\" xmlns:a=\"DAV:\"><a:response>\
            <a:href>http://dp.contoso.com/sms_dp_smspkg$/X.1/i386</a:href><a:propstat>\
            <a:status>HTTP/1.1 200 OK</a:status><a:prop>\
            <a:getcontentlength b:dt=\"int\">0</a:getcontentlength>\
            <a:iscollection b:dt=\"boolean\">1</a:iscollection></a:prop></a:propstat></a:response>\
            <a:response><a:href><![CDATA[http://dp/sms_dp_smspkg$/X.1/a b#c%.txt]]></a:href></a:response>\
            </a:multistatus>";
        assert_eq!(list(xml).unwrap(), [folder("i386"), file("a b#c%.txt", None)]);
    }

    #[test]
    fn what_is_elsewhere_in_the_reply_means_nothing() {
        let xml = reply(
            &(response(
                "/SMS_DP_SMSPKG$/X.1/a",
                "<x><D:getcontentlength>9</D:getcontentlength></x>",
            ) + "<D:responsedescription><D:href>/etc</D:href></D:responsedescription><!-- x -->"
                + &response(
                    "/SMS_DP_SMSPKG$/X.1/&#x62;",
                    "<D:getcontentlength>-1</D:getcontentlength>",
                )),
        );
        assert_eq!(list(&xml).unwrap(), [file("a", None), file("b", None)]);
        assert_eq!(list(&reply("")).unwrap(), []);
        // One response for several, without properties.
        let xml = reply(
            "<D:response><D:href>/SMS_DP_SMSPKG$/X.1/a</D:href><D:href>/SMS_DP_SMSPKG$/X.1/b</D:href>\
             <D:status>HTTP/1.1 200 OK</D:status></D:response>",
        );
        assert_eq!(list(&xml).unwrap(), [file("a", None), file("b", None)]);
    }

    #[test]
    fn replies_that_are_refused() {
        for href in [
            "/SMS_DP_SMSPKG$/X.1/../b",
            "/SMS_DP_SMSPKG$/X.1/%2e%2e/b",
            "/SMS_DP_SMSPKG$/X.1/a/b",
            "/SMS_DP_SMSPKG$/X.2/b",
            "http://evil/b",
            "C:\\b",
            "/SMS_DP_SMSPKG$/X.1/a%00",
        ] {
            let found = list(&reply(&response(href, "")));
            assert!(matches!(found, Err(MultistatusError::Link(_))), "{href}: {found:?}");
        }
        let denied = "<D:response><D:href>/SMS_DP_SMSPKG$/X.1/a</D:href>\
                      <D:status>HTTP/1.1 403 Forbidden</D:status></D:response>";
        let member =
            MultistatusError::Member { href: "/SMS_DP_SMSPKG$/X.1/a".to_owned(), status: 403 };
        assert_eq!(list(&reply(denied)), Err(member));
        for (xml, what, at) in [
            ("<!DOCTYPE x [<!ENTITY e \"x\">]><multistatus/>", "a document type", 0),
            ("<multistatus><a>&e;</a></multistatus>", "an entity", 16),
            ("<multistatus><a>&#xD800;</a></multistatus>", "an entity", 16),
            ("<multistatus><a>&#0;</a></multistatus>", "an entity", 16),
        ] {
            assert_eq!(list(xml), Err(MultistatusError::Refused { at, what }), "{xml}");
        }
        for (xml, name) in [("<html></html>", "html"), ("", ""), ("text", "")] {
            let found = MultistatusError::NotMultistatus { found: name.to_owned() };
            assert_eq!(list(xml), Err(found), "{xml}");
        }
        for xml in [
            "<multistatus>",
            "<multistatus></response>",
            "<multistatus/><multistatus/>",
            "<multistatus><response/></multistatus>",
            "<multistatus><response><href>a</href><status>200</status></response></multistatus>",
            "<multistatus",
            "<multistatus>&</multistatus>",
        ] {
            let found = list(xml);
            assert!(matches!(found, Err(MultistatusError::NotXml { .. })), "{xml}: {found:?}");
        }
    }

    #[test]
    fn limits() {
        let root = ContentPath::ROOT;
        let page = Page::new("", &root);
        let long = vec![b'<'; MAX_BYTES + 1];
        assert_eq!(parse(&long, &page), Err(MultistatusError::TooLong { found: MAX_BYTES + 1 }));
        assert_eq!(parse(b"<a\xFF", &page), Err(MultistatusError::NotText { at: 2 }));
        let deep = reply(&"<a>".repeat(MAX_DEPTH));
        let found = list(&deep);
        assert!(matches!(found, Err(MultistatusError::NotXml { .. })), "{found:?}");
        let many = "<response><href>a</href></response>".repeat(MAX_ENTRIES + 1);
        assert_eq!(list(&reply(&many)), Err(MultistatusError::TooMany));
        let many = "<href>a</href>".repeat(MAX_ENTRIES + 1);
        let many = reply(&format!("<response>{many}</response>"));
        assert_eq!(list(&many), Err(MultistatusError::TooMany));
        let name = "n".repeat(10_000);
        assert!(list(&format!("<{name}/>")).unwrap_err().to_string().len() < 400);
    }
}
