//! What kind of value a person typed or pasted.

use super::ValueKind;
use super::canonical;

/// Endings of file names that are no top-level domain, so that `invoice.exe` is a file and `example.com` is a name.
const FILE_ENDINGS: [&str; 40] = [
    "7z", "apk", "bat", "bin", "chm", "cmd", "cpl", "dat", "dll", "dmg", "doc", "docm", "docx", "elf", "exe",
    "hta", "html", "img", "iso", "jar", "jpg", "js", "jse", "lnk", "msi", "ocx", "pdf", "png", "ppt", "pptx",
    "ps1", "rar", "rtf", "scr", "tmp", "txt", "vbs", "xls", "xlsm", "xlsx",
];

/// What stands for what in a defanged value; longer forms first.
const DEFANGED: [(&str, &str); 17] = [
    ("[://]", "://"),
    ("(://)", "://"),
    ("[:]//", "://"),
    ("[:]", ":"),
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[.", "."),
    ("\\.", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("{dot}", "."),
    (" dot ", "."),
    ("[at]", "@"),
    ("(at)", "@"),
    ("[@]", "@"),
    ("[/]", "/"),
];

/// Takes back what people do to keep a value from being clicked: `hxxp`, `[.]`, `(.)`, `{.}`, `[dot]`, `(dot)`, `[:]`, `[://]`,
/// `[at]`, `[@]` and a backslash before a dot; quotes, angle brackets and white space around it go too.
#[must_use]
pub fn refang(typed: &str) -> String {
    let around =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ',' | ';' | '「' | '」');
    let mut text = typed.trim_matches(around).to_owned();
    for (fanged, plain) in DEFANGED {
        text = replace_ignoring_case(&text, fanged, plain);
    }
    for (fanged, plain) in [("hxxp", "http"), ("h**p", "http"), ("meow", "http"), ("fxp", "ftp")] {
        let rest = text.get(..fanged.len()).filter(|start| start.eq_ignore_ascii_case(fanged));
        if let Some(rest) = rest.and_then(|_| text.get(fanged.len()..)).filter(|rest| {
            rest.starts_with("://") || rest.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("s://"))
        }) {
            text = format!("{plain}{rest}");
        }
    }
    text
}

fn replace_ignoring_case(text: &str, from: &str, to: &str) -> String {
    // ASCII lower case keeps every byte position.
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (start, found) in lower.match_indices(from) {
        out.push_str(text.get(end..start).unwrap_or_default());
        out.push_str(to);
        end = start + found.len();
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

/// Guesses what a person typed (possibly defanged: `hxxp://evil[.]example`) and gives the canonical value.
///
/// A host with a path and no scheme is read as an `http` URL. `None` for anything that is no single value.
#[must_use]
pub fn recognise(typed: &str) -> Option<(ValueKind, String)> {
    let text = refang(typed);
    let text = text.as_str();
    if text.is_empty() || text.len() > 8192 {
        return None;
    }
    by_form(text).or_else(|| by_parts(text))
}

/// Kinds whose form leaves no doubt.
fn by_form(text: &str) -> Option<(ValueKind, String)> {
    const HASHES: [ValueKind; 4] = [ValueKind::Md5, ValueKind::Sha1, ValueKind::Sha256, ValueKind::Sha512];
    let hash = || HASHES.into_iter().find_map(|kind| canonical::of_kind(kind, text));
    let cve = || canonical::of_kind(ValueKind::Cve, text);
    let mac = || text.contains([':', '-', '.']).then(|| canonical::of_kind(ValueKind::Mac, text)).flatten();
    let system = || {
        let number =
            text.get(..2).filter(|start| start.eq_ignore_ascii_case("AS")).and_then(|_| text.get(2..))?;
        number
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| canonical::of_kind(ValueKind::AutonomousSystem, number))?
    };
    let key = || {
        let key = canonical::registry_key(text);
        key.starts_with("hkey_").then_some((ValueKind::RegistryKey, key))
    };
    canonical::address(text)
        .or_else(|| canonical::socket(text))
        .or_else(hash)
        .or_else(cve)
        .or_else(mac)
        .or_else(system)
        .or_else(key)
}

/// Kinds that are told by what they consist of.
fn by_parts(text: &str) -> Option<(ValueKind, String)> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let named = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        return (named && !scheme.is_empty() && !rest.is_empty())
            .then(|| (ValueKind::Url, canonical::url(text)));
    }
    if text.contains('@') {
        return canonical::of_kind(ValueKind::Email, text);
    }
    if let Some((host, rest)) = text.split_once(['/', '?']) {
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        // `198.51.100.0/99` is a network with a slip of the pen, not a page on a server.
        let mistyped = rest.len() <= 3 && rest.bytes().all(|b| b.is_ascii_digit());
        let known = is_domain(host) || (canonical::address(host).is_some() && !mistyped);
        return known.then(|| (ValueKind::Url, canonical::url(&format!("http://{text}"))));
    }
    let ending = text.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    if ending.is_some_and(|ending| FILE_ENDINGS.contains(&ending.as_str())) {
        return canonical::of_kind(ValueKind::FileName, text.rsplit(['\\', '/']).next()?);
    }
    let host = match text.split_once(':') {
        Some((host, port)) => port.parse::<u16>().ok().map(|_| host)?,
        None => text,
    };
    is_domain(host).then(|| canonical::of_kind(ValueKind::Domain, host))?
}

/// Two labels or more, and a last one that can be a top-level domain.
fn is_domain(text: &str) -> bool {
    canonical::domain(text).and_then(|name| name.rsplit_once('.').map(|(_, top)| top.to_owned())).is_some_and(
        |top| {
            top.len() >= 2
                && (top.bytes().all(|b| b.is_ascii_alphabetic()) || top.starts_with("xn--"))
                && text
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '。' | '・' | 'ー'))
        },
    )
}
