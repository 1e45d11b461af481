//! The deadlines of all regimes as a table.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::{ClockSpec, Condition, Due, Lang, Length, Owes, Regime, Regimes, Start, Text, Verified};

/// One line of the table: one clock of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The regime.
    pub regime: String,
    /// What the regime is called.
    pub regime_name: Text,
    /// The stage.
    pub stage: String,
    /// What the stage is called.
    pub stage_name: Text,
    /// From when.
    pub from: Text,
    /// Until when, with the target where there is one.
    pub due: Text,
    /// Whether the clock counts only under a condition.
    pub conditional: bool,
    /// Who owes it.
    pub owes: Owes,
    /// How sure the least sure of condition and clock is.
    pub verified: Verified,
    /// Where the clock was read.
    pub source: String,
    /// When it was last read there.
    pub read_on: Option<Date>,
    /// Whether the regime is switched on and in force now.
    pub in_use: bool,
    /// Why not, or from when: `disabled`, a day, or nothing.
    pub status: Text,
}

/// Every clock of every regime, in the order of the files.
#[must_use]
pub fn rows(regimes: &Regimes, now: Timestamp) -> Vec<Row> {
    regimes
        .iter()
        .flat_map(|regime| regime.stages.iter().map(move |stage| (regime, stage)))
        .flat_map(|(regime, stage)| stage.clocks.iter().map(move |clock| (regime, stage, clock)))
        .map(|(regime, stage, clock)| {
            let basis = regime.bases.get(&clock.basis);
            let (in_use, status) = status(regime, now);
            Row {
                regime: regime.id.clone(),
                regime_name: regime.name.clone(),
                stage: stage.id.clone(),
                stage_name: stage.name.clone(),
                from: from_text(regime, clock),
                due: due_text(clock),
                conditional: clock.when != Condition::Always || stage.when != Condition::Always,
                owes: stage.owes,
                verified: regime.verified(&clock.basis).max(regime.verified(&regime.applies_basis)),
                source: basis.map(|basis| basis.source.clone()).unwrap_or_default(),
                read_on: basis.map(|basis| basis.date),
                in_use,
                status,
            }
        })
        .collect()
}

/// The table as text, its columns aligned for a terminal on which a Japanese letter takes two columns.
#[must_use]
pub fn table(regimes: &Regimes, now: Timestamp, lang: Lang) -> String {
    let ja = lang == Lang::Ja;
    let heads = if ja { HEADS_JA } else { HEADS_EN };
    let mut lines = vec![heads.map(str::to_owned)];
    for row in rows(regimes, now) {
        let mut stage = row.stage_name.in_lang(lang).to_owned();
        if row.conditional {
            stage.push_str(if ja { "(条件付き)" } else { " (if)" });
        }
        if row.owes == Owes::Authority {
            stage.push_str(if ja { "【当局の義務】" } else { " [owed by the authority]" });
        }
        lines.push([
            row.regime.clone(),
            stage,
            row.from.in_lang(lang).to_owned(),
            row.due.in_lang(lang).to_owned(),
            verified_text(row.verified, lang).to_owned(),
            row.status.in_lang(lang).to_owned(),
        ]);
    }
    aligned(&lines)
}

const HEADS_JA: [&str; 6] = ["制度", "段階", "起算", "期限", "確度", "状態"];
const HEADS_EN: [&str; 6] = ["regime", "report", "from", "due", "source", "status"];

/// Pads every cell but the last of its line to the widest of its column, two spaces between columns.
fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.width());
        }
    }
    let mut out = String::new();
    for line in lines {
        let mut text = String::new();
        for (width, cell) in widths.iter().zip(line) {
            text.push_str(cell);
            text.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

fn verified_text(verified: Verified, lang: Lang) -> &'static str {
    match (verified, lang) {
        (Verified::Law, Lang::Ja) => "法令で確認",
        (Verified::Secondary, Lang::Ja) => "二次資料",
        (Verified::Draft, Lang::Ja) => "案",
        (Verified::Unknown, Lang::Ja) => "不明・要法務確認",
        (Verified::Law, Lang::En) => "law",
        (Verified::Secondary, Lang::En) => "secondary",
        (Verified::Draft, Lang::En) => "draft",
        (Verified::Unknown, Lang::En) => "unknown: ask counsel",
    }
}

fn status(regime: &Regime, now: Timestamp) -> (bool, Text) {
    if !regime.enabled {
        return (false, Text::new("無効", "disabled"));
    }
    let starts =
        regime.effective.and_then(|date| Some((date, date.to_zoned(regime.zone.clone()).ok()?.timestamp())));
    match starts {
        Some((date, at)) if now < at => {
            (false, Text { ja: format!("{date} 施行予定"), en: format!("from {date}") })
        }
        _ => (true, Text::new("有効", "in use")),
    }
}

fn from_text(regime: &Regime, clock: &ClockSpec) -> Text {
    match &clock.from {
        Start::Moment(moment) => moment.label(),
        Start::Filed(stage) => {
            let name =
                regime.stage(stage).map_or_else(|| Text::new(stage, stage), |stage| stage.name.clone());
            Text { ja: format!("{}の提出", name.ja), en: format!("{} filed", name.en) }
        }
    }
}

fn due_text(clock: &ClockSpec) -> Text {
    let due = match clock.due {
        Due::Within(length) => length_text(length),
        Due::Promptly => Text::new("速やかに", "promptly"),
        Due::OnChange => Text::new("変更の都度", "on change"),
        Due::OnRequest => Text::new("求めに応じ", "on request"),
        Due::Unknown => Text::new("不明", "unknown"),
    };
    match clock.target {
        None => due,
        Some(target) => {
            let target = length_text(target);
            Text {
                ja: format!("{}(目標 {})", due.ja, target.ja),
                en: format!("{} (aim: {})", due.en, target.en),
            }
        }
    }
}

fn length_text(length: Length) -> Text {
    let (number, ja, en) = match length {
        Length::Hours(hours) => (hours, "時間", "hour"),
        Length::Days { days, .. } => (days, "日", "day"),
        Length::BusinessDays { days, .. } => (days, "営業日", "business day"),
        Length::Months(months) => (months, "か月", "month"),
    };
    let plural = if number == 1 { "" } else { "s" };
    Text { ja: format!("{number}{ja}"), en: format!("{number} {en}{plural}") }
}
