//! A form as plain text, and how times and numbers are written for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::{Form, Lang, Provenance, Verified};

/// The first year of Reiwa, 2019, which began on May 1.
const REIWA: (i16, i8) = (2019, 5);

impl Form {
    /// The form as text, to be printed, read out or pasted into a mail. An exercise says so in its first line.
    #[must_use]
    pub fn to_text(&self, lang: Lang) -> String {
        let mut out = String::new();
        let mut say = |line: &str| {
            out.push_str(line);
            out.push('\n');
        };
        let ja = lang == Lang::Ja;
        if self.realm != "live" {
            say(if ja { "【訓練】 これは訓練です" } else { "[EXERCISE] this is an exercise" });
        }
        say(&format!("{} — {}", self.regime_name.in_lang(lang), self.name.in_lang(lang)));
        let to = if ja { "提出先" } else { "to" };
        say(&format!("{to}: {}", self.recipient_name.in_lang(lang)));
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(&self.zone).unwrap_or(TimeZone::UTC);
        let as_of = instant_text(self.as_of, &zone, lang);
        let report = &self.report;
        say(&if ja {
            format!("報告番号: {report} 第{}版 {as_of} 現在", self.version)
        } else {
            format!("report: {report} version {} as of {as_of}", self.version)
        });
        if self.verified != Verified::Law {
            say(if ja {
                "※ この様式は法令で確認されていません"
            } else {
                "Note: that the form asks this was not confirmed in the law"
            });
        }
        say("");
        for (at, line) in self.lines.iter().enumerate() {
            say(&self.line_text(at + 1, line, lang));
        }
        self.closing(lang, &mut say);
        out
    }

    fn line_text(&self, number: usize, line: &crate::Line, lang: Lang) -> String {
        let ja = lang == Lang::Ja;
        let mut notes = Vec::new();
        if let Some(mark) = line.mark {
            notes.push(mark.label().in_lang(lang).to_owned());
        }
        match line.provenance {
            Some(Provenance::Profile) => {
                notes.push((if ja { "平時の登録" } else { "declared in peacetime" }).to_owned());
            }
            Some(Provenance::Sightings { .. }) => {
                notes.push((if ja { "自組織の目撃" } else { "own sightings" }).to_owned());
            }
            Some(Provenance::Person) | None => {}
        }
        let notes = match (notes.is_empty(), ja) {
            (true, _) => String::new(),
            (false, true) => format!("〔{}〕", notes.join("・")),
            (false, false) => format!(" [{}]", notes.join(", ")),
        };
        // Lines of a value are set in, so that none of them can pass for a line of the form.
        let value = line.shown.in_lang(lang).replace('\n', "\n     ");
        format!("{number}. {}: {value}{notes}", line.label.in_lang(lang))
    }

    fn closing(&self, lang: Lang, say: &mut impl FnMut(&str)) {
        let ja = lang == Lang::Ja;
        let missing: Vec<&str> = self.missing().map(|line| line.label.in_lang(lang)).collect();
        let joined = |list: &[&str]| list.join(if ja { "、" } else { ", " });
        if !missing.is_empty() {
            say("");
            say(&format!(
                "{}: {}",
                if ja { "必須で未記入・調査中" } else { "required and not filled" },
                joined(&missing)
            ));
        }
        let left: Vec<&str> = self.left_out.iter().map(|left| left.label.in_lang(lang)).collect();
        if !left.is_empty() {
            say("");
            say(&format!(
                "{}: {}",
                if ja {
                    "同意がないため記載しない項目"
                } else {
                    "left out for want of consent"
                },
                joined(&left)
            ));
        }
    }
}

/// An instant for people: with the era in Japanese (`令和8年11月29日 17時15分 (JST)`), and as `2026-11-29 17:15 JST` in English.
pub(crate) fn instant_text(at: Timestamp, zone: &TimeZone, lang: Lang) -> String {
    let zoned = at.to_zoned(zone.clone());
    let (year, month, day, hour, minute) =
        (zoned.year(), zoned.month(), zoned.day(), zoned.hour(), zoned.minute());
    let name = zoned.strftime("%Z").to_string();
    match lang {
        Lang::En => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} {name}"),
        Lang::Ja if (year, month) >= REIWA => {
            let of_era = year - REIWA.0 + 1;
            let of_era = if of_era == 1 { "元".to_owned() } else { of_era.to_string() };
            format!("令和{of_era}年{month}月{day}日 {hour}時{minute:02}分 ({name})")
        }
        Lang::Ja => format!("{year}年{month}月{day}日 {hour}時{minute:02}分 ({name})"),
    }
}

/// A number with its digits in groups of three, and its unit.
pub(crate) fn number_text(number: i64, unit: Option<&str>, lang: Lang) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if number < 0 { "-" } else { "" };
    match (unit, lang) {
        (None, _) => format!("{sign}{grouped}"),
        (Some(unit), Lang::Ja) => format!("{sign}{grouped}{unit}"),
        (Some(unit), Lang::En) => format!("{sign}{grouped} {unit}"),
    }
}
