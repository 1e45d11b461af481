//! §9: patterns.

use super::musts;

musts! {
    section_9_2_constants "9.2" {
        "base64 stands in apostrophes behind a `b`; line feeds within are passed over" => [
            ("pattern", r#"[artifact:payload_bin = b'ABI=']"#, ""),
            ("pattern", r#"[artifact:payload_bin = b'AB
I=']"#, ""),
            ("pattern", r#"[artifact:payload_bin = b`ABI=`]"#, "expected"),
            ("pattern", r#"[artifact:payload_bin = b'ABI']"#, "base64"),
        ]
        "an even number of hexadecimal digits of either case, in apostrophes behind an `h`" => [
            ("pattern", r#"[file:magic_number_hex = h'ffD8']"#, ""),
            ("pattern", r#"[file:magic_number_hex = h'ffd']"#, "even number"),
            ("pattern", r#"[file:magic_number_hex = h'fg']"#, "even number"),
            ("pattern", r#"[file:magic_number_hex = hffd8]"#, "expected"),
        ]
        "a positive integer has no plus sign" => [
            ("pattern", r#"[file:size = 5]"#, ""),
            ("pattern", r#"[file:size = +5]"#, "without plus sign"),
        ]
        "a negative integer has a hyphen-minus" => [
            ("pattern", r#"[file:size > -5]"#, ""),
            ("pattern", r#"[file:size > −5]"#, "expected"),
        ]
        "a positive number has no plus sign" => [
            ("pattern", r#"[x-own:one = 5.25]"#, ""),
            ("pattern", r#"[x-own:one = +5.25]"#, "without plus sign"),
        ]
        "a negative number has a hyphen-minus" => [
            ("pattern", r#"[x-own:one = -5.25]"#, ""),
            ("pattern", r#"[x-own:one = −5.25]"#, "expected"),
        ]
        "a timestamp stands in apostrophes behind a `t`" => [
            ("pattern", r#"[x-own:one = t'2026-01-01T00:00:00Z']"#, ""),
            ("pattern", r#"[x-own:one = t2026-01-01T00:00:00Z]"#, "expected"),
            ("pattern", r#"[x-own:one = t'2026-01-01']"#, "expected"),
        ]
    }
    section_9_4_expressions "9.4" {
        "white space between operators is allowed, line feeds too" => [
            ("pattern", r#"[ file:size
=
	5 ]AND[file:size=6]"#, ""),
            ("pattern", r#"[file:si ze = 5]"#, "expected"),
        ]
        "several white spaces count as one" => [
            ("pattern", r#"[file:size   =     5]"#, ""),
            ("pattern", r#"[file: size < > 5]"#, "expected"),
        ]
    }
    section_9_5_observation_expressions "9.5" {
        "an observation stands in square brackets" => [
            ("pattern", r#"[file:size = 5]"#, ""),
            ("pattern", r#"(file:size = 5)"#, "expected"),
            ("pattern", r#"file:size = 5"#, "expected"),
            ("pattern", r#"[file:size = 5"#, "expected"),
        ]
    }
    section_9_5_1_qualifiers "9.5.1" {
        "none of a kind twice on one observation" => [
            ("pattern", r#"[a:b = 1] REPEATS 2 TIMES WITHIN 5 SECONDS"#, ""),
            ("pattern", r#"([a:b = 1] WITHIN 5 SECONDS) WITHIN 9 SECONDS"#, ""),
            ("pattern", r#"[a:b = 1] WITHIN 5 SECONDS WITHIN 9 SECONDS"#, "expected"),
            ("pattern", r#"[a:b = 1] REPEATS 2 TIMES REPEATS 2 TIMES"#, "expected"),
        ]
        "`REPEATS` stands behind an observation or a qualifier, with a positive whole number" => [
            ("pattern", r#"[a:b = 1] WITHIN 5 SECONDS REPEATS 2 TIMES"#, ""),
            ("pattern", r#"REPEATS 2 TIMES [a:b = 1]"#, "expected"),
            ("pattern", r#"[a:b = 1] REPEATS 0 TIMES"#, "whole number"),
            ("pattern", r#"[a:b = 1] REPEATS 1.5 TIMES"#, "whole number"),
        ]
        "`WITHIN` stands behind an observation or a qualifier, with a positive number" => [
            ("pattern", r#"[a:b = 1] WITHIN 1.5 SECONDS"#, ""),
            ("pattern", r#"WITHIN 1 SECONDS [a:b = 1]"#, "expected"),
            ("pattern", r#"[a:b = 1] WITHIN 0 SECONDS"#, "above zero"),
            ("pattern", r#"[a:b = 1] WITHIN -1 SECONDS"#, "above zero"),
        ]
        "`START` and `STOP` stand behind an observation or a qualifier, with timestamps" => [
            ("pattern", r#"[a:b = 1] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'"#, ""),
            ("pattern", r#"[a:b = 1] START '2026-01-01T00:00:00Z' STOP '2026-01-02T00:00:00Z'"#, "expected"),
            ("pattern", r#"[a:b = 1] START t'2026-01-01T00:00:00Z'"#, "expected"),
        ]
    }
    section_9_5_2_observation_operators "9.5.2" {
        "`AND` joins observations" => [
            ("pattern", r#"[a:b = 1] AND [c:d = 2]"#, ""),
            ("pattern", r#"[a:b = 1] AND c:d = 2"#, "expected"),
        ]
        "`OR` joins observations" => [
            ("pattern", r#"[a:b = 1] OR [c:d = 2]"#, ""),
            ("pattern", r#"[a:b = 1] OR c:d = 2"#, "expected"),
        ]
        "`FOLLOWEDBY` joins observations" => [
            ("pattern", r#"[a:b = 1] FOLLOWEDBY [c:d = 2]"#, ""),
            ("pattern", r#"[a:b = 1] FOLLOWEDBY c:d = 2"#, "expected"),
            ("pattern", r#"[a:b = 1 FOLLOWEDBY c:d = 2]"#, "expected"),
        ]
    }
    section_9_6_comparison_expressions "9.6" {
        "`AND` joins comparisons, or what stands in parentheses" => [
            ("pattern", r#"[a:b = 1 AND (a:c = 2 OR a:d = 3)]"#, ""),
            ("pattern", r#"[a:b = 1 AND 2]"#, "expected"),
            ("pattern", r#"[a:b = 1 AND [a:c = 2]]"#, "expected"),
        ]
        "`OR` joins comparisons, or what stands in parentheses" => [
            ("pattern", r#"[a:b = 1 OR (a:c = 2 AND a:d = 3)]"#, ""),
            ("pattern", r#"[a:b = 1 OR ]"#, "expected"),
        ]
    }
    section_9_6_1_comparison_operators "9.6.1" {
        "on the left stands an object path, on the right a constant" => [
            ("pattern", r#"[file:size = 5]"#, ""),
            ("pattern", r#"[5 = file:size]"#, "expected"),
            ("pattern", r#"[file:size = file:size]"#, "expected"),
        ]
        "`=`: an object path and a constant" => [
            ("pattern", r#"[file:size = 5]"#, ""),
            ("pattern", r#"[5 = 5]"#, "expected"),
            ("pattern", r#"[file:size =]"#, "expected"),
        ]
        "`!=`: an object path and a constant" => [
            ("pattern", r#"[file:size != 5]"#, ""),
            ("pattern", r#"[5 != 5]"#, "expected"),
            ("pattern", r#"[file:size !=]"#, "expected"),
        ]
        "`>`: an object path and a constant" => [
            ("pattern", r#"[file:size > 5]"#, ""),
            ("pattern", r#"[5 > 5]"#, "expected"),
            ("pattern", r#"[file:size >]"#, "expected"),
        ]
        "`<`: an object path and a constant" => [
            ("pattern", r#"[file:size < 5]"#, ""),
            ("pattern", r#"[5 < 5]"#, "expected"),
            ("pattern", r#"[file:size <]"#, "expected"),
        ]
        "`<=`: an object path and a constant" => [
            ("pattern", r#"[file:size <= 5]"#, ""),
            ("pattern", r#"[5 <= 5]"#, "expected"),
            ("pattern", r#"[file:size <=]"#, "expected"),
        ]
        "`>=`: an object path and a constant" => [
            ("pattern", r#"[file:size >= 5]"#, ""),
            ("pattern", r#"[5 >= 5]"#, "expected"),
            ("pattern", r#"[file:size >=]"#, "expected"),
        ]
        "`IN`: an object path and a set of constants of one kind" => [
            ("pattern", r#"[process:name IN ('a', 'b')]"#, ""),
            ("pattern", r#"[process:name IN ('a', 1)]"#, "same kind"),
            ("pattern", r#"[process:name IN 'a']"#, "expected"),
        ]
        "`LIKE`: an object path and a string" => [
            ("pattern", r#"[file:name LIKE '%.e_e']"#, ""),
            ("pattern", r#"[file:name LIKE 5]"#, "expected"),
        ]
        "`MATCHES`: an object path and a string" => [
            ("pattern", r#"[file:name MATCHES '^a+$']"#, ""),
            ("pattern", r#"[file:name MATCHES 5]"#, "expected"),
        ]
        "`ISSUBSET`: an object path and a string" => [
            ("pattern", r#"[ipv4-addr:value ISSUBSET '198.51.100.0/24']"#, ""),
            ("pattern", r#"[ipv4-addr:value ISSUBSET 5]"#, "expected"),
        ]
        "`ISSUPERSET`: an object path and a string" => [
            ("pattern", r#"[ipv6-addr:value ISSUPERSET '2001:db8::/32']"#, ""),
            ("pattern", r#"[ipv6-addr:value ISSUPERSET 5]"#, "expected"),
        ]
        "`EXISTS`: an object path" => [
            ("pattern", r#"[EXISTS file:name]"#, ""),
            ("pattern", r#"[EXISTS 'a']"#, "expected"),
        ]
    }
    section_9_5_and_is_of_one_object "9.5" {
        "comparisons of different types are joined by `OR`" => [
            ("indicator", r#"{"pattern":"[file:name = 'a' OR url:value = 'b']"}"#, ""),
            ("indicator", r#"{"pattern":"[file:name = 'a' AND url:value = 'b']"}"#, "impossible-pattern pattern §9.5"),
        ]
        "all operands of `AND` can hold of one object" => [
            ("indicator", r#"{"pattern":"[(file:name = 'a' OR url:value = 'b') AND file:size = 1]"}"#, ""),
            ("indicator", r#"{"pattern":"[(file:name = 'a' OR mutex:name = 'c') AND url:value = 'b']"}"#, "impossible-pattern pattern §9.5"),
        ]
    }
    section_9_7_object_paths "9.7" {
        "the type in a path can be one" => [
            ("indicator", r#"{"pattern":"[x-own:one = 1]"}"#, ""),
            ("indicator", r#"{"pattern":"[ab:one = 1]"}"#, "pattern-path pattern §9.7"),
        ]
        "the property in a path can be one" => [
            ("indicator", r#"{"pattern":"[file:name = 'a']"}"#, ""),
            ("indicator", r#"{"pattern":"[file:'b c' = 'a']"}"#, "pattern-path pattern §9.7"),
        ]
        "a name with a hyphen or a point stands in apostrophes" => [
            ("pattern", r#"[file:hashes.'SHA-256' = 'a']"#, ""),
            ("pattern", r#"[x-own:'a.b' = 1]"#, ""),
            ("pattern", r#"[file:hashes.SHA-256 = 'a']"#, "apostrophes"),
        ]
        "a property within another stands behind it and a point" => [
            ("pattern", r#"[file:extensions.'pdf-ext'.version = '1.7']"#, ""),
            ("pattern", r#"[file:extensions/version = '1.7']"#, "expected"),
            ("pattern", r#"[file:extensions. = '1.7']"#, "expected"),
        ]
    }
    section_9_7_2_lists "9.7.2" {
        "an index is a number from 0 on, or `*`" => [
            ("pattern", r#"[network-traffic:protocols[0] = 'tcp']"#, ""),
            ("pattern", r#"[network-traffic:protocols[*] = 'tcp']"#, ""),
            ("pattern", r#"[network-traffic:protocols[-1] = 'tcp']"#, "index"),
            ("pattern", r#"[network-traffic:protocols[a] = 'tcp']"#, "expected"),
        ]
    }
    section_9_7_3_dictionaries "9.7.3" {
        "a key stands behind the dictionary's name and a point" => [
            ("pattern", r#"[file:hashes.MD5 = 'a']"#, ""),
            ("pattern", r#"[file:hashes[MD5] = 'a']"#, "expected"),
        ]
    }
    section_9_7_4_references "9.7.4" {
        "a property of the object that is referred to stands behind the reference and a point" => [
            ("pattern", r#"[email-message:from_ref.value = 'a@a.example']"#, ""),
            ("pattern", r#"[email-message:from_ref:value = 'a']"#, "expected"),
        ]
    }
}
