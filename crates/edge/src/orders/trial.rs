//! How an order asks to be tried before it is put into force: it is only counted for a time, and given up where it would hit too large a
//! share of what goes by.

use openc2::consumer::Denial;
use openc2::slpf::TRIAL;
use openc2::{Command, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an order asks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// How long it only counts, in milliseconds.
    pub(crate) shadow_ms: u64,
    /// The largest share of the packets that it may hit meanwhile, in percent.
    pub(crate) percent_max: Option<f64>,
}

impl Trial {
    /// What a command asks for; nothing where it says nothing of it.
    ///
    /// # Errors
    /// What it says is not understood: then it is not carried out as if it had said nothing.
    pub(super) fn of(command: &Command) -> Result<Option<Self>, Denial> {
        let Some(said) = command.args.extensions.get(TRIAL) else { return Ok(None) };
        let unclear = || Denial {
            status: Status::NotImplemented,
            text: format!("shadow: what `{TRIAL}` asks for is not understood"),
        };
        let said = said.as_object().ok_or_else(unclear)?;
        if said.keys().any(|name| !matches!(name.as_str(), "shadow" | "traffic_percent_max")) {
            return Err(unclear());
        }
        let shadow_ms = said.get("shadow").and_then(Value::as_u64).filter(|ms| *ms > 0);
        let percent_max = said.get("traffic_percent_max").map(|value| {
            value.as_f64().filter(|percent| (0.0..=100.0).contains(percent)).ok_or_else(unclear)
        });
        Ok(Some(Self { shadow_ms: shadow_ms.ok_or_else(unclear)?, percent_max: percent_max.transpose()? }))
    }
}

/// The share of what went by that was hit, in percent. `before` and `now` are what the device had counted when the shadow began and counts now.
///
/// # Errors
/// Why nobody can say, in words.
pub(super) fn share(hit: u64, before: Option<u64>, now: Option<u64>) -> Result<f64, &'static str> {
    let (Some(before), Some(now)) = (before, now) else {
        return Err("the device does not count what goes by");
    };
    let all = now.checked_sub(before).ok_or("the device began to count anew meanwhile")?;
    if hit == 0 {
        return Ok(0.0);
    }
    // A packet is hit and counted by one rule after the other: more hits than packets are none that can be believed.
    if hit > all {
        return Err("the device counted more hits than packets");
    }
    Ok(hit as f64 * 100.0 / all as f64)
}

#[cfg(test)]
mod tests {
    use openc2::Reading;
    use serde_json::json;

    use super::*;

    fn of(said: &Value) -> Result<Option<Trial>, Denial> {
        let command =
            json!({ "action": "deny", "target": { "ipv4_net": "198.51.100.7" }, "args": { TRIAL: said } });
        Trial::of(&Command::read(&command, &Reading::default()).unwrap())
    }

    #[test]
    fn what_is_not_understood_is_not_passed_over() {
        let good = of(&json!({ "shadow": 500, "traffic_percent_max": 2.5 })).unwrap();
        assert_eq!(good, Some(Trial { shadow_ms: 500, percent_max: Some(2.5) }));
        assert_eq!(of(&json!({ "shadow": 1 })).unwrap().unwrap().percent_max, None);
        for wrong in [
            json!({}),
            json!({ "shadow": 0 }),
            json!({ "shadow": "1s" }),
            json!({ "shadow": 1, "traffic_percent_max": 101 }),
            json!({ "shadow": 1, "canary": true }),
        ] {
            assert!(of(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_of_what_went_by_meanwhile() {
        assert_eq!(share(5, Some(1_000), Some(1_200)), Ok(2.5));
        assert_eq!(share(0, Some(7), Some(7)), Ok(0.0));
        assert!(share(1, Some(7), Some(7)).is_err());
        assert!(share(1, Some(7), Some(3)).is_err(), "it began anew");
        assert!(share(1, None, Some(3)).is_err());
    }
}
