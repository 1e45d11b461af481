//! A mail about a case as a mail system hands it in (RFC 5322, MIME): what it claims of itself, its text, and what is attached.
//!
//! Header fields, transfer encodings and character sets are read by `mail-parser`. The walk through the parts is ours: it is bounded in depth and
//! number, and opens no message within a message, since that crate follows those as deep as a stranger likes. Of HTML nothing is shown, not even its
//! words: what a reader of mail sees of it and what is in it are two things.
//!
//! Nothing of a mail is proved here. Whoever brings it may know more (DKIM, ARC): that is its mail system's.

use jiff::Timestamp;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::parsers::MessageStream;
use mail_parser::{Address, ContentType, Header, HeaderName, HeaderValue, MessageParser};
use serde::{Deserialize, Serialize};
use sha2::Digest;

use crate::NOTE_CHARS_MAX;

/// The largest mail that is read, in bytes.
pub const MAIL_BYTES_MAX: usize = 10 << 20;
/// The longest header of a mail or a part, in bytes.
const HEADER_BYTES_MAX: usize = 128 << 10;
/// Parts of a mail, and how deep they may lie in one another.
const PARTS_MAX: usize = 200;
const DEPTH_MAX: usize = 10;
/// The longest boundary: RFC 2046 has 70.
const BOUNDARY_BYTES_MAX: usize = 200;
/// The longest subject, and the longest of everything else that a mail claims in a line, in characters.
pub const LINE_CHARS_MAX: usize = 500;
/// Addresses that are named of those that a mail claims to be from.
const FROM_MAX: usize = 5;

/// A mail, as it is told of in a case room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mail {
    /// Whom it claims to be from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// What it claims to be about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// When it claims to have been sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Timestamp>,
    /// The `Message-ID` that it claims, without its angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The SHA-256 of all of it as it was handed in, in hexadecimal.
    pub sha256: String,
    /// Its plain text; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Whether the text is longer than that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Every other part: named, and not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MailPart>,
}

/// A part of a mail that is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailPart {
    /// What it claims to be called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The media type that it claims.
    pub media_type: String,
    /// How long it is, decoded.
    pub bytes: u64,
    /// The SHA-256 of it, decoded, in hexadecimal.
    pub sha256: String,
}

/// Why something is not read as a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAMail {
    /// Longer than [`MAIL_BYTES_MAX`].
    #[error("a mail has at most {} MiB here; bring what is larger as evidence", MAIL_BYTES_MAX >> 20)]
    TooLong,
    /// No header that a mail has.
    #[error("this is no mail: it begins with none of `From`, `Date`, `Subject` and `Message-ID`")]
    NoHeader,
    /// A header longer than it may be.
    #[error("a header of the mail is longer than {} KiB", HEADER_BYTES_MAX >> 10)]
    LongHeader,
    /// More parts than it may have.
    #[error("the mail has more than {PARTS_MAX} parts")]
    ManyParts,
}

/// Reads a mail.
///
/// # Errors
/// [`NotAMail`].
pub fn read(bytes: &[u8]) -> Result<Mail, NotAMail> {
    if bytes.len() > MAIL_BYTES_MAX {
        return Err(NotAMail::TooLong);
    }
    let (headers, body) = headers(bytes)?;
    let claimed = [HeaderName::From, HeaderName::Date, HeaderName::Subject, HeaderName::MessageId];
    if !claimed.iter().any(|name| value(&headers, name).is_some()) {
        return Err(NotAMail::NoHeader);
    }
    let text_of = |name| value(&headers, &name).and_then(HeaderValue::as_text);
    let sent = value(&headers, &HeaderName::Date).and_then(HeaderValue::as_datetime);
    let mut mail = Mail {
        from: from(&headers),
        subject: line(text_of(HeaderName::Subject).unwrap_or_default()),
        sent: sent.filter(|sent| sent.is_valid()).and_then(|sent| sent.to_rfc3339().parse().ok()),
        message_id: text_of(HeaderName::MessageId).map(line).filter(|id| !id.is_empty()),
        sha256: hash(bytes),
        ..Mail::default()
    };
    walk(&mut mail, headers, body)?;
    let (text, cut) = prose(&mail.text);
    (mail.text, mail.cut) = (text, mail.cut || cut);
    Ok(mail)
}

/// Everything in a mail, part after part, in the order in which they stand.
fn walk<'m>(mail: &mut Mail, headers: Vec<Header<'m>>, body: &'m [u8]) -> Result<(), NotAMail> {
    let mut left = vec![(headers, body, 0)];
    let mut parts = 0;
    while let Some((headers, body, depth)) = left.pop() {
        parts += 1;
        if parts > PARTS_MAX {
            return Err(NotAMail::ManyParts);
        }
        match boundary(&headers).filter(|_| depth < DEPTH_MAX) {
            Some(boundary) => {
                for part in split(body, boundary).into_iter().rev() {
                    let (headers, body) = self::headers(part)?;
                    left.push((headers, body, depth + 1));
                }
                if left.len() > PARTS_MAX {
                    return Err(NotAMail::ManyParts);
                }
            }
            None => leaf(mail, &headers, body),
        }
    }
    Ok(())
}

/// A header and what comes behind it; all of it where no line is empty.
fn headers(part: &[u8]) -> Result<(Vec<Header<'_>>, &[u8]), NotAMail> {
    let head = part.get(..HEADER_BYTES_MAX).unwrap_or(part);
    let (mut stream, mut headers) = (MessageStream::new(head), Vec::new());
    let has_ended = stream.parse_headers(&MessageParser::default(), &mut headers);
    if !has_ended && part.len() > head.len() {
        return Err(NotAMail::LongHeader);
    }
    Ok((headers, part.get(stream.offset()..).unwrap_or_default()))
}

/// A field of a header: the last of several.
fn value<'h, 'm>(headers: &'h [Header<'m>], name: &HeaderName<'_>) -> Option<&'h HeaderValue<'m>> {
    headers.iter().rfind(|header| header.name == *name).map(|header| &header.value)
}

/// The boundary between the parts of what has parts.
fn boundary<'h>(headers: &'h [Header<'_>]) -> Option<&'h str> {
    let kind = kind(headers)?;
    let boundary = kind.attribute("boundary").filter(|_| kind.ctype().eq_ignore_ascii_case("multipart"))?;
    (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()).then_some(boundary)
}

fn kind<'h, 'm>(headers: &'h [Header<'m>]) -> Option<&'h ContentType<'m>> {
    value(headers, &HeaderName::ContentType)?.as_content_type()
}

/// What stands between the lines of a boundary (RFC 2046 §5.1.1): one more than is let in, at most.
fn split<'m>(body: &'m [u8], boundary: &str) -> Vec<&'m [u8]> {
    let (mut parts, mut begun, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let behind = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        let behind = behind.map(<[u8]>::trim_ascii).filter(|rest| rest.is_empty() || *rest == b"--");
        if let Some(behind) = behind {
            // The end of the line before belongs to the boundary.
            let part = begun.and_then(|begun| body.get(begun..at));
            let part = part.map(|part| part.strip_suffix(b"\n").unwrap_or(part));
            parts.extend(part.map(|part| part.strip_suffix(b"\r").unwrap_or(part)));
            if !behind.is_empty() || parts.len() > PARTS_MAX {
                return parts;
            }
            begun = Some(at + line.len());
        }
        at += line.len();
    }
    parts.extend(begun.and_then(|begun| body.get(begun..)));
    parts
}

/// A part without parts: text that is shown, or something that is named.
fn leaf(mail: &mut Mail, headers: &[Header<'_>], body: &[u8]) {
    let kind = kind(headers);
    let disposition = value(headers, &HeaderName::ContentDisposition).and_then(HeaderValue::as_content_type);
    let name = disposition.and_then(|value| value.attribute("filename"));
    let name = name.or_else(|| kind.and_then(|kind| kind.attribute("name")));
    let media_type = kind.map_or_else(
        || "text/plain".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("*")).to_ascii_lowercase(),
    );
    let is_attached = name.is_some() || disposition.is_some_and(ContentType::is_attachment);
    let content = decoded(headers, body);
    if is_attached || media_type != "text/plain" {
        mail.attachments.push(MailPart {
            name: line(name.unwrap_or_default()),
            media_type: line(&media_type),
            bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
            sha256: hash(&content),
        });
        return;
    }
    // What is longer is cut anyway; several texts of ten megabytes are not put together first.
    if mail.text.len() > 4 * NOTE_CHARS_MAX {
        mail.cut = true;
        return;
    }
    let charset = kind.and_then(|kind| kind.attribute("charset"));
    let decoder = charset.and_then(|charset| charset_decoder(charset.as_bytes()));
    let text =
        decoder.map_or_else(|| String::from_utf8_lossy(&content).into_owned(), |decoder| decoder(&content));
    if !mail.text.is_empty() && !text.trim().is_empty() {
        mail.text.push_str("\n\n");
    }
    mail.text.push_str(text.trim_end());
}

/// A part as it was before it was encoded for its way; as it stands where it cannot be decoded.
fn decoded(headers: &[Header<'_>], body: &[u8]) -> Vec<u8> {
    let encoding = value(headers, &HeaderName::ContentTransferEncoding).and_then(HeaderValue::as_text);
    let encoding = encoding.unwrap_or_default().trim();
    let decoded = if encoding.eq_ignore_ascii_case("base64") {
        base64_decode(body)
    } else if encoding.eq_ignore_ascii_case("quoted-printable") {
        quoted_printable_decode(body)
    } else {
        None
    };
    decoded.unwrap_or_else(|| body.to_vec())
}

/// All whom a mail claims to be from, be it in several headers.
fn from(headers: &[Header<'_>]) -> String {
    let all = headers.iter().filter(|header| header.name == HeaderName::From);
    let all = all.filter_map(|header| header.value.as_address()).flat_map(Address::iter);
    let named = all.take(FROM_MAX).filter_map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address).map(str::to_owned),
    });
    line(&named.collect::<Vec<_>>().join(", "))
}

/// One line without what does harm in one.
fn line(text: &str) -> String {
    let plain = text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter });
    let plain: String = plain.filter(|letter| is_harmless(*letter)).take(LINE_CHARS_MAX).collect();
    plain.trim().to_owned()
}

/// Lines without what does harm in them, and whether some were cut off.
fn prose(text: &str) -> (String, bool) {
    let plain = text.chars().filter(|letter| matches!(letter, '\n' | '\t') || is_harmless(*letter));
    let mut plain: String = plain.take(NOTE_CHARS_MAX + 1).collect();
    let cut = plain.char_indices().nth(NOTE_CHARS_MAX).map(|(at, _)| at);
    if let Some(at) = cut {
        plain.truncate(at);
    }
    (plain.trim_end().to_owned(), cut.is_some())
}

/// Neither a control character nor one that turns the direction of what stands around it.
#[must_use]
pub fn is_harmless(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !letter.is_control() && !turns && letter != '\u{feff}'
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}
