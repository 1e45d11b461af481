//! Suricata EVE JSON (the "EVE JSON Format" chapter of Suricata's user guide): one object a line, `event_type` names its kind.

use std::sync::LazyLock;

use crate::fields::{Fields, Table, read_object};
use crate::reading::{Draft, Reading};
use crate::{Observation, Role, Unreadable, json};

const SRC: Role = Role::Source;
const DST: Role = Role::Destination;
const IN: Role = Role::Content;

/// Every field that bears an observable value. Bodies, headers (but for host, target and user agent), credentials, DNS texts and the like are left out on purpose:
/// no indicator here can ask for them.
const TABLE: Table = &[
    ("timestamp", Reading::Time),
    ("event_type", Reading::Kind),
    ("src_ip", Reading::Address(SRC)),
    ("src_port", Reading::SourcePort),
    ("dest_ip", Reading::Address(DST)),
    ("dest_port", Reading::DestinationPort),
    ("proto", Reading::Protocol),
    ("flow.bytes_toserver", Reading::SourceBytes),
    ("flow.bytes_toclient", Reading::DestinationBytes),
    ("netflow.bytes", Reading::Bytes),
    ("ether.src_mac", Reading::Mac(SRC)),
    ("ether.dest_mac", Reading::Mac(DST)),
    ("ether.src_macs[]", Reading::Mac(SRC)),
    ("ether.dest_macs[]", Reading::Mac(DST)),
    // Tunnels: the outer addresses.
    ("tunnel.src_ip", Reading::Address(SRC)),
    ("tunnel.dest_ip", Reading::Address(DST)),
    // DNS, in the forms of EVE versions 1 (flat), 2 (`answers`, `grouped`) and 3 (`queries`).
    ("dns.rrname", Reading::Host(IN)),
    ("dns.rdata", Reading::Host(IN)),
    ("dns.query[].rrname", Reading::Host(IN)),
    ("dns.queries[].rrname", Reading::Host(IN)),
    ("dns.answer.rrname", Reading::Host(IN)),
    ("dns.answer.rdata", Reading::Host(IN)),
    ("dns.answers[].rrname", Reading::Host(IN)),
    ("dns.answers[].rdata", Reading::Host(IN)),
    ("dns.answers[].srv.name", Reading::Host(IN)),
    ("dns.answers[].soa.mname", Reading::Host(IN)),
    ("dns.authorities[].rrname", Reading::Host(IN)),
    ("dns.authorities[].rdata", Reading::Host(IN)),
    ("dns.authorities[].soa.mname", Reading::Host(IN)),
    ("dns.additionals[].rrname", Reading::Host(IN)),
    ("dns.additionals[].rdata", Reading::Host(IN)),
    ("dns.grouped.A[]", Reading::Address(IN)),
    ("dns.grouped.AAAA[]", Reading::Address(IN)),
    ("dns.grouped.CNAME[]", Reading::Host(IN)),
    ("dns.grouped.MX[]", Reading::Host(IN)),
    ("dns.grouped.NS[]", Reading::Host(IN)),
    ("dns.grouped.PTR[]", Reading::Host(IN)),
    ("dns.grouped.SRV[].name", Reading::Host(IN)),
    ("dns.grouped.SOA[].mname", Reading::Host(IN)),
    // HTTP.
    ("http.hostname", Reading::HttpHost),
    ("http.http_port", Reading::HttpPort),
    ("http.url", Reading::HttpTarget),
    ("http.request_headers[]", Reading::HttpHeader),
    ("http.http_method", Reading::HttpMethod),
    ("http.http_user_agent", Reading::UserAgent),
    ("http.http_refer", Reading::Url),
    ("http.redirect", Reading::Url),
    ("http.xff", Reading::Address(SRC)),
    ("http.true_client_ip", Reading::Address(SRC)),
    // TLS and QUIC.
    ("tls.sni", Reading::Host(DST)),
    ("tls.subject", Reading::Subject),
    ("tls.subjectaltname[]", Reading::Host(IN)),
    ("tls.fingerprint", Reading::Fingerprint),
    ("tls.serial", Reading::Serial),
    ("tls.ja3.hash", Reading::Ja3),
    ("tls.ja3s.hash", Reading::Ja3s),
    ("tls.ja4", Reading::Ja4),
    ("tls.client.subject", Reading::Subject),
    ("tls.client.fingerprint", Reading::Fingerprint),
    ("quic.sni", Reading::Host(DST)),
    ("quic.ja3.hash", Reading::Ja3),
    ("quic.ja3s.hash", Reading::Ja3s),
    ("quic.ja4", Reading::Ja4),
    // Files: of `fileinfo` records, and of alerts that list them.
    ("fileinfo.filename", Reading::FileName),
    ("fileinfo.md5", Reading::Md5),
    ("fileinfo.sha1", Reading::Sha1),
    ("fileinfo.sha256", Reading::Sha256),
    ("files[].filename", Reading::FileName),
    ("files[].md5", Reading::Md5),
    ("files[].sha1", Reading::Sha1),
    ("files[].sha256", Reading::Sha256),
    ("ftp_data.filename", Reading::FileName),
    ("tftp.file", Reading::FileName),
    ("smb.filename", Reading::FileName),
    ("nfs.filename", Reading::FileName),
    // Mail.
    ("smtp.helo", Reading::Host(SRC)),
    ("smtp.mail_from", Reading::Emails(SRC)),
    ("smtp.rcpt_to[]", Reading::Emails(DST)),
    ("email.from", Reading::Emails(SRC)),
    ("email.to[]", Reading::Emails(DST)),
    ("email.cc[]", Reading::Emails(DST)),
    ("email.reply_to", Reading::Emails(SRC)),
    ("email.url[]", Reading::Url),
    ("email.attachment[]", Reading::FileName),
    // Other protocols that name a host or an address.
    ("dhcp.client_mac", Reading::Mac(SRC)),
    ("dhcp.client_ip", Reading::Address(SRC)),
    ("dhcp.assigned_ip", Reading::Address(IN)),
    ("dhcp.requested_ip", Reading::Address(IN)),
    ("dhcp.relay_ip", Reading::Address(IN)),
    ("dhcp.dns_servers[]", Reading::Address(IN)),
    ("dhcp.routers[]", Reading::Address(IN)),
    ("dhcp.next_server_ip", Reading::Address(IN)),
    ("ftp.dynamic_address", Reading::Address(IN)),
    ("snmp.trap_address", Reading::Address(IN)),
    ("bittorrent_dht.response.values[].ip", Reading::Address(IN)),
    ("bittorrent_dht.response.nodes[].ip", Reading::Address(IN)),
    ("ntlmssp.host", Reading::Host(SRC)),
];

static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::new(TABLE, false));

/// The table as a tree.
pub(crate) fn fields() -> &'static Fields {
    &FIELDS
}

/// Reads one line. A line is an EVE record if it is one JSON object that has an `event_type`.
pub fn read(line: &[u8]) -> Result<Observation<'_>, Unreadable> {
    let mut draft = Draft::new();
    read_object(&FIELDS, json::object(line)?, &mut draft);
    if draft.kind().is_empty() {
        return Err(Unreadable::OtherFormat);
    }
    Ok(draft.finish())
}
