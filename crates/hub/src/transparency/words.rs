//! The words of the page.

use http::{HeaderMap, header};
use oversight::authorisation::Category;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Japanese,
    English,
}

impl Language {
    /// The one that was chosen, else the one that the browser likes best; Japanese where it says nothing of either.
    pub(super) fn of(chosen: Option<&str>, asked: &HeaderMap) -> Self {
        match chosen {
            Some("ja") => return Self::Japanese,
            Some("en") => return Self::English,
            _ => {}
        }
        let listed = asked.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        let listed: Vec<&str> = listed.flat_map(|value| value.split(',')).collect();
        let liking = |tag: &str| {
            let likings = listed.iter().filter_map(|part| {
                let mut parts = part.trim().split(';');
                let language = parts.next()?.split('-').next()?.trim();
                let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok());
                language.eq_ignore_ascii_case(tag).then_some(quality.unwrap_or(1.0_f32))
            });
            likings.fold(0.0_f32, f32::max)
        };
        if liking("en") > liking("ja") { Self::English } else { Self::Japanese }
    }

    /// As in `lang` (BCP 47).
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Japanese => "ja",
            Self::English => "en",
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Japanese => Self::English,
            Self::English => Self::Japanese,
        }
    }

    /// The text of this language.
    pub(super) fn pick<'t>(self, english: &'t str, japanese: &'t str) -> &'t str {
        match self {
            Self::Japanese => japanese,
            Self::English => english,
        }
    }

    /// A ground of measures.
    pub(super) fn category(self, category: Category) -> &'static str {
        match category {
            Category::PartyAgreement => self.pick("Party agreement", "当事者協定"),
            Category::ForeignForeign => self.pick("Foreign to foreign", "外外通信"),
            Category::ForeignDomestic => self.pick("Foreign to domestic", "外内通信"),
            Category::DomesticForeign => self.pick("Domestic to foreign", "内外通信"),
            Category::Neutralisation => self.pick("Access and neutralisation", "アクセス・無害化措置"),
            Category::Consent => self.pick("Consent", "同意"),
        }
    }

    /// What was counted, by its name in the statement.
    pub(super) fn number(self, name: &str) -> &'static str {
        match name {
            "requested" => self.pick("Asked for", "申請"),
            "requested_in_emergency" => self.pick("Asked for in an emergency", "緊急の申請"),
            "granted" => self.pick("Granted", "承認"),
            "granted_in_emergency" => self.pick("Granted in an emergency", "緊急の承認"),
            "refused" => self.pick("Refused", "不承認"),
            "withdrawn" => self.pick("Withdrawn before a decision", "決定前の取下げ"),
            "suspended" => self.pick("Suspended", "停止"),
            "resumed" => self.pick("Resumed", "再開"),
            "revoked" => self.pick("Revoked", "取消し"),
            "used" => self.pick("Uses that operators' edges signed for", "事業者のエッジが署名した使用"),
            "operators" => self.pick("Operators concerned by grants", "承認の対象となった事業者"),
            _ => "",
        }
    }

    /// A transparency log, by its name.
    pub(super) fn log(self, name: &str) -> &'static str {
        match name {
            "acts" => self.pick("Acts on this node", "このノードでの行為"),
            "authorisations" => self.pick("Authorisations", "承認"),
            "statistics" => self.pick("Statistics", "統計"),
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_was_asked_for() {
        let check = |chosen: Option<&str>, accepted: &str, expected| {
            let mut asked = HeaderMap::new();
            asked.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(Language::of(chosen, &asked), expected, "{chosen:?} {accepted}");
        };
        check(None, "", Language::Japanese);
        check(None, "de-DE, fr;q=0.5", Language::Japanese);
        check(None, "en-GB,en;q=0.9,ja;q=0.8", Language::English);
        check(None, "ja, en", Language::Japanese);
        check(None, "en;q=0.5, ja;q=x, JA-jp;q=0.6", Language::Japanese);
        check(Some("en"), "ja", Language::English);
        check(Some("tlh"), "en", Language::English);
    }
}
