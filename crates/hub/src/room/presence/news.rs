//! What processes of one hub tell each other of who is in which room: a message that says what a reader's process needs to decide whom it
//! tells, and no more.

use std::borrow::Cow;

use oversight::{OrganisationId, Realm};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stix::Id;

/// Bytes of a message at most: everything at its longest, with the words between.
pub(super) const BYTES_MAX: usize = 512;
/// Letters of an account's name: they are UUIDs, of 36.
const ACCOUNT_CHARS_MAX: usize = 64;

/// That somebody is in a room, or has left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct News {
    /// The process that says it, so that it does not hear itself.
    pub(super) process: u64,
    #[serde(serialize_with = "write_realm", deserialize_with = "read_realm")]
    pub(super) realm: Realm,
    pub(super) case: Id,
    pub(super) account: String,
    /// Whose, as entries name it.
    pub(super) organisation: OrganisationId,
    pub(super) writes: bool,
    pub(super) leaves: bool,
}

impl News {
    /// The message; nothing where the others would not read it.
    pub(super) fn written(&self) -> Option<String> {
        let text = serde_json::to_string(self).ok()?;
        (self.wrong().is_none() && text.len() <= BYTES_MAX).then_some(text)
    }

    /// Reads a message, whoever wrote it.
    ///
    /// # Errors
    /// Why it is none, without anything of what it says.
    pub(super) fn read(message: &[u8]) -> Result<Self, &'static str> {
        if message.len() > BYTES_MAX {
            return Err("it is longer than any message");
        }
        let news: Self = serde_json::from_slice(message).map_err(|_| "it is not of a message's form")?;
        news.wrong().map_or(Ok(news), Err)
    }

    fn wrong(&self) -> Option<&'static str> {
        let is_account = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if self.case.object_type() != "incident" {
            Some("what it names is no incident")
        } else if self.account.is_empty() || self.account.len() > ACCOUNT_CHARS_MAX {
            Some("its account is absent or too long")
        } else if self.account.bytes().all(is_account) {
            None
        } else {
            Some("its account has letters that accounts do not have")
        }
    }
}

fn write_realm<S: Serializer>(realm: &Realm, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(realm)
}

fn read_realm<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Realm, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    Realm::parse(&text).ok_or_else(|| D::Error::custom("no realm"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn news(
        (process, case): (u64, u128),
        (account, organisation): (&str, &str),
        exercise: Option<&str>,
        (writes, leaves): (bool, bool),
    ) -> News {
        News {
            process,
            realm: exercise.map_or(Realm::Live, |name| Realm::Exercise(name.into())),
            case: Id::new("incident", uuid::Uuid::from_u128(case)),
            account: account.to_owned(),
            organisation: OrganisationId::parse(organisation).unwrap(),
            writes,
            leaves,
        }
    }

    fn plain() -> News {
        news((7, 1), ("a-1", "0123456789abcdef-police"), None, (true, false))
    }

    #[test]
    fn a_message_says_what_is_needed_and_no_more() {
        let expected = "{\"process\":7,\"realm\":\"live\",\"case\":\"incident--00000000-0000-0000-0000-000000000001\",\
            \"account\":\"a-1\",\"organisation\":\"0123456789abcdef-police\",\"writes\":true,\"leaves\":false}";
        assert_eq!(plain().written().as_deref(), Some(expected));
    }

    #[test]
    fn the_longest_message_has_room() {
        let (long, exercise) = ("x".repeat(64), "e".repeat(64));
        let longest = news((u64::MAX, u128::MAX), (&long, &long), Some(&exercise), (false, false));
        let written = longest.written().unwrap();
        assert_eq!(News::read(written.as_bytes()), Ok(longest));
        assert!(written.len() <= BYTES_MAX, "{}", written.len());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let good = plain().written().unwrap();
        let with = |from: &str, to: &str| {
            assert!(good.contains(from), "{from}");
            good.replace(from, to)
        };
        let (long, empty) = (format!("\"{}\"", "a".repeat(65)), String::new());
        for bad in [
            empty,
            "null".to_owned(),
            "17".to_owned(),
            "[]".to_owned(),
            format!("{good}{good}"),
            with("incident--", "indicator--"),
            with("incident--", "incident-"),
            with("\"live\"", "\"exercise:\""),
            with("\"live\"", "\"Live\""),
            with("\"a-1\"", "\"\""),
            with("\"a-1\"", "\"a\\u0000\""),
            with("\"a-1\"", "\"<b>\""),
            with("\"a-1\"", "\"人\""),
            with("\"a-1\"", &long),
            with("police", "Police"),
            with(":7,", ":-7,"),
            with(":7,", ":18446744073709551616,"),
            with(":true", ":1"),
            with(",\"leaves\":false", ""),
            with(":false}", ":false,\"since\":\"2026-01-01T00:00:00Z\"}"),
            with(":false}", ":false,\"leaves\":true}"),
            with(":false}", &format!(":false{}}}", " ".repeat(BYTES_MAX))),
        ] {
            assert!(News::read(bad.as_bytes()).is_err(), "{bad}");
        }
        let other = News { case: Id::new("indicator", uuid::Uuid::nil()), ..plain() };
        assert_eq!(other.written(), None, "what nobody would read is not sent");
        assert_eq!(News { account: "x".repeat(65), ..plain() }.written(), None);
    }

    proptest! {
        #[test]
        fn a_message_is_read_as_it_was_written(
            process in any::<u64>(),
            case in any::<u128>(),
            account in "[a-zA-Z0-9-]{1,64}",
            organisation in "[a-z0-9-]{1,64}",
            exercise in proptest::option::of("[a-z0-9-]{1,64}"),
            does in any::<(bool, bool)>(),
        ) {
            let news = news((process, case), (&account, &organisation), exercise.as_deref(), does);
            let written = news.written().unwrap();
            prop_assert!(written.len() <= BYTES_MAX);
            prop_assert_eq!(News::read(written.as_bytes()), Ok(news));
        }

        #[test]
        fn anything_is_read_without_harm(noise in proptest::collection::vec(any::<u8>(), 0..2 * BYTES_MAX)) {
            prop_assert!(News::read(&noise).is_err());
        }

        /// What is read of a message in which one byte is another can be told on as it stands.
        #[test]
        fn a_changed_byte_harms_nothing(place in any::<proptest::sample::Index>(), byte in any::<u8>()) {
            let mut message = plain().written().unwrap().into_bytes();
            let place = place.index(message.len());
            message[place] = byte;
            if let Ok(news) = News::read(&message) {
                prop_assert!(news.written().is_some());
            }
        }
    }
}
