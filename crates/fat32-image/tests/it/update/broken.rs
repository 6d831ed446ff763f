//! One write or flush that fails, and a storage that works again afterwards: what the error says is
//! left is there.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use extent_image::{Storage, Tree};
use fat32_image::update::{Left, UpdateError, UpdateOptions, prepare};

use super::files::{START, check, differences, files_of, put_foreign, read, tree_of, volume_of};
use super::memory::Memory;
use super::{new_tree, old_tree, options, prepared, update};
use crate::model::content;

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Write,
    /// A write of which half is done.
    HalfAWrite,
    Flush,
}

/// Fails once.
struct Flaky<'a> {
    inner: &'a Memory,
    fault: Fault,
    left: AtomicUsize,
}

impl Flaky<'_> {
    fn fails(&self) -> bool {
        let next = |left: usize| Some(left.checked_sub(1).unwrap_or(usize::MAX));
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) == Ok(0)
    }
}

impl Storage for Flaky<'_> {
    fn describe(&self) -> String {
        "flaky".to_owned()
    }

    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn block_size(&self) -> u32 {
        512
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_at(offset, bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.fault != Fault::Flush && self.fails() {
            if self.fault == Fault::HalfAWrite {
                self.inner.write_at(offset, &bytes[..bytes.len() / 1024 * 512])?;
            }
            return Err(io::Error::other("planted fault"));
        }
        self.inner.write_at(offset, bytes)
    }

    fn flush(&self) -> io::Result<()> {
        if self.fault == Fault::Flush && self.fails() {
            return Err(io::Error::other("planted fault"));
        }
        self.inner.flush()
    }
}

fn every_fault(memory: &Memory, old: &Tree, new: &Tree, options: &UpdateOptions) {
    let memory = memory.snapshot();
    let before = read(&memory);
    let mut after = before.clone();
    files_of(old).keys().for_each(|path| drop(after.remove(path)));
    after.extend(files_of(new));
    for fault in [Fault::Write, Fault::HalfAWrite, Fault::Flush] {
        let mut count = 0;
        loop {
            let when = format!("{fault:?} {count}");
            let memory = memory.fork();
            let flaky = Flaky { inner: &memory, fault, left: AtomicUsize::new(count) };
            let update = prepare(&flaky, START..memory.len(), new, options, &mut ()).unwrap();
            let Err(error) = update.apply(&mut ()) else { break };
            let found = read(&memory);
            let is_old = differences(&found, &before).is_empty();
            let is_new =
                files_of(new).iter().all(|(path, content)| found.get(path) == Some(content));
            let is_right = match error.left() {
                Left::Untouched | Left::Old => is_old && check(&memory).is_empty(),
                // New names that no list of files names may be there.
                Left::OldUntidy { .. } => {
                    before.iter().all(|(path, content)| found.get(path) == Some(content))
                }
                Left::Either => is_old || is_new,
                Left::NewUntidy { .. } => is_new,
                _ => false,
            };
            assert!(is_right, "{when}: {:?}, old {is_old}, new {is_new}", error.left());
            let _ = self::update(&memory, new, options).unwrap_or_else(|e| panic!("{when}: {e}"));
            assert_eq!(differences(&read(&memory), &after), [""; 0], "{when}");
            assert_eq!(check(&memory), [], "{when}");
            count += 1;
        }
        assert!(count > 3, "{fault:?}");
    }
}

#[test]
fn files_replaced_and_removed() {
    let (old, new) = (old_tree(), new_tree());
    every_fault(&volume_of(&old), &old, &new, &options(&old));
}

#[test]
fn a_root_that_grows() {
    let (old, new) = (tree_of(&[]), new_tree());
    let memory = volume_of(&old);
    for number in 0..7 {
        let path = format!("a file of mine, number {number}.text");
        put_foreign(&memory, &path, &content(300, number));
    }
    every_fault(&memory, &old, &new, &UpdateOptions::new().with_switch(["SUMS", "BOOTMGR"]));
}

#[test]
fn what_was_named_before_a_switch_that_never_came_gives_place() {
    let mut files: Vec<(String, Option<Vec<u8>>)> = vec![("SUMS".into(), Some(b"old".to_vec()))];
    files.extend((0..14).map(|n| (format!("FILE{n:02}"), Some(content(10, n)))));
    let tree = |files: &[(String, Option<Vec<u8>>)]| -> Tree {
        let files: Vec<_> = files.iter().map(|(path, bytes)| (&**path, bytes.clone())).collect();
        tree_of(&files)
    };
    let old = tree(&files);
    let memory = volume_of(&old).snapshot();
    let mut with = |sums: &[u8], loader| {
        files.retain(|(path, _)| path != "bootmgr.efi");
        files[0].1 = Some(sums.to_vec());
        files.push(("bootmgr.efi".into(), Some(content(700, loader))));
        tree(&files)
    };
    let (new, third) = (with(b"new", 1), with(b"thr", 2));
    let options = options(&old);
    let full = memory.fork();
    let _ = update(&full, &new, &options).unwrap();
    let mut seen = 0;
    for writes in 0..full.log().len() {
        let state = memory.fork();
        state.fail_after(writes);
        if update(&state, &new, &options).is_ok() {
            break;
        }
        state.heal();
        let state = state.snapshot();
        let found = read(&state);
        let is_new = found.values().any(|bytes| bytes.as_deref() == Some(&b"new"[..]));
        let has_loader = found.values().any(|bytes| *bytes == Some(content(700, 1)));
        if is_new || !has_loader {
            continue;
        }
        seen += 1;
        // Somebody's, as long as nobody says otherwise. Whether it can change together with what the
        // switch changes is another matter.
        let is_collision = |options: &UpdateOptions| {
            let prepared = prepared(&state, &third, options);
            matches!(prepared, Err(UpdateError::Collisions { .. }))
        };
        assert!(is_collision(&options));
        assert!(!is_collision(&options.clone().with_owned_after_cut_off(["bootmgr.efi"])));
    }
    assert_ne!(seen, 0);
}
