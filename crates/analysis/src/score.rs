//! What an object is worth to one reader now, 0–100, and how that came about: every step with its factor and in words.

use stix::observable::ValueKind;

use crate::Words;
use crate::decay::Decay;
use crate::grading::{Credibility, Reliability};

/// What a score is made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// `confidence` of the object, 0–100.
    pub confidence: Option<u8>,
    /// A credibility that a tag of the object states; it counts where there is no `confidence`.
    pub stated: Option<Credibility>,
    /// How the reader's organisation grades the source.
    pub reliability: Option<Reliability>,
    /// The kind of value it stands on, of an indicator or observable.
    pub kind: Option<ValueKind>,
    /// Days since it was last confirmed: the latest of its beginning, its version and a sighting.
    pub age_days: f64,
    /// Whether the age counts from a sighting.
    pub is_sighted: bool,
    /// How many other organisations brought in the same value.
    pub others: u32,
    /// Whether it is revoked, or its validity is over.
    pub is_over: bool,
}

/// A score and its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// 0–100.
    pub value: u8,
    /// What it is made of, in order; the first is where it begins, each further one a factor.
    pub steps: Vec<Step>,
}

/// One step of a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// A stable name: `confidence`, `source`, `others`, `decay`, `over`.
    pub name: &'static str,
    /// The beginning (0–100), or what the score is multiplied by.
    pub factor: f64,
    /// Why.
    pub why: Words,
}

/// What a score begins with where the producer says nothing: STIX 2.1 appendix A, "possibly true".
const UNSTATED: u8 = 50;
/// What each other organisation takes off the doubt that is left, and how many count.
const CORROBORATION: f64 = 0.25;
const OTHERS_MAX: u32 = 8;

/// Works a score out.
#[must_use]
pub fn score(facts: &Facts) -> Score {
    let mut steps = vec![beginning(facts)];
    steps.push(source(facts.reliability));
    let before: f64 = product(&steps);
    if facts.others > 0 {
        steps.push(corroboration(before, facts.others));
    }
    if let Some(kind) = facts.kind {
        steps.push(age(facts, kind));
    }
    if facts.is_over {
        steps.push(Step {
            name: "over",
            factor: 0.0,
            why: Words::new(
                "取り消されたか、有効期間が終わっています",
                "it is revoked, or its validity is over",
            ),
        });
    }
    Score { value: rounded(product(&steps)), steps }
}

fn beginning(facts: &Facts) -> Step {
    let (value, why) = match (facts.confidence, facts.stated.and_then(Credibility::confidence)) {
        (Some(confidence), _) => {
            let grade = Credibility::of_confidence(Some(confidence));
            let words = grade.words();
            let why = Words::new(
                format!("提供者の確信度 {confidence}（情報の確度 {}: {}）", grade.number(), words.ja),
                format!(
                    "the producer's confidence {confidence} (credibility {}: {})",
                    grade.number(),
                    words.en
                ),
            );
            (confidence, why)
        }
        (None, Some(confidence)) => {
            let why = Words::new(
                format!("提供者の付けた情報の確度から {confidence}"),
                format!("{confidence} from the credibility that the producer tagged it with"),
            );
            (confidence, why)
        }
        (None, None) => (
            UNSTATED,
            Words::new(
                format!("提供者は確信度を示していないため {UNSTATED} から始めます"),
                format!("the producer states no confidence, so it begins at {UNSTATED}"),
            ),
        ),
    };
    Step { name: "confidence", factor: f64::from(value), why }
}

fn source(reliability: Option<Reliability>) -> Step {
    let grade = reliability.unwrap_or(Reliability::F);
    let words = grade.words();
    let why = if reliability.is_some() {
        Words::new(
            format!("貴組織はこの情報源を {}（{}）と評価: ×{}", grade.letter(), words.ja, grade.weight()),
            format!(
                "your organisation grades the source {} ({}): ×{}",
                grade.letter(),
                words.en,
                grade.weight()
            ),
        )
    } else {
        Words::new(
            format!("貴組織はこの情報源をまだ評価していません（F と同じ扱い）: ×{}", grade.weight()),
            format!("your organisation has not graded the source yet (counts as F): ×{}", grade.weight()),
        )
    };
    Step { name: "source", factor: grade.weight(), why }
}

fn corroboration(before: f64, others: u32) -> Step {
    let doubt = (100.0 - before).max(0.0);
    let counted = others.min(OTHERS_MAX);
    let left = doubt * (1.0 - CORROBORATION).powi(i32::try_from(counted).unwrap_or(0));
    let factor = if before > 0.0 { (100.0 - left) / before } else { 1.0 };
    Step {
        name: "others",
        factor,
        why: Words::new(
            format!("ほかの {others} 組織が同じ値を共有: ×{factor:.2}"),
            format!("{others} other organisations share the same value: ×{factor:.2}"),
        ),
    }
}

fn age(facts: &Facts, kind: ValueKind) -> Step {
    let decay = Decay::of(kind);
    let factor = decay.left_after(facts.age_days);
    let (since_ja, since_en) = if facts.is_sighted {
        ("最後の目撃から", "since the last sighting")
    } else {
        ("最後の更新から", "since it was last confirmed")
    };
    Step {
        name: "decay",
        factor,
        why: Words::new(
            format!(
                "{since_ja} {:.0} 日（{} の半減期 {:.0} 日、寿命 {:.0} 日）: ×{factor:.2}",
                facts.age_days,
                kind.name(),
                decay.half_life_days(),
                decay.lifetime_days
            ),
            format!(
                "{:.0} days {since_en} (a {} halves in {:.0} days and ends after {:.0}): ×{factor:.2}",
                facts.age_days,
                kind.name(),
                decay.half_life_days(),
                decay.lifetime_days
            ),
        ),
    }
}

fn product(steps: &[Step]) -> f64 {
    steps.iter().map(|step| step.factor).product()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is held within 0 and 100 first"
)]
fn rounded(value: f64) -> u8 {
    value.clamp(0.0, 100.0).round() as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;

    fn facts() -> Facts {
        Facts {
            confidence: Some(80),
            stated: None,
            reliability: Some(Reliability::A),
            kind: ValueKind::from_name("ipv4-addr"),
            age_days: 0.0,
            is_sighted: false,
            others: 0,
            is_over: false,
        }
    }

    fn check(change: impl FnOnce(&mut Facts), expected: u8) {
        let mut facts = facts();
        change(&mut facts);
        let found = score(&facts);
        assert_eq!(found.value, expected, "{found:?}");
    }

    #[test]
    fn each_step_counts() {
        check(|_| {}, 80);
        check(|facts| facts.age_days = 24.37, 40);
        check(|facts| facts.age_days = 120.0, 0);
        check(|facts| facts.reliability = None, 60);
        check(|facts| facts.others = 1, 85);
        check(|facts| facts.is_over = true, 0);
        check(|facts| facts.confidence = None, 50);
        check(|facts| (facts.confidence, facts.stated) = (None, Some(Credibility::Doubtful)), 30);
    }

    proptest! {
        #[test]
        fn the_value_is_what_the_steps_say(confidence in prop::option::of(0_u8..=100), grade in 0_usize..6, age in 0.0_f64..2000.0, others in 0_u32..20, is_over in any::<bool>()) {
            let found = score(&Facts { confidence, reliability: Some(Reliability::ALL[grade]), age_days: age, others, is_over, ..facts() });
            let product: f64 = found.steps.iter().map(|step| step.factor).product();
            assert!((f64::from(found.value) - product).abs() <= 0.5 + 1e-9);
            assert!(found.value <= 100);
            assert!(found.steps.iter().all(|step| !step.why.ja.is_empty() && !step.why.en.is_empty()));
        }
    }
}
