//! §4 and §5: domain and relationship objects.

use super::musts;

musts! {
    section_4_1_attack_pattern "4.1.1" {
        "a reference to CAPEC has the source `capec` and an id `CAPEC-[id]`" => [
            ("attack-pattern", r#"{"external_references":[{"source_name":"capec","external_id":"CAPEC-163"}]}"#, ""),
            ("attack-pattern", r#"{"external_references":[{"source_name":"capec","external_id":"163"}]}"#, "external-id external_references[0] §4.1"),
            ("attack-pattern", r#"{"external_references":[{"source_name":"CAPEC","external_id":"CAPEC-163"}]}"#, "external-id external_references[0] §4.1"),
        ]
    }
    section_4_2_campaign "4.2.1" {
        "`last_seen` is not before `first_seen`" => [
            ("campaign", r#"{"first_seen":"2026-01-01T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, ""),
            ("campaign", r#"{"first_seen":"2026-01-02T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, "time-order last_seen §4.2"),
        ]
    }
    section_4_7_indicator "4.7.1" {
        "the pattern is one of its `pattern_type`" => [
            ("indicator", r#"{}"#, ""),
            ("indicator", r#"{"pattern_type":"sigma","pattern":"title: t"}"#, ""),
            ("indicator", r#"{"pattern":"title: t"}"#, "invalid-pattern pattern §9"),
        ]
        "`valid_until` is later than `valid_from`" => [
            ("indicator", r#"{"valid_until":"2026-01-02T00:00:00Z"}"#, ""),
            ("indicator", r#"{"valid_until":"2026-01-01T00:00:00Z"}"#, "time-order valid_until §4.7"),
        ]
    }
    section_4_7_stix_patterns_are_understood "4.7" {
        "patterns of §9 are understood" => [
            ("indicator", r#"{"pattern":"[ipv4-addr:value ISSUBSET '198.51.100.0/24'] FOLLOWEDBY [file:size > 1] WITHIN 5 SECONDS"}"#, ""),
            ("indicator", r#"{"pattern":"[ipv4-addr:value ISSUBSET 1]"}"#, "invalid-pattern pattern §9"),
        ]
    }
    section_4_8_infrastructure "4.8.1" {
        "`last_seen` is not before `first_seen`" => [
            ("infrastructure", r#"{"first_seen":"2026-01-01T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, ""),
            ("infrastructure", r#"{"first_seen":"2026-01-02T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, "time-order last_seen §4.8"),
        ]
    }
    section_4_9_intrusion_set "4.9.1" {
        "`last_seen` is not before `first_seen`" => [
            ("intrusion-set", r#"{"first_seen":"2026-01-01T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, ""),
            ("intrusion-set", r#"{"first_seen":"2026-01-02T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, "time-order last_seen §4.9"),
        ]
    }
    section_4_10_location "4.10" {
        "a region, a country, or latitude and longitude" => [
            ("location", r#"{"country":null,"region":"eastern-asia"}"#, ""),
            ("location", r#"{"country":null,"latitude":35.0,"longitude":139.0}"#, ""),
            ("location", r#"{"country":null,"city":"c"}"#, "missing-one-of  §4.10"),
        ]
    }
    section_4_10_location_properties "4.10.1" {
        "`latitude` is within -90 and 90" => [
            ("location", r#"{"latitude":-90.0,"longitude":0}"#, ""),
            ("location", r#"{"latitude":90.5,"longitude":0}"#, "out-of-range latitude §4.10"),
        ]
        "`longitude` is within -180 and 180" => [
            ("location", r#"{"latitude":0,"longitude":180}"#, ""),
            ("location", r#"{"latitude":0,"longitude":-180.1}"#, "out-of-range longitude §4.10"),
        ]
        "`latitude` beside `longitude`" => [
            ("location", r#"{"latitude":0,"longitude":1}"#, ""),
            ("location", r#"{"longitude":1}"#, "missing-companion  §4.10"),
        ]
        "`longitude` beside `latitude`" => [
            ("location", r#"{"latitude":0,"longitude":1}"#, ""),
            ("location", r#"{"latitude":1}"#, "missing-companion  §4.10"),
        ]
        "`precision` beside both" => [
            ("location", r#"{"latitude":0,"longitude":1,"precision":10.5}"#, ""),
            ("location", r#"{"precision":10.5}"#, "missing-companion  §4.10"),
        ]
    }
    section_4_11_malware "4.11.1" {
        "a family has a name" => [
            ("malware", r#"{"is_family":true,"name":"n"}"#, ""),
            ("malware", r#"{"is_family":true}"#, "missing-property name §4.11"),
        ]
        "`last_seen` is not before `first_seen`" => [
            ("malware", r#"{"first_seen":"2026-01-01T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, ""),
            ("malware", r#"{"first_seen":"2026-01-02T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, "time-order last_seen §4.11"),
        ]
        "`operating_system_refs` names `software`" => [
            ("malware", r#"{"operating_system_refs":["software--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("malware", r#"{"operating_system_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target operating_system_refs[0] §4.11"),
        ]
        "`sample_refs` names `file` or `artifact`" => [
            ("malware", r#"{"sample_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("malware", r#"{"sample_refs":["artifact--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("malware", r#"{"sample_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target sample_refs[0] §4.11"),
        ]
    }
    section_4_12_malware_analysis "4.12" {
        "`result` or `analysis_sco_refs`" => [
            ("malware-analysis", r#"{}"#, ""),
            ("malware-analysis", r#"{"result":null,"analysis_sco_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("malware-analysis", r#"{"result":null}"#, "missing-one-of  §4.12"),
        ]
    }
    section_4_12_malware_analysis_references "4.12.1" {
        "`host_vm_ref` names `software`" => [
            ("malware-analysis", r#"{"host_vm_ref":"software--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("malware-analysis", r#"{"host_vm_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target host_vm_ref §4.12"),
        ]
        "`operating_system_ref` names `software`" => [
            ("malware-analysis", r#"{"operating_system_ref":"software--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("malware-analysis", r#"{"operating_system_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target operating_system_ref §4.12"),
        ]
        "`installed_software_refs` names `software`" => [
            ("malware-analysis", r#"{"installed_software_refs":["software--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("malware-analysis", r#"{"installed_software_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target installed_software_refs[0] §4.12"),
        ]
    }
    section_4_14_observed_data "4.14" {
        "`objects` or `object_refs`, and not both" => [
            ("observed-data", r#"{}"#, ""),
            ("observed-data", r#"{"object_refs":null}"#, "missing-one-of  §4.14"),
            ("observed-data", r#"{"objects":{"0":{"type":"mutex","name":"n"}}}"#, "exclusive-properties  §4.14"),
        ]
    }
    section_4_14_observed_data_properties "4.14.1" {
        "`last_observed` is not before `first_observed`" => [
            ("observed-data", r#"{"last_observed":"2026-01-02T00:00:00Z"}"#, ""),
            ("observed-data", r#"{"first_observed":"2026-01-02T00:00:00Z"}"#, "time-order last_observed §4.14"),
        ]
        "`number_observed` is within 1 and 999,999,999" => [
            ("observed-data", r#"{"number_observed":999999999}"#, ""),
            ("observed-data", r#"{"number_observed":0}"#, "out-of-range number_observed §4.14"),
            ("observed-data", r#"{"number_observed":1000000000}"#, "out-of-range number_observed §4.14"),
        ]
        "`objects` holds an object at least" => [
            ("observed-data", r#"{"object_refs":null,"objects":{"0":{"type":"mutex","name":"n"}}}"#, ""),
            ("observed-data", r#"{"object_refs":null,"objects":{}}"#, "empty-dictionary objects §2.3"),
        ]
        "references within the deprecated container lead to what is in it, of the right type" => [
            ("observed-data", r#"{"object_refs":null,"objects":{"0":{"type":"ipv4-addr","value":"198.51.100.1"},"1":{"type":"network-traffic","src_ref":"0","protocols":["tcp"]}}}"#, ""),
            ("observed-data", r#"{"object_refs":null,"objects":{"1":{"type":"network-traffic","src_ref":"0","protocols":["tcp"]}}}"#, "dangling-reference objects.1.src_ref §2.13"),
            ("observed-data", r#"{"object_refs":null,"objects":{"0":{"type":"mutex","name":"n"},"1":{"type":"network-traffic","src_ref":"0","protocols":["tcp"]}}}"#, "reference-target objects.1.src_ref §6.12"),
        ]
        "`object_refs` names an observable at least" => [
            ("observed-data", r#"{"object_refs":["file--c1477287-23ac-4971-a010-5c287877fa60","relationship--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("observed-data", r#"{"object_refs":["relationship--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target object_refs §4.14"),
            ("observed-data", r#"{"object_refs":["tool--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target object_refs[0] §4.14"),
        ]
    }
    section_4_15_opinion "4.15.1" {
        "`opinion` is one of its enumeration" => [
            ("opinion", r#"{"opinion":"neutral"}"#, ""),
            ("opinion", r#"{"opinion":"none"}"#, "not-in-enumeration opinion §10.18"),
        ]
    }
    section_4_17_threat_actor "4.17.1" {
        "`last_seen` is not before `first_seen`" => [
            ("threat-actor", r#"{"first_seen":"2026-01-01T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, ""),
            ("threat-actor", r#"{"first_seen":"2026-01-02T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, "time-order last_seen §4.17"),
        ]
    }
    section_4_19_vulnerability "4.19.1" {
        "a reference to a CVE has the source `cve` and the exact identifier" => [
            ("vulnerability", r#"{"external_references":[{"source_name":"cve","external_id":"CVE-2026-12345"}]}"#, ""),
            ("vulnerability", r#"{"external_references":[{"source_name":"cve","external_id":"2026-12345"}]}"#, "external-id external_references[0] §4.19"),
            ("vulnerability", r#"{"external_references":[{"source_name":"CVE","external_id":"CVE-2026-12345"}]}"#, "external-id external_references[0] §4.19"),
        ]
    }
    section_5_1_relationship "5.1.2" {
        "`relationship_type` is of a-z, 0-9 and hyphen" => [
            ("relationship", r#"{"relationship_type":"own-9"}"#, ""),
            ("relationship", r#"{"relationship_type":"own_one"}"#, "invalid-term relationship_type §3.1"),
            ("relationship", r#"{"relationship_type":"Uses"}"#, "invalid-term relationship_type §3.1"),
        ]
        "`source_ref` names a domain object or an observable" => [
            ("relationship", r#"{"source_ref":"url--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("relationship", r#"{"source_ref":"x-own--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("relationship", r#"{"source_ref":"relationship--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target source_ref §5.1"),
            ("relationship", r#"{"source_ref":"sighting--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target source_ref §5.1"),
            ("relationship", r#"{"source_ref":"bundle--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target source_ref §5.1"),
            ("relationship", r#"{"source_ref":"language-content--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target source_ref §5.1"),
            ("relationship", r#"{"source_ref":"marking-definition--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target source_ref §5.1"),
        ]
        "`target_ref` names a domain object or an observable" => [
            ("relationship", r#"{"target_ref":"campaign--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("relationship", r#"{"target_ref":"relationship--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target target_ref §5.1"),
            ("relationship", r#"{"target_ref":"sighting--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target target_ref §5.1"),
            ("relationship", r#"{"target_ref":"bundle--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target target_ref §5.1"),
            ("relationship", r#"{"target_ref":"language-content--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target target_ref §5.1"),
            ("relationship", r#"{"target_ref":"marking-definition--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target target_ref §5.1"),
        ]
        "`stop_time` is later than `start_time`" => [
            ("relationship", r#"{"start_time":"2026-01-01T00:00:00Z","stop_time":"2026-01-02T00:00:00Z"}"#, ""),
            ("relationship", r#"{"start_time":"2026-01-01T00:00:00Z","stop_time":"2026-01-01T00:00:00Z"}"#, "time-order stop_time §5.1"),
        ]
    }
    section_5_2_sighting "5.2.1" {
        "`last_seen` is not before `first_seen`" => [
            ("sighting", r#"{"first_seen":"2026-01-01T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, ""),
            ("sighting", r#"{"first_seen":"2026-01-02T00:00:00Z","last_seen":"2026-01-01T00:00:00Z"}"#, "time-order last_seen §5.2"),
        ]
        "`count` is within 0 and 999,999,999" => [
            ("sighting", r#"{"count":0}"#, ""),
            ("sighting", r#"{"count":-1}"#, "out-of-range count §5.2"),
            ("sighting", r#"{"count":1000000000}"#, "out-of-range count §5.2"),
        ]
        "`sighting_of_ref` names a domain object" => [
            ("sighting", r#"{"sighting_of_ref":"malware--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("sighting", r#"{"sighting_of_ref":"url--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target sighting_of_ref §5.2"),
            ("sighting", r#"{"sighting_of_ref":"sighting--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target sighting_of_ref §5.2"),
        ]
        "`observed_data_refs` names `observed-data`" => [
            ("sighting", r#"{"observed_data_refs":["observed-data--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("sighting", r#"{"observed_data_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target observed_data_refs[0] §5.2"),
        ]
        "`where_sighted_refs` names `identity` or `location`" => [
            ("sighting", r#"{"where_sighted_refs":["identity--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("sighting", r#"{"where_sighted_refs":["location--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("sighting", r#"{"where_sighted_refs":["tool--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target where_sighted_refs[0] §5.2"),
        ]
    }
}
