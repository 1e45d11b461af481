//! Three hubs while links are cut and hubs killed at random: in the end every one holds what an obvious model says.
//!
//! `YAGURA_SOAK_SECONDS` sets how long (by default 20), `YAGURA_SOAK_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::council::{Member, Way, id, indicator, later, objects};
use crate::running::{delete, wait_until_or_tell};

/// Who is what to whom: `ROLES[at][peer]`.
const ROLES: [[&str; 3]; 3] =
    [["", "agency", "partner"], ["agency", "", "partner"], ["partner", "agency", ""]];
const NAMES: [&str; 3] = ["national", "agency", "partner"];
const LEVELS: [&str; 4] = ["clear", "green", "amber", "red"];

/// An object as the model knows it.
struct Known {
    object: Value,
    origin: usize,
    level: &'static str,
    is_withdrawn: bool,
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

#[test]
fn cut_links_and_killed_hubs_end_in_agreement() {
    let from_environment = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = from_environment("YAGURA_SOAK_SECONDS").unwrap_or(20);
    let seed = from_environment("YAGURA_SOAK_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut members = NAMES.map(|name| Some(Member::start(folder.path(), name)));
    let mut ways = Vec::new();
    for (at, roles) in ROLES.iter().enumerate() {
        for (peer, role) in roles.iter().enumerate().filter(|(peer, _)| *peer != at) {
            let [a, p] = [at, peer].map(|place| members[place].as_ref().unwrap());
            ways.push(a.knows(p, role).unwrap());
        }
    }
    let mut known: Vec<Known> = Vec::new();
    let (end, mut disturbances, mut minute) =
        (Instant::now() + Duration::from_secs(seconds), BTreeMap::<&str, u32>::new(), 1);
    while Instant::now() < end {
        publish(&mut dice, &members, &mut known);
        change(&mut dice, &members, &mut known, &mut minute);
        *disturbances.entry(disturb(&mut dice, &mut members, &ways)).or_default() += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    ways.iter().for_each(Way::mend);
    println!("{} objects, {disturbances:?}", known.len());
    assert!(known.len() > 20, "too little happened to show anything");
    for (place, member) in members.iter().enumerate() {
        agrees(member.as_ref().unwrap(), &known, place, seed);
    }
}

/// Publishes some objects at a random hub.
fn publish(dice: &mut Dice, members: &[Option<Member>; 3], known: &mut Vec<Known>) {
    let origin = dice.roll(3);
    let new: Vec<Known> = (0..=dice.roll(8))
        .map(|_| {
            let level = LEVELS[dice.roll(LEVELS.len())];
            Known { object: indicator(Some(level)), origin, level, is_withdrawn: false }
        })
        .collect();
    let list: Vec<Value> = new.iter().map(|known| known.object.clone()).collect();
    if members[origin].as_ref().unwrap().hub.poster().try_post(&objects(&list)).is_some() {
        known.extend(new);
    }
}

/// Brings a new version of something, revokes it, or withdraws it.
fn change(dice: &mut Dice, members: &[Option<Member>; 3], known: &mut [Known], minute: &mut u32) {
    if known.is_empty() || dice.roll(3) > 0 {
        return;
    }
    let place = dice.roll(known.len());
    let chosen = &mut known[place];
    let hub = &members[chosen.origin].as_ref().unwrap().hub;
    if chosen.is_withdrawn || chosen.object["revoked"] == true {
        return;
    }
    if dice.roll(4) == 0 {
        let address = format!("{}/api/v1/objects/{}", hub.address, id(&chosen.object));
        if delete(&address, &hub.token) == Some(204) {
            chosen.is_withdrawn = true;
        }
    } else {
        *minute = *minute % 59 + 1;
        let version = chosen.object["modified"].as_str().unwrap().to_owned();
        let new = later(&chosen.object, *minute, dice.roll(3) == 0);
        let is_newer = new["modified"].as_str().unwrap() > version.as_str();
        if is_newer && hub.poster().try_post(&objects(std::slice::from_ref(&new))).is_some() {
            chosen.object = new;
        }
    }
}

/// Cuts, slows or mends a way, or kills a hub and starts it again.
fn disturb(dice: &mut Dice, members: &mut [Option<Member>; 3], ways: &[Way]) -> &'static str {
    let way = &ways[dice.roll(ways.len())];
    match dice.roll(20) {
        0..=3 => {
            way.cut();
            "cut"
        }
        4 => {
            way.slow();
            "slow"
        }
        5..=10 => {
            way.mend();
            "mend"
        }
        11 => {
            let place = dice.roll(3);
            members[place] = members[place].take().map(Member::start_again);
            "kill"
        }
        _ => "nothing",
    }
}

/// Whether what a hub brought in reaches another one: the label decides at each hop, by what the next hub is to the last.
fn may_reach(level: &str, origin: usize, at: usize) -> bool {
    let gives = |from: usize, to: usize| match level {
        "clear" | "green" => true,
        "amber" => ROLES[from][to] == "agency",
        _ => false,
    };
    let mut reached = BTreeSet::from([origin]);
    loop {
        let next: Vec<usize> = (0..3)
            .filter(|to| !reached.contains(to) && reached.iter().any(|from| gives(*from, *to)))
            .collect();
        if next.is_empty() {
            return reached.contains(&at);
        }
        reached.extend(next);
    }
}

/// Waits until a hub holds what the model says, of everything that was acknowledged.
#[track_caller]
fn agrees(member: &Member, known: &[Known], place: usize, seed: u64) {
    let wanted: BTreeSet<String> = known.iter().map(|known| id(&known.object)).collect();
    let there = known.iter().filter(|known| !known.is_withdrawn);
    // TLP:RED is shown to persons, not to the program that asks here.
    let there = there.filter(|known| {
        may_reach(known.level, known.origin, place) && (known.level != "red" || known.origin == place)
    });
    let expected: BTreeMap<String, String> = there
        .map(|known| {
            let revoked = if known.object["revoked"] == true { " revoked" } else { "" };
            (id(&known.object), format!("{}{revoked}", known.object["modified"].as_str().unwrap()))
        })
        .collect();
    let tell = || {
        let held = member.holds(&wanted).unwrap_or_default();
        let differ: Vec<String> = expected
            .iter()
            .filter(|(id, version)| held.get(*id) != Some(version))
            .map(|(id, version)| format!("{id} should be {version}, is {:?}", held.get(id)))
            .chain(
                held.keys()
                    .filter(|id| !expected.contains_key(*id))
                    .map(|id| format!("{id} should not be there")),
            )
            .take(5)
            .collect();
        let peers: Vec<Value> =
            NAMES.iter().filter(|name| **name != member.name).map(|name| member.peer(name)).collect();
        format!("seed {seed}, {}: {differ:#?} {peers:#?}", member.name)
    };
    wait_until_or_tell(
        "a hub agrees with the model",
        || member.holds(&wanted).as_ref() == Some(&expected),
        tell,
    );
}
