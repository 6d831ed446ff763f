//! The forms of texts, as regular expressions of the kind that JSON Schema has (ECMA 262).

pub(crate) const LABEL: &str = "^[ -~]{1,32}$";
pub(crate) const MEDIA_SIZE: &str = "^(0*[1-9][0-9]{0,12}[mM][bB]|0*[48][gG][bB]|[nN][oO][nN][eE]\
                          |[uU][nN][lL][iI][mM][iI][tT][eE][dD])$";
pub(crate) const IMAGE_SIZE: &str = "^0*[1-9][0-9]{0,18}([bB]|[mMgG][iI]?[bB])$";
pub(crate) const PACKAGE: &str =
    "^[A-Za-z0-9]{3}[0-9A-Fa-f]{5}(\\.[0-9]+)?=[^\"*:<>?|\\u0000-\\u001f\\u007f-\\u009f]*$";
pub(crate) const ACCOUNT: &str =
    "^[^\\\\\\u0000-\\u001f\\u007f-\\u009f]+(\\\\[^\\\\\\u0000-\\u001f\\u007f-\\u009f]+)?$";
pub(crate) const LOCATION: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";
pub(crate) const LOCALE: &str = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$";
/// Printable ASCII without the comma: after a star, after the name of a bus and a backslash, or what
/// PCI has there.
pub(crate) const HARDWARE_ID: &str = "^(?=.{1,199}$)(\\*[!-+\\--~]*\
     |(?![pP][cC][iI]\\\\)[!-+\\--\\[\\]-~]+\\\\[!-+\\--~]*\
     |[pP][cC][iI]\\\\([cC][cC]_[0-9A-Fa-f]{4}([0-9A-Fa-f]{2})?\
     |[vV][eE][nN]_[0-9A-Fa-f]{4}&([dD][eE][vV]_[0-9A-Fa-f]{4}\
     |[cC][cC]_[0-9A-Fa-f]{4}([0-9A-Fa-f]{2})?))([&\\\\][!-+\\--~]*)?)$";
pub(crate) const TEXT_1_TO_255: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,255}$";
pub(crate) const TEXT_TO_255: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]{0,255}$";
pub(crate) const TEXT_TO_32: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]{0,32}$";
pub(crate) const ADD: &str =
    "^[^\\u0000-\\u001f\\u007f-\\u009f]+=[^=\"*:<>?|\\u0000-\\u001f\\u007f-\\u009f]*$";
