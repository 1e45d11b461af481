use serde_json::{Map, Value};

use crate::command::Command;
use crate::read::Reader;

/// The extension's identifier. `playbooks/extensions/` holds its definition and schema.
pub const SAFEGUARDS: &str = "extension-definition--6cee69f3-60da-437f-91f8-8c918b75decb";
/// The identifier of the extension that holds a playbook's texts in other languages.
pub const TRANSLATIONS: &str = "extension-definition--e80ed54f-ac38-4219-88bb-dd24c7305432";

/// What must hold before a step's commands are carried out, and what undoes them: the one step extension of ours.
///
/// Times are in milliseconds, as everywhere in CACAO.
#[derive(Debug, Clone, PartialEq)]
pub struct Safeguards {
    /// Who must agree.
    pub approval: Option<Approval>,
    /// On which legal basis.
    pub authority: Option<Authority>,
    /// What undoes each command of the step, in their order; `None` where nothing does.
    pub inverse: Vec<Option<Command>>,
    /// How much may be hit.
    pub blast_radius: Option<BlastRadius>,
    /// After how long the effect must end, counted from the dispatch.
    pub stop_after_ms: Option<u64>,
    /// Whether a command may be sent again when it is not known whether it arrived.
    pub idempotent: bool,
    /// How it is tried before it holds everywhere. With one, a failure takes back what the step did.
    pub rollout: Option<Rollout>,
}

/// How commands are tried before they hold everywhere: counted first, and at one target first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rollout {
    /// How long each target only counts what it would hit, before it is carried out there. Whoever carries out the command does it.
    pub shadow_ms: Option<u64>,
    /// Whether each command goes to the first target alone, and to the others when that has it.
    pub canary: bool,
    /// How long the first target has to have it before the others follow. The caller waits, and answers then.
    pub canary_watch_ms: u64,
}

/// An approval of k of n.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// k: how many must agree, each of another organisation.
    pub required: u32,
    /// n: the organisations (STIX identities) that may; any where there are none.
    pub approvers: Vec<String>,
    /// Whether nobody of the requester's organisation may agree. The person who asked never may.
    pub exclude_requester_organization: bool,
    /// How long the question stands.
    pub expires_after_ms: u64,
    /// Whether in an emergency one person may agree alone, and how long the effect may last then.
    pub break_glass_ms: Option<u64>,
}

/// A legal basis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The statute and article, in words.
    pub basis: String,
    /// What holds the decision: an identifier or address, often a variable.
    pub reference: Option<String>,
}

/// Bounds of what an action may hit. What is absent is not bounded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlastRadius {
    /// Addresses and networks named by one command and its target.
    pub addresses_max: Option<u64>,
    /// The shortest prefix of an IPv4 network.
    pub ipv4_prefix_min: Option<u8>,
    /// The shortest prefix of an IPv6 network.
    pub ipv6_prefix_min: Option<u8>,
    /// Share of the traffic, in percent, that a trial run may meet. Whoever carries out the command measures it.
    pub traffic_percent_max: Option<f64>,
    /// Commands of this step's kind within an hour. Whoever carries out commands counts over all runs.
    pub actions_per_hour_max: Option<u64>,
}

/// How long an approval's question stands where nothing is said: half an hour.
const EXPIRES_AFTER_MS: u64 = 1_800_000;

impl Safeguards {
    /// Reads the extension of a step; lenient, as everything is. `None` where the step has none.
    #[must_use]
    pub fn of(step: &crate::Step) -> Option<Self> {
        step.extensions.get(SAFEGUARDS).and_then(Value::as_object).map(Self::read)
    }

    fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        let inverse = map.get("inverse").and_then(Value::as_array).into_iter().flatten();
        Self {
            approval: r.object("approval").map(Approval::read),
            authority: r.object("authority").map(|map| Authority {
                basis: Reader(map).text_or_empty("basis"),
                reference: Reader(map).text("reference"),
            }),
            inverse: inverse.map(|value| value.as_object().map(Command::read)).collect(),
            blast_radius: r.object("blast_radius").map(BlastRadius::read),
            stop_after_ms: r.whole("stop_after"),
            idempotent: r.flag("idempotent"),
            rollout: r.object("rollout").map(|map| Rollout {
                shadow_ms: Reader(map).whole("shadow"),
                canary: Reader(map).flag("canary"),
                canary_watch_ms: Reader(map).whole("canary_watch").unwrap_or(0),
            }),
        }
    }
}

impl Approval {
    fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        Self {
            // What cannot be read must not become "nobody".
            required: r.whole("required").and_then(|k| u32::try_from(k).ok()).unwrap_or(u32::MAX),
            approvers: r.texts("approvers"),
            exclude_requester_organization: r.flag("exclude_requester_organization"),
            expires_after_ms: r.whole("expires_after").unwrap_or(EXPIRES_AFTER_MS),
            break_glass_ms: r.whole("break_glass"),
        }
    }
}

impl BlastRadius {
    fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        let prefix = |name| r.whole(name).map(|n| u8::try_from(n).unwrap_or(u8::MAX));
        Self {
            addresses_max: r.whole("addresses_max"),
            ipv4_prefix_min: prefix("ipv4_prefix_min"),
            ipv6_prefix_min: prefix("ipv6_prefix_min"),
            traffic_percent_max: map.get("traffic_percent_max").and_then(Value::as_f64),
            actions_per_hour_max: r.whole("actions_per_hour_max"),
        }
    }
}
