//! Several hubs on one PostgreSQL as real processes: one of them does what only one may do, and is killed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::council::{Member, id, indicator, objects};
use crate::database::Server;
use crate::running::wait_until_or_tell;

/// How long a link may stand still after the hub that kept it was killed: its lease, a look, and a busy machine.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(30);

/// A node of two hubs reads from a peer and sends to it. One hub keeps the link; when it is killed, the other one goes on within
/// seconds from where it stopped.
#[test]
fn the_link_of_a_killed_hub_is_taken_over() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let far = Member::start(folder.path(), "far");
    let node = Member::two_on(folder.path(), &server.address());
    // It is the node that is the peer, whichever of its hubs is asked to add one.
    node[0].knows(&far, "partner");
    far.knows(&node[0], "partner");
    let link = |member: &Member| member.peer("far")["link"].as_str().unwrap_or_default().to_owned();
    let links = || node.iter().map(link).collect::<BTreeSet<_>>();
    let one_keeps_it = BTreeSet::from(["up".to_owned(), "elsewhere".to_owned()]);
    wait_until_or_tell("one hub keeps the link", || links() == one_keeps_it, || format!("{:?}", links()));
    let exchange = |taking: &Member, giving: &Member, count: usize| {
        let given: Vec<Value> = (0..count).map(|_| indicator(Some("green"))).collect();
        giving.hub.post(&objects(&given));
        let wanted: BTreeSet<String> = given.iter().map(id).collect();
        let held = || taking.holds(&wanted).unwrap_or_default().len();
        wait_until_or_tell("all of it is there", || held() == count, || held().to_string());
    };
    exchange(&node[0], &far, 50);
    exchange(&far, &node[1], 50);
    let keeps = usize::from(link(&node[1]) == "up");
    let [mut keeper, other] = if keeps == 0 {
        node
    } else {
        let [a, b] = node;
        [b, a]
    };
    keeper.hub.kill();
    let begun = Instant::now();
    exchange(&other, &far, 50);
    exchange(&far, &other, 50);
    let took = begun.elapsed();
    println!("taken over, and both ways worked, {} ms after the kill", took.as_millis());
    assert!(took < TAKEN_OVER_WITHIN, "{took:?}");
    let counts = other.peer("far")["counts"].clone();
    assert_eq!(counts["accepted"], 100, "each came in once: {counts}");
    assert_eq!(counts["conflicts"], 0, "{counts}");
    // The killed one comes back, and leaves the link where it is.
    let back = keeper.start_again();
    exchange(&back, &far, 10);
    let links = || [link(&back), link(&other)];
    wait_until_or_tell("the link stays", || links() == ["elsewhere", "up"], || format!("{:?}", links()));
}
