//! What nobody here could confirm about media made by Configuration Manager, in one place.
//!
//! The reference names no public source for these, so the values are our own and do not claim to be
//! the product's. To override one, leave its option out and `--add` a file of your own at its path.

/// `autorun.inf`, written on request. Its content on real media is not published. Windows ignores
/// `open` on removable drives since Windows 7, so only the label is given.
pub(crate) fn autorun_inf(label: &str) -> String {
    format!("[autorun]\r\nlabel={label}\r\n")
}
