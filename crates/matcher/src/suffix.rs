//! Public suffixes: names below which anybody may have a name (publicsuffix.org). The list is compiled in.

/// Who keeps a suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suffix {
    /// A registry: `jp`, `co.jp`.
    Registry,
    /// A service that hands out names below its own: `github.io`.
    Service,
}

/// What kind of suffix a name is, in A-labels and lower case; `None` where it is none, or is not known. A name all of whose
/// children are suffixes (`kobe.jp`) is one here, too.
pub(crate) fn of(name: &[u8]) -> Option<Suffix> {
    // No name is longer than 253; a set of a million names is asked this for each.
    let mut child = [0; 256];
    let (label, rest) = child.split_at_mut(LABEL.len());
    label.copy_from_slice(LABEL);
    rest.get_mut(..name.len())?.copy_from_slice(name);
    listed(name).or_else(|| listed(child.get(..LABEL.len() + name.len())?))
}

/// A name below another one.
const LABEL: &[u8] = b"0.";

/// What the list says of a name. What it does not know counts as a suffix of one label there; `example` is nobody's registry.
fn listed(name: &[u8]) -> Option<Suffix> {
    let suffix = psl::suffix(name).filter(|suffix| suffix.is_known() && suffix.as_bytes() == name)?;
    Some(match suffix.typ()? {
        psl::Type::Icann => Suffix::Registry,
        psl::Type::Private => Suffix::Service,
    })
}

#[cfg(test)]
mod tests {
    use super::{Suffix, of};

    #[test]
    fn names_below_which_others_are() {
        for (name, expected) in [
            ("jp", Some(Suffix::Registry)),
            ("co.jp", Some(Suffix::Registry)),
            ("kobe.jp", Some(Suffix::Registry)),
            ("c.kobe.jp", Some(Suffix::Registry)),
            ("city.kobe.jp", None),
            ("com", Some(Suffix::Registry)),
            ("github.io", Some(Suffix::Service)),
            ("evil.github.io", None),
            ("evil.co.jp", None),
            ("xn--wgv71a119e.jp", None),
            ("example", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(of(name.as_bytes()), expected, "{name}");
        }
    }
}
