//! Names of files as strangers give them.

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use regime::{Attachment, NAME_CHARS_MAX, safe_name};

fn check(given: &str, expected: &str, active: bool) {
    let found = safe_name(given);
    assert_eq!((found.name.as_str(), found.active), (expected, active), "{given:?}");
    assert_eq!(found.changed, given != expected);
}

#[test]
fn plain_names_stay() {
    check("ログ 2026-11-29 (1).pdf", "ログ 2026-11-29 (1).pdf", false);
    check("pcap.tar.gz", "pcap.tar.gz", false);
    check("README", "README", false);
}

#[test]
fn what_deceives_or_leads_elsewhere_is_taken_out() {
    check("invoice\u{202e}fdp.exe", "invoicefdp.exe", true);
    check("a\u{200b}b\u{feff}.txt", "ab.txt", false);
    check("../../etc/passwd", "_.._etc_passwd", false);
    check("C:\\temp\\a.txt", "C__temp_a.txt", false);
    check("a\u{0}b\u{1b}[2J.txt", "ab[2J.txt", false);
    check("...hidden", "hidden", false);
    check("a.txt. . ", "a.txt", false);
    check("con.txt", "_con.txt", false);
    check("LPT1", "_LPT1", false);
    check("", "_", false);
    check("..", "_", false);
    // Composed and decomposed letters are one name.
    check("か\u{3099}.txt", "が.txt", false);
}

#[test]
fn what_a_program_takes_for_a_command_is_tamed() {
    check("=cmd|' /C calc'!A0.csv", "_=cmd__ _C calc__A0.csv", false);
    check("+1.csv", "_+1.csv", false);
    check("${jndi:ldap://x}.log", "__jndi_ldap___x_.log", false);
    check("$(reboot).txt", "_(reboot).txt", false);
    check("{{7*7}}.txt", "__7_7__.txt", false);
    check("%TEMP%.txt", "_TEMP_.txt", false);
}

#[test]
fn macros_and_programs_are_told_of() {
    for ending in ["docm", "XLSM", "pptm", "exe", "lnk", "js", "hta", "iso"] {
        assert!(safe_name(&format!("報告.{ending}")).active, "{ending}");
    }
    for ending in ["docx", "xlsx", "pdf", "txt", "png"] {
        assert!(!safe_name(&format!("報告.{ending}")).active, "{ending}");
    }
}

#[test]
fn long_names_keep_their_ending() {
    let found = safe_name(&format!("{}.docm", "あ".repeat(500)));
    assert_eq!(found.name.chars().count(), NAME_CHARS_MAX);
    assert!(found.name.ends_with("あ.docm") && found.active);
}

#[test]
fn an_attachment_must_have_a_safe_name_and_a_hash() {
    let file = |name: &str, size, sha256: &str| {
        Attachment { name: name.into(), size, sha256: sha256.into() }.is_legal()
    };
    let hash = "0123456789abcdef".repeat(4);
    assert!(file("a.txt", 1, &hash));
    assert!(file("a.txt", 512 << 20, &hash));
    assert!(!file("a.txt", (512 << 20) + 1, &hash));
    assert!(!file("../a.txt", 1, &hash));
    assert!(!file("a.txt", 1, &hash.to_uppercase()));
    assert!(!file("a.txt", 1, "0123"));
}

proptest! {
    #[test]
    fn a_safe_name_is_safe(given in "\\PC{0,200}|[\\x00-\\x7f\u{202e}\u{200b}.]{0,200}") {
        let name = safe_name(&given).name;
        prop_assert!((1..=NAME_CHARS_MAX).contains(&name.chars().count()));
        let bad = ['/', '\\', ':', '\u{202e}', '\u{200b}', '$', '|', '`'];
        prop_assert!(!name.contains(bad));
        prop_assert!(!name.chars().any(char::is_control));
        prop_assert!(!name.starts_with(['.', '=', '+', '-', '@', ' ']));
        prop_assert!(!name.ends_with(['.', ' ']));
        prop_assert_eq!(&safe_name(&name).name, &name);
    }
}
