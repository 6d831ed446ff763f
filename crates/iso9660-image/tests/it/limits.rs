//! What is kept and told, at the limits of the standard and one beyond.

use iso9660_image::{Notice, TreeKind, plan};

use crate::build::{assert_clean, bytes, notices, options, tree};

/// Folders of these lengths and a file of the last one.
fn path_of(lengths: &[usize]) -> String {
    lengths.iter().map(|len| "N".repeat(*len)).collect::<Vec<_>>().join("/")
}

fn told(path: &str) -> Vec<Notice> {
    let tree = tree(&[(path, b"x")]);
    let plan = plan(&tree, &options()).unwrap();
    assert_clean(&bytes(&plan));
    notices(&plan, &tree)
}

#[test]
fn eight_levels() {
    // The root is level 1; files are no levels.
    assert_eq!(told("2/3/4/5/6/7/8/FILE"), []);
    let path = "2/3/4/5/6/7/8/9".to_owned();
    assert_eq!(told(&format!("{path}/FILE")), [Notice::Deep { path: path.clone(), level: 9 }]);
    // One for each folder that crosses, none below.
    assert_eq!(told(&format!("{path}/10/11/FILE")), [Notice::Deep { path, level: 9 }]);
}

#[test]
fn paths_of_255_bytes_and_of_120_units() {
    // Seven folders of 31 with their separators are 224; "N.;1" and more letters fill up.
    let folders = |last| path_of(&[31, 31, 31, 31, 31, 31, 31, last]);
    let joliet = |path: &str| Notice::LongPath {
        tree: TreeKind::Joliet,
        path: path.rsplitn(5, '/').last().unwrap().to_owned(),
        length: 4 * 32 - 1,
        allowed: 120,
    };
    let longest = folders(28);
    assert_eq!(told(&longest), [joliet(&longest)]);
    let longer = folders(29);
    let long = Notice::LongPath {
        tree: TreeKind::Primary,
        path: longer.clone(),
        length: 256,
        allowed: 255,
    };
    assert_eq!(told(&longer), [long, joliet(&longer)]);

    let units = |last| path_of(&[30, 30, 30, last]);
    assert_eq!(told(&units(27)), []);
    let path = units(28);
    let (tree, length, allowed) = (TreeKind::Joliet, 121, 120);
    assert_eq!(told(&path), [Notice::LongPath { tree, path: path.clone(), length, allowed }]);
}
