//! Names without case, as Windows compares them.

/// The character that stands for `c` when case does not matter: one for one, so that `ß` never
/// becomes `SS`, and none outside of the basic plane, whose characters are two UTF-16 units to
/// Windows and have no case there.
///
/// NTFS keeps a table of 65,536 units (`$UpCase`), FAT and the Joliet reader of Windows compare
/// alike. It maps ASCII, Latin, Greek, Cyrillic, Armenian, the letters with iota subscript and the
/// full-width forms to their single capital, as Unicode does, and was made when Unicode was
/// younger. These stay as they are, although today's Unicode has a capital for them:
///
/// * letters whose capital is that of another small letter: dotless i (U+0131), long s (U+017F),
///   micro sign (U+00B5), long s with dot (U+1E9B), the forms of Greek letters used as symbols
///   (U+03D0, U+03D1, U+03D5, U+03D6, U+03F0, U+03F1, U+03F5), iota below (U+0345, U+1FBE);
/// * the digraphs in title case, U+01C5, U+01C8, U+01CB and U+01F2;
/// * what has several characters for a capital, such as `ß`, `ŉ` and `ǰ`; U+1E9E is a capital, and
///   of itself.
///
/// Not confirmed, for tables differ from one Windows to another: letters that came with Unicode 5
/// and later (Georgian, Cherokee, Glagolitic, Cyrillic from U+1C80 on, Latin from U+2C60 on). They
/// are folded, so two rare names may be taken for one that Windows tells apart; not, as far as is
/// known, the other way round.
pub fn fold_case(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    match c {
        'µ' | 'ı' | 'ſ' | 'ẛ' | '\u{345}' | '\u{1FBE}' => return c,
        'ϐ' | 'ϑ' | 'ϕ' | 'ϖ' | 'ϰ' | 'ϱ' | 'ϵ' => return c,
        'ǅ' | 'ǈ' | 'ǋ' | 'ǲ' => return c,
        // std has only the full mapping of these, to several characters. The single one is the
        // letter in title case, eight further on.
        'ᾀ'..='ᾇ' | 'ᾐ'..='ᾗ' | 'ᾠ'..='ᾧ' => {
            return char::from_u32(u32::from(c) | 8).unwrap_or(c);
        }
        'ᾳ' => return 'ᾼ',
        'ῃ' => return 'ῌ',
        'ῳ' => return 'ῼ',
        '\u{10000}'.. => return c,
        _ => {}
    }
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(text: &str) -> String {
        text.chars().map(fold_case).collect()
    }

    #[test]
    fn one_for_one() {
        assert_eq!(fold("boot.wim"), "BOOT.WIM");
        assert_eq!(fold("größe ÿ"), "GRÖßE Ÿ");
        assert_eq!(fold("σς ά я ա ａ ⓐ ⅳ"), "ΣΣ Ά Я Ա Ａ Ⓐ Ⅳ");
        assert_eq!(fold("ǆ ǉ ǌ ǳ ᾁ ᾳ"), "Ǆ Ǉ Ǌ Ǳ ᾉ ᾼ");
    }

    #[test]
    fn letters_of_their_own() {
        for own in ["ß", "ẞ", "ı", "İ", "ſ", "µ", "ŉ", "ǅ", "ǈ", "ǋ", "ǲ", "ẛ", "ϐ", "ϵ", "𐐨", "ﬁ"]
        {
            assert_eq!(fold(own), own);
        }
    }

    /// Nothing but a small letter of ASCII becomes ASCII, and what is folded stays so.
    #[test]
    fn over_all_characters() {
        for c in ('\0'..=char::MAX).filter(|c| !c.is_ascii()) {
            let folded = fold_case(c);
            assert!(!folded.is_ascii() && folded.len_utf16() == c.len_utf16(), "{c:?}");
            assert_eq!(fold_case(folded), folded, "{c:?}");
        }
    }
}
