//! Two network namespaces with a link between them, an attacker's and an operator's: what the kernel drops there is no packet of the
//! machine's own.

use std::ffi::OsStr;
use std::process::Command;

/// The attacker's address. The operator's is 192.0.2.1.
pub(crate) const ATTACKER: &str = "198.51.100.7";

/// The namespaces; with this they are gone.
pub(crate) struct Nets {
    pub(crate) attacker: String,
    pub(crate) operator: String,
}

fn sh(line: &str) -> bool {
    Command::new("sh").arg("-c").arg(line).output().is_ok_and(|output| output.status.success())
}

impl Nets {
    /// `None`, said loudly, where there can be none. `what` needs them, and these programs.
    pub(crate) fn new(what: &str, programs: &[&str]) -> Option<Self> {
        let number = std::process::id();
        let nets = Self { attacker: format!("ygc-{number}"), operator: format!("ygo-{number}") };
        let (attacker, operator) = (&nets.attacker, &nets.operator);
        let needed = [&["nft", "ip"][..], programs].concat();
        if !needed.iter().all(|program| sh(&format!("command -v {program}")))
            || !sh(&format!("ip netns add {attacker} && ip netns add {operator}"))
        {
            eprintln!("SKIPPED: {what} needs {} and the right to make network namespaces", needed.join(", "));
            return None;
        }
        let linked = format!(
            "ip -n {attacker} link add va type veth peer name vo netns {operator} &&
             ip -n {attacker} addr add {ATTACKER}/16 dev va && ip -n {attacker} link set va up &&
             ip -n {attacker} route add 192.0.2.0/24 dev va &&
             ip -n {operator} addr add 192.0.2.1/24 dev vo && ip -n {operator} link set vo up &&
             ip -n {operator} link set lo up && ip -n {operator} route add 198.51.0.0/16 dev vo"
        );
        assert!(sh(&linked), "the namespaces cannot be linked");
        Some(nets)
    }

    /// A program that runs in one of them.
    pub(crate) fn command(net: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", net]).arg(program);
        command
    }
}

impl Drop for Nets {
    fn drop(&mut self) {
        sh(&format!("ip netns del {}; ip netns del {}", self.attacker, self.operator));
    }
}
