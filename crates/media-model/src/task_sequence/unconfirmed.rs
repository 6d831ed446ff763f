//! What could not be confirmed about the product's task sequences, named in one place.
//!
//! No public export holds the three capture steps (only their classes, command lines, variables and
//! limits are documented), and nobody here can run the product. Whatever follows is therefore
//! reconstructed, and a sequence exported from a site (`--task-sequence`) takes the place of all
//! of it.

/// The name of the group of the built-in sequence. The product's own sequence for capture media is
/// fixed inside it and was never seen.
pub const GROUP_NAME: &str = "Capture the Reference Machine";

/// `type` of an operator that is true when none of its operands is. The documentation names "None";
/// exports show `and` and `or`, and this word is seen in sequences of the Deployment Toolkit only.
pub const NOT_OPERATOR: &str = "not";

/// Variables of the capture step, with their WMI properties, that are written empty when no value
/// was given, as exports do: what describes the image. The WMI class says that the version is
/// required, the description of the variable that it is optional.
///
/// Destination, account and password are left out instead: a run may have to set them, and whether
/// an empty variable hides what a run sets is not known.
pub const WRITTEN_EMPTY: &[(&str, &str)] = &[
    ("OSDImageCreator", "ImageCreator"),
    ("OSDImageDescription", "ImageDescription"),
    ("OSDImageVersion", "ImageVersion"),
];

/// Most UTF-16 units of the capture account and of its password. The documentation gives no limit;
/// 255 is that of the other values of the step.
pub const ACCOUNT_UNITS: usize = 255;

/// How the id of an application begins in `<reference package="..">` and in the variable
/// `ApplicationName`. Scripts compare both with the application's unique id; no export with an
/// application was seen.
pub const APPLICATION_PREFIX: &str = "ScopeId_";

/// What the name of a secret holds: of a variable, its WMI property, an unknown element or
/// attribute; space around it and case ignored. Of the capture step this is
/// `OSDCaptureAccountPassword`, which is documented as secret. Exports show `OSDJoinPassword` and
/// `OSDLocalAdminPassword` besides; that every other name with such a word means a secret is a guess
/// to the safe side.
pub const SECRET_WORDS: &[&str] = &["password", "passwd", "pwd", "passphrase", "secret", "token"];

/// How such names end, as `OSDBitLockerPIN` does; case ignored.
pub const SECRET_SUFFIX: &str = "pin";

/// Words of names and other texts that may tell a secret, and are not enough to take a value out; nor
/// are [`SECRET_WORDS`] outside names. Lower case; a guess, as are the next three.
pub const DOUBT_WORDS: &[&str] = &["credential", "apikey", "api-key", "productkey"];

/// The like as a word by itself or a part of a name in camel case: `AdminPass`, not `bypass`.
pub const DOUBT_PART: &str = "pass";

/// Ends of words that begin with that and tell no secret, as PowerShell's `-PassThru`.
pub const NO_DOUBT_BEFORE: &[&str] = &["thru", "through"];

/// The like at the end of a word, as in `OSDLocalAdminPW`.
pub const DOUBT_SUFFIX: &str = "pw";

/// How the variables begin that are said to hold the password of the network access account; case
/// ignored.
pub const SECRET_PREFIX: &str = "_SMSTSReserved2";

/// Names that hold such a word and, as exports show, the answer to a question: no password where
/// the value is `true`, `false`, a number or among [`PLAIN_ANSWERS`].
pub const NOT_SECRET: &[&str] = &[
    "OSDRandomAdminPassword",
    "RandomAdminPassword",
    "OSDBitLockerCreateRecoveryPassword",
    "CreateRecoveryPassword",
];

/// Further answers to such questions: where a recovery password is kept.
pub const PLAIN_ANSWERS: &[&str] = &["AD"];

/// The program that gives a variable a value, `tsenv.exe "Name=Value" /hiddenflag:False`; the step
/// it belongs to has both in [`SET_VARIABLE_NAME`] and [`SET_VARIABLE_VALUE`] too.
pub const SET_VARIABLE_PROGRAM: &str = "tsenv";

/// The switch of that program which, when it says true, is taken for the editor's "do not display
/// this value", so that the value is secret. Exports show it with False.
pub const VALUE_IS_HIDDEN_SWITCH: &str = "/hiddenflag:";

/// The variable of that step with the name of the variable it sets.
pub const SET_VARIABLE_NAME: &str = "VariableName";

/// The variable of that step with the value.
pub const SET_VARIABLE_VALUE: &str = "VariableValue";

/// Another name for it, taken for one beside [`SET_VARIABLE_NAME`] only.
pub const SET_VARIABLE_VALUE_SHORT: &str = "Value";

/// The variable with the command line of a step that runs one, which stands in its action too.
pub const COMMAND_LINE: &str = "CommandLine";

/// Variables that exports mark as hidden without a secret in them: what the editor shows otherwise.
/// A hidden one of another name may hold a secret.
pub const HIDDEN_BY_EDITOR: &[&str] = &[
    SET_VARIABLE_NAME,
    SET_VARIABLE_VALUE,
    COMMAND_LINE,
    "SuccessCodes",
    "SMSRebootTarget",
    "PackageID",
    "ApplicationName",
];

/// The end of the names of variables with scripts and what these are told, which may hold anything.
pub const SCRIPT_SUFFIXES: &[&str] = &["SourceScript", "ScriptParameters"];

/// The end of the WMI properties that hold the id of a package, case ignored, where a step names
/// one beside the reference list. The id may stand in braces.
pub const PACKAGE_PROPERTY_SUFFIX: &str = "PackageID";

/// The property that holds ids of several packages, with commas between.
pub const PACKAGE_LIST_PROPERTY: &str = "DownloadPackages";

/// The switches, in lower case, that name a package in the command line of a step that uses one.
pub const PACKAGE_SWITCHES: &[&str] = &["/pkg:", "/install:"];
