//! What processes on one database say to each other beside what is committed: by notifications, which stand in no table and in no
//! backup, and which nobody hears afterwards.
//!
//! Whoever may connect to the database can say something there and can listen.

use ::postgres::Notification;

use super::Session;
use crate::StoreError;
use crate::value::Value;

/// Where it is said. Notifications are one database's; the schema stands in each.
const CHANNEL: &str = "yagura_aside";
/// Bytes of what is said at once. The server carries less than 8,000, the name of the schema among them.
const BYTES_MAX: usize = 4_000;

impl Session {
    /// Says these to every process that listens in this schema, this one among them; a connection that was lost while it rested is made anew.
    pub(crate) fn say_aside(&self, texts: &[String]) -> Result<(), StoreError> {
        if texts.iter().any(|text| text.len() > BYTES_MAX) {
            return Err(StoreError::Limit { what: "what is said aside", limit: BYTES_MAX });
        }
        self.ensure_connected()?;
        for text in texts {
            match self.say_one(text) {
                Err(_) if !self.is_connected() => {
                    self.reconnect()?;
                    self.say_one(text)?;
                }
                said => said?,
            }
        }
        Ok(())
    }

    /// Each by itself: what the server keeps of a transaction that only notifies is its end, for which nobody waits.
    fn say_one(&self, text: &str) -> Result<(), StoreError> {
        const SAY: &str = "SELECT pg_notify('yagura_aside', concat(current_schema(), ' ', ?1))";
        self.query(SAY, &[Value::Text(text)], |_| Ok(false))
    }
}

/// What a notification says aside, with the schema before it; nothing where it tells of a commit.
pub(super) fn said(notification: &Notification) -> Option<&str> {
    (notification.channel() == CHANNEL).then(|| notification.payload())
}

/// What was said in a schema; nothing where it was said in another one, or is longer than anything that is said.
pub(super) fn within<'s>(said: &'s str, schema: &str) -> Option<&'s str> {
    let text = said.strip_prefix(schema)?.strip_prefix(' ')?;
    (text.len() <= BYTES_MAX).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, within};

    #[test]
    fn what_is_said_in_another_schema_is_not_heard() {
        assert_eq!(within("public {\"a\": 1}", "public"), Some("{\"a\": 1}"));
        assert_eq!(within("public ", "public"), Some(""));
        for other in ["", " ", "public", "publications x", "other x"] {
            assert_eq!(within(other, "public"), None, "{other}");
        }
        let long = format!("public {}", "x".repeat(BYTES_MAX));
        assert_eq!(within(&long, "public").map(str::len), Some(BYTES_MAX));
        assert_eq!(within(&format!("{long}x"), "public"), None);
    }
}
