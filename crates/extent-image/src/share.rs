//! Equal contents made one source, so that planners can store them once.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::sync::Arc;

use crate::digest::{Digest, Hasher};
use crate::source::{Source, SourceId};
use crate::tree::Data;

/// Bytes read of every file whose length another file has too.
const PREFIX: usize = 4096;
/// Bytes read at once when a whole file is digested.
const BUFFER: usize = 256 * 1024;

/// Two contents could not be compared.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {name} to see whether another file is the same")]
pub struct ShareError {
    /// The source.
    pub name: String,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Lets equal contents share one source, so that planners can store them once: equal length, equal
/// first 4 KiB, then equal SHA-256. Returns how many now share another's source.
///
/// Only contents whose length is not unique are read, and of those only the first 4 KiB unless
/// another begins the same; no content is read whole more than once, and none whose
/// [digest is known](Source::sha256), which is taken at its word. It must come before anything that
/// refers to a source by identity, such as a manifest, is made.
///
/// # Errors
/// [`ShareError`]: a source could not be read.
pub fn share_equal<'a>(
    contents: impl IntoIterator<Item = &'a mut Data>,
) -> Result<usize, ShareError> {
    let mut by_len: BTreeMap<u64, Vec<&'a mut Arc<dyn Source>>> = BTreeMap::new();
    for data in contents {
        if let Data::Source(source) = data
            && !source.is_empty()
        {
            by_len.entry(source.len()).or_default().push(source);
        }
    }
    let mut shared = 0;
    let mut buffer = vec![0; BUFFER];
    for group in by_len.into_values().filter(|group| group.len() > 1) {
        // By digests that are known, the first source of each; nothing is read for these.
        let mut known: HashMap<Digest, Arc<dyn Source>> = HashMap::new();
        let (mut firsts, mut others) = (Vec::new(), Vec::new());
        for slot in group {
            let digest = slot.sha256().map(Digest::from);
            match digest.filter(|digest| known.contains_key(digest)) {
                Some(digest) => others.push((slot, digest)),
                None => {
                    known.extend(digest.map(|digest| (digest, Arc::clone(slot))));
                    firsts.push((slot, digest));
                }
            }
        }
        let mut by_prefix: HashMap<Vec<u8>, Twins> = HashMap::new();
        if firsts.iter().any(|(_, digest)| digest.is_none()) && firsts.len() > 1 {
            for (slot, digest) in firsts {
                let prefix = prefix(&**slot, &mut buffer)?;
                let twins = match by_prefix.get_mut(prefix) {
                    Some(twins) => twins,
                    None => by_prefix.entry(prefix.to_vec()).or_default(),
                };
                if twins.join(slot, &mut buffer)? {
                    shared += 1;
                    known.extend(digest.map(|digest| (digest, Arc::clone(slot))));
                }
            }
        }
        for (slot, digest) in others {
            if let Some(first) = known.get(&digest)
                && SourceId::of(first) != SourceId::of(slot)
            {
                *slot = Arc::clone(first);
                shared += 1;
            }
        }
    }
    Ok(shared)
}

/// Sources of one length that begin the same.
#[derive(Default)]
struct Twins {
    /// The first, not digested before there is a second.
    first: Option<Arc<dyn Source>>,
    by_digest: HashMap<Digest, Arc<dyn Source>>,
}

impl Twins {
    /// Puts an equal source that came earlier in place of `slot`'s. True when that changed it.
    fn join(&mut self, slot: &mut Arc<dyn Source>, buffer: &mut [u8]) -> Result<bool, ShareError> {
        let Some(first) = &self.first else {
            self.first = Some(Arc::clone(slot));
            return Ok(false);
        };
        // What a source gives that knows its digest may be wrong, and then is found out later.
        let known = first.sha256().is_some() || slot.sha256().is_some();
        let short = !known && usize::try_from(slot.len()).is_ok_and(|len| len <= PREFIX);
        let twin = if short || SourceId::of(first) == SourceId::of(slot) {
            Arc::clone(first)
        } else {
            if self.by_digest.is_empty() {
                self.by_digest.insert(digest(&**first, buffer)?, Arc::clone(first));
            }
            let digest = digest(&**slot, buffer)?;
            Arc::clone(self.by_digest.entry(digest).or_insert_with(|| Arc::clone(slot)))
        };
        if SourceId::of(&twin) == SourceId::of(slot) {
            return Ok(false);
        }
        *slot = twin;
        Ok(true)
    }
}

/// The first [`PREFIX`] bytes, in `buffer`; in one read where the source gives them at once.
fn prefix<'b>(source: &dyn Source, buffer: &'b mut [u8]) -> Result<&'b [u8], ShareError> {
    let fail = |error| ShareError { name: source.describe(), source: error };
    let len = usize::try_from(source.len()).unwrap_or(usize::MAX).min(PREFIX);
    let buffer = buffer.get_mut(..len).unwrap_or_default();
    let mut reader = source.open(0).map_err(fail)?;
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match read(&mut *reader, room).map_err(fail)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}

fn digest(source: &dyn Source, buffer: &mut [u8]) -> Result<Digest, ShareError> {
    if let Some(known) = source.sha256() {
        return Ok(known.into());
    }
    let fail = |error| ShareError { name: source.describe(), source: error };
    let mut reader = source.open(0).map_err(fail)?;
    let mut hasher = Hasher::new();
    loop {
        match read(&mut *reader, buffer).map_err(fail)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// Reads once.
fn read(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;
    use crate::tree::{Meta, NodeId, TreeBuilder};

    fn meta() -> Meta {
        Meta::at(Timestamp::FAT_EPOCH)
    }

    #[test]
    fn equal_content_is_shared_and_near_misses_are_not() {
        let long = vec![7u8; PREFIX + 10];
        let mut other = long.clone();
        *other.last_mut().unwrap() = 8;
        let mut builder = TreeBuilder::new(meta());
        for (name, content) in [("a", &long), ("b", &other), ("c", &long)] {
            let data = Data::bytes("t", content.clone());
            builder.file(NodeId::ROOT, name, meta(), data).unwrap();
        }
        builder.file(NodeId::ROOT, "empty1", meta(), Data::bytes("t", "")).unwrap();
        builder.file(NodeId::ROOT, "empty2", meta(), Data::bytes("t", "")).unwrap();
        let mut tree = builder.finish().unwrap();
        assert_eq!(tree.share_equal().unwrap(), 1);
        assert_eq!(tree.share_equal().unwrap(), 0);
        let ids: Vec<_> =
            tree.data_order().into_iter().map(|id| tree.data(id).unwrap().source_id()).collect();
        assert_eq!(ids[0], ids[2]);
        assert_ne!(ids[0], ids[1]);
        assert_ne!(ids[3], ids[4]);
    }

    /// Content whose digest is known; reading it is counted, or refused.
    struct Known {
        bytes: Vec<u8>,
        opened: Option<std::sync::atomic::AtomicUsize>,
    }

    impl Known {
        fn source(bytes: &[u8], may_be_read: bool) -> Arc<dyn Source> {
            Arc::new(Self { bytes: bytes.to_vec(), opened: may_be_read.then(Default::default) })
        }
    }

    impl Source for Known {
        fn len(&self) -> u64 {
            self.bytes.len() as u64
        }

        fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
            let opened = self.opened.as_ref().expect("is not read");
            assert_eq!(opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed), 0, "read twice");
            Ok(Box::new(&self.bytes[from as usize..]))
        }

        fn describe(&self) -> String {
            "known".to_owned()
        }

        fn sha256(&self) -> Option<[u8; 32]> {
            Some(*Digest::of(&self.bytes).as_bytes())
        }
    }

    #[test]
    fn known_digests_are_not_made_again() {
        let long = vec![7u8; PREFIX * 3];
        let mut other = long.clone();
        other[0] = 8;
        let known = |bytes: &[u8]| Data::Source(Known::source(bytes, false));
        let mut alike = [known(&long), known(&other), known(&long), known(&long)];
        assert_eq!(share_equal(&mut alike).unwrap(), 2);
        assert_eq!(share_equal(&mut alike).unwrap(), 0);
        let ids: Vec<_> = alike.iter().map(|data| data.source_id().unwrap()).collect();
        assert_eq!((ids[0], ids[0]), (ids[2], ids[3]));
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn known_and_unknown_digests_are_held_against_each_other() {
        for bytes in [&[7u8; PREFIX * 3][..], b"short"] {
            let unknown = || Data::bytes("unknown", bytes.to_vec());
            let known = |may_be_read| Data::Source(Known::source(bytes, may_be_read));
            for mut mixed in [
                // Of those that know, the first is looked at, at its start.
                [known(true), known(false), unknown(), unknown(), known(false)],
                [unknown(), known(true), known(false), unknown(), known(false)],
            ] {
                let first = mixed[0].source_id();
                assert_eq!(share_equal(&mut mixed).unwrap(), 4);
                assert!(mixed.iter().all(|data| data.source_id() == first));
            }
        }
    }

    #[test]
    fn bytes_that_belie_their_digest_are_not_shared() {
        struct Liar;
        impl Source for Liar {
            fn len(&self) -> u64 {
                5
            }

            fn open(&self, _: u64) -> io::Result<Box<dyn Read + Send + '_>> {
                Ok(Box::new(&b"short"[..]))
            }

            fn describe(&self) -> String {
                "liar".to_owned()
            }

            fn sha256(&self) -> Option<[u8; 32]> {
                Some([1; 32])
            }
        }
        let mut two = [Data::bytes("honest", "short"), Data::Source(Arc::new(Liar))];
        assert_eq!(share_equal(&mut two).unwrap(), 0);
    }
}
