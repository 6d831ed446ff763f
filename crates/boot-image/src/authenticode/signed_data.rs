//! One signature: a PKCS #7 SignedData (RFC 2315, section 9) about an SpcIndirectDataContent.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Tag, Tagged as _};

use super::digest::{DigestAlgorithm, Hashing};
use super::name::Name;
use super::values::{InPart as _, Values, Wrong, inside};
use super::{Certificate, MOST_CERTIFICATES, MOST_SIGNATURES};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const INDIRECT_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.4");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const NESTED_SIGNATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.4.1");

/// What one signature says.
pub(super) struct SignedData<'a> {
    pub(super) signer: Certificate,
    /// The other certificates in it.
    pub(super) others: Vec<Certificate>,
    pub(super) algorithm: DigestAlgorithm,
    /// Of the file.
    pub(super) digest: &'a [u8],
    /// Whether the signer's digest is that of the statement; or why that cannot be told.
    pub(super) statement: Result<bool, String>,
    /// Further signatures that this one carries, at most one more than is allowed.
    pub(super) nested: Vec<AnyRef<'a>>,
}

impl<'a> SignedData<'a> {
    pub(super) fn read(content_info: AnyRef<'a>) -> Result<Self, Wrong> {
        let mut content_info = inside(content_info, Tag::Sequence)?;
        expect(content_info.required()?, SIGNED_DATA)?;
        let signed = explicit(&mut content_info)?;
        let mut signed = inside(signed, Tag::Sequence)?;
        let _version = signed.required()?;
        let _algorithms = signed.required()?;
        let statement = Statement::read(signed.required()?).part("the signed statement")?;
        let certificates = signed.tagged(0)?;
        let _revocations = signed.tagged(1)?;
        let certificates = certificates.map(read_bag).transpose().part("its certificates")?;
        let mut bag = certificates.unwrap_or_default();
        let signer = Signer::read(signed.required()?).part("the signer")?;
        let place = bag.iter().position(|it| signer.signed_with(it));
        let Some(place) = place else {
            return Err(Wrong::new("the signer's certificate is not there")).part("the signer");
        };
        let found = bag.remove(place).names;
        let computed = Hashing::of(&signer.algorithm, statement.bytes);
        let agrees = match (signer.statement_digest, computed) {
            (None, _) => Err("the signer tells no digest of the statement".to_owned()),
            (_, None) => Err(format!("digests made with {} are not known here", signer.algorithm)),
            (Some(told), Some(computed)) => Ok(*told == *computed),
        };
        Ok(Self {
            signer: found,
            others: bag.into_iter().map(|it| it.names).collect(),
            algorithm: statement.algorithm,
            digest: statement.digest,
            statement: agrees,
            nested: signer.nested,
        })
    }
}

/// The value must be this object identifier.
fn expect(value: AnyRef<'_>, wanted: ObjectIdentifier) -> Result<(), Wrong> {
    let found: ObjectIdentifier = value.decode_as()?;
    if found == wanted {
        return Ok(());
    }
    Err(Wrong::new(format!("of the type {found}, {wanted} is expected")))
}

/// The value inside the next one, which is tagged `[0]`.
fn explicit<'a>(values: &mut Values<'a>) -> Result<AnyRef<'a>, Wrong> {
    let Some(tagged) = values.tagged(0)? else { return Err(Wrong::new("has no content")) };
    Values::of(tagged.value())?.required()
}

fn algorithm(value: AnyRef<'_>) -> Result<DigestAlgorithm, Wrong> {
    let oid = inside(value, Tag::Sequence)?.required()?.decode_as()?;
    Ok(DigestAlgorithm::of(oid))
}

/// SpcIndirectDataContent: what is signed.
struct Statement<'a> {
    /// What the signer's digest covers: all but the outermost tag and length (RFC 2315, section
    /// 9.3).
    bytes: &'a [u8],
    algorithm: DigestAlgorithm,
    digest: &'a [u8],
}

impl<'a> Statement<'a> {
    fn read(content: AnyRef<'a>) -> Result<Self, Wrong> {
        let mut content = inside(content, Tag::Sequence)?;
        expect(content.required()?, INDIRECT_DATA)?;
        let statement = explicit(&mut content)?;
        let mut parts = inside(statement, Tag::Sequence)?;
        let _data = parts.required()?;
        let mut info = inside(parts.required()?, Tag::Sequence)?;
        let algorithm = algorithm(info.required()?)?;
        let digest = octets(info.required()?)?;
        Ok(Self { bytes: statement.value(), algorithm, digest })
    }
}

fn octets(value: AnyRef<'_>) -> Result<&[u8], Wrong> {
    match value.tag() {
        Tag::OctetString => Ok(value.value()),
        other => Err(Wrong::new(format!("OCTET STRING expected, {other} found"))),
    }
}

/// A certificate of the bag.
struct Bagged<'a> {
    names: Certificate,
    /// By these two a signer names it.
    issuer: AnyRef<'a>,
    serial: AnyRef<'a>,
}

fn read_bag(bag: AnyRef<'_>) -> Result<Vec<Bagged<'_>>, Wrong> {
    let mut found = Vec::new();
    for certificate in Values::of(bag.value())? {
        let certificate = certificate?;
        // Others are attribute certificates, of no use here.
        if certificate.tag() != Tag::Sequence {
            continue;
        }
        if found.len() == MOST_CERTIFICATES {
            let text = format!("more than the {MOST_CERTIFICATES} that are read");
            return Err(Wrong::new(text));
        }
        found.push(Bagged::read(certificate)?);
    }
    Ok(found)
}

impl<'a> Bagged<'a> {
    /// RFC 5280, section 4.1, as far as the names.
    fn read(certificate: AnyRef<'a>) -> Result<Self, Wrong> {
        let mut parts = inside(inside(certificate, Tag::Sequence)?.required()?, Tag::Sequence)?;
        let _version = parts.tagged(0)?;
        let serial = parts.required()?;
        let _algorithm = parts.required()?;
        let issuer = parts.required()?;
        let _validity = parts.required()?;
        let subject = Name::read(parts.required()?)?;
        Ok(Self { names: Certificate { subject, issuer: Name::read(issuer)? }, issuer, serial })
    }
}

/// SignerInfo: RFC 2315, section 9.2.
struct Signer<'a> {
    issuer: AnyRef<'a>,
    serial: AnyRef<'a>,
    algorithm: DigestAlgorithm,
    statement_digest: Option<&'a [u8]>,
    nested: Vec<AnyRef<'a>>,
}

impl<'a> Signer<'a> {
    /// Authenticode has exactly one signer.
    fn read(signers: AnyRef<'a>) -> Result<Self, Wrong> {
        let mut signers = inside(signers, Tag::Set)?;
        let mut signer = inside(signers.required()?, Tag::Sequence)?;
        if signers.next().is_some() {
            return Err(Wrong::new("there is more than one"));
        }
        let _version = signer.required()?;
        let mut named = inside(signer.required()?, Tag::Sequence)?;
        let (issuer, serial) = (named.required()?, named.required()?);
        let algorithm = algorithm(signer.required()?)?;
        let mut statement_digest = None;
        if let Some(attributes) = signer.tagged(0)? {
            for attribute in Values::of(attributes.value())? {
                let (kind, mut values) = split(attribute?)?;
                if kind == MESSAGE_DIGEST {
                    statement_digest = Some(octets(values.required()?)?);
                }
            }
        }
        let _signature_algorithm = signer.required()?;
        let _signature = signer.required()?;
        let mut nested = Vec::new();
        if let Some(attributes) = signer.tagged(1)? {
            for attribute in Values::of(attributes.value())? {
                let (kind, values) = split(attribute?)?;
                if kind == NESTED_SIGNATURE {
                    let room = (MOST_SIGNATURES + 1).saturating_sub(nested.len());
                    for value in values.take(room) {
                        nested.push(value?);
                    }
                }
            }
        }
        Ok(Self { issuer, serial, algorithm, statement_digest, nested })
    }

    fn signed_with(&self, certificate: &Bagged<'_>) -> bool {
        certificate.issuer == self.issuer && certificate.serial == self.serial
    }
}

/// The type and the values of an attribute.
fn split(attribute: AnyRef<'_>) -> Result<(ObjectIdentifier, Values<'_>), Wrong> {
    let mut parts = inside(attribute, Tag::Sequence)?;
    let kind = parts.required()?.decode_as()?;
    Ok((kind, inside(parts.required()?, Tag::Set)?))
}
