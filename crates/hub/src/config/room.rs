//! Case rooms, as configured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use oversight::OrganisationId;
use serde::Deserialize;

use super::{ConfigError, MailConfig, SignedWebhook};
use crate::notify::recipient;

/// Organisations that one declaration calls in at most.
const AGENCIES_MAX: usize = 16;
/// Addresses of one organisation at most.
const ADDRESSES_MAX: usize = 8;
/// Minutes until the next address is written to, where nothing else is said, and at most.
const MINUTES: u32 = 15;
const MINUTES_MAX: u32 = 240;
const MINUTES_OF_DAY: i64 = 24 * 60;

/// Who is told by mail or by a webhook that it is called into a case room, or offered a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCalls {
    /// How long an address has to answer before the next one is written to.
    pub again: SignedDuration,
    /// When nobody is woken for what is not significant.
    pub quiet: Option<Quiet>,
    /// By organisation: whom to write to, one after the other.
    pub mail: BTreeMap<OrganisationId, Vec<String>>,
    /// By organisation: the program that is told each time.
    pub webhooks: BTreeMap<OrganisationId, SignedWebhook>,
}

/// Hours of each day, of a fixed offset from UTC. Written as `22:00-06:00+09:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    from: i64,
    until: i64,
    offset: i64,
}

/// The table `room_calls` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRoomCalls {
    /// See [`RoomCalls::again`], in minutes: 1 to 240, 15 by default.
    pub minutes: Option<u32>,
    /// See [`RoomCalls::quiet`].
    pub quiet: Option<String>,
    /// See [`RoomCalls::mail`]: 1 to 8 addresses in `mail.domains` for each short name.
    #[serde(default)]
    pub mail: BTreeMap<String, Vec<String>>,
    /// See [`RoomCalls::webhooks`]: a table for each short name.
    #[serde(default)]
    pub webhooks: BTreeMap<String, RawRoomHook>,
}

/// A table of `room_calls.webhooks` as written, in the form that `[emergency]` has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRoomHook {
    /// The address of a program that is told (Standard Webhooks).
    pub webhook: Option<String>,
    /// The file with the secret that its messages are signed with: `whsec_` and at least 24 bytes in Base64.
    pub webhook_secret_file: Option<PathBuf>,
}

impl Default for RoomCalls {
    fn default() -> Self {
        Self {
            again: SignedDuration::from_mins(i64::from(MINUTES)),
            quiet: None,
            mail: BTreeMap::new(),
            webhooks: BTreeMap::new(),
        }
    }
}

impl RoomCalls {
    /// Whether there is somebody to tell of an organisation's calls.
    #[must_use]
    pub fn tell(&self, organisation: &OrganisationId) -> bool {
        self.mail.contains_key(organisation) || self.webhooks.contains_key(organisation)
    }
}

impl Quiet {
    /// When the quiet hours end that a moment is in; nothing where it is in none.
    #[must_use]
    pub fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let second = now.as_second();
        let minute = (second.div_euclid(60) + self.offset).rem_euclid(MINUTES_OF_DAY);
        let is_quiet = if self.from < self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        };
        let left = (self.until - minute).rem_euclid(MINUTES_OF_DAY) * 60 - second.rem_euclid(60);
        is_quiet.then(|| Timestamp::from_second(second + left).unwrap_or(now))
    }
}

impl FromStr for Quiet {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "it is written as `22:00-06:00+09:00`: from, until, and the offset from UTC";
        let read = || {
            let (from, rest) = text.split_once('-')?;
            let (until, offset) = rest.split_at_checked(5)?;
            let (sign, offset) = match offset.split_at_checked(1)? {
                ("+", offset) => (1, offset),
                ("-", offset) => (-1, offset),
                _ => return None,
            };
            let quiet =
                Self { from: minutes(from)?, until: minutes(until)?, offset: sign * minutes(offset)? };
            (quiet.from != quiet.until).then_some(quiet)
        };
        read().ok_or(wrong)
    }
}

/// Minutes since midnight.
fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':').filter(|_| text.len() == 5)?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| i64::from(hours) * 60 + i64::from(minutes))
}

impl RawRoomCalls {
    pub(super) fn resolve(
        self,
        mail: Option<&MailConfig>,
        to_private_addresses: bool,
    ) -> Result<RoomCalls, ConfigError> {
        let wrong = |what: String| ConfigError::value(format!("room_calls.{what}"));
        let minutes = self.minutes.unwrap_or(MINUTES);
        if !(1..=MINUTES_MAX).contains(&minutes) {
            return Err(wrong(format!("minutes: from 1 to {MINUTES_MAX}")));
        }
        let quiet = self.quiet.as_deref().map(str::parse::<Quiet>).transpose();
        let quiet = quiet.map_err(|why| wrong(format!("quiet: {why}")))?;
        let domains = mail.map(|mail| mail.domains.as_slice()).unwrap_or_default();
        let mut to = BTreeMap::new();
        for (name, addresses) in self.mail {
            let known = OrganisationId::parse(&name);
            let known =
                known.ok_or_else(|| wrong(format!("mail: `{name}` is no organisation's short name")))?;
            if !(1..=ADDRESSES_MAX).contains(&addresses.len()) {
                return Err(wrong(format!("mail: `{name}` has 1 to {ADDRESSES_MAX} addresses")));
            }
            if let Some(other) = addresses.iter().find(|to| recipient(to, domains).is_none()) {
                return Err(wrong(format!("mail: `{other}` is no address in `mail.domains`")));
            }
            to.insert(known, addresses);
        }
        let webhooks = hooks(self.webhooks, to_private_addresses)?;
        Ok(RoomCalls { again: SignedDuration::from_mins(i64::from(minutes)), quiet, mail: to, webhooks })
    }
}

fn hooks(
    tables: BTreeMap<String, RawRoomHook>,
    to_private_addresses: bool,
) -> Result<BTreeMap<OrganisationId, SignedWebhook>, ConfigError> {
    let mut hooks = BTreeMap::new();
    for (name, RawRoomHook { webhook, webhook_secret_file }) in tables {
        let known = OrganisationId::parse(&name).ok_or_else(|| {
            ConfigError::value(format!("room_calls.webhooks: `{name}` is no organisation's short name"))
        })?;
        let table = format!("room_calls.webhooks.{name}");
        let given = (webhook, webhook_secret_file);
        let hook = SignedWebhook::resolve(&table, given, to_private_addresses)?;
        let missing = || ConfigError::value(format!("{table}: name `webhook` and `webhook_secret_file`"));
        hooks.insert(known, hook.ok_or_else(missing)?);
    }
    Ok(hooks)
}

/// Who is called into a room; that there is such an organisation is asked when it is.
pub(super) fn agencies(names: &[String]) -> Result<Vec<OrganisationId>, ConfigError> {
    if names.len() > AGENCIES_MAX {
        return Err(ConfigError::value(format!("room_agencies: at most {AGENCIES_MAX}")));
    }
    let read = |name: &String| {
        OrganisationId::parse(name).ok_or_else(|| {
            ConfigError::value(format!("room_agencies: `{name}` is no organisation's short name"))
        })
    };
    names.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_end_in_the_morning() {
        let ends = |quiet: &str, now: &str| {
            let quiet: Quiet = quiet.parse().unwrap();
            quiet.ends(now.parse().unwrap()).map(|at| at.to_string())
        };
        let night = "22:00-06:00+09:00";
        assert_eq!(ends(night, "2026-11-30T13:00:00Z").as_deref(), Some("2026-11-30T21:00:00Z"));
        assert_eq!(ends(night, "2026-11-30T20:59:59Z").as_deref(), Some("2026-11-30T21:00:00Z"));
        assert_eq!(ends(night, "2026-11-30T21:00:00Z"), None);
        assert_eq!(ends(night, "2026-11-30T12:59:59Z"), None);
        assert_eq!(
            ends("01:00-05:30-05:00", "2026-11-30T06:15:30Z").as_deref(),
            Some("2026-11-30T10:30:00Z")
        );
        for bad in
            ["", "22:00", "22:00-06:00", "24:00-06:00+09:00", "22:00-22:00+09:00", "2:00-6:00+9:00", "x"]
        {
            assert!(bad.parse::<Quiet>().is_err(), "{bad}");
        }
    }
}
