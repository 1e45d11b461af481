//! The admiralty code: how reliable a source is (A–F) and how credible what it says (1–6), and how it maps to STIX and MISP.

use crate::Words;

/// How reliable a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reliability {
    /// Completely reliable.
    A,
    /// Usually reliable.
    B,
    /// Fairly reliable.
    C,
    /// Not usually reliable.
    D,
    /// Unreliable.
    E,
    /// Cannot be judged.
    F,
}

/// How credible one piece of information is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Credibility {
    /// 1: confirmed by other sources.
    Confirmed,
    /// 2: probably true.
    Probable,
    /// 3: possibly true.
    Possible,
    /// 4: doubtful.
    Doubtful,
    /// 5: improbable.
    Improbable,
    /// 6: its truth cannot be judged.
    Unknown,
}

impl Reliability {
    /// Every grade, best first.
    pub const ALL: [Self; 6] = [Self::A, Self::B, Self::C, Self::D, Self::E, Self::F];

    /// The letter, in upper case.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
            Self::E => 'E',
            Self::F => 'F',
        }
    }

    /// The grade of a letter of either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| text.eq_ignore_ascii_case(grade.letter().encode_utf8(&mut [0; 4])))
    }

    /// What a score is multiplied by. What cannot be judged counts as fairly reliable: a new source is neither trusted nor
    /// punished.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::A => 1.0,
            Self::B => 0.9,
            Self::C | Self::F => 0.75,
            Self::D => 0.5,
            Self::E => 0.25,
        }
    }

    /// The grade in words.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::A => Words::new("完全に信頼できる", "completely reliable"),
            Self::B => Words::new("おおむね信頼できる", "usually reliable"),
            Self::C => Words::new("ある程度信頼できる", "fairly reliable"),
            Self::D => Words::new("あまり信頼できない", "not usually reliable"),
            Self::E => Words::new("信頼できない", "unreliable"),
            Self::F => Words::new("判断できない", "reliability cannot be judged"),
        }
    }

    /// The tag of MISP's taxonomy.
    #[must_use]
    pub fn misp_tag(self) -> String {
        format!("admiralty-scale:source-reliability=\"{}\"", self.letter().to_ascii_lowercase())
    }

    /// The grade of such a tag.
    #[must_use]
    pub fn from_misp_tag(tag: &str) -> Option<Self> {
        Self::parse(value(tag, "admiralty-scale:source-reliability=")?)
    }
}

impl Credibility {
    /// Every grade, best first.
    pub const ALL: [Self; 6] =
        [Self::Confirmed, Self::Probable, Self::Possible, Self::Doubtful, Self::Improbable, Self::Unknown];

    /// The number, 1–6.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Confirmed => 1,
            Self::Probable => 2,
            Self::Possible => 3,
            Self::Doubtful => 4,
            Self::Improbable => 5,
            Self::Unknown => 6,
        }
    }

    /// STIX `confidence` (STIX 2.1 appendix A, admiralty credibility); `None` for what cannot be judged.
    #[must_use]
    pub fn confidence(self) -> Option<u8> {
        match self {
            Self::Confirmed => Some(90),
            Self::Probable => Some(70),
            Self::Possible => Some(50),
            Self::Doubtful => Some(30),
            Self::Improbable => Some(10),
            Self::Unknown => None,
        }
    }

    /// The grade of a STIX `confidence` (STIX 2.1 appendix A); without one it cannot be judged.
    #[must_use]
    pub fn of_confidence(confidence: Option<u8>) -> Self {
        match confidence {
            Some(80..) => Self::Confirmed,
            Some(60..) => Self::Probable,
            Some(40..) => Self::Possible,
            Some(20..) => Self::Doubtful,
            Some(_) => Self::Improbable,
            None => Self::Unknown,
        }
    }

    /// The grade in words.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::Confirmed => Words::new("他の情報源が確認", "confirmed by other sources"),
            Self::Probable => Words::new("おそらく真実", "probably true"),
            Self::Possible => Words::new("真実かもしれない", "possibly true"),
            Self::Doubtful => Words::new("疑わしい", "doubtful"),
            Self::Improbable => Words::new("ありそうにない", "improbable"),
            Self::Unknown => Words::new("真偽を判断できない", "truth cannot be judged"),
        }
    }

    /// The tag of MISP's taxonomy.
    #[must_use]
    pub fn misp_tag(self) -> String {
        format!("admiralty-scale:information-credibility=\"{}\"", self.number())
    }

    /// The grade of such a tag.
    #[must_use]
    pub fn from_misp_tag(tag: &str) -> Option<Self> {
        let number: u8 = value(tag, "admiralty-scale:information-credibility=")?.parse().ok()?;
        Self::ALL.into_iter().find(|grade| grade.number() == number)
    }
}

fn value<'t>(tag: &'t str, start: &str) -> Option<&'t str> {
    Some(tag.strip_prefix(start)?.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_survive_misp_and_stix() {
        for grade in Reliability::ALL {
            assert_eq!(Reliability::from_misp_tag(&grade.misp_tag()), Some(grade));
            assert_eq!(Reliability::parse(&grade.letter().to_lowercase().to_string()), Some(grade));
        }
        for grade in Credibility::ALL {
            assert_eq!(Credibility::from_misp_tag(&grade.misp_tag()), Some(grade));
            assert_eq!(Credibility::of_confidence(grade.confidence()), grade);
        }
        assert_eq!(Reliability::from_misp_tag("tlp:green"), None);
        assert_eq!(Reliability::parse("AB"), None);
    }

    #[test]
    fn appendix_a_is_kept_at_its_edges() {
        for (confidence, number) in
            [(100, 1), (80, 1), (79, 2), (60, 2), (59, 3), (40, 3), (39, 4), (20, 4), (19, 5), (0, 5)]
        {
            assert_eq!(Credibility::of_confidence(Some(confidence)).number(), number, "{confidence}");
        }
    }
}
