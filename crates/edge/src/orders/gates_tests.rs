use openc2::Reading;
use serde_json::json;

use super::*;
use crate::config::orders::Allowed;
use crate::orders::tests::config;

const NOW: DateTime = DateTime(1_790_000_000_000);
const HOUR: u64 = 3_600_000;

fn command(target: &str, value: &str, args: &serde_json::Value) -> Command {
    let value = json!({"action": "deny", "target": {target: value}, "args": args});
    Command::read(&value, &Reading::default()).unwrap()
}

fn judged(gates: &mut Gates, command: &Command, around: impl FnOnce(&mut Around<'_>)) -> String {
    let hub = ["203.0.113.1".parse().unwrap()].into();
    let mut asked =
        Around { issuer: "council", lately: 0, standing: 0, hub: &hub, is_carried: true, now: NOW };
    around(&mut asked);
    match gates.judge(command, &asked) {
        Ok(passed) => format!("{} {}", passed.what, passed.ends.0 - NOW.0),
        Err(denial) => denial.to_string(),
    }
}

fn check(target: &str, value: &str, expected: &str) {
    let said =
        judged(&mut Gates::new(&config()), &command(target, value, &json!({"duration": HOUR})), |_| {});
    assert!(said.contains(expected), "{value}: {said}");
}

#[test]
fn an_order_has_an_end_and_not_too_far_a_one() {
    let mut gates = Gates::new(&config());
    let mut check = |args: serde_json::Value, expected: &str| {
        let said = judged(&mut gates, &command("ipv4_net", "198.51.100.7", &args), |_| {});
        assert!(said.contains(expected), "{args}: {said}");
    };
    check(json!({"duration": HOUR}), "198.51.100.7 3600000");
    check(json!({"stop_time": NOW.0 + 5}), "198.51.100.7 5");
    check(json!({"slpf": {"direction": "ingress"}}), "403 end: it says no time");
    check(json!({"duration": HOUR + 1}), "403 end: it would last 61 minutes; at most 60");
    check(json!({"stop_time": NOW.0 - 1}), "400 time: ");
    check(json!({"start_time": NOW.0 + HOUR, "duration": HOUR}), "198.51.100.7 7200000");
    check(json!({"start_time": NOW.0 + HOUR + 1, "duration": HOUR}), "403 time: it begins too far ahead");
    // What began a while ago is counted from now.
    check(json!({"start_time": NOW.0 - HOUR, "stop_time": NOW.0 + HOUR}), "198.51.100.7 3600000");
}

#[test]
fn only_what_the_operator_lists_may_be_ordered() {
    check("ipv4_net", "198.51.100.0/24", "198.51.100.0/24 ");
    check(
        "ipv4_net",
        "192.0.0.1",
        "403 allow-list: the operator lets council order nothing against 192.0.0.1",
    );
    check("ipv6_net", "2001:db8:1::/64", "2001:db8:1::/64 ");
    check("domain_name", "EVIL.example.com.", "evil.example.com ");
    let mut gates = Gates::new(&Orders { allow: Vec::new(), ..config() });
    let order = command("ipv4_net", "198.51.100.7", &json!({"duration": HOUR}));
    assert!(
        judged(&mut gates, &order, |_| {}).contains("allow-list"),
        "nothing is allowed without being said"
    );
    let only = Allowed { issuers: ["other".to_owned()].into(), ..config().allow[0].clone() };
    let mut gates = Gates::new(&Orders { allow: vec![only], ..config() });
    assert!(judged(&mut gates, &order, |_| {}).contains("allow-list"));
    assert!(judged(&mut gates, &order, |asked| asked.issuer = "other").starts_with("198.51.100.7"));
    assert!(judged(&mut gates, &order, |asked| asked.is_carried = false).starts_with("501 device"));
}

#[test]
fn what_is_protected_is_never_blocked() {
    for (target, value) in [
        ("ipv4_net", "198.51.100.128"),
        // Also as a part of something larger, and of something smaller.
        ("ipv4_net", "198.51.100.0/24 within"),
        ("ipv4_net", "127.0.0.1"),
        ("ipv4_net", "224.0.0.1"),
        ("ipv4_net", "0.0.0.0/0"),
        ("ipv4_net", "203.0.113.1"),
        ("ipv4_net", "203.0.113.0/24"),
        ("ipv6_net", "::1"),
        ("ipv6_net", "::ffff:198.51.100.7"),
        ("ipv6_net", "fe80::1"),
        ("domain_name", "own.example.com"),
        ("domain_name", "www.own.example.com"),
        ("domain_name", "example.com"),
    ] {
        let mut config = config();
        config.protect.networks = vec!["198.51.100.128/32".parse().unwrap()];
        config.protect.names = vec!["own.example.com".to_owned()];
        config.allow[0].networks = vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        let value = value.split(' ').next().unwrap();
        let order = command(target, value, &json!({"duration": HOUR}));
        let said = judged(&mut Gates::new(&config), &order, |_| {});
        assert!(said.starts_with("403 protected: "), "{value}: {said}");
    }
    check("domain_name", "notown.example.com", "notown.example.com");
}

#[test]
fn lists_of_networks_are_read_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.txt");
    std::fs::write(&path, "# ours\n192.0.2.0/24\n").unwrap();
    let mut config = config();
    config.protect.files = vec![path.clone()];
    let mut gates = Gates::new(&config);
    let order = command("ipv4_net", "198.51.100.7", &json!({"duration": HOUR}));
    assert!(judged(&mut gates, &order, |_| {}).starts_with("198.51.100.7"));
    std::fs::write(&path, "198.51.100.0/28\n").unwrap();
    let later = SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::open(&path).unwrap().set_modified(later).unwrap();
    assert!(judged(&mut gates, &order, |_| {}).contains("198.51.100.7 has addresses of 198.51.100.0/28"));
    std::fs::remove_file(&path).unwrap();
    assert!(judged(&mut gates, &order, |_| {}).starts_with("503 protected: a list"));
}

#[test]
fn one_order_blocks_only_so_much() {
    check("ipv4_net", "198.51.0.0/16", "403 radius: 198.51.0.0/16 is wider than /24");
    check("ipv6_net", "2001:db8::/48", "403 radius: 2001:db8::/48 is wider than /64");
    for suffix in ["com", "co.jp", "github.io", "localhost"] {
        check("domain_name", suffix, "403 radius: ");
    }
    let mut gates = Gates::new(&config());
    let order = command("ipv4_net", "198.51.100.7", &json!({"duration": HOUR}));
    let said = judged(&mut gates, &order, |asked| asked.lately = 60);
    assert_eq!(said, "503 radius: council has given 60 orders within an hour");
    let said = judged(&mut gates, &order, |asked| asked.standing = 1_000);
    assert_eq!(said, "503 radius: 1000 orders stand already");
    let mut few = config();
    few.radius.addresses_max = 16;
    let order = command("ipv4_net", "198.51.100.0/27", &json!({"duration": HOUR}));
    assert_eq!(
        judged(&mut Gates::new(&few), &order, |_| {}),
        "403 radius: 198.51.100.0/27 is more than 16 addresses"
    );
}
