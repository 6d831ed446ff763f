//! Pages that a web server shows for a folder: those of distribution points (reference 2.3) and, as
//! far as they are alike, those of IIS itself, nginx and Apache.
//!
//! ```text
//! 4/13/2024  8:40 pm            &lt;dir&gt <a href="http://dp/SMS_DP_SMSPKG$/X.1/sub">..</a>
//! 4/ 5/2023  8:24 pm          6746504 <a href="http://dp/SMS_DP_SMSPKG$/X.1/ccmsetup.exe">..</a>
//! ```
//!
//! Rows are confirmed; what stands around them is not, so nothing is asked of it. Times have no zone
//! and are not read. One link that leads elsewhere refuses the page: to leave it out would be to
//! lose a file without a word.

pub(crate) mod link;
pub(crate) mod multistatus;

use std::collections::HashMap;

use crate::access::TransportEntry;

use self::link::{Leads, LinkError, Page, are_encoded};

/// Bytes of a page: more than 100,000 rows.
pub(crate) const MAX_BYTES: usize = 32 << 20;

/// Links of a page.
pub(crate) const MAX_LINKS: usize = 100_000;

/// A page that is no listing of the folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ListingError {
    #[error(
        "the listing has {found} bytes, at most {MAX_BYTES} are read; read the library from its share"
    )]
    TooLong { found: usize },
    #[error("the listing has more than {MAX_LINKS} links; read the library from its share")]
    TooMany,
    #[error(
        "the listing is not UTF-8 at byte {at}; rename the file in the package's source, or read \
         the library from its share"
    )]
    NotText { at: usize },
    #[error(
        "what came is no HTML page; look at whether the address is that of a distribution point"
    )]
    NotHtml,
    #[error("the listing ends inside a tag that begins at byte {at}; try again")]
    Truncated { at: usize },
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// What is in the folder of `page`, in the order of the rows.
///
/// # Errors
/// [`ListingError`]
pub(crate) fn parse(html: &[u8], page: &Page<'_>) -> Result<Vec<TransportEntry>, ListingError> {
    if html.len() > MAX_BYTES {
        return Err(ListingError::TooLong { found: html.len() });
    }
    let text = match str::from_utf8(html) {
        Ok(text) => text.trim_start_matches('\u{FEFF}'),
        Err(error) => return Err(ListingError::NotText { at: error.valid_up_to() }),
    };
    if !text.trim().is_empty() && !text.contains('<') {
        return Err(ListingError::NotHtml);
    }
    let rows = rows(text)?;
    let encoded = are_encoded(rows.iter().map(|row| &*row.link));
    let mut entries: Vec<TransportEntry> = Vec::new();
    let mut by_name = HashMap::new();
    for row in rows {
        let Leads::To { name, is_folder } = page.leads(&row.link, encoded)? else { continue };
        let is_folder = is_folder || row.mark == Mark::Folder;
        let len = match row.mark {
            Mark::Length(len) if !is_folder => Some(len),
            _ => None,
        };
        // The picture of a row can be a link too.
        match by_name.get(&name).and_then(|&at: &usize| entries.get_mut(at)) {
            Some(entry) => {
                entry.is_folder |= is_folder;
                entry.len = if entry.is_folder { None } else { entry.len.or(len) };
            }
            None => {
                by_name.insert(name.clone(), entries.len());
                entries.push(TransportEntry { name, is_folder, len, modified: None });
            }
        }
    }
    Ok(entries)
}

/// A link and what is said beside it.
struct Row {
    link: String,
    mark: Mark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Folder,
    Length(u64),
}

fn rows(html: &str) -> Result<Vec<Row>, ListingError> {
    let mut rows: Vec<Row> = Vec::new();
    // Of the text on the line so far, since the last link.
    let mut mark = Mark::None;
    let mut behind_link = false;
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        if std::mem::take(&mut behind_link)
            && let Some(row) = rows.last_mut()
            && row.mark == Mark::None
        {
            row.mark = length_behind(text);
        }
        if let Some(found) = mark_of(text) {
            mark = found;
        }
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.find("-->").and_then(|end| comment.get(end..)).unwrap_or_default();
            continue;
        }
        let Some(tag) = Tag::read(tag) else {
            return Err(ListingError::Truncated { at: html.len() - tag.len() });
        };
        rest = tag.rest;
        match &*tag.name.to_ascii_lowercase() {
            "a" => {
                let mark = std::mem::replace(&mut mark, Mark::None);
                // A link without an address, one to another order of the rows, one to the top.
                let link = tag.href.map(unescaped);
                let Some(link) = link.filter(|link| !link.starts_with('?') && link != "#") else {
                    continue;
                };
                if rows.len() == MAX_LINKS {
                    return Err(ListingError::TooMany);
                }
                rows.push(Row { link, mark });
            }
            "/a" => {
                behind_link = true;
                mark = Mark::None;
            }
            // Where it is not written as text.
            "dir" => mark = Mark::Folder,
            _ => {}
        }
    }
    if behind_link
        && let Some(row) = rows.last_mut()
        && row.mark == Mark::None
    {
        row.mark = length_behind(rest);
    }
    Ok(rows)
}

/// What the last word before a link says; `None` where there is no word.
fn mark_of(text: &str) -> Option<Mark> {
    let line = text.rsplit('\n').next().unwrap_or_default();
    match line.split_whitespace().next_back() {
        // A new line has begun.
        None if line.len() < text.len() => Some(Mark::None),
        None => None,
        Some(word) => {
            // A distribution point forgets the last semicolon. The word may touch what is before.
            let folder = ["&lt;dir&gt", "&lt;dir&gt;", "&lt;dir>"].iter().any(|dir| {
                let end = word.len().checked_sub(dir.len()).and_then(|start| word.get(start..));
                end.is_some_and(|end| end.eq_ignore_ascii_case(dir))
            });
            Some(if folder { Mark::Folder } else { length(word) })
        }
    }
}

/// nginx writes date, time and length behind the link.
fn length_behind(text: &str) -> Mark {
    let line = text.lines().next().unwrap_or_default();
    let mut words = line.split_whitespace();
    match [words.next(), words.next(), words.next(), words.next()] {
        [Some(_), Some(time), Some(len), None] if time.contains(':') => length(len),
        _ => Mark::None,
    }
}

fn length(word: &str) -> Mark {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| digits).map_or(Mark::None, Mark::Length)
}

struct Tag<'a> {
    /// With `/` before it for an end tag.
    name: &'a str,
    href: Option<&'a str>,
    /// What stands behind it.
    rest: &'a str,
}

impl<'a> Tag<'a> {
    /// `text` starts with `<`. `None` when the tag has no end.
    fn read(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('<')?;
        let slash = usize::from(text.starts_with('/'));
        let name_len = text.get(slash..)?.find(|c: char| c.is_whitespace() || "/>".contains(c))?;
        let (name, mut rest) = text.split_at_checked(slash + name_len)?;
        let mut href = None;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if let Some(rest) = rest.strip_prefix('>') {
                return Some(Self { name, href, rest });
            }
            let end = rest.find(|c: char| c.is_whitespace() || "=>/".contains(c))?;
            let (attribute, behind) = rest.split_at_checked(end)?;
            let Some(value) = behind.trim_start().strip_prefix('=') else {
                // A value alone, or a stray quote.
                rest = behind;
                continue;
            };
            let value = value.trim_start();
            let value_of;
            (value_of, rest) = match value.chars().next()? {
                quote @ ('"' | '\'') => value.get(1..)?.split_once(quote)?,
                _ => {
                    value.split_at_checked(value.find(|c: char| c.is_whitespace() || c == '>')?)?
                }
            };
            if attribute.eq_ignore_ascii_case("href") && href.is_none() {
                href = Some(value_of.trim());
            }
        }
    }
}

/// The few entities that an address can hold. Others, and those without `;`, stay: they may be names.
fn unescaped(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find('&').and_then(|at| rest.split_at_checked(at)) {
        found.push_str(before);
        let entity = from.bytes().take(9).position(|byte| byte == b';').and_then(|end| {
            let (entity, behind) = (from.get(1..end)?, from.get(end + 1..)?);
            Some((character(entity)?, behind))
        });
        match entity {
            Some((c, behind)) => {
                found.push(c);
                rest = behind;
            }
            None => {
                found.push('&');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    found.push_str(rest);
    found
}

fn character(entity: &str) -> Option<char> {
    match &*entity.to_ascii_lowercase() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        other => {
            let number = other.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::ContentPath;

    fn list(folder: &str, html: &str) -> Result<Vec<TransportEntry>, ListingError> {
        let folder = ContentPath::new(folder).unwrap();
        parse(html.as_bytes(), &Page::new("SMS_DP_SMSPKG$", &folder))
    }

    fn file(name: &str, len: impl Into<Option<u64>>) -> TransportEntry {
        TransportEntry { name: name.to_owned(), is_folder: false, len: len.into(), modified: None }
    }

    fn folder(name: &str) -> TransportEntry {
        TransportEntry { name: name.to_owned(), is_folder: true, len: None, modified: None }
    }

    /// A row as a distribution point writes it.
    fn row(before: &str, link: &str) -> String {
        format!("{before} <a href=\"{link}\">{link}</a><br>\r\n")
    }

    #[test]
    fn rows_of_a_distribution_point() {
        let html = row(
            "4/13/2024  8:40 pm            &lt;dir&gt",
            r"http://127.0.0.1/SMS_DP_SMSPKG$/Datalib\12300004.1",
        ) + &row(
            "4/13/2024  8:40 pm              100",
            r"http://127.0.0.1/SMS_DP_SMSPKG$/Datalib\12300004.1.INI",
        );
        let rows = [folder("12300004.1"), file("12300004.1.INI", 100)];
        assert_eq!(list("DataLib", &html).unwrap(), rows);
        let page = format!("<html><body><pre>{html}</pre></body></html>");
        assert_eq!(list("DataLib", &page).unwrap(), rows);
        // Whatever ends a row.
        let html = html.replace("<br>\r\n", "");
        assert_eq!(list("DataLib", &html).unwrap(), rows);

        let html = row(
            "4/ 5/2023  8:24 pm          6746504",
            "http://127.0.0.1/SMS_DP_SMSPKG$/12300005.1/ccmsetup.exe",
        );
        assert_eq!(list("12300005.1", &html).unwrap(), [file("ccmsetup.exe", 6_746_504)]);
        // A folder below DataLib shows DataLib: not a way round and round.
        let html = row("100", "http://dp/SMS_DP_SMSPKG$/DataLib/12300005.1.INI");
        assert!(list("DataLib/12300004.1", &html).is_err());
    }

    #[test]
    fn pages_are_raw_or_encoded() {
        let row = |name: &str| row("5", &format!("http://dp/SMS_DP_SMSPKG$/X.1/{name}"));
        let raw = row("a b#c%.txt") + &row("R&D.txt") + &row("50%25");
        let names = [file("a b#c%.txt", 5), file("R&D.txt", 5), file("50%25", 5)];
        assert_eq!(list("X.1", &raw).unwrap(), names);
        let encoded = row("a%20b%23c%25.txt") + &row("R&amp;D.txt") + &row("50%2525");
        assert_eq!(list("X.1", &encoded).unwrap(), names);
    }

    #[test]
    fn tags_in_any_shape() {
        for tag in [
            r#"<A HREF="http://dp/SMS_DP_SMSPKG$/X.1/a">"#,
            r#"<a class='x' href = 'http://dp/SMS_DP_SMSPKG$/X.1/a' >"#,
            r#"<a href=http://dp/SMS_DP_SMSPKG$/X.1/a>"#,
            "<a\r\nhref=\"http://dp/SMS_DP_SMSPKG$/X.1/a\"\r\ntarget=_new>",
            r#"<a title="1 > 0" disabled href="http://dp/SMS_DP_SMSPKG$/X.1/a" href="/b"/>"#,
        ] {
            for (mark, is_folder, len) in [
                ("7", false, Some(7)),
                ("", false, None),
                ("&LT;DIR&GT", true, None),
                ("&lt;dir&gt; ", true, None),
                ("<dir>", true, None),
                ("<td>&lt;dir&gt;</td> <td>", true, None),
                ("99\n", false, None),
            ] {
                let entry = TransportEntry { name: "a".to_owned(), is_folder, len, modified: None };
                let html = format!("x <!-- <a href='/y'> --> {mark}{tag}a</a>");
                assert_eq!(list("X.1", &html).unwrap(), [entry], "{html}");
            }
        }
    }

    #[test]
    fn other_web_servers() {
        let iis = "<html><head><title>dp - /SMS_DP_SMSPKG$/X.1/</title></head><body><H1>dp</H1><hr>\n\
            <pre><A HREF=\"/SMS_DP_SMSPKG$/\">[To Parent Directory]</A><br><br> \
            4/13/2024  8:40 PM        &lt;dir&gt; <A HREF=\"/SMS_DP_SMSPKG$/X.1/i386/\">i386</A><br> \
            4/13/2024  8:40 PM           10 <A HREF=\"/SMS_DP_SMSPKG$/X.1/a%20b.txt\">a b.txt</A><br>\
            </pre><hr></body></html>";
        assert_eq!(list("X.1", iis).unwrap(), [folder("i386"), file("a b.txt", 10)]);

        let nginx = "<html>\r\n<head><title>Index of /SMS_DP_SMSPKG$/X.1/</title></head>\r\n<body>\r\n\
            <h1>Index of /SMS_DP_SMSPKG$/X.1/</h1><hr><pre><a href=\"../\">../</a>\r\n\
            <a href=\"i386/\">i386/</a>                  23-Nov-2026 02:51                   -\r\n\
            <a href=\"a%20b.txt\">a b.txt</a>            23-Nov-2026 02:51                  10\r\n\
            <a href=\"last\">last</a>                    23-Nov-2026 02:51             6746504\r\n\
            </pre><hr></body>\r\n</html>\r\n";
        let entries = [folder("i386"), file("a b.txt", 10), file("last", 6_746_504)];
        assert_eq!(list("X.1", nginx).unwrap(), entries);

        let apache = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<html>\n <head>\n\
            <title>Index of /SMS_DP_SMSPKG$/X.1</title>\n </head>\n <body>\n<ul>\
            <li><a href=\"/SMS_DP_SMSPKG$/\"> Parent Directory</a></li>\n\
            <li><a href=\"a%20b.txt\"> a b.txt</a></li>\n<li><a href=\"i386/\"> i386/</a></li>\n\
            </ul>\n<address>Apache/2.4 Server at dp Port 80</address>\n</body></html>\n";
        assert_eq!(list("X.1", apache).unwrap(), [file("a b.txt", None), folder("i386")]);

        let fancy = "<pre><img src=\"/icons/blank.gif\"> <a href=\"?C=N;O=D\">Name</a> \
            <a href=\"?C=M;O=A\">Last modified</a> <hr>\
            <a href=\"a\"><img src=\"/icons/x.gif\"></a> <a href=\"a\">a</a>  2024-04-13 20:40  6.4M\n\
            <a href=\"b\"><img src=\"/icons/x.gif\"></a> <a href=\"b\">b</a>  2024-04-13 20:40   10\n\
            <hr></pre>";
        assert_eq!(list("X.1", fancy).unwrap(), [file("a", None), file("b", 10)]);
    }

    #[test]
    fn pages_without_rows() {
        for html in
            ["", " \r\n", "<html></html>", "<pre>no files</pre>", "\u{FEFF}<a name='x'></a>"]
        {
            assert_eq!(list("X.1", html), Ok(Vec::new()), "{html}");
        }
        assert_eq!(list("X.1", "MZ\u{90}"), Err(ListingError::NotHtml));
        assert_eq!(list("X.1", "{}"), Err(ListingError::NotHtml));
    }

    #[test]
    fn pages_that_are_refused() {
        let good = row("5", "http://dp/SMS_DP_SMSPKG$/X.1/a");
        for link in [
            r"http://dp/SMS_DP_SMSPKG$/X.1/..\..\b",
            "http://dp/SMS_DP_SMSPKG$/X.2/b",
            "http://evil/b",
            r"C:\b",
            "/SMS_DP_SMSPKG$/X.1/a&#0;b",
            "&#46;&#46;/b",
        ] {
            let error = list("X.1", &(good.clone() + &row("5", link))).unwrap_err();
            assert!(matches!(error, ListingError::Link(_)), "{error}");
        }
        let cut = good.clone() + "5 <a href=\"http://dp/SMS_DP";
        assert_eq!(list("X.1", &cut), Err(ListingError::Truncated { at: good.len() + 2 }));
        let root = ContentPath::ROOT;
        let page = Page::new("", &root);
        assert_eq!(parse(b"<p>\xFF", &page), Err(ListingError::NotText { at: 3 }));
        let long = vec![b'<'; MAX_BYTES + 1];
        assert_eq!(parse(&long, &page), Err(ListingError::TooLong { found: MAX_BYTES + 1 }));
        let many = "<a href=x>".repeat(MAX_LINKS + 1);
        assert_eq!(list("X.1", &many), Err(ListingError::TooMany));
        assert_eq!(list("X.1", &"<a href=x>".repeat(MAX_LINKS)).unwrap().len(), 1);
    }

    #[test]
    fn entities_of_addresses() {
        for (text, found) in [
            ("a&amp;b", "a&b"),
            ("a&b;c", "a&b;c"),
            ("R&D&", "R&D&"),
            ("&#x41;&#66;&quot;&apos;", "AB\"'"),
            ("&#xD800;&#x110000;&#;", "&#xD800;&#x110000;&#;"),
            ("&amp;amp;", "&amp;"),
            ("&ltx", "&ltx"),
            ("&\u{E4}\u{E4}\u{E4}\u{E4};", "&\u{E4}\u{E4}\u{E4}\u{E4};"),
        ] {
            assert_eq!(unescaped(text), found);
        }
    }
}
