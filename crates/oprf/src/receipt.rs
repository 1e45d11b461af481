//! What the operator signs at the end of a round: how much was asked, by which authorisation, and the hash of all that was asked.

use crate::commitment::Hash;
use crate::element::Element;
use crate::message::{AuthorisationId, Mode, OperatorId, RoundId, RoundOpen};

/// The kind of the signed statement: `tlog`'s `sign_statement(KIND, …)` signs a receipt, and the text that its `open_text` gives
/// is what [`Receipt::parse`] reads.
pub const RECEIPT_KIND: &str = "oprf-receipt";

/// The receipt of a round. Its text is lines of a name and a value, which a commissioner can read and a signed note can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// How the round was opened: round, authorisation, operator, mode, public key, sizes.
    pub open: RoundOpen,
    /// How many elements were answered.
    pub answered: u32,
    /// The SHA-256 hash of the encodings of all elements that were answered, in the order of the batches.
    pub elements: Hash,
    /// When it was signed, in seconds since 1970-01-01 UTC.
    pub time: u64,
}

/// Text that is no receipt, or not in its one spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a receipt of private matching")]
pub struct NotReceipt;

impl Receipt {
    /// The lines of the statement, without its kind.
    pub fn body(&self) -> String {
        let open = &self.open;
        format!(
            "round {}\nauthorisation {}\noperator {}\nmode {}\nkey {}\nfilter-values {}\nelements-allowed {}\nelements-answered {}\n\
             elements-sha256 {}\ntime {}\n",
            hex::encode(open.round.0),
            hex::encode(open.authorisation.0),
            hex::encode(open.operator.0),
            open.mode.name(),
            hex::encode(open.public.bytes()),
            open.filter_values,
            open.elements,
            self.answered,
            hex::encode(self.elements),
            self.time,
        )
    }

    /// Reads the text of a statement whose signature has been checked: the line `yagura-oprf-receipt`, then the body.
    ///
    /// # Errors
    /// [`NotReceipt`].
    pub fn parse(statement: &str) -> Result<Self, NotReceipt> {
        let body = statement.strip_prefix("yagura-oprf-receipt\n").ok_or(NotReceipt)?;
        let receipt = Self::read(body).ok_or(NotReceipt)?;
        if receipt.body() == body { Ok(receipt) } else { Err(NotReceipt) }
    }

    fn read(body: &str) -> Option<Self> {
        let mut lines = body.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let open = RoundOpen {
            round: RoundId(bytes(value("round")?)?),
            authorisation: AuthorisationId(bytes(value("authorisation")?)?),
            operator: OperatorId(bytes(value("operator")?)?),
            mode: Mode::named(value("mode")?)?,
            public: Element::decode(bytes(value("key")?)?).ok()?,
            filter_values: value("filter-values")?.parse().ok()?,
            elements: value("elements-allowed")?.parse().ok()?,
        };
        let answered = value("elements-answered")?.parse().ok()?;
        let elements = bytes(value("elements-sha256")?)?;
        let time = value("time")?.parse().ok()?;
        // The sizes are held to the rules of the message.
        Some(Self { open: RoundOpen::decode(&open.encode()).ok()?, answered, elements, time })
    }
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
