//! How fast an intrusion goes: the time between its stages at each member, whether that changes, and whether it is faster than
//! hands can be.
//!
//! The threshold is [`HANDS_SECONDS`]: the fastest breakout on public record, from the first foothold to the next machine, is 27
//! seconds (CrowdStrike, *2026 Global Threat Report*, of 2025; 51 seconds a year before; the mean is 29 minutes). What goes from
//! one stage of the kill chain to a later one faster than that is driven by a program. Whether that program is a script, a worm or
//! a model that decides for itself, times alone do not tell: the flag says *automated*, and how sure that is.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::Words;

/// From one stage to a later one faster than this, in seconds, is faster than hands.
pub const HANDS_SECONDS: i64 = 27;
/// Steps read at most; whoever hands in more gets the first ones worked out.
pub const STEPS_MAX: usize = 20_000;

/// A stage of an intrusion, seen at one member.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// Whose network.
    pub member: String,
    /// When it was first seen there.
    pub at: Timestamp,
    /// Which stage: its place in the kill chain, from [`stage`].
    pub stage: u8,
}

/// The way from one stage to the next one seen at a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leap {
    /// Whose network.
    pub member: String,
    /// From which stage.
    pub from: u8,
    /// To which later one.
    pub to: u8,
    /// When the later one was seen.
    pub at: Timestamp,
    /// Seconds between.
    pub seconds: i64,
}

/// How the time between stages changes from member to member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    /// It becomes shorter.
    Faster,
    /// It becomes longer.
    Slower,
    /// Neither can be told from chance.
    Steady,
    /// Too little to say.
    Unknown,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sureness {
    /// A hint.
    Low,
    /// Several leaps at several members point the same way.
    Medium,
    /// It would be hard to explain otherwise.
    High,
}

/// What the steps tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Tempo {
    /// Every leap, in order of time.
    pub leaps: Vec<Leap>,
    /// The middle of the seconds between stages; `None` without a leap.
    pub median_seconds: Option<i64>,
    /// How that changes.
    pub trend: Trend,
    /// Leaps faster than hands.
    pub fast: usize,
    /// Whether that is enough to flag it: half of the leaps or more, and at least two.
    pub is_automated: bool,
    /// How sure the flag, or its absence, is.
    pub sureness: Sureness,
    /// Why, in words, with threshold and source.
    pub why: Vec<Words>,
}

/// The stages in order, with the names that STIX kill chains have for them (ATT&CK, ATT&CK for ICS, ATLAS, Lockheed Martin).
const STAGES: [&[&str]; 14] = [
    &["reconnaissance"],
    &["resource-development", "weaponization", "ai-attack-staging", "ml-attack-staging"],
    &["initial-access", "delivery", "ai-model-access", "ml-model-access"],
    &["execution", "exploitation"],
    &["persistence", "installation"],
    &["privilege-escalation"],
    &["defense-evasion", "evasion", "stealth", "defense-impairment"],
    &["credential-access"],
    &["discovery"],
    &["lateral-movement"],
    &["collection"],
    &["command-and-control"],
    &["exfiltration"],
    &["impact", "actions-on-objectives", "inhibit-response-function", "impair-process-control"],
];

/// The place of a kill chain's phase; `None` for one that is not known.
#[must_use]
pub fn stage(phase: &str) -> Option<u8> {
    let place = STAGES.iter().position(|names| names.contains(&phase))?;
    u8::try_from(place).ok()
}

/// The name of a stage: that of ATT&CK.
#[must_use]
pub fn stage_name(stage: u8) -> &'static str {
    STAGES.get(usize::from(stage)).and_then(|names| names.first()).copied().unwrap_or("unknown")
}

/// Works the tempo out.
#[must_use]
pub fn tempo(steps: &[Step]) -> Tempo {
    let leaps = leaps(steps);
    let mut seconds: Vec<i64> = leaps.iter().map(|leap| leap.seconds).collect();
    seconds.sort_unstable();
    let fast = seconds.iter().filter(|seconds| **seconds < HANDS_SECONDS).count();
    let is_automated = fast >= 2 && fast * 2 >= leaps.len();
    let members = members(&leaps);
    let sureness = sureness(leaps.len(), fast, members, is_automated);
    let why = why(&leaps, fast, members, is_automated);
    Tempo {
        median_seconds: seconds.get(seconds.len() / 2).copied(),
        trend: trend(&leaps),
        leaps,
        fast,
        is_automated,
        sureness,
        why,
    }
}

/// At each member the first time of each stage; from each to the next later stage that was seen after it.
fn leaps(steps: &[Step]) -> Vec<Leap> {
    let mut first: BTreeMap<(&str, u8), Timestamp> = BTreeMap::new();
    for step in steps.iter().take(STEPS_MAX) {
        let at = first.entry((&step.member, step.stage)).or_insert(step.at);
        *at = step.at.min(*at);
    }
    let mut by_member: BTreeMap<&str, Vec<(Timestamp, u8)>> = BTreeMap::new();
    for ((member, stage), at) in first {
        by_member.entry(member).or_default().push((at, stage));
    }
    let mut leaps = Vec::new();
    for (member, mut seen) in by_member {
        seen.sort_unstable();
        let mut before: Option<(Timestamp, u8)> = None;
        for (at, stage) in seen {
            if let Some((from_at, from)) = before {
                // What lies further back in the chain was seen late, and tells nothing of speed.
                if stage <= from {
                    continue;
                }
                let seconds = at.as_second() - from_at.as_second();
                leaps.push(Leap { member: member.to_owned(), from, to: stage, at, seconds });
            }
            before = Some((at, stage));
        }
    }
    leaps.sort_by(|a, b| (a.at, &a.member, a.to).cmp(&(b.at, &b.member, b.to)));
    leaps
}

/// Kendall's count of pairs that fall and rise, with the normal approximation: two standard deviations make a trend.
fn trend(leaps: &[Leap]) -> Trend {
    const LEAPS_MIN: usize = 6;
    const LEAPS_COUNTED: usize = 2_000;
    let newest = leaps.get(leaps.len().saturating_sub(LEAPS_COUNTED)..).unwrap_or(leaps);
    if newest.len() < LEAPS_MIN {
        return Trend::Unknown;
    }
    let mut balance = 0_i64;
    for (place, earlier) in newest.iter().enumerate() {
        for later in newest.iter().skip(place + 1).filter(|later| later.at > earlier.at) {
            balance += (later.seconds - earlier.seconds).signum();
        }
    }
    let n = u32::try_from(newest.len()).map_or(0.0, f64::from);
    let spread = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let balance = i32::try_from(balance).map_or(0.0, f64::from);
    match balance / spread {
        z if z <= -2.0 => Trend::Faster,
        z if z >= 2.0 => Trend::Slower,
        _ => Trend::Steady,
    }
}

fn members(leaps: &[Leap]) -> usize {
    leaps.iter().map(|leap| &leap.member).collect::<std::collections::BTreeSet<_>>().len()
}

fn sureness(leaps: usize, fast: usize, members: usize, is_automated: bool) -> Sureness {
    let agreeing = if is_automated { fast } else { leaps - fast };
    match (agreeing, members) {
        (8.., 3..) if agreeing * 5 >= leaps * 4 => Sureness::High,
        (3.., 2..) => Sureness::Medium,
        _ => Sureness::Low,
    }
}

fn why(leaps: &[Leap], fast: usize, members: usize, is_automated: bool) -> Vec<Words> {
    let count = leaps.len();
    if count == 0 {
        return vec![Words::new(
            "同じ組織で二つ以上の段階が目撃されていないため、速さは分かりません",
            "no member has seen two stages, so nothing is known of the speed",
        )];
    }
    let mut why = vec![Words::new(
        format!("{members} 組織での {count} 回の段階移行のうち {fast} 回が {HANDS_SECONDS} 秒未満"),
        format!(
            "{fast} of {count} leaps from stage to stage took less than {HANDS_SECONDS} seconds; members: {members}"
        ),
    )];
    why.push(Words::new(
        format!(
            "基準: 公に記録された最速の横展開 {HANDS_SECONDS} 秒（CrowdStrike 2026 Global Threat Report、2025年の観測）。それより速い移行は人の手ではなくプログラムによるものと見ます"
        ),
        format!(
            "threshold: the fastest breakout on public record, {HANDS_SECONDS} seconds (CrowdStrike, 2026 Global Threat Report, of 2025); faster leaps are taken to be driven by a program and not by hand"
        ),
    ));
    if is_automated {
        why.push(Words::new(
            "自動化の種類（スクリプト、ワーム、AI）は時刻だけでは区別できません",
            "times alone do not tell a script, a worm and an AI apart",
        ));
    }
    if members == 1 {
        why.push(Words::new(
            "一組織だけの観測です。その時計や検知の遅れの影響を受けます",
            "one member alone: its clock and the delay of its detection weigh on this",
        ));
    }
    why
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::*;

    fn step(member: &str, seconds: i64, phase: &str) -> Step {
        Step {
            member: member.to_owned(),
            at: Timestamp::from_second(1_800_000_000 + seconds).unwrap(),
            stage: stage(phase).unwrap(),
        }
    }

    fn chain(member: &str, start: i64, gap: i64) -> Vec<Step> {
        ["initial-access", "execution", "discovery", "lateral-movement", "exfiltration"]
            .iter()
            .zip(0..)
            .map(|(phase, place)| step(member, start + place * gap, phase))
            .collect()
    }

    #[test]
    fn hands_are_not_flagged_and_programs_are() {
        let by_hand: Vec<Step> =
            ["a", "b", "c"].iter().zip(0..).flat_map(|(m, n)| chain(m, n * 100_000, 1740)).collect();
        let found = tempo(&by_hand);
        assert_eq!((found.is_automated, found.fast, found.median_seconds), (false, 0, Some(1740)));
        assert_eq!((found.trend, found.sureness), (Trend::Steady, Sureness::High));
        let machine: Vec<Step> =
            ["a", "b", "c"].iter().zip(0..).flat_map(|(m, n)| chain(m, n * 100_000, 4)).collect();
        let found = tempo(&machine);
        assert_eq!((found.is_automated, found.fast, found.sureness), (true, 12, Sureness::High));
        assert!(found.why.iter().any(|words| words.en.contains("CrowdStrike")));
    }

    #[test]
    fn one_fast_leap_is_a_hint_and_no_flag() {
        let found = tempo(&[step("a", 0, "delivery"), step("a", 3, "installation")]);
        assert_eq!((found.fast, found.is_automated, found.sureness), (1, false, Sureness::Low));
        let found = tempo(&[]);
        assert_eq!((found.median_seconds, found.trend, found.why.len()), (None, Trend::Unknown, 1));
    }

    #[test]
    fn what_becomes_shorter_from_member_to_member_is_a_trend() {
        let steps: Vec<Step> =
            (0..8).flat_map(|n| chain(&format!("m{n}"), n * 1_000_000, 20_000 >> n)).collect();
        assert_eq!(tempo(&steps).trend, Trend::Faster);
        let steps: Vec<Step> =
            (0..8).flat_map(|n| chain(&format!("m{n}"), n * 1_000_000, 100 << n)).collect();
        assert_eq!(tempo(&steps).trend, Trend::Slower);
    }

    proptest! {
        #[test]
        fn leaps_go_forward_and_the_order_of_steps_does_not_matter(mut steps in prop::collection::vec((0_u8..4, 0_i64..5000, 0_u8..14), 0..60)) {
            let read = |steps: &[(u8, i64, u8)]| -> Vec<Step> {
                steps.iter().map(|(member, at, stage)| Step { member: member.to_string(), at: Timestamp::from_second(*at).unwrap(), stage: *stage }).collect()
            };
            let found = tempo(&read(&steps));
            assert!(found.leaps.iter().all(|leap| leap.to > leap.from && leap.seconds >= 0));
            assert!(found.fast <= found.leaps.len());
            steps.reverse();
            assert_eq!(tempo(&read(&steps)), found);
        }
    }
}
