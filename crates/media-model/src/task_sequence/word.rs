//! Words of the grammar: those that are known are constants, any other is kept as it is.

use std::borrow::Cow;
use std::fmt;

macro_rules! word {
    (
        $(#[$meta:meta])*
        $type:ident { $($(#[$word_meta:meta])* $name:ident = $text:expr,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $type(Cow<'static, str>);

        impl $type {
            $($(#[$word_meta])* pub const $name: Self = Self(Cow::Borrowed($text));)*

            /// Any word, also one that is not among the constants.
            pub fn new(word: impl Into<Cow<'static, str>>) -> Self {
                Self(word.into())
            }

            /// The word.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether it is one of the constants.
            pub fn is_known(&self) -> bool {
                [$($text),*].contains(&self.as_str())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

word! {
    /// What a step does (`type`): the WMI class of its action.
    StepType {
        /// Prepare ConfigMgr Client for Capture.
        PREPARE_CLIENT = "SMS_TaskSequence_PrepareSMSClientAction",
        /// Prepare Windows for Capture, that is Sysprep.
        PREPARE_WINDOWS = "SMS_TaskSequence_PrepareOSAction",
        /// Capture Operating System Image.
        CAPTURE = "SMS_TaskSequence_CaptureSystemImageAction",
        /// Restart Computer.
        REBOOT = "SMS_TaskSequence_RebootAction",
        /// Run Command Line.
        RUN_COMMAND_LINE = "SMS_TaskSequence_RunCommandLineAction",
        /// Run PowerShell Script.
        RUN_POWERSHELL = "SMS_TaskSequence_RunPowerShellScriptAction",
        /// Set Task Sequence Variable.
        SET_VARIABLE = "SMS_TaskSequence_SetVariableAction",
        /// Set Dynamic Variables.
        SET_DYNAMIC_VARIABLES = "SMS_TaskSequence_SetDynamicVariablesAction",
        /// Install Package.
        INSTALL_PACKAGE = "SMS_TaskSequence_InstallSoftwareAction",
        /// Install Application.
        INSTALL_APPLICATION = "SMS_TaskSequence_InstallApplicationAction",
        /// Download Package Content.
        DOWNLOAD_PACKAGE = "SMS_TaskSequence_DownloadPackageContentAction",
    }
}

word! {
    /// Where a step runs (`runIn`).
    RunIn {
        /// In Windows PE only.
        WIN_PE = "WinPE",
        /// In the installed Windows only.
        FULL_OS = "FullOS",
        /// In either.
        BOTH = "WinPEandFullOS",
    }
}

word! {
    /// How an operator joins its operands (`type`).
    OperatorType {
        /// All of them.
        AND = "and",
        /// At least one of them.
        OR = "or",
        /// None of them.
        NOT = super::unconfirmed::NOT_OPERATOR,
    }
}

word! {
    /// What an expression asks (`type`).
    ExpressionType {
        /// A task sequence variable.
        VARIABLE = "SMS_TaskSequence_VariableConditionExpression",
        /// A WMI query.
        WMI = "SMS_TaskSequence_WMIConditionExpression",
        /// A value of the registry.
        REGISTRY = "SMS_TaskSequence_RegistryConditionExpression",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_stay() {
        assert!(RunIn::new("WinPE").is_known());
        assert_eq!(RunIn::new("WinPE".to_owned()), RunIn::WIN_PE);
        let other = StepType::new("BDD_Gather");
        assert!(!other.is_known());
        assert_eq!(format!("[{other:>12}]"), "[  BDD_Gather]");
    }
}
