//! Texts that have a form: names, addresses, identifiers.

use serde_json::Value;

use crate::read;
use crate::refusal::{At, Refusal};

/// A text of one form, checked when it is made.
macro_rules! texts {
    ($($(#[$about:meta])* $name:ident($clause:literal, $check:ident, $message:literal);)+) => { $(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text, if it has the form.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                $check(text).then(|| Self(text.to_owned()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
                let text = read::text(value, at, $clause)?;
                if $check(&text) { Ok(Self(text)) } else { Err(Refusal::malformed($clause, at, $message)) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&$name> for Value {
            fn from(text: &$name) -> Self {
                Self::String(text.0.clone())
            }
        }
    )+ };
}

texts! {
    /// A command's identifier: at most 36 characters, none of them a space.
    CommandId("LS 3.4.2.16", is_command_id, "an identifier has at most 36 characters and no spaces");
    /// A name in the domain name system (RFC 1034 §3.5), also a host's (RFC 1123 §2.1).
    DomainName("LS 3.4.1.3", is_domain_name, "a domain name belongs here");
    /// A name with characters beyond ASCII (RFC 5890). Its form is checked, not which of its characters are registered: whoever looks it up
    /// converts it.
    IdnDomainName("LS 3.4.1.7", is_idn_domain_name, "an internationalised domain name belongs here");
    /// An address for mail (RFC 5322 §3.4.1).
    EmailAddr("LS 3.4.1.4", is_email, "an email address belongs here");
    /// An address for mail with characters beyond ASCII (RFC 6531).
    IdnEmailAddr("LS 3.4.1.8", is_idn_email, "an internationalised email address belongs here");
    /// A URI (RFC 3986) with its scheme.
    Uri("LS 3.4.1.17", is_uri, "a URI belongs here");
    /// An IRI (RFC 3987) with its scheme.
    Iri("LS 3.4.1.13", is_iri, "an IRI belongs here");
}

fn is_command_id(text: &str) -> bool {
    text.chars().count() <= 36 && !text.chars().any(char::is_whitespace)
}

fn is_domain_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_idn_domain_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    name.len() <= 253
        && name.split(['.', '\u{3002}']).all(|label| {
            let ascii_fits =
                label.bytes().all(|b| !b.is_ascii() || b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            let ends_fit = !label.starts_with('-') && !label.ends_with('-');
            !label.is_empty() && label.chars().count() <= 63 && ascii_fits && ends_fit && is_printable(label)
        })
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b);
    local.len() <= 64
        && local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom))
        && is_domain_name(domain)
}

fn is_idn_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
    local.len() <= 64
        && is_printable(local)
        && local.split('.').all(|part| !part.is_empty() && part.chars().all(atom))
        && is_idn_domain_name(domain)
}

fn is_uri(text: &str) -> bool {
    text.is_ascii() && is_iri(text)
}

fn is_iri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let allowed =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let escapes_fit = rest.split('%').skip(1).all(|after| {
        let mut two = after.bytes();
        matches!((two.next(), two.next()), (Some(a), Some(b)) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
    });
    scheme_fits && !rest.is_empty() && is_printable(rest) && rest.chars().all(allowed) && escapes_fit
}
