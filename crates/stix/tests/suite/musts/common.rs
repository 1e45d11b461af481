//! §2 and §3: data types, and what all objects have in common.

use super::musts;

musts! {
    section_2_1_binary "2.1" {
        "binary is base64 of RFC 4648" => [
            ("artifact", r#"{"payload_bin":"ABI="}"#, ""),
            ("artifact", r#"{"payload_bin":"ABI"}"#, "invalid-binary payload_bin §2.1"),
            ("artifact", r#"{"payload_bin":"A_-="}"#, "invalid-binary payload_bin §2.1"),
        ]
    }
    section_2_2_boolean "2.2" {
        "a boolean is `true` or `false`" => [
            ("campaign", r#"{"revoked":false}"#, ""),
            ("campaign", r#"{"revoked":"false"}"#, "wrong-type revoked §2.2"),
            ("campaign", r#"{"revoked":0}"#, "wrong-type revoked §2.2"),
        ]
    }
    section_2_3_dictionary "2.3" {
        "keys are unique" => [
            ("text", r#"{"type":"process","id":"process--c1477287-23ac-4971-a010-5c287877fa60","environment_variables":{"a":"1","A":"2"}}"#, ""),
            ("text", r#"{"type":"process","id":"process--c1477287-23ac-4971-a010-5c287877fa60","environment_variables":{"a":"1","a":"2"}}"#, "stix-duplicate-property"),
        ]
        "keys are of a-z, A-Z, 0-9, hyphen and underscore" => [
            ("process", r#"{"environment_variables":{"a-Z_9":"1"}}"#, ""),
            ("process", r#"{"environment_variables":{"a b":"1"}}"#, "dictionary-key environment_variables.a b §2.3"),
            ("process", r#"{"environment_variables":{"鍵":"1"}}"#, "dictionary-key environment_variables.鍵 §2.3"),
        ]
        "keys have 250 characters at most" => [
            ("process", r#"{"environment_variables":{"@250":"1"}}"#, ""),
            ("process", r#"{"environment_variables":{"@250b":"1"}}"#, "dictionary-key environment_variables.@250b §2.3"),
        ]
        "an empty dictionary does not take the place of leaving it out" => [
            ("process", r#"{"environment_variables":{"a":"1"}}"#, ""),
            ("process", r#"{"environment_variables":{}}"#, "empty-dictionary environment_variables §2.3"),
        ]
        "a required dictionary is there and holds something" => [
            ("language-content", r#"{}"#, ""),
            ("language-content", r#"{"contents":null}"#, "missing-property contents §7.1"),
            ("language-content", r#"{"contents":{}}"#, "empty-dictionary contents §2.3"),
        ]
        "values are of a type of §2" => [
            ("network-traffic", r#"{"ipfix":{"a":1}}"#, ""),
            ("process", r#"{"environment_variables":{"a":[]}}"#, "wrong-type environment_variables.a §2.15"),
            ("text", r#"{"type":"network-traffic","id":"network-traffic--c1477287-23ac-4971-a010-5c287877fa60","protocols":["tcp"],"src_ref":"ipv4-addr--c1477287-23ac-4971-a010-5c287877fa60","extensions":{"http-request-ext":{"request_method":"get","request_value":"/","request_header":{"Host":null}}}}"#, "null-value extensions.http-request-ext.request_header.Host §2.3"),
        ]
    }
    section_2_4_enum "2.4" {
        "an enumeration has its terms and no other" => [
            ("opinion", r#"{"opinion":"strongly-agree"}"#, ""),
            ("opinion", r#"{"opinion":"perhaps"}"#, "not-in-enumeration opinion §10.18"),
        ]
    }
    section_2_5_external_reference "2.5.2" {
        "beside `source_name` stands one of `description`, `url`, `external_id`" => [
            ("campaign", r#"{"external_references":[{"source_name":"s","description":"d"},{"source_name":"s","url":"https://a.example/"},{"source_name":"s","external_id":"1"}]}"#, ""),
            ("campaign", r#"{"external_references":[{"source_name":"s"}]}"#, "missing-one-of external_references[0] §2.5"),
            ("campaign", r#"{"external_references":[{"description":"d"}]}"#, "missing-property external_references[0].source_name §2.5"),
        ]
    }
    section_2_7_hashes "2.7" {
        "keys are unique" => [
            ("text", r#"{"type":"file","id":"file--c1477287-23ac-4971-a010-5c287877fa60","hashes":{"MD5":"00000000000000000000000000000000"}}"#, ""),
            ("text", r#"{"type":"file","id":"file--c1477287-23ac-4971-a010-5c287877fa60","hashes":{"MD5":"00000000000000000000000000000000","MD5":"00000000000000000000000000000001"}}"#, "stix-duplicate-property"),
        ]
        "keys are 3 to 250 of a-z, A-Z, 0-9, hyphen and underscore" => [
            ("file", r#"{"hashes":{"own_hash-1":"x"}}"#, ""),
            ("file", r#"{"hashes":{"ab":"x"}}"#, "hash-algorithm hashes.ab §2.7"),
            ("file", r#"{"hashes":{"SHA 256":"x"}}"#, "hash-algorithm hashes.SHA 256 §2.7"),
        ]
        "the value is a string in the form of its algorithm" => [
            ("file", r#"{"hashes":{"MD5":"3773a88f65a5e780c8dff9cdc3a056f3"}}"#, ""),
            ("file", r#"{"hashes":{"MD5":"3773a88f65a5e780c8dff9cdc3a056f"}}"#, "invalid-hash hashes.MD5 §2.7"),
            ("file", r#"{"hashes":{"MD5":1}}"#, "wrong-type hashes.MD5 §2.7"),
        ]
    }
    section_2_8_hexadecimal "2.8" {
        "an even number of digits 0-9, a-f" => [
            ("file", r#"{"magic_number_hex":"ffd8"}"#, ""),
            ("file", r#"{"magic_number_hex":"ffd"}"#, "invalid-hex magic_number_hex §2.8"),
            ("file", r#"{"magic_number_hex":"FFD8"}"#, "invalid-hex magic_number_hex §2.8"),
        ]
    }
    section_2_9_identifier "2.9" {
        "an identifier is `object-type--UUID`, the type that of the object" => [
            ("text", r#"{"type":"url","id":"url--c1477287-23ac-4971-a010-5c287877fa60","value":"https://a.example/"}"#, ""),
            ("text", r#"{"type":"url","id":"c1477287-23ac-4971-a010-5c287877fa60","value":"https://a.example/"}"#, "stix-id"),
            ("text", r#"{"type":"url","id":"URL--c1477287-23ac-4971-a010-5c287877fa60","value":"https://a.example/"}"#, "stix-id"),
            ("text", r#"{"type":"url","id":"file--c1477287-23ac-4971-a010-5c287877fa60","value":"https://a.example/"}"#, "stix-type"),
        ]
        "the UUID is one of RFC 4122" => [
            ("report", r#"{"object_refs":["tool--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("report", r#"{"object_refs":["tool--c1477287-23ac-4971-a010-5c287877fa6"]}"#, "invalid-id object_refs[0] §2.9"),
            ("report", r#"{"object_refs":["tool--c147728723ac4971a0105c287877fa60"]}"#, "invalid-id object_refs[0] §2.9"),
            ("report", r#"{"object_refs":["tool--{c1477287-23ac-4971-a010-5c287877fa60}"]}"#, "invalid-id object_refs[0] §2.9"),
        ]
        "an observable without contributing property has a UUIDv4" => [
            ("process", r#"{}"#, ""),
            ("process", r#"{"id":"process--c1477287-23ac-5971-a010-5c287877fa60"}"#, "id-version id §2.9"),
        ]
    }
    section_2_10_integer "2.10" {
        "an integer is a whole number within 2^53" => [
            ("process", r#"{"pid":-9007199254740991}"#, ""),
            ("process", r#"{"pid":9007199254740992}"#, "out-of-range pid §2.10"),
            ("process", r#"{"pid":1.5}"#, "wrong-type pid §2.10"),
            ("process", r#"{"pid":"1"}"#, "wrong-type pid §2.10"),
        ]
    }
    section_2_12_list "2.12" {
        "every member is of the list's type" => [
            ("campaign", r#"{"aliases":["a","b"]}"#, ""),
            ("campaign", r#"{"aliases":["a",1]}"#, "wrong-type aliases[1] §2.15"),
            ("campaign", r#"{"aliases":"a"}"#, "wrong-type aliases §2.12"),
        ]
        "a list has a member at least; an empty one does not take the place of leaving it out" => [
            ("campaign", r#"{"aliases":["a"]}"#, ""),
            ("campaign", r#"{"aliases":[]}"#, "empty-list aliases §2.12"),
        ]
        "a required list is there and holds something" => [
            ("note", r#"{}"#, ""),
            ("note", r#"{"object_refs":null}"#, "missing-property object_refs §4.13"),
            ("note", r#"{"object_refs":[]}"#, "empty-list object_refs §2.12"),
        ]
    }
    section_2_16_timestamp "2.16.1" {
        "RFC 3339 in the form `YYYY-MM-DDTHH:mm:ss[.s+]Z`" => [
            ("indicator", r#"{"valid_from":"2026-01-01T00:00:00.123456789Z"}"#, ""),
            ("indicator", r#"{"valid_from":"2026-01-01 00:00:00Z"}"#, "invalid-timestamp valid_from §2.16"),
            ("indicator", r#"{"valid_from":"2026-02-29T00:00:00Z"}"#, "invalid-timestamp valid_from §2.16"),
            ("indicator", r#"{"valid_from":1767225600}"#, "wrong-type valid_from §2.16"),
        ]
        "no point without digits behind it" => [
            ("indicator", r#"{"valid_from":"2026-01-01T00:00:00Z"}"#, ""),
            ("indicator", r#"{"valid_from":"2026-01-01T00:00:00.Z"}"#, "invalid-timestamp valid_from §2.16"),
        ]
        "in UTC, told by `Z`" => [
            ("indicator", r#"{"valid_from":"2026-01-01T00:00:00Z"}"#, ""),
            ("indicator", r#"{"valid_from":"2026-01-01T00:00:00+00:00"}"#, "invalid-timestamp valid_from §2.16"),
            ("indicator", r#"{"valid_from":"2026-01-01T00:00:00"}"#, "invalid-timestamp valid_from §2.16"),
        ]
    }
    section_3_1_names "3.1" {
        "names of types and properties are in lower case" => [
            ("x-own", r#"{}"#, ""),
            ("campaign", r#"{"xOwn":1}"#, "property-name xOwn §3.1"),
            ("text", r#"{"type":"x-Own","id":"x-Own--c1477287-23ac-4971-a010-5c287877fa60"}"#, "stix-id"),
        ]
        "names of types and properties begin with a letter" => [
            ("x-own", r#"{"x_own":1}"#, ""),
            ("9-own", r#"{}"#, "type-name type §3.1"),
            ("campaign", r#"{"_own":1}"#, "property-name _own §3.1"),
        ]
        "words stand apart by underscores in properties, by hyphens in types" => [
            ("x-own", r#"{"own_name":1}"#, ""),
            ("x-own", r#"{"own-name":1}"#, "property-name own-name §3.1"),
            ("text", r#"{"type":"x_own","id":"x_own--c1477287-23ac-4971-a010-5c287877fa60"}"#, "stix-id"),
        ]
        "names have 3 to 250 characters" => [
            ("x-own", r#"{"own":1}"#, ""),
            ("x-own", r#"{"ow":1}"#, "property-name ow §3.1"),
            ("xo", r#"{}"#, "type-name type §3.1"),
        ]
        "`name_enc` stands beside `name` only" => [
            ("file", r#"{"name_enc":"UTF-8"}"#, ""),
            ("file", r#"{"name":null,"hashes":{"MD5":"3773a88f65a5e780c8dff9cdc3a056f3"},"name_enc":"UTF-8"}"#, "missing-companion name_enc §3.1"),
        ]
        "names and literals are spelt as in the tables" => [
            ("opinion", r#"{"opinion":"agree"}"#, ""),
            ("opinion", r#"{"opinion":"Agree"}"#, "not-in-enumeration opinion §10.18"),
            ("campaign", r#"{"Name":"n"}"#, "property-name Name §3.1"),
        ]
    }
    section_3_2_common_properties "3.2" {
        "`type` names a type of the specification's, or a custom one as §11.2 asks" => [
            ("x-own", r#"{}"#, ""),
            ("text", r#"{"type":7,"id":"url--c1477287-23ac-4971-a010-5c287877fa60"}"#, "stix-type"),
            ("x--own", r#"{}"#, "stix-id"),
        ]
        "`spec_version` is `2.1`" => [
            ("campaign", r#"{"spec_version":"2.1"}"#, ""),
            ("campaign", r#"{"spec_version":"2.2"}"#, "spec-version spec_version §3.2"),
        ]
        "`created` is at least to the millisecond" => [
            ("campaign", r#"{"created":"2026-01-01T00:00:00.0000Z"}"#, ""),
            ("campaign", r#"{"created":"2026-01-01T00:00:00.00Z"}"#, "time-precision created §3.2"),
        ]
        "`modified` is at least to the millisecond" => [
            ("campaign", r#"{"modified":"2026-01-01T00:00:00.123Z"}"#, ""),
            ("campaign", r#"{"modified":"2026-01-01T00:00:01Z"}"#, "time-precision modified §3.2"),
        ]
        "`modified` is not before `created`" => [
            ("campaign", r#"{"modified":"2026-01-02T00:00:00.000Z"}"#, ""),
            ("campaign", r#"{"modified":"2025-12-31T23:59:59.999Z"}"#, "time-order modified §3.2"),
        ]
        "`confidence` is within 0 and 100" => [
            ("campaign", r#"{"confidence":100}"#, ""),
            ("campaign", r#"{"confidence":101}"#, "out-of-range confidence §3.2"),
            ("campaign", r#"{"confidence":-1}"#, "out-of-range confidence §3.2"),
        ]
        "`lang` is a code of RFC 5646" => [
            ("campaign", r#"{"lang":"ja-Jpan-JP"}"#, ""),
            ("campaign", r#"{"lang":"japanese!"}"#, "invalid-language lang §3.2"),
        ]
        "a marking definition does not mark itself by `object_marking_refs`" => [
            ("marking-definition", r#"{"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]}"#, ""),
            ("marking-definition", r#"{"object_marking_refs":["marking-definition--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "circular-marking  §3.2"),
        ]
        "nor by `granular_markings`" => [
            ("marking-definition", r#"{"granular_markings":[{"marking_ref":"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487","selectors":["definition"]}]}"#, ""),
            ("marking-definition", r#"{"granular_markings":[{"marking_ref":"marking-definition--c1477287-23ac-4971-a010-5c287877fa60","selectors":["definition"]}]}"#, "circular-marking  §3.2"),
        ]
        "`defanged` is for observables only" => [
            ("url", r#"{"defanged":true}"#, ""),
            ("campaign", r#"{"defanged":true}"#, "inapplicable-property defanged §3.2"),
        ]
        "the values of `extensions` hold the extensions' contents" => [
            ("file", r#"{"extensions":{"pdf-ext":{"version":"1.7"}}}"#, ""),
            ("file", r#"{"extensions":{"pdf-ext":"1.7"}}"#, "wrong-type extensions.pdf-ext §3.2"),
        ]
        "`extension_type` is there and is one of its enumeration" => [
            ("tool", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"property-extension","own":1}}}"#, ""),
            ("tool", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"own":1}}}"#, "missing-property extensions.extension-definition--c1477287-23ac-4971-a010-5c287877fa60.extension_type §3.2"),
            ("tool", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"other"}}}"#, "not-in-enumeration extensions.extension-definition--c1477287-23ac-4971-a010-5c287877fa60.extension_type §10.5"),
        ]
    }
    section_3_3_references "3.3" {
        "what a reference holds is an identifier as §2.9 asks" => [
            ("campaign", r#"{"created_by_ref":"identity--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("campaign", r#"{"created_by_ref":"identity"}"#, "invalid-id created_by_ref §2.9"),
        ]
    }
    section_3_6_versions_of_observables "3.6" {
        "a versioned observable has no identifier of the default namespace" => [
            ("url", r#"{"modified":"2026-01-01T00:00:00.000Z"}"#, ""),
            ("url", r#"{"id":"url--131aebfc-1733-5537-9b07-14e774626169"}"#, ""),
            ("url", r#"{"id":"url--131aebfc-1733-5537-9b07-14e774626169","modified":"2026-01-01T00:00:00.000Z"}"#, "id-version id §3.6"),
        ]
    }
    section_3_6_1_times_of_versions "3.6.1" {
        "`modified` is not before `created`" => [
            ("indicator", r#"{"modified":"2026-01-01T00:00:00.000Z"}"#, ""),
            ("indicator", r#"{"created":"2026-01-01T00:00:00.001Z"}"#, "time-order modified §3.2"),
        ]
    }
    section_3_8_reserved_names "3.8" {
        "`severity`, `username`, `phone_number`, `action` stand nowhere" => [
            ("campaign", r#"{"x_severity":1}"#, ""),
            ("campaign", r#"{"severity":1}"#, "reserved-name severity §3.8"),
            ("user-account", r#"{"username":"u"}"#, "reserved-name username §3.8"),
            ("identity", r#"{"phone_number":"1"}"#, "reserved-name phone_number §3.8"),
            ("course-of-action", r#"{"action":{"a":1}}"#, "reserved-name action §3.8"),
        ]
    }
}
