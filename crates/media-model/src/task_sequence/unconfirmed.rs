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

/// The end of the names of variables, and of their WMI properties, whose values are treated as
/// secret, case ignored. Of the capture step this is `OSDCaptureAccountPassword`, which is
/// documented as secret. Exports show `OSDJoinPassword` and `OSDLocalAdminPassword` besides; that
/// every other name that ends so holds a password is a guess to the safe side.
pub const SECRET_SUFFIX: &str = "Password";

/// Names that end so and, as exports show, hold the answer to a question and no password.
pub const NOT_SECRET: &[&str] = &[
    "OSDRandomAdminPassword",
    "RandomAdminPassword",
    "OSDBitLockerCreateRecoveryPassword",
    "CreateRecoveryPassword",
];

/// The end of the WMI properties that hold the id of a package, case ignored, where a step names
/// one beside the reference list.
pub const PACKAGE_PROPERTY_SUFFIX: &str = "PackageID";

/// The switch that names the package in the command line of a step that installs one.
pub const PACKAGE_SWITCH: &str = "/pkg:";
