//! Names that look like other names: letters of several alphabets in one label, or whole labels of letters that pass for Latin.

/// Letters of Cyrillic and Greek that are drawn like Latin ones.
const LATIN_LOOKALIKES: &str = "авеорсухіјѕԁԛԝһӏѵгпոαοιν";

/// Why a domain name, or the host of a URL or e-mail address, may be meant to deceive; nothing where it looks plain.
#[must_use]
pub fn suspicion(value: &str) -> Option<String> {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    if host.is_ascii() && !host.to_ascii_lowercase().contains("xn--") {
        return None;
    }
    let (shown, _) = idna::domain_to_unicode(host);
    shown.split('.').find_map(|label| {
        let has_latin = label.chars().any(|c| c.is_ascii_alphabetic());
        let other = label.chars().find(|c| is_cyrillic_or_greek(*c));
        match other {
            Some(other) if has_latin => Some(format!(
                "the name `{shown}` mixes Latin letters with `{other}`, which looks like one (written `{host}`)"
            )),
            Some(_) if label.chars().all(|c| !c.is_alphabetic() || LATIN_LOOKALIKES.contains(c)) => Some(format!(
                "the name `{shown}` is written in letters that all look Latin and are not (written `{host}`)"
            )),
            _ => None,
        }
    })
}

fn is_cyrillic_or_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{52f}' | '\u{1f00}'..='\u{1fff}')
}

#[cfg(test)]
mod tests {
    use super::suspicion;

    #[test]
    fn names_that_deceive_are_told_from_foreign_ones() {
        for deceiving in
            ["аpple.com", "http://pаypal.com/x", "xn--80ak6aa92e.com", "user@gооgle.com", "goοgle.com"]
        {
            assert!(suspicion(deceiving).is_some(), "{deceiving}");
        }
        for plain in
            ["apple.com", "日本語.jp", "яндекс.рф", "xn--wgv71a119e.jp", "bücher.example", "10.0.0.1", ""]
        {
            assert_eq!(suspicion(plain), None, "{plain}");
        }
    }
}
