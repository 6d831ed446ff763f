//! Numbers as people read them.

/// A length for people: bytes below a KiB, else one digit behind the point and a binary unit, so that
/// no more than four digits stand before it.
///
/// ```
/// assert_eq!(capmedia::size_text(1_048_575), "1.0 MiB");
/// ```
pub fn size_text(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut shown = bytes as f64 / 1024.0;
    let mut unit = "KiB";
    for larger in ["MiB", "GiB", "TiB", "PiB", "EiB"] {
        // Rounded, it would be 1024.0.
        if shown < 1023.95 {
            break;
        }
        (shown, unit) = (shown / 1024.0, larger);
    }
    format!("{shown:.1} {unit}")
}

/// A share for people, in tenths of a percent rounded down: never 100 % of what is not quite all, and
/// never 0 of what is something.
///
/// ```
/// assert_eq!(capmedia::percent_text(4999, 5000), "99.9 %");
/// assert_eq!(capmedia::percent_text(1, 5000), "< 0.1 %");
/// ```
pub fn percent_text(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1000 / u128::from(whole.max(1));
    match (part, tenths) {
        (1.., 0) => "< 0.1 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_048_524, "1023.9 KiB"),
            (1_048_525, "1.0 MiB"),
            (1_048_575, "1.0 MiB"),
            ((1 << 30) - 1, "1.0 GiB"),
            (4_700_372_992, "4.4 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size_text(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn shares() {
        assert_eq!((&*percent_text(0, 5), &*percent_text(0, 0)), ("0.0 %", "0.0 %"));
        assert_eq!(percent_text(681_574_399, 681_574_400), "99.9 %");
        assert_eq!(percent_text(u64::MAX, u64::MAX), "100.0 %");
    }
}
