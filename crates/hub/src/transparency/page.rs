//! The page: plain HTML with one style and no script, so that it can be read, printed and kept by anything.

use std::fmt::Write as _;
use std::sync::LazyLock;

use api::{PublicLog, PublishedStatistics, Transparency};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use oversight::authorisation::{Category, CategoryCounts, Statistics, Told};
use sha2::{Digest, Sha256};
use url::Url;

use super::words::Language;

const STYLE: &str = "\
:root{color-scheme:light dark;background:Canvas;color:CanvasText}\
body{font:16px/1.6 system-ui,'Hiragino Sans','Yu Gothic','Noto Sans JP',sans-serif;max-width:64rem;margin:0 auto;padding:1.5rem}\
:lang(ja){line-height:1.8;word-break:auto-phrase}\
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.5rem;border-top:1px solid GrayText;padding-top:1rem}h3{font-size:1rem}\
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;margin:1rem 0}\
th,td{padding:.3rem .6rem;text-align:end;border-bottom:1px solid GrayText;vertical-align:bottom}\
th:first-child,td:first-child{text-align:start}th[scope=row]{min-width:11em}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{margin:0;overflow-wrap:anywhere}\
pre{overflow-x:auto;padding:.8rem;border:1px solid GrayText;font-size:.8125rem;line-height:1.5}\
code{overflow-wrap:anywhere}.wide{overflow-x:auto}.note{font-size:.875rem}.old{opacity:.7}";

/// What the page may load: its own style, and nothing else.
pub(super) fn security_policy() -> String {
    static HASH: LazyLock<String> = LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE)));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        *HASH
    )
}

/// The page in one language.
pub(super) fn render(told: &Transparency, address: &Url, language: Language) -> String {
    let page = Page { told, address, language };
    let mut html = String::with_capacity(32 * 1024);
    page.head(&mut html);
    page.overseers(&mut html);
    page.counted(&mut html);
    page.figures(&mut html);
    page.verifying(&mut html);
    page.logs(&mut html);
    page.downloads(&mut html);
    html.push_str("</main></html>\n");
    html
}

struct Page<'t> {
    told: &'t Transparency,
    address: &'t Url,
    language: Language,
}

/// Appends to a page. Writing to a text does not fail.
macro_rules! put {
    ($html:expr, $($part:tt)*) => { let _ = write!($html, $($part)*); };
}

impl Page<'_> {
    fn say<'w>(&self, english: &'w str, japanese: &'w str) -> &'w str {
        self.language.pick(english, japanese)
    }

    fn head(&self, html: &mut String) {
        let name = escape(self.say(&self.told.name_en, &self.told.name_ja));
        let title = self.say("Transparency of monitoring", "監視の透明性");
        let (tag, other) = (self.language.tag(), self.language.other());
        put!(
            html,
            "<!doctype html><html lang=\"{tag}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title} – {name}</title><style>{STYLE}</style><main><p class=\"note\">{name} · \
             <a href=\"?lang={0}\" lang=\"{0}\" hreflang=\"{0}\">{1}</a></p><h1>{title}</h1><p>{2}</p>",
            other.tag(),
            other.pick("English", "日本語"),
            self.say(
                "This page says who oversees the monitoring that is done through this node on behalf of the state, how often it was asked \
                 for, allowed and used, and how anybody can check that. It tells nothing of single authorisations.",
                "このノードを通じて国の事務として行われる監視について、誰が監督しているか、申請・承認・使用が何件あったか、そしてそれを誰でも確かめる\
                 方法を示します。個々の承認の内容は含みません。",
            )
        );
    }

    fn overseers(&self, html: &mut String) {
        put!(html, "<h2>{}</h2>", self.say("Who oversees", "監督する者"));
        match &self.told.commission {
            None => {
                let text = self.say(
                    "No commission stands at this node. Without one nothing can be authorised.",
                    "このノードには委員会が置かれていません。委員会がなければ、何も承認できません。",
                );
                put!(html, "<p>{text}</p>");
            }
            Some(commission) => {
                let organisation = self.say(&commission.organisation_en, &commission.organisation_ja);
                let decide = match self.language {
                    Language::English => format!(
                        "{} members, of whom {} together grant an authorisation, each with a key of their own; one alone can stop it",
                        commission.members, commission.threshold
                    ),
                    Language::Japanese => format!(
                        "委員 {} 名。承認には {} 名がそれぞれの鍵で署名する必要があり、停止は 1 名でできます",
                        commission.members, commission.threshold
                    ),
                };
                put!(html, "<dl>");
                self.row(html, self.say("Commission", "委員会"), &escape(&commission.name));
                self.row(html, self.say("Organisation", "組織"), &escape(organisation));
                self.row(html, self.say("Decisions", "決定"), &decide);
                self.row(html, self.say("Since", "設置"), &self.day(&commission.since));
                let digest = format!("<code>{}</code>", escape(&commission.digest));
                self.row(html, self.say("Hash of its constitution", "構成のハッシュ値"), &digest);
                put!(html, "</dl>");
            }
        }
        self.frame(html);
        if let Some(contact) = &self.told.contact {
            let contact = escape(contact);
            put!(
                html,
                "<p>{}: <a href=\"{contact}\">{contact}</a></p>",
                self.say("Questions", "お問い合わせ")
            );
        }
    }

    fn frame(&self, html: &mut String) {
        let Some(frame) = &self.told.frame else { return };
        put!(html, "<h3>{}</h3><dl>", self.say("What can be authorised", "承認できる措置"));
        self.row(html, self.say("Source", "根拠"), &escape(&frame.source));
        self.row(html, self.say("In force since", "発効"), &self.day(&frame.since));
        let digest = format!("<code>{}</code>", escape(&frame.digest));
        self.row(html, self.say("Hash of the frame", "枠組みのハッシュ値"), &digest);
        put!(
            html,
            "</dl><div class=\"wide\" tabindex=\"0\"><table><tr><th scope=\"col\">{}<th scope=\"col\">{}<th scope=\"col\">{}",
            self.say("Measure", "措置"),
            self.say("Article", "条文"),
            self.say("Longest, in hours", "最長（時間）")
        );
        for measure in &frame.measures {
            let name =
                Category::parse(&measure.category).map_or("", |category| self.language.category(category));
            put!(
                html,
                "<tr><th scope=\"row\">{name}<td>{}<td>{}",
                escape(&measure.article),
                measure.hours_max
            );
        }
        put!(html, "</table></div>");
    }

    fn counted(&self, html: &mut String) {
        let heading = self.say("What is counted, and what is withheld", "数えるものと、公表しないもの");
        put!(html, "<h2>{heading}</h2>");
        for (english, japanese) in [
            (
                "Counted is every request, decision and use that stands in the log of authorisations, by the ground of the measure. A program \
                 counts, which is published with this software: it reads the whole log and every record behind it, and stops where one \
                 is missing or was changed, so nothing can be left out.",
                "承認のログに残るすべての申請、決定及び使用を、措置の区分ごとに数えます。集計はこのソフトウェアとともに公開されているプログラムが行います。\
                 プログラムはログ全体とその元の記録をすべて読み、一つでも欠けるか書き換えられていれば集計しません。",
            ),
            (
                "A count that is small enough to point to a single case is withheld and shown as a range, such as 1–4; so is a total from which one \
                 withheld count could be worked out. None is always told as 0.",
                "個別の事案を推測できるほど小さい数は、1–4 のような範囲で示します。合計から逆算できる場合は、合計も同じ扱いとします。\
                 なかったものは、必ず 0 と示します。",
            ),
            (
                "Not counted, because the state never learns it: what did not match, and what operators look for in their own networks for their \
                 own defence.",
                "一致しなかった通信や、事業者が自らの防御のために自らの網で行う探索は、国に伝わらないため、数に含まれません。",
            ),
        ] {
            put!(html, "<p>{}</p>", self.say(english, japanese));
        }
    }

    fn figures(&self, html: &mut String) {
        put!(html, "<h2>{}</h2>", self.say("The figures", "統計"));
        if self.told.statistics.is_empty() {
            let text = self.say("Nothing has been published yet.", "公表された統計はまだありません。");
            put!(html, "<p>{text}</p>");
        }
        for published in &self.told.statistics {
            self.statement(html, published);
        }
    }

    fn statement(&self, html: &mut String, published: &PublishedStatistics) {
        // The hub read it before it was published; what it cannot read any more it does not show.
        let Ok(told) = serde_json::from_value::<Statistics>(published.statistics.clone()) else { return };
        let leaf = published.leaf;
        let class = if published.corrected_by.is_some() { " class=\"old\"" } else { "" };
        put!(html, "<section id=\"s{leaf}\"{class}><h3>{}</h3>", self.period(told.from, told.until));
        if let Some(by) = published.corrected_by {
            let text = self.say("These figures were corrected", "この数は訂正されました");
            put!(html, "<p><strong>{text}</strong> → <a href=\"#s{by}\">#{by}</a></p>");
        }
        if let Some(corrected) = published.corrects {
            let text = self.say("This is a correction of", "訂正の対象");
            put!(html, "<p>{text}: <a href=\"#s{corrected}\">#{corrected}</a></p>");
        }
        put!(html, "<div class=\"wide\" tabindex=\"0\"><table><tr><td>");
        for category in Category::ALL {
            put!(html, "<th scope=\"col\">{}", self.language.category(*category));
        }
        put!(html, "<th scope=\"col\">{}", self.say("All", "計"));
        let columns = Category::ALL.iter().filter_map(|category| told.categories.get(category));
        let columns: Vec<_> = columns.chain([&told.all]).map(CategoryCounts::numbers).collect();
        for (row, (name, _)) in told.all.numbers().iter().enumerate() {
            put!(html, "<tr><th scope=\"row\">{}", self.language.number(name));
            for (_, number) in columns.iter().filter_map(|column| column.get(row)) {
                put!(html, "<td>{}", number_text(*number, told.suppressed_below));
            }
        }
        put!(
            html,
            "</table></div><p class=\"note\">#{leaf} · {} · {} <code>{}</code> · {} <code>{}</code> · \
             <a href=\"api/v1/transparency/statistics/{leaf}\">{}</a></p></section>",
            self.day(&published.at),
            self.say("signed by", "署名"),
            escape(&published.key),
            match self.language {
                Language::English => format!("counted from the first {} entries, root", told.size),
                Language::Japanese => format!("ログの先頭 {} 件から集計、根", told.size),
            },
            escape(&told.root),
            self.say("signed note", "署名付き原本"),
        );
    }

    fn verifying(&self, html: &mut String) {
        put!(html, "<h2>{}</h2>", self.say("Check it yourself", "自分で確かめる"));
        let keys = self.say(
            "The keys below come from this node. Compare them with those that the commission and the witnesses publish themselves: with false \
             keys everything can be made to look right.",
            "下の鍵はこのノードが示すものです。委員会と証人がそれぞれ自ら公表している鍵と比べてください。偽の鍵を使えば、何でも正しく見せられます。",
        );
        put!(html, "<p>{keys}</p>");
        let Some(log) = self.log("statistics") else { return };
        let policy = self.policy(log);
        let note = self
            .say("Which log is meant, and who has to vouch for it", "どのログについて、誰の副署を求めるか");
        put!(
            html,
            "<p>{note} (<code>statistics.policy</code>):</p><pre tabindex=\"0\">{}</pre>",
            escape(&policy)
        );
        let leaf = self.told.statistics.first().map_or(0, |newest| newest.leaf);
        let address = escape(log.address.trim_end_matches('/'));
        let api = escape(self.address.as_str().trim_end_matches('/'));
        let signed: String =
            self.told.statistics_keys.iter().map(|key| format!(" --signed-by '{}'", escape(key))).collect();
        let whole = self.say(
            "That the log is whole, was cosigned, and holds nothing but statements of the commission's key",
            "ログが完全で、副署があり、委員会の鍵で署名された統計だけを含むこと",
        );
        put!(
            html,
            "<p>{whole}:</p><pre tabindex=\"0\">yagura log verify --from {address} --policy statistics.policy{signed}</pre>"
        );
        let one =
            self.say("That a statement that you downloaded stands in it", "手元の統計がログに含まれること");
        put!(
            html,
            "<p>{one}:</p><pre tabindex=\"0\">curl -o statistics-{leaf}.txt {api}/api/v1/transparency/statistics/{leaf}\n\
             yagura log prove --from {address} --policy statistics.policy --entry {leaf} --out proof\n\
             cmp statistics-{leaf}.txt proof.entry</pre>"
        );
        let again = self.say(
            "Counting again needs the records behind the log, which name operators; the commission has them, and gives them to whom it asks to \
             count. They get the same bytes, or the figures are wrong",
            "数え直すには、ログの元になった記録が必要です。記録には事業者名が含まれるため、委員会が保管し、検算を求める者に渡します。結果は 1 バイトも違わないはずで、\
             違えば統計が誤っています",
        );
        let from = self
            .log("authorisations")
            .map(|log| escape(log.address.trim_end_matches('/')))
            .unwrap_or_default();
        put!(
            html,
            "<p>{again}:</p><pre tabindex=\"0\">yagura log statistics --from {from} --policy authorisations.policy --records records.json \\\n    \
             --since … --until … --compare statistics-{leaf}.txt{signed}</pre>"
        );
    }

    fn log(&self, name: &str) -> Option<&PublicLog> {
        self.told.logs.iter().find(|log| log.log == name)
    }

    /// A policy (C2SP tlog-policy) by which the newest checkpoint is accepted.
    fn policy(&self, log: &PublicLog) -> String {
        let mut policy = format!("log {}\n", log.key);
        let known = self.told.witnesses.iter().filter(|witness| log.cosigned_by.contains(&witness.name));
        let known: Vec<_> = known.collect();
        for witness in &known {
            put!(policy, "witness {} {}\n", witness.name, witness.key);
        }
        match known.as_slice() {
            [] => policy.push_str("quorum none\n"),
            [one] => {
                put!(policy, "quorum {}\n", one.name);
            }
            several => {
                let names: Vec<&str> = several.iter().map(|witness| witness.name.as_str()).collect();
                put!(policy, "group those-who-cosigned all {}\nquorum those-who-cosigned\n", names.join(" "));
            }
        }
        policy
    }

    fn logs(&self, html: &mut String) {
        put!(html, "<h2>{}</h2>", self.say("The logs and their witnesses", "ログと証人"));
        let text = self.say(
            "Each log only ever grows. A witness signs a checkpoint after it has checked that the log continues what it signed before, so this \
             node cannot show one history to you and another one to others.",
            "ログは追記しかできません。証人は、以前に署名した内容の続きであることを確かめてからチェックポイントに署名します。そのため、このノードが相手によって\
             違う履歴を見せることはできません。",
        );
        put!(html, "<p>{text}</p>");
        for log in &self.told.logs {
            let by: Vec<String> = log.cosigned_by.iter().map(|name| escape(name)).collect();
            let by = match (by.as_slice(), &log.cosigned_at) {
                ([], _) => self.say("nobody", "なし").to_owned(),
                (_, None) => by.join(", "),
                (_, Some(at)) => format!("{} ({})", by.join(", "), escape(at)),
            };
            put!(html, "<h3>{}</h3><dl>", self.language.log(&log.log));
            let address = escape(&log.address);
            self.row(html, self.say("Address", "アドレス"), &format!("<code>{address}</code>"));
            self.row(html, self.say("Key", "鍵"), &format!("<code>{}</code>", escape(&log.key)));
            self.row(html, self.say("Entries", "件数"), &log.size.to_string());
            self.row(html, self.say("Root", "根"), &format!("<code>{}</code>", escape(&log.root)));
            self.row(html, self.say("Cosigned by", "副署"), &by);
            put!(html, "</dl><pre tabindex=\"0\">{}</pre>", escape(&log.checkpoint));
        }
    }

    fn downloads(&self, html: &mut String) {
        put!(html, "<h2>{}</h2><ul>", self.say("Downloads", "ダウンロード"));
        let all = self.say("Everything on this page, as JSON", "このページの内容すべて（JSON）");
        put!(html, "<li><a href=\"api/v1/transparency\">{all}</a>");
        for published in &self.told.statistics {
            let leaf = published.leaf;
            let text = self.say("Signed statement", "署名付き統計");
            put!(html, "<li><a href=\"api/v1/transparency/statistics/{leaf}\">{text} #{leaf}</a>");
        }
        put!(html, "</ul>");
    }

    fn row(&self, html: &mut String, name: &str, value: &str) {
        put!(html, "<dt>{name}<dd>{value}");
    }

    /// A period by its days in Japan, where it is of days.
    fn period(&self, from: Timestamp, until: Timestamp) -> String {
        let ends_before = until.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(until);
        let text = |at: Timestamp, format: &str| {
            at.to_zoned(TimeZone::fixed(offset(9))).strftime(format).to_string()
        };
        let is_of_days = [from, until].into_iter().all(|at| text(at, "%H:%M") == "00:00");
        match (self.language, is_of_days) {
            (Language::Japanese, true) => {
                let format = "%Y年%-m月%-d日";
                format!("{}から{}まで", text(from, format), text(ends_before, format))
            }
            (Language::English, true) => {
                let format = "%-d %B %Y";
                format!("{} to {} (Japan time)", text(from, format), text(ends_before, format))
            }
            (_, false) => format!("{from} – {until}"),
        }
    }

    /// The day of a time, in Japan.
    fn day(&self, at: &str) -> String {
        let Ok(at) = at.parse::<Timestamp>() else { return escape(at) };
        let format = self.say("%-d %B %Y", "%Y年%-m月%-d日");
        at.to_zoned(TimeZone::fixed(offset(9))).strftime(format).to_string()
    }
}

/// A count, or between what it lies.
fn number_text(told: Told, suppressed_below: u64) -> String {
    match told {
        Told::Number(number) => number.to_string(),
        Told::Few => format!("1–{}", suppressed_below.saturating_sub(1)),
    }
}

/// A text as HTML shows it, in an element and in an attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Transparency {
        Transparency {
            name_ja: "やぐら".to_owned(),
            name_en: "<script>alert('x')</script>".to_owned(),
            contact: Some("https://a.example/?a=1&b=\"2\"".to_owned()),
            commission: None,
            frame: None,
            statistics_keys: Vec::new(),
            statistics: Vec::new(),
            logs: Vec::new(),
            witnesses: Vec::new(),
        }
    }

    #[test]
    fn what_others_wrote_stays_text() {
        let address = Url::parse("https://hub.example.jp/").unwrap();
        let page = render(&nothing(), &address, Language::English);
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)") && !page.contains("<script"));
        assert!(page.contains("href=\"https://a.example/?a=1&amp;b=&quot;2&quot;\""));
        assert!(page.contains("<html lang=\"en\">") && page.contains("hreflang=\"ja\""));
        assert!(render(&nothing(), &address, Language::Japanese).contains("委員会が置かれていません"));
    }

    #[test]
    fn a_year_is_told_by_its_days_in_japan() {
        let (told, address) = (nothing(), Url::parse("https://hub.example.jp/").unwrap());
        let check = |language, from: &str, until: &str, expected: &str| {
            let page = Page { told: &told, address: &address, language };
            assert_eq!(page.period(from.parse().unwrap(), until.parse().unwrap()), expected);
        };
        let (from, until) = ("2025-03-31T15:00:00Z", "2026-03-31T15:00:00Z");
        check(Language::Japanese, from, until, "2025年4月1日から2026年3月31日まで");
        check(Language::English, from, until, "1 April 2025 to 31 March 2026 (Japan time)");
        let from = "2025-01-01T00:00:00Z";
        check(Language::English, from, until, "2025-01-01T00:00:00Z – 2026-03-31T15:00:00Z");
    }
}
