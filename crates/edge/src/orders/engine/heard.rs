//! Orders that come by a broker. It may give anything that anybody published, any number of times: nothing is written down before a
//! signature holds that counts here, and what is known is not taken again.

use api::EdgeOrder;
use openc2::DateTime;
use serde_json::Value;

use super::super::step::Step;
use super::Engine;
use crate::SpoolError;
use crate::spool::Spool;
use crate::spool::orders::{AnswerTo, OrderRow};

/// What became of something that came by a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It was judged, and is written down.
    Judged,
    /// It was here before.
    Known,
    /// No signature over it counts here now; nothing is written down.
    Foreign(String),
}

impl Engine {
    /// Takes an order that came by a broker, or refuses it. What was judged is written down when this returns.
    pub(crate) fn hear(
        &mut self,
        spool: &Spool,
        order: &EdgeOrder,
        now: DateTime,
    ) -> Result<Heard, SpoolError> {
        self.refresh(spool, now)?;
        let mut row = OrderRow::of(order, now);
        let verified = match self.verify(&row, now) {
            Ok((verified, _)) => verified,
            Err(denial) => return Ok(Heard::Foreign(denial.text)),
        };
        if let Some(known) = spool.order(verified.issuer(), &row.command_id)? {
            return Ok(if is_same(&known.message, &row.message) {
                Heard::Known
            } else {
                Heard::Foreign("time: the identifier belongs to another command".to_owned())
            });
        }
        let request = row.message.pointer("/headers/request_id").and_then(Value::as_str).map(str::to_owned);
        row.answers = Some(AnswerTo { producer: verified.issuer().to_owned(), request });
        self.take_row(spool, row, Step::default(), now)?;
        Ok(Heard::Judged)
    }
}

/// Whether two messages are one order: what is signed is the same. Their headers anybody may have changed on the way.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    ["/body", "/signature"].iter().all(|part| one.pointer(part) == other.pointer(part))
}
