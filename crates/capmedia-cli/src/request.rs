//! The options that `create` and `plan` share: those of the library's list, on the command line and in
//! a request file.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::builder::{OsStringValueParser, PathBufValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};
use media_model::{
    Absent, CaptureMediaRequest, CheckedContent, CheckedRequest, Problem, RequestFile,
    RequestOption, Slot,
};

use crate::exit::{Code, Failure};
use crate::offered::{Offered, hint};

/// The option that is no part of a request.
const REQUEST: &str = "request";

/// The environment variable that no time on the media is later than.
pub(crate) const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The request file that is standard input.
const STDIN: &str = "-";

/// Options of a request; they are checked together, so that all problems are told at once.
pub(crate) struct RequestArgs {
    matches: ArgMatches,
}

impl clap::Args for RequestArgs {
    fn augment_args(command: Command) -> Command {
        let mut request = CaptureMediaRequest::default();
        let options = request.options_mut().into_iter().map(|(option, slot)| arg(&option, &slot));
        let file = Arg::new(REQUEST)
            .long(REQUEST)
            .value_name("FILE")
            .value_hint(hint("FILE"))
            .value_parser(PathBufValueParser::new())
            .help(
                "A file with options, in TOML: version = 1, then keys that are called like the \
                 options; - for standard input. Options given here override the file's, and its \
                 relative paths start from its folder (from the current one when it is piped)",
            );
        command.arg(file).args(options)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for RequestArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { matches: matches.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.matches = matches.clone();
        Ok(())
    }
}

/// An option of a request on the command line.
pub(crate) fn arg(option: &RequestOption, slot: &Slot<'_>) -> Arg {
    let about = option.about();
    let help = match option.absent() {
        Absent::Is(value) | Absent::Means(value) => format!("{about} [default: {value}]"),
        _ => about.to_owned(),
    };
    let arg = Arg::new(option.name()).long(option.name()).help(help);
    let arg = option.alias().into_iter().fold(arg, |arg, alias| arg.visible_alias(alias));
    let arg = arg.value_hint(hint(option.value_name()));
    let offered = if option.words().is_empty() { option.examples() } else { option.words() };
    let arg = match offered {
        [] => arg,
        // The help text says them.
        offered => arg.value_parser(Offered(offered)).hide_possible_values(true),
    };
    match slot {
        // All values are text to clap, which ends at the first that it cannot read.
        // --force is on; --force=false takes back what a request file says.
        Slot::Flag(_) => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("true|false"),
        Slot::Path(_) => {
            arg.value_name(option.value_name()).value_parser(OsStringValueParser::new())
        }
        Slot::Paths(_) => arg
            .value_name(option.value_name())
            .value_parser(OsStringValueParser::new())
            .action(ArgAction::Append),
        Slot::List(_) => arg.value_name(option.value_name()).action(ArgAction::Append),
        _ => arg.value_name(option.value_name()),
    }
}

impl RequestArgs {
    pub(crate) fn check(&self) -> Result<CheckedRequest, Failure> {
        self.check_file(&self.effective()?)
    }

    /// The same, and the request as [`to_toml`](Self::to_toml) gives it, for a log. A path that is not
    /// Unicode is no obstacle: a log has its problem in place of the request.
    pub(crate) fn check_and_show(&self) -> Result<(CheckedRequest, String), Failure> {
        // Once: the request may come through a pipe.
        let file = self.effective()?;
        let checked = self.check_file(&file)?;
        let text = file.request().to_toml().unwrap_or_else(|problems| {
            problems.iter().map(|problem| format!("# not shown: {problem}\n")).collect()
        });
        Ok((checked, text))
    }

    fn check_file(&self, file: &RequestFile) -> Result<CheckedRequest, Failure> {
        let checked = file.check().map_err(Failure::problems)?;
        let from_stdin = |path: Option<&Path>| path.is_some_and(|path| path.as_os_str() == STDIN);
        let content = checked.content();
        if from_stdin(self.file()) && from_stdin(content.and_then(CheckedContent::password_file)) {
            let error = anyhow!(
                "--request - and --password-file - would both read standard input; give one of them \
                 a file"
            );
            return Err(Failure::new(Code::Request, error));
        }
        Ok(match self.file() {
            // Standard input may be a file, which has this name too where it has one.
            Some(path) if path.as_os_str() == STDIN => checked.with_read_file("/dev/stdin"),
            Some(path) => checked.with_read_file(path),
            None => checked,
        })
    }

    /// The request as a request file that says the same wherever relative paths start from the
    /// current folder.
    pub(crate) fn to_toml(&self) -> Result<String, Failure> {
        let file = self.effective()?;
        let _checked = file.check().map_err(Failure::problems)?;
        file.request().to_toml().map_err(Failure::problems)
    }

    /// The request file, with what the command line says instead.
    pub(crate) fn effective(&self) -> Result<RequestFile, Failure> {
        let file = match self.file() {
            Some(path) => read(path)?,
            None => RequestFile::default(),
        };
        let file = file.overridden(|option, slot| set(&self.matches, option, slot));
        Ok(file.with_source_date_epoch(source_date_epoch()?))
    }

    fn file(&self) -> Option<&Path> {
        self.matches.get_one::<PathBuf>(REQUEST).map(PathBuf::as_path)
    }
}

/// The answers that a request file gives, whatever they are worth; none without one. Mistakes of the
/// file itself are refused.
pub(crate) fn answers(path: Option<&Path>) -> Result<CaptureMediaRequest, Failure> {
    if path.is_some_and(|path| path.as_os_str() == STDIN) {
        let error =
            anyhow!("--request - would read the terminal that the questions are answered on");
        return Err(Failure::new(
            Code::Request,
            error.context("give --request the path of a file"),
        ));
    }
    let file = path.map(read).transpose()?.unwrap_or_default();
    let file = file.with_source_date_epoch(source_date_epoch()?);
    file.well_formed().cloned().map_err(Failure::problems)
}

/// Whether the command line gives the option; a problem where it gives what cannot be read.
pub(crate) fn set(
    matches: &ArgMatches,
    option: &RequestOption,
    slot: Slot<'_>,
) -> Result<bool, Problem> {
    let name = option.name();
    if !matches.contains_id(name) {
        return Ok(false);
    }
    let text = || matches.get_one::<String>(name).map_or("", String::as_str);
    match slot {
        Slot::Flag(flag) => *flag = option.flag(text())?,
        Slot::Text(slot) => *slot = Some(text().to_owned()),
        Slot::Path(path) => *path = matches.get_one::<OsString>(name).map(PathBuf::from),
        Slot::Paths(paths) => {
            let given = matches.get_many::<OsString>(name).into_iter().flatten();
            *paths = given.map(PathBuf::from).collect();
        }
        Slot::Number(number) => *number = Some(option.number(text())?),
        Slot::List(list) => {
            *list = matches.get_many(name).into_iter().flatten().cloned().collect();
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn read(path: &Path) -> Result<RequestFile, Failure> {
    let from_stdin = path.as_os_str() == STDIN;
    let bytes = if from_stdin { read_some(io::stdin().lock()) } else { open(path) };
    let bytes = bytes
        .with_context(|| format!("cannot read the request file {}", path.display()))
        .map_err(|error| Failure::new(Code::Request, error))?;
    if from_stdin {
        return Ok(RequestFile::read("<stdin>", &bytes));
    }
    Ok(RequestFile::read(path.display().to_string(), &bytes).relative_to(folder_of(path)))
}

/// Where the relative paths of a request file start: its folder; the current folder where the path
/// only leads to what somebody has opened, as `/dev/stdin` and a shell's `<(...)` do.
fn folder_of(path: &Path) -> &Path {
    let here = Path::new("");
    let folder = path.parent().unwrap_or(here);
    let opened =
        folder == Path::new("/dev") || ["/dev/fd", "/proc"].iter().any(|of| folder.starts_with(of));
    let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
    if is_file && !opened { folder } else { here }
}

fn open(path: &Path) -> io::Result<Vec<u8>> {
    read_some(File::open(path)?)
}

/// No more than is needed to see that it is too long.
fn read_some(from: impl Read) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(RequestFile::MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    from.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The agreed way to say that nothing shall look newer than a moment.
pub(crate) fn source_date_epoch() -> Result<Option<i64>, Failure> {
    const NAME: &str = SOURCE_DATE_EPOCH;
    let Some(value) = std::env::var_os(NAME).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|text| text.parse().ok());
    seconds.map(Some).ok_or_else(|| {
        let error = anyhow!(
            "{NAME} is {value:?}, not a number of seconds since 1970-01-01 UTC; set it right or \
             unset it"
        );
        Failure::new(Code::Request, error)
    })
}
