//! How often a location asks again, which is not for it to say.

use crate::access::AccessError;
use crate::error::ContentError;

/// Says, and waits where it says yes, whether a question is to be asked again: by how often it was
/// asked again already and what the last answer was.
type Judge<'a> = dyn Fn(u32, &AccessError) -> Result<bool, ContentError> + Sync + 'a;

/// How often a location asks a question again whose fault may pass.
///
/// A package of many files takes many questions. It is them that are asked again: were it the whole
/// package, one fault in a hundred answers would never let a large one come to its end. The number
/// of tries is said at one place, by [`ContentOptions`](crate::ContentOptions); a location carries it
/// to its questions.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    judge: Option<&'a Judge<'a>>,
}

impl<'a> Patience<'a> {
    /// Every question once.
    pub const fn none() -> Self {
        Self { judge: None }
    }

    pub(crate) fn new(judge: &'a Judge<'a>) -> Self {
        Self { judge: Some(judge) }
    }

    /// Asks until there is an answer, or a fault that is final.
    ///
    /// # Errors
    /// The outer one when whoever waits asked to stop ([`ContentError::Cancelled`]); the inner one is
    /// the last answer.
    pub fn ask<T>(
        &self,
        mut question: impl FnMut() -> Result<T, AccessError>,
    ) -> Result<Result<T, AccessError>, ContentError> {
        let mut number = 0;
        loop {
            match question() {
                Err(error) if self.again(number, &error)? => number += 1,
                answer => return Ok(answer),
            }
        }
    }

    /// The same for a question that consists of others and is asked as one.
    ///
    /// # Errors
    /// [`ContentError`]
    pub fn ask_whole<T>(
        &self,
        mut question: impl FnMut() -> Result<T, ContentError>,
    ) -> Result<T, ContentError> {
        let mut number = 0;
        loop {
            match question() {
                Err(error) => match error.access() {
                    Some(access) if self.again(number, access)? => number += 1,
                    _ => return Err(error),
                },
                answer => return answer,
            }
        }
    }

    fn again(&self, number: u32, error: &AccessError) -> Result<bool, ContentError> {
        self.judge.map_or(Ok(false), |judge| judge(number, error))
    }
}

impl std::fmt::Debug for Patience<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patience").field("none", &self.judge.is_none()).finish()
    }
}
