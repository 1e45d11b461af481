//! What a day's devices write: records of several kinds, some of which carry what an indicator says.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// How a record comes to the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Suricata's log, rotated and then compressed.
    Eve,
    /// Zeek's DNS log with its header lines, rotated.
    Zeek,
    /// A name server's query log.
    Queries,
    /// Windows events in bodies as Vector and Fluent Bit make them.
    Push,
    /// A topic of Kafka.
    Bus,
}

impl Way {
    pub(crate) const ALL: [Self; 5] = [Self::Eve, Self::Zeek, Self::Queries, Self::Push, Self::Bus];

    pub(crate) fn of_nothing_planted(dice: &mut Dice) -> Self {
        match dice.roll(100) {
            0..40 => Self::Eve,
            40..60 => Self::Zeek,
            60..75 => Self::Queries,
            75..88 => Self::Push,
            _ => Self::Bus,
        }
    }

    /// One that carries such a value.
    pub(crate) fn of_planted(number: usize, dice: &mut Dice) -> Self {
        let ways: &[Self] = match number % 3 {
            0 => &[Self::Eve, Self::Push, Self::Bus],
            1 => &[Self::Eve, Self::Zeek, Self::Queries, Self::Bus],
            _ => &[Self::Eve, Self::Push],
        };
        ways[dice.roll(ways.len() as u64) as usize]
    }
}

/// What an indicator looks for.
fn value(number: usize) -> String {
    match number % 3 {
        0 => format!("198.{}.{}.{}", 18 + (number >> 16), (number >> 8) & 255, number & 255),
        1 => format!("c2-{number}.bad.example"),
        _ => hash(&format!("planted {number}")),
    }
}

fn hash(name: &str) -> String {
    let half = |end: &str| uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{name} {end}").as_bytes());
    format!("{}{}", half("first").simple(), half("second").simple())
}

pub(crate) fn indicator_id(number: usize) -> String {
    format!(
        "indicator--{}",
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("day {number}").as_bytes())
    )
}

pub(crate) fn indicator(number: usize, is_revoked: bool) -> Value {
    let value = value(number);
    let pattern = match number % 3 {
        0 => format!("[ipv4-addr:value = '{value}']"),
        1 => format!("[domain-name:value = '{value}']"),
        _ => format!("[file:hashes.'SHA-256' = '{value}']"),
    };
    let born = "2026-01-01T00:00:00.000Z";
    let modified = if is_revoked { "2026-01-02T00:00:00.000Z" } else { born };
    let mut indicator = json!({
        "type": "indicator", "spec_version": "2.1", "id": indicator_id(number), "created": born, "modified": modified,
        "name": format!("planted {number}"), "pattern": pattern, "pattern_type": "stix", "valid_from": born,
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    });
    if is_revoked {
        indicator["revoked"] = json!(true);
    }
    indicator
}

/// When a record says that it was: in the order of the day but for some that come out of order, and a few hours late.
pub(crate) fn event_time(begin: Timestamp, part_of_day: f64, dice: &mut Dice) -> Timestamp {
    let early = match dice.roll(100) {
        0 => 3_600 + dice.roll(4 * 3_600),
        1..6 => dice.roll(90),
        _ => 0,
    };
    let seconds = part_of_day * 86_400.0 - early as f64;
    begin + SignedDuration::from_millis((seconds * 1000.0) as i64)
}

/// One line; with the value of an indicator where one is planted.
pub(crate) fn line(way: Way, time: Timestamp, planted: Option<usize>, dice: &mut Dice) -> String {
    let number = dice.roll(1 << 40);
    let kind = planted.map_or_else(|| dice.roll(3) as usize, |number| number % 3);
    let carried = |is: usize, otherwise: String| match planted {
        Some(number) if number % 3 == is => value(number),
        _ => otherwise,
    };
    let address = carried(0, format!("192.0.2.{}", number % 250));
    let name = carried(1, format!("www{}.fine.example", number % 5000));
    let file = carried(2, hash(&number.to_string()));
    match way {
        Way::Eve => eve(time, number, kind, (&address, &name, &file)),
        Way::Zeek => format!(
            "{:.6}\tC{number:x}\t10.0.{}.{}\t{}\t192.0.2.53\t53\tudp\t{name}\tA",
            time.as_millisecond() as f64 / 1000.0,
            number % 8,
            number % 250,
            20_000 + number % 40_000
        ),
        Way::Queries => format!(
            "{} queries: info: client @0x7f12 10.0.3.{}#{} ({name}): query: {name} IN A +E(0)K (192.0.2.53)",
            time.strftime("%d-%b-%Y %H:%M:%S.%3f"),
            number % 250,
            20_000 + number % 40_000
        ),
        Way::Push => sysmon(time, kind, &address, &file),
        Way::Bus if kind == 0 => format!(
            "<134>1 {} fw cef - - - CEF:0|V|P|1|1|deny|5|src=10.0.0.{} dst={address} proto=TCP",
            time,
            number % 250
        ),
        Way::Bus => eve(time, number, 1, (&address, &name, &file)),
    }
}

fn eve(time: Timestamp, number: u64, kind: usize, (address, name, file): (&str, &str, &str)) -> String {
    let time = time.strftime("%Y-%m-%dT%H:%M:%S.%6f+0000");
    let ends = |to: &str| {
        format!(
            r#""src_ip":"10.0.0.{}","src_port":50000,"dest_ip":"{to}","dest_port":443,"proto":"TCP""#,
            number % 250
        )
    };
    match kind {
        0 => format!(r#"{{"timestamp":"{time}","flow_id":{number},"event_type":"flow",{}}}"#, ends(address)),
        1 => format!(
            r#"{{"timestamp":"{time}","flow_id":{number},"event_type":"dns",{},"dns":{{"type":"query","id":7,"rrname":"{name}","rrtype":"A"}}}}"#,
            ends("192.0.2.53")
        ),
        _ => format!(
            r#"{{"timestamp":"{time}","flow_id":{number},"event_type":"fileinfo",{},"fileinfo":{{"filename":"/setup.exe","sha256":"{file}","size":4096}}}}"#,
            ends("192.0.2.80")
        ),
    }
}

fn sysmon(time: Timestamp, kind: usize, address: &str, file: &str) -> String {
    let (event, data) = match kind {
        0 => (
            3,
            format!(
                r#""SourceIp":"10.0.4.7","DestinationIp":"{address}","DestinationPort":443,"Protocol":"tcp""#
            ),
        ),
        _ => (1, format!(r#""CommandLine":"a.exe -x","Hashes":"SHA256={}""#, file.to_uppercase())),
    };
    let time = time.strftime("%Y-%m-%d %H:%M:%S.%3f");
    format!(
        r#"{{"EventID":{event},"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"{time}","Image":"C:\\x\\a.exe",{data}}}"#
    )
}
