//! The fixed records of ECMA-119, Joliet, Rock Ridge, El Torito and UDF as they lie on the medium.
//! Nothing here knows of planning or of reading; the assertions beside each record are the
//! standard's tables.

pub(crate) mod boot_catalog;
pub(crate) mod both_endian;
pub(crate) mod date;
pub(crate) mod directory_record;
pub(crate) mod partition_table;
pub(crate) mod path_table_record;
pub(crate) mod rock_ridge;
pub(crate) mod system_use;
pub(crate) mod udf_basic;
pub(crate) mod udf_file;
pub(crate) mod udf_volume;
pub(crate) mod volume_descriptor;
