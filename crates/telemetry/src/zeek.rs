//! Zeek logs (the "Log Files" chapter of Zeek's manual): JSON and tab-separated values.

mod tsv;

use std::borrow::Cow;
use std::sync::LazyLock;

use sonic_rs::LazyValue;
pub use tsv::{TsvReader, unescape_tsv};

use crate::fields::{Fields, Table, read_object};
use crate::reading::{Draft, Reading};
use crate::{Observation, Role, Unreadable, json};

const SRC: Role = Role::Source;
const DST: Role = Role::Destination;
const IN: Role = Role::Content;

/// Every field that bears an observable value, whichever log it stands in: a name means the same in all of Zeek's own logs,
/// but for `host`, which is a name in `http` and an address elsewhere; the reading copes with both.
/// Deployments that cannot have dots in names write `_` for them.
const TABLE: Table = &[
    ("ts", Reading::Time),
    ("_path", Reading::Kind),
    ("@path", Reading::Kind),
    ("@stream", Reading::Kind),
    ("id.orig_h", Reading::Address(SRC)),
    ("id_orig_h", Reading::Address(SRC)),
    ("id.orig_p", Reading::SourcePort),
    ("id_orig_p", Reading::SourcePort),
    ("id.resp_h", Reading::Address(DST)),
    ("id_resp_h", Reading::Address(DST)),
    ("id.resp_p", Reading::DestinationPort),
    ("id_resp_p", Reading::DestinationPort),
    ("proto", Reading::Protocol),
    ("orig_bytes", Reading::SourceBytes),
    ("resp_bytes", Reading::DestinationBytes),
    ("orig_l2_addr", Reading::Mac(SRC)),
    ("resp_l2_addr", Reading::Mac(DST)),
    // notice, weird, software, known_*.
    ("src", Reading::Address(SRC)),
    ("dst", Reading::Address(DST)),
    ("host", Reading::HttpHost),
    // files (before version 5.1: sets).
    ("tx_hosts[]", Reading::Address(SRC)),
    ("rx_hosts[]", Reading::Address(DST)),
    ("filename", Reading::FileName),
    ("md5", Reading::Md5),
    ("sha1", Reading::Sha1),
    ("sha256", Reading::Sha256),
    // dns.
    ("query", Reading::Host(IN)),
    ("answers[]", Reading::Host(IN)),
    ("auth[]", Reading::Host(IN)),
    ("addl[]", Reading::Host(IN)),
    // http.
    ("uri", Reading::HttpTarget),
    ("method", Reading::HttpMethod),
    ("user_agent", Reading::UserAgent),
    ("referrer", Reading::Url),
    ("orig_filenames[]", Reading::FileName),
    ("resp_filenames[]", Reading::FileName),
    // ssl, quic, x509, known_certs.
    ("server_name", Reading::Host(DST)),
    ("subject", Reading::Subject),
    ("client_subject", Reading::Subject),
    ("certificate.subject", Reading::Subject),
    ("certificate_subject", Reading::Subject),
    ("certificate.cn", Reading::Host(IN)),
    ("san.dns[]", Reading::Host(IN)),
    ("san_dns[]", Reading::Host(IN)),
    ("san.ip[]", Reading::Address(IN)),
    ("san_ip[]", Reading::Address(IN)),
    ("san.uri[]", Reading::Url),
    ("san_uri[]", Reading::Url),
    ("san.email[]", Reading::Emails(IN)),
    ("san_email[]", Reading::Emails(IN)),
    ("certificate.serial", Reading::Serial),
    ("certificate_serial", Reading::Serial),
    ("serial", Reading::Serial),
    // Packages that many installations have.
    ("ja3", Reading::Ja3),
    ("ja3s", Reading::Ja3s),
    ("ja4", Reading::Ja4),
    ("fingerprint", Reading::Fingerprint),
    ("cert_chain_fps[]", Reading::Fingerprint),
    ("client_cert_chain_fps[]", Reading::Fingerprint),
    // smtp.
    ("helo", Reading::Host(SRC)),
    ("mailfrom", Reading::Emails(SRC)),
    ("rcptto[]", Reading::Emails(DST)),
    ("from", Reading::Emails(SRC)),
    ("to[]", Reading::Emails(DST)),
    ("cc[]", Reading::Emails(DST)),
    ("reply_to", Reading::Emails(SRC)),
    ("x_originating_ip", Reading::Address(SRC)),
    ("path[]", Reading::Address(IN)),
    // Others.
    ("data_channel.orig_h", Reading::Address(IN)),
    ("data_channel.resp_h", Reading::Address(IN)),
    ("assigned_addr", Reading::Address(IN)),
    ("client_addr", Reading::Address(SRC)),
    ("server_addr", Reading::Address(DST)),
    ("requested_addr", Reading::Address(IN)),
    ("mac", Reading::Mac(SRC)),
    ("client_fqdn", Reading::Host(SRC)),
    ("server_dns_computer_name", Reading::Host(DST)),
    ("request.host", Reading::Host(IN)),
    ("bound.host", Reading::Host(IN)),
    ("seen.indicator", Reading::Host(IN)),
    ("name", Reading::FileName),
];

static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::new(TABLE, true));

/// Reads one line of a JSON log. A line is a Zeek record if it is one JSON object that has a `ts` and no `event_type`.
pub fn read_json(line: &[u8]) -> Result<Observation<'_>, Unreadable> {
    read_object_json(json::object(line)?)
}

pub(crate) fn read_object_json(object: LazyValue<'_>) -> Result<Observation<'_>, Unreadable> {
    let mut draft = Draft::new();
    read_object(&FIELDS, object, &mut draft);
    finish(draft)
}

/// The rule for a column, if there is one, and whether the column is a list.
fn column_reading(name: &str) -> Option<Reading> {
    TABLE
        .iter()
        .find(|(path, _)| path.strip_suffix("[]").unwrap_or(path) == name)
        .map(|(_, reading)| *reading)
}

fn finish(mut draft: Draft<'_>) -> Result<Observation<'_>, Unreadable> {
    if draft.is_empty() {
        return Err(Unreadable::OtherFormat);
    }
    if draft.kind().is_empty() {
        draft.set_kind(Cow::Borrowed("zeek"));
    }
    Ok(draft.finish())
}
