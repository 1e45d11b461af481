//! §7 and §8: meta objects and bundles.

use super::musts;

musts! {
    section_7_1_language_content "7.1.1" {
        "`object_ref` is the identifier of a STIX object" => [
            ("language-content", r#"{}"#, ""),
            ("language-content", r#"{"object_ref":"bundle--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target object_ref §7.1"),
            ("language-content", r#"{"object_ref":"campaign"}"#, "invalid-id object_ref §2.9"),
        ]
        "the keys of `contents` are codes of RFC 5646" => [
            ("language-content", r#"{"contents":{"ja":{"name":"名"},"de":{"name":"Name"}}}"#, ""),
            ("language-content", r#"{"contents":{"japanese":{"name":"名"}}}"#, "invalid-language contents.japanese §7.1"),
        ]
    }
    section_7_2_1_marking_definition "7.2.1" {
        "`definition_type` where there are no `extensions`" => [
            ("marking-definition", r#"{"definition_type":null,"definition":null,"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"property-extension","own":1}}}"#, ""),
            ("marking-definition", r#"{"definition_type":null}"#, "missing-one-of  §7.2; missing-companion  §7.2"),
        ]
        "`definition` where there are no `extensions`" => [
            ("marking-definition", r#"{}"#, ""),
            ("marking-definition", r#"{"definition":null}"#, "missing-one-of  §7.2; missing-companion  §7.2; missing-property definition §7.2.1"),
        ]
    }
    section_7_2_1_3_statement "7.2.1.3" {
        "a statement has the type `statement`" => [
            ("marking-definition", r#"{"definition":{"statement":"s"}}"#, ""),
            ("marking-definition", r#"{"definition":{"text":"s"}}"#, "missing-property definition §7.2.1"),
        ]
    }
    section_7_2_1_4_tlp "7.2.1.4" {
        "TLP has the type `tlp`, and the four definitions of the specification are the only ones" => [
            ("text", r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:GREEN","definition":{"tlp":"green"}}"#, ""),
            ("marking-definition", r#"{"created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","definition":{"tlp":"green"}}"#, "tlp-definition  §7.2.1.4"),
            ("text", r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","definition":{"tlp":"white"}}"#, "tlp-definition  §7.2.1.4"),
        ]
    }
    section_7_2_3_granular_markings "7.2.3" {
        "`lang` or `marking_ref`, and not both" => [
            ("campaign", r#"{"granular_markings":[{"lang":"ja","selectors":["name"]},{"marking_ref":"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487","selectors":["name"]}]}"#, ""),
            ("campaign", r#"{"granular_markings":[{"lang":"ja","marking_ref":"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487","selectors":["name"]}]}"#, "exclusive-properties granular_markings[0] §7.2.3"),
            ("campaign", r#"{"granular_markings":[{"selectors":["name"]}]}"#, "stix-marking"),
        ]
        "`lang` is a code of RFC 5646" => [
            ("campaign", r#"{"granular_markings":[{"lang":"en","selectors":["name"]}]}"#, ""),
            ("campaign", r#"{"granular_markings":[{"lang":"english!","selectors":["name"]}]}"#, "invalid-language granular_markings[0].lang §3.2"),
        ]
        "components of a selector are joined by points; each is a name, a key, or an index in brackets" => [
            ("campaign", r#"{"aliases":["a","b"],"granular_markings":[{"lang":"ja","selectors":["aliases.[1]"]}]}"#, ""),
            ("campaign", r#"{"aliases":["a","b"],"granular_markings":[{"lang":"ja","selectors":["aliases[1]"]}]}"#, "selector granular_markings[0].selectors[0] §7.2.3"),
            ("campaign", r#"{"aliases":["a","b"],"granular_markings":[{"lang":"ja","selectors":["aliases.1"]}]}"#, "selector granular_markings[0].selectors[0] §7.2.3"),
        ]
        "a selector names what is there" => [
            ("campaign", r#"{"granular_markings":[{"lang":"ja","selectors":["name"]}]}"#, ""),
            ("campaign", r#"{"granular_markings":[{"lang":"ja","selectors":["description"]}]}"#, "selector granular_markings[0].selectors[0] §7.2.3"),
        ]
    }
    section_7_3_extensions "7.3" {
        "an extension makes no type of the specification's anew" => [
            ("x-own", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, ""),
            ("tool", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, "redefinition extensions.extension-definition--c1477287-23ac-4971-a010-5c287877fa60.extension_type §7.3"),
        ]
        "an object of a new type has the common properties of its kind" => [
            ("x-own", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, ""),
            ("x-own", r#"{"created":null,"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, "missing-property created §3.2"),
        ]
        "a nested extension stands under its definition's identifier, with its type" => [
            ("tool", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"property-extension","own":1}}}"#, ""),
            ("tool", r#"{"extensions":{"extension-definition--1":{"extension_type":"property-extension","own":1}}}"#, "invalid-id extensions.extension-definition--1 §3.2"),
        ]
    }
    section_7_3_1_extension_definition "7.3.1" {
        "`extension_types` are of their enumeration" => [
            ("extension-definition", r#"{"extension_types":["new-sdo","property-extension"]}"#, ""),
            ("extension-definition", r#"{"extension_types":["new-object"]}"#, "not-in-enumeration extension_types[0] §10.5"),
        ]
        "`extension_properties` with the type `toplevel-property-extension` only" => [
            ("extension-definition", r#"{"extension_types":["toplevel-property-extension"],"extension_properties":["own_one"]}"#, ""),
            ("extension-definition", r#"{"extension_properties":["own_one"]}"#, "exclusive-properties extension_properties §7.3.1"),
        ]
    }
    section_7_3_2_extension_schemas "7.3.2" {
        "names of extension properties are of a-z, 0-9 and underscore" => [
            ("tool", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"property-extension","own_1":1}}}"#, ""),
            ("tool", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"property-extension","own-1":1}}}"#, "property-name extensions.extension-definition--c1477287-23ac-4971-a010-5c287877fa60.own-1 §7.3.2"),
            ("extension-definition", r#"{"extension_types":["toplevel-property-extension"],"extension_properties":["Own"]}"#, "property-name extension_properties[0] §7.3.1"),
        ]
        "they have 3 characters at least" => [
            ("extension-definition", r#"{"extension_types":["toplevel-property-extension"],"extension_properties":["own"]}"#, ""),
            ("extension-definition", r#"{"extension_types":["toplevel-property-extension"],"extension_properties":["ow"]}"#, "property-name extension_properties[0] §7.3.1"),
        ]
        "they have 250 characters at most" => [
            ("extension-definition", r#"{"extension_types":["toplevel-property-extension"],"extension_properties":["@250"]}"#, ""),
            ("extension-definition", r#"{"extension_types":["toplevel-property-extension"],"extension_properties":["@250b"]}"#, "property-name extension_properties[0] §7.3.1"),
        ]
        "common properties are not used for something else" => [
            ("extension-definition", r#"{"extension_types":["toplevel-property-extension"],"extension_properties":["own"]}"#, ""),
            ("extension-definition", r#"{"extension_types":["toplevel-property-extension"],"extension_properties":["own","confidence"]}"#, "redefinition extension_properties[1] §7.3.2"),
        ]
        "an object of a new type has a property of its own" => [
            ("x-own", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}},"own":1}"#, ""),
            ("x-own", r#"{"name":null,"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, "empty-object  §11.2.1"),
        ]
        "its type is of a-z, 0-9 and hyphen, without two hyphens together, of 3 to 250 characters" => [
            ("own-9-type", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, ""),
            ("own_type", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, "stix-id"),
            ("xo", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, "type-name type §3.1"),
        ]
        "its identifier is `object-type--UUID`" => [
            ("x-own", r#"{"extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, ""),
            ("x-own", r#"{"id":"x-own","extensions":{"extension-definition--c1477287-23ac-4971-a010-5c287877fa60":{"extension_type":"new-sdo"}}}"#, "stix-id"),
        ]
    }
    section_8_1_bundle "8.1" {
        "what a bundle holds are STIX objects, and a bundle is none" => [
            ("campaign", r#"{}"#, ""),
            ("text", r#"{"type":"bundle","id":"bundle--c1477287-23ac-4971-a010-5c287877fa60","objects":[1]}"#, "bundle-within  §8.1"),
        ]
    }
    section_8_2_bundle_has_no_relationships "8.2" {
        "no relationship leads to a bundle or from it" => [
            ("relationship", r#"{"source_ref":"tool--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("relationship", r#"{"source_ref":"bundle--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target source_ref §5.1"),
            ("report", r#"{"object_refs":["bundle--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target object_refs[0] §4.16"),
        ]
    }
}
