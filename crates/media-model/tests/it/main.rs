//! Tests of the crate from outside: whole requests, their serde form, and the values against
//! their rules.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod request;
mod request_file;
mod schema;
mod task_sequence;
mod values;
