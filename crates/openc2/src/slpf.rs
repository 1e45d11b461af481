//! The profile for stateless packet filters 1.0: which commands there are, which arguments each may have, what a consumer of it says.

use std::collections::BTreeSet;

use crate::actuator::{Actuator, Specifiers};
use crate::args::{Args, DateTime, SlpfArgs};
use crate::command::Command;
use crate::names::{Action, Direction, DropProcess, Feature, Language, ResponseType};
use crate::refusal::{At, Refusal};
use crate::response::Pairs;
use crate::target::{RuleNumber, Target, TargetName};
use crate::texts;
use crate::things::File;

/// The profile's namespace.
pub const NSID: &str = "slpf";
/// The profile's name, as version 1.1 of the language writes it.
pub const NAME: &str = "http://oasis-open.org/openc2/oc2slpf/v1.0";

/// The four kinds of targets of `allow` and `deny` (SLPF table 2.3-1).
pub const FILTERED: [&str; 4] = ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"];

/// All commands of the profile (SLPF table 2.3-1).
#[must_use]
pub fn pairs() -> Pairs {
    let mut pairs = Pairs::default();
    for action in [Action::Allow, Action::Deny] {
        for name in FILTERED {
            pairs.add(action, TargetName::Common(name));
        }
    }
    pairs.add(Action::Query, TargetName::Common("features"));
    pairs.add(Action::Delete, TargetName::rule_number());
    pairs.add(Action::Update, TargetName::Common("file"));
    pairs
}

/// What one packet filter does of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Its commands. `query features` is always one. `allow` and `deny` of `domain_name` may be among them: they are not of the profile,
    /// and a name server carries them out as rules.
    pub pairs: Pairs,
    /// Its options.
    pub options: BTreeSet<SlpfOption>,
}

/// What may be supported or not (SLPF conformance clauses 19 to 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlpfOption {
    /// `persistent`: false. True is what everybody does.
    NotPersistent,
    /// `direction`: one of the two. `both` is what everybody does.
    Direction,
    /// `drop_process`: `reject`.
    Reject,
    /// `drop_process`: `false_ack`.
    FalseAck,
    /// `insert_rule`
    InsertRule,
    /// `start_time`
    StartTime,
    /// `stop_time` and `duration`
    StopTime,
    /// [`TRIAL`], which is no argument of the profile: whoever carries the rule out tries it first as that says.
    Trial,
}

/// The argument that says how a rule is tried before it is put into force: `shadow`, how many milliseconds it only counts, and
/// `traffic_percent_max`, the share of the packets that it may hit meanwhile. It is Yagura's own and stands beside those of the profile (LS 3.1.4), so a
/// consumer that does not know it refuses the command.
pub const TRIAL: &str = "x-yagura";

impl SlpfOption {
    /// All of the profile's.
    pub const ALL: [Self; 7] = [
        Self::NotPersistent,
        Self::Direction,
        Self::Reject,
        Self::FalseAck,
        Self::InsertRule,
        Self::StartTime,
        Self::StopTime,
    ];

    /// The argument that it is about, as the feature `args` names it.
    #[must_use]
    pub fn argument(self) -> &'static [&'static str] {
        match self {
            Self::NotPersistent => &["slpf/persistent"],
            Self::Direction => &["slpf/direction"],
            Self::Reject | Self::FalseAck => &["slpf/drop_process"],
            Self::InsertRule => &["slpf/insert_rule"],
            Self::StartTime => &["start_time"],
            Self::StopTime => &["stop_time", "duration"],
            Self::Trial => &["x-yagura/shadow", "x-yagura/traffic_percent_max"],
        }
    }
}

impl Default for Support {
    /// The whole profile.
    fn default() -> Self {
        Self { pairs: pairs(), options: SlpfOption::ALL.into() }
    }
}

/// Who a packet filter is (SLPF 2.1.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its names and addresses.
    pub hostnames: BTreeSet<String>,
    /// The groups it belongs to.
    pub named_groups: BTreeSet<String>,
    /// Its identifiers.
    pub asset_ids: BTreeSet<String>,
    /// Its identifiers that are tuples.
    pub asset_tuples: BTreeSet<Vec<String>>,
}

impl Identity {
    /// Whether a command is for this packet filter: all that its specifiers say must fit. Names of hosts are the same in upper and lower
    /// case.
    #[must_use]
    pub fn is_meant(&self, actuator: Option<&Actuator>) -> bool {
        let Some(actuator) = actuator else { return true };
        let Some(Specifiers { hostname, named_group, asset_id, asset_tuple }) = &actuator.slpf else {
            return false;
        };
        let host = |name: &String| self.hostnames.iter().any(|own| own.eq_ignore_ascii_case(name));
        hostname.as_ref().is_none_or(host)
            && named_group.as_ref().is_none_or(|group| self.named_groups.contains(group))
            && asset_id.as_ref().is_none_or(|id| self.asset_ids.contains(id))
            && asset_tuple.as_ref().is_none_or(|tuple| self.asset_tuples.contains(tuple))
    }
}

/// A command of the profile whose arguments fit.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Tell what can be done.
    Features(Vec<Feature>),
    /// Let traffic through, or keep it out.
    Rule(RuleOrder),
    /// Remove a rule.
    Delete(RuleNumber),
    /// Take a new file.
    Update(File),
}

/// What a rule is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleOrder {
    /// `allow` or `deny`.
    pub action: Action,
    /// Which traffic; or a domain name.
    pub target: Target,
    /// In which direction.
    pub direction: Direction,
    /// What becomes of what is denied.
    pub drop_process: DropProcess,
    /// Whether the rule survives a restart of the device.
    pub persistent: bool,
    /// Which number it is to have.
    pub insert_rule: Option<RuleNumber>,
}

/// Judges a command by the profile and by what a consumer supports of it.
///
/// # Errors
/// The pair, an argument or its value is not supported (501 with the profile's text), or the command contradicts itself (400).
pub fn judge(command: &Command, support: &Support) -> Result<Order, Refusal> {
    let at = At::root().to("target");
    let pair = support.pairs.has(command.action, &command.target.name());
    let unsupported = |clause, text| Refusal::unsupported(clause, &at, text, "this is not carried out here");
    match (command.action, &command.target) {
        (Action::Query, Target::Features(features)) => {
            features_args(&command.args)?;
            Ok(Order::Features(features.clone()))
        }
        (Action::Allow | Action::Deny, _) if !pair => {
            Err(unsupported("SLPF 2.3.1.1", texts::TARGET_TYPE_NOT_SUPPORTED))
        }
        (Action::Allow | Action::Deny, target) => {
            rule(command.action, target, &command.args, support).map(Order::Rule)
        }
        (Action::Delete, Target::RuleNumber(_)) if !pair => {
            Err(unsupported("SLPF 2.3.4.1", texts::TARGET_NOT_SUPPORTED))
        }
        (Action::Delete, Target::RuleNumber(number)) => {
            start_only(&command.args, support, "SLPF 2.3.4.1")?;
            Ok(Order::Delete(*number))
        }
        (Action::Update, Target::File(file)) if pair => {
            update_args(&command.args, support)?;
            if file.name.is_none() {
                let at = at.to("file").to("name");
                return Err(Refusal::malformed("SLPF 2.3.5.1", &at, "the file must have a name"));
            }
            Ok(Order::Update(file.clone()))
        }
        _ => Err(unsupported("SLPF 2.3", texts::COMMAND_NOT_SUPPORTED)),
    }
}

fn no(clause: &'static str, name: &str) -> Refusal {
    let at = At::root().to("args").to(name);
    Refusal::unsupported(clause, &at, texts::OPTION_NOT_SUPPORTED, "the argument is not supported here")
}

/// `query features` takes `response_requested: complete` and nothing else (LS 4.1). `none` is taken as well: no answer follows, so none can
/// be wrong (SLPF 3.2.1.7.1).
fn features_args(args: &Args) -> Result<(), Refusal> {
    let wanted = matches!(args.wants(), ResponseType::Complete | ResponseType::None);
    let others = Args { response_requested: None, ..args.clone() };
    if wanted && others.is_empty() {
        return Ok(());
    }
    let message = "`query features` takes no argument but response_requested: complete";
    Err(Refusal::malformed("LS 4.1", &At::root().to("args"), message))
}

/// The arguments of `delete` and `update`: `response_requested` and `start_time` (SLPF table 2.3-2).
fn start_only(args: &Args, support: &Support, clause: &'static str) -> Result<(), Refusal> {
    if let Some(name) = args.extensions.keys().next() {
        return Err(no(clause, name));
    }
    if args.start_time.is_some() && !support.options.contains(&SlpfOption::StartTime) {
        return Err(no(clause, "start_time"));
    }
    let said = [
        ("stop_time", args.stop_time.is_some()),
        ("duration", args.duration.is_some()),
        (NSID, args.slpf != SlpfArgs::default()),
    ];
    said.iter().find(|(_, said)| *said).map_or(Ok(()), |(name, _)| Err(no(clause, name)))
}

fn update_args(args: &Args, support: &Support) -> Result<(), Refusal> {
    if args.wants() == ResponseType::Status {
        return Err(no("SLPF 2.3.5.1", "response_requested"));
    }
    start_only(args, support, "SLPF 2.3.5.1")
}

fn rule(action: Action, target: &Target, args: &Args, support: &Support) -> Result<RuleOrder, Refusal> {
    const CLAUSE: &str = "SLPF 2.3.1";
    let SlpfArgs { drop_process, persistent, direction, insert_rule } = args.slpf;
    let is_tried = action == Action::Deny && support.options.contains(&SlpfOption::Trial);
    if let Some(name) = args.extensions.keys().find(|name| !is_tried || *name != TRIAL) {
        return Err(no(CLAUSE, name));
    }
    let has = |option| support.options.contains(&option);
    let is_name = matches!(target, Target::DomainName(_));
    let drops = match drop_process {
        None | Some(DropProcess::None) => true,
        Some(DropProcess::Reject) => has(SlpfOption::Reject),
        Some(DropProcess::FalseAck) => has(SlpfOption::FalseAck),
    };
    let one_way = matches!(direction, Some(Direction::Ingress | Direction::Egress));
    let unfit = [
        ("start_time", args.start_time.is_some() && !has(SlpfOption::StartTime)),
        ("stop_time", args.stop_time.is_some() && !has(SlpfOption::StopTime)),
        ("duration", args.duration.is_some() && !has(SlpfOption::StopTime)),
        ("persistent", persistent == Some(false) && !has(SlpfOption::NotPersistent)),
        ("direction", one_way && (is_name || !has(SlpfOption::Direction))),
        ("insert_rule", insert_rule.is_some() && !has(SlpfOption::InsertRule)),
        // `allow` has no such argument (table 2.3-2).
        ("drop_process", drop_process.is_some() && (action == Action::Allow || is_name || !drops)),
    ];
    if let Some((name, _)) = unfit.iter().find(|(_, unfit)| *unfit) {
        return Err(no(CLAUSE, name));
    }
    let in_vain = match target {
        Target::Ipv4Connection(connection) => connection.has_ports_in_vain(),
        Target::Ipv6Connection(connection) => connection.has_ports_in_vain(),
        _ => false,
    };
    if in_vain {
        let at = At::root().to("target");
        let message = "the protocol has no ports, so the rule would be wider than what was asked for";
        return Err(Refusal::unsupported("SLPF 2.1.2.1", &at, texts::RULE_NOT_UPDATED, message));
    }
    Ok(RuleOrder {
        action,
        target: target.clone(),
        direction: direction.unwrap_or(Direction::Both),
        drop_process: drop_process.unwrap_or(DropProcess::None),
        persistent: persistent.unwrap_or(true),
        insert_rule,
    })
}

/// What a producer must not send, beyond what no reader takes (SLPF 2.3.1, 2.3.4.1, 2.3.5.1; LS 4.1).
///
/// # Errors
/// The clause that the command is against.
pub fn check_as_producer(command: &Command, now: DateTime) -> Result<(), Refusal> {
    let everything = Support { pairs: everything(), ..Support::default() };
    judge(command, &everything)?;
    command.args.span(now)?;
    let at = At::root().to("args");
    let bare = Args { response_requested: None, ..command.args.clone() };
    match command.action {
        Action::Delete | Action::Update if !bare.is_empty() => {
            let clause = if command.action == Action::Delete { "SLPF 2.3.4.1" } else { "SLPF 2.3.5.1" };
            Err(Refusal::malformed(clause, &at, "a producer sends no argument but response_requested"))
        }
        Action::Allow | Action::Deny
            if command.args.slpf.insert_rule.is_some()
                && command.args.response_requested != Some(ResponseType::Complete) =>
        {
            let message = "insert_rule asks for response_requested: complete";
            Err(Refusal::malformed("SLPF 2.3.1", &at, message))
        }
        _ => Ok(()),
    }
}

fn everything() -> Pairs {
    let mut pairs = pairs();
    for action in [Action::Allow, Action::Deny] {
        pairs.add(action, TargetName::Common("domain_name"));
    }
    pairs
}

/// The names of the profiles that are spoken here, in a version of the language.
#[must_use]
pub fn profiles(language: Language) -> Vec<String> {
    let name = match language {
        Language::V1_0 => NSID,
        Language::V1_1 => NAME,
    };
    vec![name.to_owned()]
}
