//! What the grammar does not know, kept so that a round trip loses nothing. `Debug` shows names, and
//! the lengths of texts: any of them may be a secret.

use std::fmt;

/// An attribute as it was read, references resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    pub(super) name: String,
    pub(super) value: String,
}

impl Attribute {
    /// The name, with its prefix if it has one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Attributes and child elements that the grammar does not know. Only reading makes them, so no
/// attribute that is known can be among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra {
    pub(super) attributes: Vec<Attribute>,
    pub(super) elements: Vec<Element>,
}

impl Extra {
    /// The attributes, in the order they were read.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The elements, in the order they were read.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// Whether everything was known.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.elements.is_empty()
    }
}

/// An element that the grammar does not know, with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) content: Vec<Content>,
}

impl Element {
    /// The name, with its prefix if it has one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes, in the order they were read.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Text and elements inside, in the order they were read, space between them included.
    pub fn content(&self) -> &[Content] {
        &self.content
    }
}

/// What stands inside an [`Element`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// An element.
    Element(Element),
    /// Text, references resolved; never empty, and never next to other text.
    Text(String),
}

/// A text in `Debug`: its length alone.
pub(super) struct Unshown<'a>(pub(super) &'a str);

impl fmt::Debug for Unshown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Attribute");
        out.field("name", &self.name).field("value", &Unshown(&self.value)).finish()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element(element) => element.fmt(f),
            Self::Text(text) => f.debug_tuple("Text").field(&Unshown(text)).finish(),
        }
    }
}
