//! Whether a text or a CPE name is about a product that somebody runs.

use crate::names::key;

/// Shortest name of a product that is looked for in a text without its vendor's.
const ALONE_CHARS_MIN: usize = 6;

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Who makes it.
    pub vendor: String,
    /// What it is called.
    pub product: String,
}

/// Vendor and product of a CPE 2.3 formatted string (NISTIR 7695 §6.2), or of a CPE 2.2 URI; `None` for what is neither, and for
/// `*` and `-`, which name nothing.
#[must_use]
pub fn of_cpe(text: &str) -> Option<Product> {
    let mut parts = if let Some(rest) = text.strip_prefix("cpe:2.3:") {
        unescaped(rest).into_iter()
    } else {
        let rest = text.strip_prefix("cpe:/")?;
        rest.split(':').map(str::to_owned).collect::<Vec<_>>().into_iter()
    };
    let kind = parts.next()?;
    if !matches!(kind.as_str(), "a" | "o" | "h") {
        return None;
    }
    let (vendor, product) = (parts.next()?, parts.next()?);
    let is_named = |part: &str| !part.is_empty() && part != "*" && part != "-";
    (is_named(&vendor) && is_named(&product)).then_some(Product { vendor, product })
}

/// Parts between colons, with what is quoted by a backslash taken as it stands.
fn unescaped(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' => parts.push(String::new()),
            c => {
                let c = if c == '\\' { characters.next().unwrap_or(c) } else { c };
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    parts
}

impl Product {
    /// Whether a CPE's vendor and product are this one's.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        key(&self.vendor) == key(&other.vendor) && key(&self.product) == key(&other.product)
    }

    /// Whether a text names it: the product as whole words, and the vendor too unless the product's name is long enough to stand
    /// for itself.
    #[must_use]
    pub fn is_named_in(&self, text: &str) -> bool {
        let words = words(text);
        let product = self::words(&self.product);
        let vendor = self::words(&self.vendor);
        let alone = product.iter().map(|word| word.chars().count()).sum::<usize>() >= ALONE_CHARS_MIN;
        contains(&words, &product) && (alone && vendor.is_empty() || contains(&words, &vendor))
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).map(key).filter(|word| !word.is_empty()).collect()
}

fn contains(words: &[String], wanted: &[String]) -> bool {
    !wanted.is_empty() && words.windows(wanted.len()).any(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    fn product(vendor: &str, product: &str) -> Product {
        Product { vendor: vendor.to_owned(), product: product.to_owned() }
    }

    #[test]
    fn cpe_names_are_read() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            assert_eq!(of_cpe(text), expected.map(|(v, p)| product(v, p)), "{text}");
        };
        check("cpe:2.3:o:fortinet:fortios:7.0.1:*:*:*:*:*:*:*", Some(("fortinet", "fortios")));
        check(r"cpe:2.3:a:a\:b:c\\d:*", Some(("a:b", r"c\d")));
        check("cpe:/a:apache:http_server:2.4", Some(("apache", "http_server")));
        check("cpe:2.3:a:*:fortios:*", None);
        check("cpe:2.3:x:a:b", None);
        check("fortios", None);
    }

    #[test]
    fn texts_name_products_by_whole_words() {
        let check =
            |one: &Product, text: &str, expected: bool| assert_eq!(one.is_named_in(text), expected, "{text}");
        let fortios = product("Fortinet", "FortiOS");
        check(&fortios, "Fortinet FortiOS contains a heap overflow", true);
        check(&fortios, "A flaw in FORTIOS of Fortinet, Inc.", true);
        check(&fortios, "FortiOS-like products", false);
        check(&product("", "FortiOS"), "FortiOS 7.0", true);
        check(&product("Cisco", "IOS"), "Apple iOS is affected", false);
        check(&product("Cisco", "IOS"), "Cisco IOS XE", true);
        check(&product("", "IOS"), "Cisco IOS XE", false);
        check(&product("Apache", "HTTP Server"), "apache http_server", true);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in any::<String>()) {
            let _ = of_cpe(&text);
            let _ = of_cpe(&format!("cpe:2.3:{text}"));
            let _ = product(&text, &text).is_named_in(&text);
        }
    }
}
