//! How a picture of a map looks: colours and patterns, in light and dark.

use std::fmt::Write as _;

use crate::map::MapKind;

/// Colours of a kind, and what is drawn over them, so that nobody needs to tell colours apart.
struct Look {
    class: &'static str,
    light: &'static str,
    dark: &'static str,
    /// A path in a square of 8 by 8, in lines; empty for none.
    lines: &'static str,
}

/// The colours are those of Okabe and Ito, which people who see fewer colours tell apart, but for the
/// greys.
fn look(kind: MapKind) -> Look {
    let (class, light, dark, lines) = match kind {
        MapKind::BootStructures => ("boot", "#d55e00", "#d55e00", "M0 0L8 8M8 0L0 8"),
        MapKind::Tables => ("tables", "#e69f00", "#c98a00", "M2 0V8M6 0V8"),
        MapKind::Directories => ("directories", "#f0e442", "#b8ad1e", "M0 2H8M0 6H8"),
        MapKind::BootImage => ("boot-image", "#56b4e9", "#2f8fc6", ""),
        MapKind::Packages => ("packages", "#3fb28f", "#1d8a6a", "M-2 2L2 -2M0 8L8 0M6 10L10 6"),
        MapKind::OtherFiles => ("other", "#cc79a7", "#a85f89", "M1 2H3M5 6H7"),
        MapKind::Padding => ("padding", "#c3c9d0", "#5d6671", "M-2 6L2 10M0 0L8 8M6 -2L10 2"),
        MapKind::Free => ("free", "#f3f5f7", "#22272e", ""),
    };
    Look { class, light, dark, lines }
}

/// A colour that is no kind's.
struct Shade {
    rule: &'static str,
    light: &'static str,
    dark: &'static str,
}

const SHADES: [Shade; 6] = [
    Shade { rule: ".cm-back{fill:", light: "#ffffff", dark: "#0d1117" },
    Shade { rule: ".cm-text{fill:", light: "#1b1f24", dark: "#e6edf3" },
    Shade { rule: ".cm-muted{fill:", light: "#57606a", dark: "#9ba6b2" },
    Shade { rule: ".cm-plate{fill:", light: "#ffffff", dark: "#0d1117" },
    Shade { rule: ".cm-edge{stroke:", light: "#57606a", dark: "#8b949e" },
    Shade { rule: ".cm-ink{stroke:", light: "#1b1f24", dark: "#0d1117" },
];

/// The `id` of the pattern of a kind.
pub(super) fn pattern(kind: MapKind) -> String {
    format!("cm-p-{}", look(kind).class)
}

/// The style sheet, and the patterns. Colours are attributes too, for readers without style sheets;
/// those without media queries show the light ones on white, wherever the picture stands.
pub(super) fn define(out: &mut String) -> std::fmt::Result {
    out.write_str("<style>\n")?;
    let rules = |dark: bool, out: &mut String| {
        for Shade { rule, light, dark: of_dark } in SHADES {
            writeln!(out, "{rule}{}}}", if dark { of_dark } else { light })?;
        }
        for kind in MapKind::ALL {
            let look = look(kind);
            let colour = if dark { look.dark } else { look.light };
            writeln!(out, ".cm-{}{{fill:{colour}}}", look.class)?;
        }
        Ok::<_, std::fmt::Error>(())
    };
    rules(false, out)?;
    out.write_str("@media (prefers-color-scheme:dark){\n")?;
    rules(true, out)?;
    out.write_str("}\n</style>\n<defs>\n")?;
    for kind in MapKind::ALL {
        let Look { class, light, lines, .. } = look(kind);
        write!(
            out,
            "<pattern id=\"{}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
             <rect class=\"cm-{class}\" width=\"8\" height=\"8\" fill=\"{light}\"/>",
            pattern(kind)
        )?;
        if !lines.is_empty() {
            write!(
                out,
                "<path class=\"cm-ink\" d=\"{lines}\" fill=\"none\" stroke=\"#1b1f24\" \
                 stroke-opacity=\"0.45\"/>"
            )?;
        }
        out.write_str("</pattern>\n")?;
    }
    out.write_str("</defs>\n")
}
