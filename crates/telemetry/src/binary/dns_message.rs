//! A DNS message (RFC 1035 §4) as Suricata's records show one, read by the crate `domain`.

use domain::base::message::RecordSection;
use domain::base::{Message, ParsedName};
use domain::rdata::AllRecordData;
use serde::Serialize;

/// The most records that are read of one message: of more than so many no value would be kept, and names that point at each other
/// make a large text of a small message.
const RECORDS_MAX: usize = 1024;

/// What is said of a message.
#[derive(Serialize)]
pub(super) struct Dns {
    version: u8,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rcode: Option<String>,
    queries: Vec<Query>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answers: Vec<Record>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorities: Vec<Record>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    additionals: Vec<Record>,
}

#[derive(Serialize)]
struct Query {
    rrname: String,
    rrtype: String,
}

#[derive(Serialize)]
struct Record {
    rrname: String,
    rrtype: String,
    ttl: u32,
    rdata: String,
}

impl Dns {
    pub(super) fn new(is_response: bool) -> Self {
        Self {
            version: 3,
            kind: if is_response { "response" } else { "request" },
            rcode: None,
            queries: Vec::new(),
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
        }
    }

    /// Reads as far as it can be read; `None` where that is not to its end.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<()> {
        let message = Message::from_octets(bytes).ok()?;
        let header = message.header();
        if header.qr() {
            self.rcode = Some(header.rcode().to_string());
        }
        let mut questions = message.question();
        for question in questions.by_ref() {
            let question = question.ok()?;
            if self.queries.len() < RECORDS_MAX {
                self.queries
                    .push(Query { rrname: text(question.qname()), rrtype: question.qtype().to_string() });
            }
        }
        let mut left = RECORDS_MAX;
        let mut section = questions.next_section().ok()?;
        read_section(&mut section, &mut self.answers, &mut left)?;
        let mut section = section.next_section().ok()??;
        read_section(&mut section, &mut self.authorities, &mut left)?;
        let mut section = section.next_section().ok()??;
        read_section(&mut section, &mut self.additionals, &mut left)
    }
}

fn read_section(
    section: &mut RecordSection<'_, &[u8]>,
    out: &mut Vec<Record>,
    left: &mut usize,
) -> Option<()> {
    for record in section {
        let record = record.ok()?;
        if *left == 0 {
            break;
        }
        let Some(data) = record.to_record::<AllRecordData<_, _>>().ok()? else { continue };
        let Some(rdata) = value(data.data()) else { continue };
        *left -= 1;
        out.push(Record {
            rrname: text(&record.owner()),
            rrtype: record.rtype().to_string(),
            ttl: record.ttl().as_secs(),
            rdata,
        });
    }
    Some(())
}

/// The name or the address that a record leads to, if it leads to one.
fn value<'a>(data: &AllRecordData<&'a [u8], ParsedName<&'a [u8]>>) -> Option<String> {
    Some(match data {
        AllRecordData::A(data) => data.addr().to_string(),
        AllRecordData::Aaaa(data) => data.addr().to_string(),
        AllRecordData::Cname(data) => text(data.cname()),
        AllRecordData::Dname(data) => text(data.dname()),
        AllRecordData::Ns(data) => text(data.nsdname()),
        AllRecordData::Ptr(data) => text(data.ptrdname()),
        AllRecordData::Mx(data) => text(data.exchange()),
        AllRecordData::Srv(data) => text(data.target()),
        AllRecordData::Soa(data) => text(data.mname()),
        AllRecordData::Https(data) => text(data.target()),
        AllRecordData::Svcb(data) => text(data.target()),
        _ => return None,
    })
}

/// A name without its last dot, what is no letter, digit or sign escaped (RFC 1035 §5.1).
fn text(name: &impl ToString) -> String {
    name.to_string()
}
