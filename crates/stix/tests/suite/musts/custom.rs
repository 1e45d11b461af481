//! §10 and §11: forms of hashes, and what is of one's own making.

use super::musts;

musts! {
    section_10_7_forms_of_hashes "10.7" {
        "`MD5`" => [
            ("file", r#"{"hashes":{"MD5":"00000000000000000000000000000000"}}"#, ""),
            ("file", r#"{"hashes":{"MD5":"0000000000000000000000000000000"}}"#, "invalid-hash hashes.MD5 §2.7"),
            ("file", r#"{"hashes":{"MD5":"gggggggggggggggggggggggggggggggg"}}"#, "invalid-hash hashes.MD5 §2.7"),
        ]
        "`SHA-1`" => [
            ("file", r#"{"hashes":{"SHA-1":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}"#, ""),
            ("file", r#"{"hashes":{"SHA-1":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}"#, "invalid-hash hashes.SHA-1 §2.7"),
        ]
        "`SHA-256`" => [
            ("file", r#"{"hashes":{"SHA-256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}"#, ""),
            ("file", r#"{"hashes":{"SHA-256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}"#, "invalid-hash hashes.SHA-256 §2.7"),
        ]
        "`SHA-512`" => [
            ("file", r#"{"hashes":{"SHA-512":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"}}"#, ""),
            ("file", r#"{"hashes":{"SHA-512":"0000000000000000000000000000000000000000000000000000000000000000"}}"#, "invalid-hash hashes.SHA-512 §2.7"),
        ]
        "`SHA3-256`" => [
            ("file", r#"{"hashes":{"SHA3-256":"0000000000000000000000000000000000000000000000000000000000000000"}}"#, ""),
            ("file", r#"{"hashes":{"SHA3-256":"00000000000000000000000000000000000000000000000000000000000000000"}}"#, "invalid-hash hashes.SHA3-256 §2.7"),
        ]
        "`SHA3-512`" => [
            ("file", r#"{"hashes":{"SHA3-512":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"}}"#, ""),
            ("file", r#"{"hashes":{"SHA3-512":"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"}}"#, "invalid-hash hashes.SHA3-512 §2.7"),
        ]
        "`SSDEEP`" => [
            ("file", r#"{"hashes":{"SSDEEP":"96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO"}}"#, ""),
            ("file", r#"{"hashes":{"SSDEEP":"abc"}}"#, "invalid-hash hashes.SSDEEP §2.7"),
        ]
        "`TLSH`" => [
            ("file", r#"{"hashes":{"TLSH":"6FF02BEF718027B0160B4391212923ED7F1A463D563B1549B86CF62973B197AD2731F8"}}"#, ""),
            ("file", r#"{"hashes":{"TLSH":"6FF0"}}"#, "invalid-hash hashes.TLSH §2.7"),
        ]
    }
    section_11_1_custom_properties "11.1.1" {
        "names are of a-z, 0-9 and underscore" => [
            ("campaign", r#"{"x_own_1":1}"#, ""),
            ("campaign", r#"{"x-own":1}"#, "property-name x-own §3.1"),
            ("campaign", r#"{"x_名":1}"#, "property-name x_名 §3.1"),
        ]
        "names have 3 characters at least" => [
            ("campaign", r#"{"own":1}"#, ""),
            ("campaign", r#"{"ow":1}"#, "property-name ow §3.1"),
        ]
        "names have 250 characters at most" => [
            ("campaign", r#"{"@250":1}"#, ""),
            ("campaign", r#"{"@250b":1}"#, "property-name @250b §3.1"),
        ]
    }
    section_11_2_custom_objects "11.2.1" {
        "common properties are there" => [
            ("x-own", r#"{}"#, ""),
            ("x-own", r#"{"modified":null}"#, "missing-property modified §3.2"),
        ]
        "common properties are not used for something else" => [
            ("x-own", r#"{"labels":["a"]}"#, ""),
            ("x-own", r#"{"labels":"a"}"#, "wrong-type labels §2.12"),
        ]
        "one property at least" => [
            ("x-own", r#"{"own":1}"#, ""),
            ("x-own", r#"{"name":null}"#, "empty-object  §11.2.1"),
        ]
        "names of properties are of a-z, 0-9 and underscore" => [
            ("x-own", r#"{"own_1":1}"#, ""),
            ("x-own", r#"{"Own":1}"#, "property-name Own §3.1"),
        ]
        "names of properties have 3 characters at least" => [
            ("x-own", r#"{"own":1}"#, ""),
            ("x-own", r#"{"ow":1}"#, "property-name ow §3.1"),
        ]
        "names of properties have 250 characters at most" => [
            ("x-own", r#"{"@250":1}"#, ""),
            ("x-own", r#"{"@250b":1}"#, "property-name @250b §3.1"),
        ]
        "the type is of a-z, 0-9 and hyphen" => [
            ("x-own-9", r#"{}"#, ""),
            ("x-öwn", r#"{}"#, "stix-id"),
        ]
        "no two hyphens together" => [
            ("x-own", r#"{}"#, ""),
            ("x--own", r#"{}"#, "stix-id"),
        ]
        "types have 3 characters at least" => [
            ("own", r#"{}"#, ""),
            ("ow", r#"{}"#, "type-name type §3.1"),
        ]
        "types have 250 characters at most" => [
            ("@250", r#"{}"#, ""),
            ("@250b", r#"{}"#, "type-name type §3.1"),
        ]
        "identifiers are `object-type--UUID`" => [
            ("x-own", r#"{}"#, ""),
            ("x-own", r#"{"id":"x-own--1"}"#, "stix-id"),
        ]
    }
    section_11_3_custom_extensions "11.3.1" {
        "names are of a-z, 0-9 and hyphen" => [
            ("file", r#"{"extensions":{"own-9-ext":{"own":1}}}"#, ""),
            ("file", r#"{"extensions":{"Own-ext":{"own":1}}}"#, "extension-key extensions.Own-ext §3.2"),
        ]
        "names end in `-ext`" => [
            ("file", r#"{"extensions":{"own-ext":{"own":1}}}"#, ""),
            ("file", r#"{"extensions":{"own":{"own":1}}}"#, "extension-key extensions.own §3.2"),
        ]
        "names have 3 to 250 characters" => [
            ("file", r#"{"extensions":{"x-ext":{"own":1}}}"#, ""),
            ("file", r#"{"extensions":{"@250-ext":{"own":1}}}"#, "extension-key extensions.@250-ext §3.2"),
        ]
        "one property at least" => [
            ("file", r#"{"extensions":{"own-ext":{"own":1}}}"#, ""),
            ("file", r#"{"extensions":{"own-ext":{}}}"#, "empty-extension extensions.own-ext §11.3.1"),
        ]
        "names of properties are of a-z, 0-9 and underscore, 3 to 250 of them" => [
            ("file", r#"{"extensions":{"own-ext":{"own_1":1}}}"#, ""),
            ("file", r#"{"extensions":{"own-ext":{"own-1":1}}}"#, "property-name extensions.own-ext.own-1 §11.3.1"),
            ("file", r#"{"extensions":{"own-ext":{"ow":1}}}"#, "property-name extensions.own-ext.ow §11.3.1"),
        ]
    }
}
