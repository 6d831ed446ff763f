//! The plan on one screen, above the choices of the Summary; what it leaves out, they show.

use capmedia::{MediaMap, Summary, VolumeMap};
use media_model::MediaType;

use crate::drives;
use crate::print::{files, size};
use crate::wizard::planned::{Job, Place};
use crate::wizard::screen;

/// Columns of the headings, as in what `plan` prints.
const HEADING: usize = 14;

/// The plan in lines of so many columns, of which so many rows are seen at once.
pub(super) fn lines(job: &Job, columns: usize, room: usize) -> Vec<String> {
    let rows = |(heading, text): (String, String)| {
        let heading = match heading.is_empty() {
            true => " ".repeat(HEADING),
            false => format!("{:<HEADING$}", format!("{heading}:")),
        };
        screen::folded_to(columns, &text, &heading, HEADING)
    };
    let made = made(job).into_iter().flat_map(rows).collect();
    let lost = lost(job, false);
    let lost = lost.iter().flat_map(|line| screen::folded_to(columns, line, "", 4)).collect();
    let warnings: Vec<Vec<String>> = summary(job)
        .warnings
        .iter()
        .map(|warning| screen::folded_to(columns, warning.as_str(), "warning: ", 9))
        .collect();
    arranged(made, &warnings, lost, room)
}

/// What is lost by it stands last: it must be seen with the choices. Where there is more than is seen
/// at once, it is told how many warnings there are.
fn arranged(
    made: Vec<String>,
    warnings: &[Vec<String>],
    lost: Vec<String>,
    room: usize,
) -> Vec<String> {
    let of_warnings: usize = warnings.iter().map(Vec::len).sum();
    let rows = made.len().saturating_add(of_warnings).saturating_add(lost.len());
    let mut lines = made;
    lines.extend(warnings.iter().flatten().cloned());
    // A row that sets it apart, where there is one to spare.
    if rows < room {
        lines.push(String::new());
    }
    lines.extend(lost);
    if rows > room && !warnings.is_empty() {
        lines.push(match warnings.len() {
            1 => format!("There is 1 warning above; \"{ALL}\" shows it again."),
            count => format!("There are {count} warnings above; \"{ALL}\" shows them again."),
        });
    }
    lines
}

/// The choice that shows the rest.
pub(super) const ALL: &str = "Show all of the plan";

/// What the operator should know of the plan.
pub(super) fn summary(job: &Job) -> &Summary {
    match &job.place {
        Place::Stick(planned, _) => &planned.summary,
        _ => job.media.summary(),
    }
}

/// Where things come to lie, where that is known.
pub(super) fn map(job: &Job) -> Option<MediaMap> {
    match &job.place {
        Place::Drives(drives) => Some(job.media.map().with_drives(drives)),
        Place::Images(_) => Some(job.media.map()),
        // Only the stick tells.
        Place::Stick(..) => None,
    }
}

/// What is made, of what, and how full it is: headings and texts.
fn made(job: &Job) -> Vec<(String, String)> {
    let summary = summary(job);
    let row = |heading: &str, text: String| (heading.to_owned(), text);
    let kind = match job.request.media_type() {
        MediaType::Usb => "USB drive",
        MediaType::CdDvd => "CD/DVD",
        MediaType::Hybrid => "image for disc and USB drive",
        _ => "media",
    };
    let target = &summary.target_architecture;
    let mut rows = vec![
        row("Media", format!("{kind} for {target} computers, label {}", summary.label)),
        row("Boot image", format!("{} ({})", summary.boot_image, summary.architecture)),
    ];
    let packages = summary.content.iter().flat_map(|content| &content.packages);
    let (count, of_files, bytes) = packages.fold((0_u64, 0_u64, 0_u64), |(count, f, b), it| {
        (count.saturating_add(1), f.saturating_add(it.files), b.saturating_add(it.bytes))
    });
    if count > 0 {
        rows.push(row("Packages", format!("{count}, {}, {}", files(of_files), size(bytes))));
    }
    match (&job.place, map(job)) {
        (Place::Stick(planned, _), _) => rows.push(row(
            "Refresh",
            format!(
                "{}: {} to write ({}), {} unchanged ({}), {} to remove",
                planned.path,
                files(planned.files_to_write),
                size(planned.bytes_to_write),
                files(planned.files_unchanged),
                size(planned.bytes_saved),
                files(u64::try_from(planned.to_remove.len()).unwrap_or(u64::MAX)),
            ),
        )),
        (_, Some(map)) => {
            let several = map.volumes.len() > 1;
            let heading = |at: &VolumeMap| match several {
                true => format!("Volume {}", at.number),
                false => "Volume".to_owned(),
            };
            rows.extend(map.volumes.iter().map(|volume| (heading(volume), filled(volume))));
            let boots = summary.volumes.first().map(|volume| volume.boots.join(" and "));
            let boots = boots.filter(|boots| !boots.is_empty());
            let first = if several { "the first one " } else { "" };
            rows.extend(boots.map(|boots| row("Boots", format!("{first}under {boots}"))));
        }
        (_, None) => {}
    }
    rows
}

/// A volume, its size, and how much of it is used.
fn filled(volume: &VolumeMap) -> String {
    let whole = volume.capacity.unwrap_or(volume.bytes);
    let percent = format!("{}.{} %", volume.fill_permille / 10, volume.fill_permille % 10);
    format!("{}, {} of {} used ({percent})", volume.file_system, size(volume.used), size(whole))
}

/// What is erased, replaced or made; `all` tells of each drive in rows of its own.
pub(super) fn lost(job: &Job, all: bool) -> Vec<String> {
    match &job.place {
        Place::Drives(drives) => {
            let heading = match drives.drives() {
                [_] => "All that is on this drive will be erased:".to_owned(),
                drives => format!("All that is on these {} drives will be erased:", drives.len()),
            };
            let about = drives.drives().iter().flat_map(|drive| {
                let about = drives::about(drive);
                if all {
                    return about;
                }
                // One text takes fewer rows than a row for each.
                vec![about.iter().map(|line| line.trim()).collect::<Vec<_>>().join("; ")]
            });
            [heading].into_iter().chain(about.map(|line| format!("  {line}"))).collect()
        }
        Place::Images(target) if target.is_stream() => vec![format!(
            "{} is no file: all goes into it as it is made, and nothing is taken back.",
            target.path().display()
        )],
        Place::Images(_) => {
            let images = job.images();
            let (old, new): (Vec<_>, Vec<_>) =
                images.iter().partition(|path| job.replaced.contains(path));
            let old = old
                .iter()
                .map(|path| format!("{} will be replaced, when all is whole.", path.display()));
            let new = match &*new {
                [] => None,
                [one] => Some(format!("{} will be made.", one.display())),
                [first, .., last] => Some(format!(
                    "{} to {} will be made.",
                    first.display(),
                    last.file_name().map(std::path::Path::new).unwrap_or(last).display()
                )),
            };
            old.chain(new).collect()
        }
        Place::Stick(..) => vec!["Nothing but old media on the stick is replaced.".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, count: usize) -> Vec<String> {
        (0..count).map(|at| format!("{name} {at}")).collect()
    }

    #[test]
    fn what_is_lost_stands_next_to_the_choices() {
        let warnings = [rows("warning", 3), rows("warning", 2)];
        let fits = arranged(rows("made", 4), &warnings, rows("lost", 2), 13);
        assert_eq!(fits.len(), 12);
        assert_eq!(fits[9], "");
        let just = arranged(rows("made", 4), &warnings, rows("lost", 2), 11);
        assert_eq!(just.len(), 11);
        assert_eq!(just[9..], rows("lost", 2));
        let more = arranged(rows("made", 4), &warnings, rows("lost", 2), 10);
        assert_eq!(more[9..11], rows("lost", 2));
        assert_eq!(
            more[11..],
            [format!("There are 2 warnings above; \"{ALL}\" shows them again.")]
        );
        let one = arranged(rows("made", 9), &warnings[..1], rows("lost", 2), 10);
        let told = format!("There is 1 warning above; \"{ALL}\" shows it again.");
        assert_eq!(one.last(), Some(&told));
        // Nothing is said of warnings that there are not.
        assert_eq!(arranged(rows("made", 30), &[], rows("lost", 2), 10).len(), 32);
    }
}
