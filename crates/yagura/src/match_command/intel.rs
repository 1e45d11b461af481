//! Indicators and warning lists from files.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use matcher::{Covers, Indicator, IndicatorSet, Options, Reach, Unusable, UrlMode, WarningLists};
use sigma::{Refused, RuleText};
use stix::observable::{ValueKind, recognise, refang};
use stix::{Id, Object, Timestamp};
use uuid::Uuid;

use crate::match_command::logs::{readable, unreadable};
use crate::match_command::report::Totals;
use crate::output::{Failure, Output};

/// Which indicators are looked for.
#[derive(Debug, Args)]
pub(crate) struct IntelArgs {
    /// Indicators: STIX bundles, one object a line, or plain values one a line (`hxxp://evil[.]example` is understood).
    #[arg(long, short, required = true, value_name = "FILE", num_args = 1)]
    pub(crate) intel: Vec<PathBuf>,
    /// What an indicator on a domain name covers.
    #[arg(long, value_enum, default_value_t = NameCover::Host)]
    pub(crate) covers: NameCover,
    /// What an indicator on a URL covers.
    #[arg(long, value_enum, default_value_t = UrlCover::Exact)]
    pub(crate) urls: UrlCover,
    /// Leave out indicators whose producers state a lower confidence (0–100).
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) min_confidence: Option<u8>,
    /// Leave out indicators on these values too: a MISP warning list, or values one a line (`.name` covers what is below).
    #[arg(long, value_name = "FILE")]
    pub(crate) warning_list: Vec<PathBuf>,
    /// Use indicators on well-known benign values too (private networks, public resolvers, names everybody visits).
    #[arg(long)]
    pub(crate) no_builtin_warnings: bool,
}

/// What an indicator on a domain name covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NameCover {
    /// The name alone, as STIX says.
    Host,
    /// The name and everything below it, as most feeds mean it.
    Subtree,
}

/// What an indicator on a URL covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UrlCover {
    /// The URL alone, as STIX says.
    Exact,
    /// The URL with any query or none.
    WithoutQuery,
    /// The URL and everything whose path lies below it.
    Prefix,
}

impl IntelArgs {
    /// The set of the indicators, and the totals that say which of them are not used. `unanchored` takes patterns that no
    /// value leads to.
    pub(crate) fn build(
        &self,
        output: &Output,
        any_time: bool,
        unanchored: bool,
    ) -> Result<(IndicatorSet, Totals), Failure> {
        let mut intel = load(&self.intel)?;
        // Only lines of logs are held against rules; what is kept of records from long ago has not their fields.
        let rules = std::mem::take(&mut intel.rules);
        intel.refused.extend(rules.iter().map(|rule| {
            let message = format!("the pattern of `{}` is a Sigma rule", rule.origin().name());
            Unusable { code: "pattern-not-stix", message }
        }));
        let (set, totals, _) = self.compile(intel, any_time, unanchored)?;
        if set.is_empty() {
            return Err(nothing_to_look_for(output, &totals));
        }
        Ok((set, totals))
    }

    /// What an indicator covers.
    pub(crate) fn reach(&self) -> Reach {
        let covers = match self.covers {
            NameCover::Host => Covers::Host,
            NameCover::Subtree => Covers::Subtree,
        };
        let urls = match self.urls {
            UrlCover::Exact => UrlMode::Exact,
            UrlCover::WithoutQuery => UrlMode::WithoutQuery,
            UrlCover::Prefix => UrlMode::Prefix,
        };
        Reach { covers, urls }
    }

    /// The set of the indicators that were read, which may match nothing, with the totals and the warning lists that the
    /// indicators were held against.
    pub(crate) fn compile(
        &self,
        intel: Intel,
        any_time: bool,
        unanchored: bool,
    ) -> Result<(IndicatorSet, Totals, WarningLists), Failure> {
        let options = Options {
            reach: self.reach(),
            confidence_min: self.min_confidence,
            any_time,
            unanchored,
            unanchored_max: None,
            own_assets: None,
            seed: RandomState::new().hash_one(0),
        };
        let lists = warning_lists(&self.warning_list, !self.no_builtin_warnings)?;
        let built = IndicatorSet::build(intel.indicators, &lists, &options, 1);
        let refused: Vec<_> =
            intel.refused.into_iter().chain(built.refused.into_iter().map(|(_, why)| why)).collect();
        let partial: Vec<_> = built.partial.into_iter().map(|(_, why)| why).collect();
        let totals = Totals::new(built.set.len(), refused, partial);
        Ok((built.set, totals, lists))
    }
}

/// Says why there is nothing to look for.
pub(crate) fn nothing_to_look_for(output: &Output, totals: &Totals) -> Failure {
    totals.tell_refused(output);
    Failure::usage(
        "intel-empty",
        "no indicator can be matched; the reasons are above",
        "照合できる指標がありません（理由は上のとおり）",
    )
}

/// What the files of indicators gave.
pub(crate) struct Intel {
    pub(crate) indicators: Vec<Indicator>,
    /// Indicators and lines that cannot be used, with the reason.
    pub(crate) refused: Vec<Unusable>,
    /// Indicators whose patterns are Sigma rules.
    pub(crate) rules: Vec<RuleText>,
}

/// The most bytes of one file of indicators, after decompression: some four million of them.
const INTEL_BYTES_MAX: u64 = 4 << 30;

/// Under this namespace plain values get their identifiers, so that a value has the same one in every run.
const PLAIN_VALUES: Uuid = Uuid::from_u128(0x5a1f_36a2_0c5b_4c55_9a52_7f1b_0f67_2e11);

pub(crate) fn load(paths: &[PathBuf]) -> Result<Intel, Failure> {
    let mut intel = Intel { indicators: Vec::new(), refused: Vec::new(), rules: Vec::new() };
    for path in paths {
        let content = content(path)?;
        let first = content.iter().find(|byte| !byte.is_ascii_whitespace() && byte.is_ascii());
        if matches!(first, Some(b'{' | b'[')) && !looks_like_a_value(&content) {
            load_stix(path, &content, &mut intel)?;
        } else {
            load_values(path, &content, &mut intel)?;
        }
    }
    Ok(intel)
}

/// `[2001:db8::1]:443` begins like a JSON list.
fn looks_like_a_value(content: &[u8]) -> bool {
    let first = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
    first.and_then(|line| std::str::from_utf8(line).ok()).is_some_and(|line| recognise(line).is_some())
}

fn load_stix(path: &Path, content: &Bytes, intel: &mut Intel) -> Result<(), Failure> {
    let shown = path.display();
    let objects = stix::bundle::split(content).map_err(|error| {
        Failure::usage(
            error.code,
            format!("`{shown}`: {error}"),
            format!("`{shown}` は STIX として読めません：{error}"),
        )
    })?;
    for bytes in objects {
        // Whatever else a bundle holds is not looked at, and not parsed twice.
        if !may_be_indicator(&bytes) {
            continue;
        }
        let indicator = match Object::parse(bytes) {
            Ok(object) if object.object_type() != "indicator" => continue,
            Ok(object) if sigma::Indicator::is_sigma(&object) => {
                match RuleText::of_indicator(&object) {
                    Ok(rule) => intel.rules.push(rule),
                    Err(refused) => intel.refused.push(unusable(&refused)),
                }
                continue;
            }
            Ok(object) => Indicator::from_object(&object),
            Err(error) => Err(Unusable { code: error.code, message: error.message }),
        };
        match indicator {
            Ok(indicator) => intel.indicators.push(indicator),
            Err(unusable) => intel.refused.push(unusable),
        }
    }
    Ok(())
}

fn unusable(refused: &Refused) -> Unusable {
    Unusable { code: refused.code, message: refused.to_string() }
}

fn may_be_indicator(object: &[u8]) -> bool {
    // `\` may hide the word in escapes.
    object.windows(9).any(|window| window == b"indicator") || object.contains(&b'\\')
}

fn load_values(path: &Path, content: &[u8], intel: &mut Intel) -> Result<(), Failure> {
    let shown = path.display();
    let text = std::str::from_utf8(content).map_err(|_| {
        Failure::usage(
            "intel-text",
            format!("`{shown}` is neither STIX nor text"),
            format!("`{shown}` は STIX でもテキストでもありません"),
        )
    })?;
    // Some editors put a byte order mark before the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in text.lines().enumerate() {
        let typed = line.split(" #").next().unwrap_or(line).trim();
        if typed.is_empty() || typed.starts_with('#') || typed.starts_with("//") {
            continue;
        }
        let known = match recognise(typed) {
            Some((ValueKind::Url, _)) if !refang(typed).contains("://") => url_without_scheme(typed),
            Some((kind, value)) => plain_indicator(typed, kind, &value),
            None => None,
        };
        match known {
            Some(indicator) => intel.indicators.push(indicator),
            None => {
                let message =
                    format!("{shown}:{}: no address, name, URL, hash or e-mail address", number + 1);
                intel.refused.push(Unusable { code: "value-unknown", message });
            }
        }
    }
    Ok(())
}

/// What the columns of separated values mean.
pub(crate) fn columns(path: &Path) -> Result<Arc<telemetry::Columns>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    telemetry::Columns::parse(&text, path).map(Arc::new).map_err(|cause| {
        let path = path.display();
        Failure::usage(
            "columns-malformed",
            format!("`{path}` does not say what columns mean: {cause}"),
            format!("`{path}` は列の意味を定めるファイルとして読めません：{cause}"),
        )
    })
}

/// An indicator that asks for one value, from the beginning of time.
fn plain_indicator(typed: &str, kind: ValueKind, value: &str) -> Option<Indicator> {
    let path = match kind {
        ValueKind::Md5 => "file:hashes.MD5",
        ValueKind::Sha1 => "file:hashes.'SHA-1'",
        ValueKind::Sha256 => "file:hashes.'SHA-256'",
        ValueKind::Sha512 => "file:hashes.'SHA-512'",
        ValueKind::Ipv4 => "ipv4-addr:value",
        ValueKind::Ipv6 => "ipv6-addr:value",
        ValueKind::Domain => "domain-name:value",
        ValueKind::Url => "url:value",
        ValueKind::Email => "email-addr:value",
        ValueKind::Mac => "mac-addr:value",
        ValueKind::FileName
        | ValueKind::AutonomousSystem
        | ValueKind::Account
        | ValueKind::RegistryKey
        | ValueKind::RegistryValue
        | ValueKind::RegistryData
        | ValueKind::CommandLine
        | ValueKind::CertificateSerial
        | ValueKind::UserAgent
        | ValueKind::Ja3
        | ValueKind::Ja3s
        | ValueKind::Ja4
        | ValueKind::FilePath
        | ValueKind::Mutex
        | ValueKind::Cve => return None,
    };
    always(typed, kind, value, format!("[{path} = {}]", quoted(value)))
}

/// `evil.example/path`, as many lists write it: a URL of either scheme.
fn url_without_scheme(typed: &str) -> Option<Indicator> {
    let text = refang(typed);
    let whole = |scheme: &str| match recognise(&format!("{scheme}://{text}")) {
        Some((ValueKind::Url, url)) => Some(url),
        _ => None,
    };
    let (plain, secure) = (whole("http")?, whole("https")?);
    let pattern = format!("[url:value IN ({}, {})]", quoted(&plain), quoted(&secure));
    always(typed, ValueKind::Url, &text, pattern)
}

/// A string constant of a pattern.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// An indicator without bounds in time, whose identifier follows from its value.
fn always(typed: &str, kind: ValueKind, value: &str, pattern: String) -> Option<Indicator> {
    let begin = Timestamp::parse("1970-01-01T00:00:00.000Z").ok()?;
    Some(Indicator {
        id: Id::new("indicator", Uuid::new_v5(&PLAIN_VALUES, format!("{}\n{value}", kind.name()).as_bytes())),
        version: begin.clone(),
        name: typed.to_owned(),
        pattern,
        confidence: None,
        valid_from: begin,
        valid_until: None,
        revoked: false,
        reach: None,
    })
}

pub(crate) fn warning_lists(paths: &[PathBuf], built_in: bool) -> Result<WarningLists, Failure> {
    let mut lists = if built_in { WarningLists::built_in() } else { WarningLists::none() };
    for path in paths {
        let shown = path.display();
        let content = content(path)?;
        if content.trim_ascii_start().starts_with(b"{") {
            lists.add_misp(&content).map_err(|error| {
                let japanese = format!("`{shown}` は警告リストとして使えません：{error}");
                Failure::usage(error.code, format!("`{shown}`: {error}"), japanese)
            })?;
        } else {
            lists.add_lines(&shown.to_string(), &String::from_utf8_lossy(&content));
        }
    }
    Ok(lists)
}

/// A whole file, decompressed.
fn content(path: &Path) -> Result<Bytes, Failure> {
    let mut content = Vec::new();
    let mut file = readable(path)?.0.take(INTEL_BYTES_MAX + 1);
    file.read_to_end(&mut content).map_err(|error| unreadable(path, &error))?;
    if content.len() as u64 > INTEL_BYTES_MAX {
        let shown = path.display();
        return Err(Failure::usage(
            "intel-too-large",
            format!("`{shown}` is larger than 4 GiB; split it"),
            format!("`{shown}` は 4 GiB を超えています。分割してください"),
        ));
    }
    Ok(content.into())
}
