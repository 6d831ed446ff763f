//! A transport over a folder that answers as a test wants it to, and remembers what it was asked.

use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use dp_content::{
    AccessError, AccessKind, ContentPath, FolderTransport, NamesBy, Transport, TransportEntry,
};

type Answer = dyn Fn(&str) -> Option<AccessKind> + Send + Sync;
type Listing = dyn Fn(&str) -> Option<Vec<TransportEntry>> + Send + Sync;

pub(crate) struct Scripted {
    folder: FolderTransport,
    names_by: NamesBy,
    refuse: Box<Answer>,
    listing: Box<Listing>,
    signature: Option<Vec<ContentPath>>,
    spans: Vec<Arc<Scripted>>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            folder: FolderTransport::new(root).unwrap(),
            names_by: NamesBy::DataLib,
            refuse: Box::new(|_| None),
            listing: Box::new(|_| None),
            signature: None,
            spans: Vec::new(),
            asked: Mutex::default(),
        }
    }

    /// As a web server shows a library: `DataLib` has no folders below those of contents.
    pub(crate) fn web(root: &Path) -> Self {
        Self { names_by: NamesBy::Content, ..Self::new(root) }.refusing(|request| {
            let below = request.strip_prefix("list DataLib/").is_some();
            below.then(|| AccessKind::Malformed("a listing of something else".to_owned()))
        })
    }

    /// `refuse` is given requests such as `list PkgLib`, `read PkgLib/X.INI`, `open X 0..5`.
    pub(crate) fn refusing(
        mut self,
        refuse: impl Fn(&str) -> Option<AccessKind> + Send + Sync + 'static,
    ) -> Self {
        let before = self.refuse;
        self.refuse = Box::new(move |request| refuse(request).or_else(|| before(request)));
        self
    }

    /// Refuses the requests that begin so.
    pub(crate) fn refusing_all(self, start: &'static str, kind: AccessKind) -> Self {
        self.refusing(move |request| request.starts_with(start).then(|| kind.clone()))
    }

    /// Listings made up.
    pub(crate) fn listing(
        mut self,
        listing: impl Fn(&str) -> Option<Vec<TransportEntry>> + Send + Sync + 'static,
    ) -> Self {
        self.listing = Box::new(listing);
        self
    }

    pub(crate) fn with_signature(mut self, names: &[&str]) -> Self {
        self.signature = Some(names.iter().map(|name| ContentPath::new(name).unwrap()).collect());
        self
    }

    pub(crate) fn with_span(mut self, span: &Arc<Scripted>) -> Self {
        self.spans.push(Arc::clone(span));
        self
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn ask(&self, request: String, path: &ContentPath) -> Result<(), AccessError> {
        let refused = (self.refuse)(&request);
        self.asked.lock().unwrap().push(request);
        refused.map_or(Ok(()), |kind| Err(AccessError::new(path.to_string(), kind)))
    }
}

impl Transport for Scripted {
    fn describe(&self) -> String {
        "scripted".to_owned()
    }

    fn list(&self, folder: &ContentPath) -> Result<Vec<TransportEntry>, AccessError> {
        self.ask(format!("list {folder}"), folder)?;
        match (self.listing)(folder.as_str()) {
            Some(entries) => Ok(entries),
            None => self.folder.list(folder),
        }
    }

    fn read(&self, path: &ContentPath, limit: usize) -> Result<Vec<u8>, AccessError> {
        self.ask(format!("read {path}"), path)?;
        self.folder.read(path, limit)
    }

    fn open(
        &self,
        path: &ContentPath,
        range: Range<u64>,
        len: u64,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        self.ask(format!("open {path} {range:?}"), path)?;
        self.folder.open(path, range, len)
    }

    fn names_by(&self) -> NamesBy {
        self.names_by
    }

    fn signature_names(&self, content_id: &str) -> Result<Vec<ContentPath>, AccessError> {
        let path = ContentPath::new(content_id).unwrap();
        self.ask(format!("signature {content_id}"), &path)?;
        let missing = || AccessError::new(content_id, AccessKind::NotFound);
        self.signature.clone().ok_or_else(missing)
    }

    fn spans(&self) -> Vec<Arc<dyn Transport>> {
        self.asked.lock().unwrap().push("spans".to_owned());
        self.spans.iter().map(|span| Arc::clone(span) as Arc<dyn Transport>).collect()
    }
}

/// A folder in a listing that is made up.
pub(crate) fn folder(name: &str) -> TransportEntry {
    TransportEntry { name: name.to_owned(), is_folder: true, len: None, modified: None }
}

/// A file in a listing that is made up.
pub(crate) fn file(name: &str) -> TransportEntry {
    TransportEntry { name: name.to_owned(), is_folder: false, len: Some(1), modified: None }
}
