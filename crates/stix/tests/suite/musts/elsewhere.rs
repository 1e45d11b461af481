//! What other tests show, and what no test shows, with the reason. Beside them the words that the page begins with.

use super::Listed;

pub(super) const HEAD: &str = "# Every MUST of STIX 2.1, one by one

The demands of STIX 2.1 with errata 01 in short, each with the test that is named after its section, or with the reason why there is none.
Written by the test `the_page_of_every_must_is_what_the_tests_say` (`cargo test -p stix musts`) from the tables under
`crates/stix/tests/suite/musts`: change those. Sentences that say the same in several sections stand once for each section; that the
value of `type` is the type's name, and that what is required is there, is shown for all types at once.
";

const fn shown(section: &'static str, demand: &'static str, by: &'static str) -> Listed {
    Listed { section, demand, by }
}

/// By tests that stand elsewhere, for they need more than one object.
pub(super) const SHOWN: &[Listed] = &[
    shown("3.1", "what the tables call required is there", "section_3_1_required_properties_are_there"),
    shown(
        "4",
        "the value of `type` is the name of the type, for every type of §4 to §8",
        "section_4_to_7_every_type_is_named_as_its_section_says",
    ),
    shown("3.2", "an object is revoked for good: no version follows", "revocation_and_versions"),
    shown(
        "3.6",
        "the version with the latest `modified` is the state of the object",
        "versions_follow_the_rules",
    ),
    shown("3.6", "nobody but the object's creator makes versions of it", "revocation_and_versions"),
    shown(
        "3.6",
        "one identifier and `modified` has one content",
        "contradicting_versions_are_kept_out_and_written_down",
    ),
    shown("3.6", "revoking is permanent, and a version of its own", "revocation_and_versions"),
    shown(
        "2.9",
        "references within the deprecated container lead to what is in it",
        "section_4_14_observed_data_properties",
    ),
    shown(
        "2.13",
        "references within the deprecated container lead to what is in it",
        "section_4_14_observed_data_properties",
    ),
    shown(
        "3.5",
        "what is given on without a change keeps `created_by_ref` and everything else",
        "what_comes_in_comes_back_byte_for_byte",
    ),
    shown(
        "3.5",
        "what is given on with something left out has a new identifier",
        "what_names_its_maker_goes_and_the_rest_stays",
    ),
    shown("7.2.1", "a marking definition has no versions", "revocation_and_versions"),
    shown("9.4", "a pattern with a fault matches nothing", "an_invalid_pattern_is_refused"),
    shown("9.4", "patterns are Unicode", "what_means_the_same_prints_the_same"),
    shown("9.5", "several observations are met by different ones", "observations_and_time"),
    shown("9.5", "comparisons of one observation start at one object", "one_object_or_one_observation"),
    shown(
        "9.5.1",
        "what `REPEATS`, `WITHIN`, `START` and `STOP` ask of times and numbers",
        "observations_and_time",
    ),
    shown(
        "9.5.2",
        "what `AND`, `OR` and `FOLLOWEDBY` ask of observations",
        "bindings_are_those_of_brute_force",
    ),
    shown("9.6", "what is not there makes a comparison false", "operators_on_values"),
    shown("9.6.1", "what each comparison of a value means", "operators_on_values"),
    shown(
        "9.6.1",
        "`LIKE` and `MATCHES` normalise to NFC; expressions are those of PCRE with `DOTALL`",
        "operators_on_values",
    ),
    shown("9.6.2", "strings are compared by code points and not normalised", "operators_on_values"),
    shown("9.6.4", "binary properties are compared as bytes", "operators_on_values"),
    shown("9.7.4", "references are followed", "examples_of_the_specification"),
    shown(
        "12.1",
        "content is written and read as JSON, byte for byte as it came",
        "bytes_are_kept_and_hashes_follow_content",
    ),
    shown("12.2.1", "versions as §3.6 asks", "versions_follow_the_rules"),
    shown("12.3.1", "object markings as §7.2.1 and §7.2.2 ask", "a_label_is_read_from_markings"),
    shown("12.3.2", "granular markings as §7.2.3 asks", "section_7_2_3_granular_markings"),
    shown("12.3.3", "extensions as §7.3 asks", "section_7_3_extensions"),
    shown("12.6", "patterns of §9 are read, every one of them", "every_construct_has_one_canonical_text"),
];

const NOT_SEEN: &str = "a value does not tell what its producer meant it to be";
const OTHER_OBJECT: &str = "it needs the other object, which may be anywhere";
const ORDER_OF_PRODUCER: &str = "an order to the producer that one object cannot show broken";
const NAMES_OF_ENCODINGS: &str = "the registry of 2013 is no part of the specification; any name is taken";

/// Section, demand, reason.
pub(super) const NOT_COVERED: &[(&str, &str, &str)] = &[
    ("2.1", "a property that holds binary ends in `_bin`", NOT_SEEN),
    ("2.5.1", "the keys of `hashes` are of the vocabulary", "§2.7 lets producers add their own; a warning"),
    ("2.7", "the key names the algorithm that made the value", "the content is not there to be hashed"),
    ("2.8", "a property that holds hexadecimal digits ends in `_hex`", NOT_SEEN),
    ("2.9", "a producer uses a UUID for one object, whatever its type", ORDER_OF_PRODUCER),
    (
        "2.9",
        "UUIDv5 of other objects are not of the observables' namespace",
        "a UUIDv5 does not tell its namespace",
    ),
    (
        "2.9",
        "who does not follow the rules for observables does not use their namespace",
        "a UUIDv5 does not tell its namespace; a differing one is a warning",
    ),
    ("2.11", "`kill_chain_name` is the chain's name", ORDER_OF_PRODUCER),
    (
        "3.1",
        "a reference ends in `_ref`, a list of them in `_refs`, binary in `_bin`, hexadecimal digits in `_hex`",
        NOT_SEEN,
    ),
    (
        "3.1",
        "terms of vocabularies have 3 characters at least",
        "the vocabularies of §10 have shorter ones (`c`); a custom term is a warning anyhow",
    ),
    (
        "3.2",
        "a new version keeps `created`",
        "the first line of versions is kept as it came; a differing `created` is not looked for",
    ),
    ("3.2", "`modified` is set anew with each version", ORDER_OF_PRODUCER),
    ("3.2", "`labels` do not take the place of properties for subtypes", ORDER_OF_PRODUCER),
    (
        "3.2",
        "the scales of appendix A for `confidence`",
        "the console shows the number itself and none of those scales",
    ),
    (
        "3.6",
        "the first version has equal `created` and `modified`",
        "an object that came in may be a later version",
    ),
    ("3.6", "names of properties that tell versions", "they are those of §3.2"),
    ("3.9.1", "`_enc` names its encoding as the IANA registry does", NAMES_OF_ENCODINGS),
    (
        "4.7.1",
        "`pattern_version` is that of the pattern's language",
        "any version is taken; the grammar of 2.1 decides",
    ),
    ("4.10", "positions are of WGS 84", ORDER_OF_PRODUCER),
    ("4.11.1", "the samples of a malware that is no family are one file", OTHER_OBJECT),
    ("4.11.2", "a family has no relationship to an instance", OTHER_OBJECT),
    ("4.12.1", "a product that cannot be named is `anonymized`", ORDER_OF_PRODUCER),
    (
        "4.14.1",
        "what stands in `objects` is related",
        "what counts as related is not said where the references do not tell",
    ),
    ("4.18", "a tool is no malware and no means of defence", ORDER_OF_PRODUCER),
    (
        "5.1.1",
        "the tables of §4 go before the summary",
        "no relationship between allowed types is refused, so there is nothing to go before",
    ),
    ("6.1.1", "the URL leads to the content", "nothing is fetched"),
    (
        "6.3.1",
        "`path_enc` names its encoding, and is there where the path was in another than Unicode",
        NAMES_OF_ENCODINGS,
    ),
    ("6.6.1", "`received_lines` stand in the order of the message", ORDER_OF_PRODUCER),
    ("6.7.1", "`name_enc` names its encoding", NAMES_OF_ENCODINGS),
    (
        "6.7.5",
        "the keys of `exif_tags` are names of tags as EXIF spells them",
        "the list of tags is no part of the specification",
    ),
    (
        "6.12.1",
        "`protocols` stand from the outer to the inner",
        "names of protocols are those of a registry that grows; an order is not judged",
    ),
    ("6.12.1", "the keys of `ipfix` are names of IPFIX", "the list is no part of the specification"),
    ("6.12.2", "the keys of `request_header` are names of fields", "any name is one"),
    ("6.12.4", "the keys of `options` are names of options", "the list is no part of the specification"),
    ("6.13.1", "the keys of `environment_variables` keep their case", ORDER_OF_PRODUCER),
    ("6.13.2", "the keys of `startup_info` are those of the structure", ORDER_OF_PRODUCER),
    ("6.14.1", "`cpe` stands in NVD's dictionary", "the form is judged, the dictionary is not at hand"),
    ("6.17.2", "the default value has an empty name", ORDER_OF_PRODUCER),
    ("7.1.1", "`object_modified` is the `modified` of the object", OTHER_OBJECT),
    ("7.1.1", "translated lists are as long as the lists, with empty strings in the gaps", OTHER_OBJECT),
    ("7.1.1", "a string is translated by a string", OTHER_OBJECT),
    (
        "7.1.1",
        "translations of what is not there are passed over",
        "translations are found by search and shown as they are",
    ),
    ("7.3", "an extension's schema includes the common properties", "schemas are not fetched"),
    (
        "9.6.1",
        "the constant is of the property's type",
        "types of custom properties are not known; of another type it matches nothing",
    ),
    (
        "9.6.1",
        "`ISSUBSET` and `ISSUPERSET` are for addresses, and the constant is one",
        "read on any path; what is no address or network is in none and holds none",
    ),
    ("9.7.2", "an index stands behind a list", "whether a custom property is one is not known"),
    (
        "11.1.1",
        "names begin with `x_` where later versions matter",
        "a condition that the producer sets for itself",
    ),
    ("11.1.1", "names end in `_hex` and `_bin` as §2.8 and §2.1 ask", NOT_SEEN),
    (
        "11.2.1",
        "types begin with `x-` where later versions matter",
        "a condition that the producer sets for itself",
    ),
    (
        "11.3.1",
        "names begin with `x-` where later versions matter",
        "a condition that the producer sets for itself",
    ),
    (
        "12.5",
        "patterns that are produced say their level (§12.7)",
        "no patterns are produced but comparisons joined by `OR` out of MISP's values: level 1",
    ),
    ("12.7", "levels of consumers", "level 1 without `LIKE`, `MATCHES` and references; see above"),
];
