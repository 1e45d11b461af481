//! §6: cyber-observable objects and their predefined extensions.

use super::musts;

musts! {
    section_6_1_artifact "6.1" {
        "`payload_bin` or `url`, and not both" => [
            ("artifact", r#"{}"#, ""),
            ("artifact", r#"{"payload_bin":null}"#, "missing-one-of  §6.1"),
            ("artifact", r#"{"url":"https://a.example/","hashes":{"MD5":"3773a88f65a5e780c8dff9cdc3a056f3"}}"#, "exclusive-properties  §6.1"),
        ]
    }
    section_6_1_artifact_properties "6.1.1" {
        "`url` is one" => [
            ("artifact", r#"{"payload_bin":null,"url":"https://a.example/","hashes":{"MD5":"3773a88f65a5e780c8dff9cdc3a056f3"}}"#, ""),
            ("artifact", r#"{"payload_bin":null,"url":"a.example","hashes":{"MD5":"3773a88f65a5e780c8dff9cdc3a056f3"}}"#, "invalid-url url §6.15"),
        ]
        "`hashes` beside `url`" => [
            ("artifact", r#"{"payload_bin":null,"url":"https://a.example/","hashes":{"MD5":"3773a88f65a5e780c8dff9cdc3a056f3"}}"#, ""),
            ("artifact", r#"{"payload_bin":null,"url":"https://a.example/"}"#, "missing-companion  §6.1"),
        ]
        "`encryption_algorithm` is one of its enumeration" => [
            ("artifact", r#"{"encryption_algorithm":"AES-256-GCM"}"#, ""),
            ("artifact", r#"{"encryption_algorithm":"rot13"}"#, "not-in-enumeration encryption_algorithm §10.4"),
        ]
        "`decryption_key` beside `encryption_algorithm` only" => [
            ("artifact", r#"{"encryption_algorithm":"mime-type-indicated","decryption_key":"k"}"#, ""),
            ("artifact", r#"{"decryption_key":"k"}"#, "missing-companion  §6.1"),
        ]
    }
    section_6_3_directory "6.3.1" {
        "`contains_refs` names `file` or `directory`" => [
            ("directory", r#"{"contains_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("directory", r#"{"contains_refs":["directory--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("directory", r#"{"contains_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target contains_refs[0] §6.3"),
        ]
    }
    section_6_4_domain_name "6.4.1" {
        "`value` is a name of RFC 1034, its parts of RFC 5890" => [
            ("domain-name", r#"{"value":"xn--eckwd4c7c.example"}"#, ""),
            ("domain-name", r#"{"value":"a..example"}"#, "invalid-domain-name value §6.4"),
            ("domain-name", r#"{"value":"a b.example"}"#, "invalid-domain-name value §6.4"),
        ]
        "`resolves_to_refs` names `ipv4-addr` or `ipv6-addr` or `domain-name`" => [
            ("domain-name", r#"{"resolves_to_refs":["ipv4-addr--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("domain-name", r#"{"resolves_to_refs":["ipv6-addr--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("domain-name", r#"{"resolves_to_refs":["domain-name--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("domain-name", r#"{"resolves_to_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target resolves_to_refs[0] §6.4"),
        ]
    }
    section_6_5_email_address "6.5.1" {
        "`value` is an address without display name" => [
            ("email-addr", r#"{"value":"a.b@a.example"}"#, ""),
            ("email-addr", r#"{"value":"A B <a@a.example>"}"#, "invalid-email-address value §6.5"),
        ]
        "`belongs_to_ref` names `user-account`" => [
            ("email-addr", r#"{"belongs_to_ref":"user-account--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("email-addr", r#"{"belongs_to_ref":"identity--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target belongs_to_ref §6.5"),
        ]
    }
    section_6_6_encoded_words "6.6" {
        "what a header encodes (RFC 2047) stands decoded" => [
            ("email-message", r#"{"subject":"some =? text, 件名"}"#, ""),
            ("email-message", r#"{"subject":"=?iso-8859-1?q?this=20is=20some=20text?="}"#, "encoded-header subject §6.6"),
            ("email-message", r#"{"additional_header_fields":{"Reply-To":["a","=?utf-8?B?5Lu25ZCN?= <a@a.example>"]}}"#, "encoded-header additional_header_fields.Reply-To[1] §6.6"),
        ]
    }
    section_6_6_email_message "6.6.1" {
        "`from_ref` names `email-addr`" => [
            ("email-message", r#"{"from_ref":"email-addr--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("email-message", r#"{"from_ref":"identity--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target from_ref §6.6"),
        ]
        "`sender_ref` names `email-addr`" => [
            ("email-message", r#"{"sender_ref":"email-addr--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("email-message", r#"{"sender_ref":"identity--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target sender_ref §6.6"),
        ]
        "`to_refs` names `email-addr`" => [
            ("email-message", r#"{"to_refs":["email-addr--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("email-message", r#"{"to_refs":["identity--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target to_refs[0] §6.6"),
        ]
        "`cc_refs` names `email-addr`" => [
            ("email-message", r#"{"cc_refs":["email-addr--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("email-message", r#"{"cc_refs":["identity--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target cc_refs[0] §6.6"),
        ]
        "`bcc_refs` names `email-addr`" => [
            ("email-message", r#"{"bcc_refs":["email-addr--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("email-message", r#"{"bcc_refs":["identity--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target bcc_refs[0] §6.6"),
        ]
        "the values of `additional_header_fields` are lists of strings" => [
            ("email-message", r#"{"additional_header_fields":{"X-Mailer":["a"]}}"#, ""),
            ("email-message", r#"{"additional_header_fields":{"X-Mailer":"a"}}"#, "wrong-type additional_header_fields.X-Mailer §2.12"),
        ]
        "no `body` where it is multipart" => [
            ("email-message", r#"{"body":"b"}"#, ""),
            ("email-message", r#"{"is_multipart":true,"body":"b"}"#, "exclusive-properties  §6.6"),
        ]
        "no `body_multipart` where it is not" => [
            ("email-message", r#"{"is_multipart":true,"body_multipart":[{"body":"b"}]}"#, ""),
            ("email-message", r#"{"body_multipart":[{"body":"b"}]}"#, "exclusive-properties  §6.6"),
        ]
        "`raw_email_ref` names `artifact`" => [
            ("email-message", r#"{"raw_email_ref":"artifact--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("email-message", r#"{"raw_email_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target raw_email_ref §6.6"),
        ]
    }
    section_6_6_2_mime_part "6.6.2" {
        "a part has `body` or `body_raw_ref`" => [
            ("email-message", r#"{"is_multipart":true,"body_multipart":[{"body":"b"}]}"#, ""),
            ("email-message", r#"{"is_multipart":true,"body_multipart":[{"content_type":"text/plain"}]}"#, "missing-one-of body_multipart[0] §6.6.2"),
        ]
        "`body_raw_ref` names `artifact` or `file`" => [
            ("email-message", r#"{"is_multipart":true,"body_multipart":[{"body_raw_ref":"artifact--c1477287-23ac-4971-a010-5c287877fa60"},{"body_raw_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}]}"#, ""),
            ("email-message", r#"{"is_multipart":true,"body_multipart":[{"body_raw_ref":"url--c1477287-23ac-4971-a010-5c287877fa60"}]}"#, "reference-target body_multipart[0].body_raw_ref §6.6.2"),
        ]
    }
    section_6_7_file "6.7" {
        "`hashes` or `name`" => [
            ("file", r#"{}"#, ""),
            ("file", r#"{"name":null,"size":1}"#, "missing-one-of  §6.7"),
        ]
    }
    section_6_7_file_properties "6.7.1" {
        "the keys of `extensions` are predefined names or identifiers of extension definitions" => [
            ("file", r#"{"extensions":{"ntfs-ext":{"sid":"s"}}}"#, ""),
            ("file", r#"{"extensions":{"ntfs":{"sid":"s"}}}"#, "extension-key extensions.ntfs §3.2"),
        ]
        "`size` is not negative" => [
            ("file", r#"{"size":0}"#, ""),
            ("file", r#"{"size":-1}"#, "out-of-range size §6.7"),
        ]
        "`parent_directory_ref` names `directory`" => [
            ("file", r#"{"parent_directory_ref":"directory--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("file", r#"{"parent_directory_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target parent_directory_ref §6.7"),
        ]
        "`content_ref` names `artifact`" => [
            ("file", r#"{"content_ref":"artifact--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("file", r#"{"content_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target content_ref §6.7"),
        ]
    }
    section_6_7_2_archive "6.7.2" {
        "the key of the extension is `archive-ext`" => [
            ("file", r#"{"extensions":{"archive-ext":{"contains_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}}}"#, ""),
            ("file", r#"{"extensions":{"archive":{"contains_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}}}"#, "extension-key extensions.archive §3.2"),
        ]
        "`contains_refs` names `file` or `directory`" => [
            ("file", r#"{"extensions":{"archive-ext":{"contains_refs":["file--c1477287-23ac-4971-a010-5c287877fa60","directory--c1477287-23ac-4971-a010-5c287877fa60"]}}}"#, ""),
            ("file", r#"{"extensions":{"archive-ext":{"contains_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}}}"#, "reference-target extensions.archive-ext.contains_refs[0] §6.7.2"),
        ]
        "`contains_refs` names one at least" => [
            ("file", r#"{"extensions":{"archive-ext":{"contains_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}}}"#, ""),
            ("file", r#"{"extensions":{"archive-ext":{"comment":"c"}}}"#, "missing-property extensions.archive-ext.contains_refs §6.7.2"),
        ]
    }
    section_6_7_3_ntfs "6.7.3" {
        "the key of the extension is `ntfs-ext`" => [
            ("file", r#"{"extensions":{"ntfs-ext":{"sid":"s"}}}"#, ""),
            ("file", r#"{"extensions":{"ntfs":{"sid":"s"}}}"#, "extension-key extensions.ntfs §3.2"),
        ]
        "one property at least" => [
            ("file", r#"{"extensions":{"ntfs-ext":{"sid":"s"}}}"#, ""),
            ("file", r#"{"extensions":{"ntfs-ext":{}}}"#, "missing-one-of extensions.ntfs-ext §6.7.3"),
        ]
        "the size of a stream is not negative" => [
            ("file", r#"{"extensions":{"ntfs-ext":{"alternate_data_streams":[{"name":"n","size":0}]}}}"#, ""),
            ("file", r#"{"extensions":{"ntfs-ext":{"alternate_data_streams":[{"name":"n","size":-1}]}}}"#, "out-of-range extensions.ntfs-ext.alternate_data_streams[0].size §6.7.3"),
        ]
    }
    section_6_7_4_pdf "6.7.4" {
        "the key of the extension is `pdf-ext`" => [
            ("file", r#"{"extensions":{"pdf-ext":{"version":"1.7"}}}"#, ""),
            ("file", r#"{"extensions":{"pdf":{"version":"1.7"}}}"#, "extension-key extensions.pdf §3.2"),
        ]
        "one property at least" => [
            ("file", r#"{"extensions":{"pdf-ext":{"version":"1.7"}}}"#, ""),
            ("file", r#"{"extensions":{"pdf-ext":{}}}"#, "missing-one-of extensions.pdf-ext §6.7.4"),
        ]
        "the values of `document_info_dict` are strings" => [
            ("file", r#"{"extensions":{"pdf-ext":{"document_info_dict":{"Title":"t"}}}}"#, ""),
            ("file", r#"{"extensions":{"pdf-ext":{"document_info_dict":{"Title":1}}}}"#, "wrong-type extensions.pdf-ext.document_info_dict.Title §2.15"),
        ]
    }
    section_6_7_5_raster_image "6.7.5" {
        "the key of the extension is `raster-image-ext`" => [
            ("file", r#"{"extensions":{"raster-image-ext":{"image_width":1}}}"#, ""),
            ("file", r#"{"extensions":{"raster-image":{"image_width":1}}}"#, "extension-key extensions.raster-image §3.2"),
        ]
        "one property at least" => [
            ("file", r#"{"extensions":{"raster-image-ext":{"image_width":1}}}"#, ""),
            ("file", r#"{"extensions":{"raster-image-ext":{}}}"#, "missing-one-of extensions.raster-image-ext §6.7.5"),
        ]
        "the values of `exif_tags` are integers or strings" => [
            ("file", r#"{"extensions":{"raster-image-ext":{"exif_tags":{"Make":"m","XResolution":4928}}}}"#, ""),
            ("file", r#"{"extensions":{"raster-image-ext":{"exif_tags":{"XResolution":1.5}}}}"#, "wrong-type extensions.raster-image-ext.exif_tags.XResolution §6.7.5"),
        ]
    }
    section_6_7_6_windows_executable "6.7.6" {
        "the key of the extension is `windows-pebinary-ext`" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","imphash":"i"}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary":{"pe_type":"exe","imphash":"i"}}}"#, "extension-key extensions.windows-pebinary §3.2"),
        ]
        "one property beside `pe_type` at least" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","number_of_sections":1}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe"}}}"#, "missing-one-of extensions.windows-pebinary-ext §6.7.6"),
        ]
        "`time_date_stamp` is to the second" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","time_date_stamp":"2026-01-01T00:00:00Z"}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","time_date_stamp":"2026-01-01T00:00Z"}}}"#, "invalid-timestamp extensions.windows-pebinary-ext.time_date_stamp §2.16"),
        ]
        "`size_of_optional_header` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","size_of_optional_header":0}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","size_of_optional_header":-1}}}"#, "out-of-range extensions.windows-pebinary-ext.size_of_optional_header §6.7.6"),
        ]
        "an optional header has one property at least" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"magic_hex":"0b01"}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{}}}}"#, "missing-one-of extensions.windows-pebinary-ext.optional_header §6.7.6"),
        ]
        "the size of a section is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","sections":[{"name":"n","size":0}]}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","sections":[{"name":"n","size":-1}]}}}"#, "out-of-range extensions.windows-pebinary-ext.sections[0].size §6.7.6"),
        ]
        "`size_of_code` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_code":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_code":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_code §6.7.6"),
        ]
        "`size_of_initialized_data` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_initialized_data":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_initialized_data":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_initialized_data §6.7.6"),
        ]
        "`size_of_uninitialized_data` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_uninitialized_data":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_uninitialized_data":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_uninitialized_data §6.7.6"),
        ]
        "`size_of_image` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_image":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_image":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_image §6.7.6"),
        ]
        "`size_of_headers` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_headers":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_headers":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_headers §6.7.6"),
        ]
        "`size_of_stack_reserve` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_stack_reserve":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_stack_reserve":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_stack_reserve §6.7.6"),
        ]
        "`size_of_stack_commit` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_stack_commit":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_stack_commit":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_stack_commit §6.7.6"),
        ]
        "`size_of_heap_reserve` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_heap_reserve":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_heap_reserve":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_heap_reserve §6.7.6"),
        ]
        "`size_of_heap_commit` is not negative" => [
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_heap_commit":0}}}}"#, ""),
            ("file", r#"{"extensions":{"windows-pebinary-ext":{"pe_type":"exe","optional_header":{"size_of_heap_commit":-1}}}}"#, "out-of-range extensions.windows-pebinary-ext.optional_header.size_of_heap_commit §6.7.6"),
        ]
    }
    section_6_8_ipv4_address "6.8.1" {
        "`resolves_to_refs` names `mac-addr`" => [
            ("ipv4-addr", r#"{"resolves_to_refs":["mac-addr--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("ipv4-addr", r#"{"resolves_to_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target resolves_to_refs[0] §6.8"),
        ]
        "`belongs_to_refs` names `autonomous-system`" => [
            ("ipv4-addr", r#"{"belongs_to_refs":["autonomous-system--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("ipv4-addr", r#"{"belongs_to_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target belongs_to_refs[0] §6.8"),
        ]
    }
    section_6_9_ipv6_address "6.9.1" {
        "`resolves_to_refs` names `mac-addr`" => [
            ("ipv6-addr", r#"{"resolves_to_refs":["mac-addr--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("ipv6-addr", r#"{"resolves_to_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target resolves_to_refs[0] §6.9"),
        ]
        "`belongs_to_refs` names `autonomous-system`" => [
            ("ipv6-addr", r#"{"belongs_to_refs":["autonomous-system--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("ipv6-addr", r#"{"belongs_to_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target belongs_to_refs[0] §6.9"),
        ]
    }
    section_6_10_mac_address "6.10.1" {
        "six octets with colons, in lower case, with leading zeros" => [
            ("mac-addr", r#"{"value":"d2:fb:49:24:37:18"}"#, ""),
            ("mac-addr", r#"{"value":"D2:FB:49:24:37:18"}"#, "invalid-mac-address value §6.10"),
            ("mac-addr", r#"{"value":"d2:fb:49:24:37:8"}"#, "invalid-mac-address value §6.10"),
            ("mac-addr", r#"{"value":"d2-fb-49-24-37-18"}"#, "invalid-mac-address value §6.10"),
        ]
    }
    section_6_12_network_traffic "6.12" {
        "`protocols`, and `src_ref` or `dst_ref`" => [
            ("network-traffic", r#"{}"#, ""),
            ("network-traffic", r#"{"protocols":null}"#, "missing-property protocols §6.12"),
            ("network-traffic", r#"{"src_ref":null}"#, "missing-one-of  §6.12"),
        ]
    }
    section_6_12_network_traffic_properties "6.12.1" {
        "no `end` where it is active; with an `end`, `is_active` is false" => [
            ("network-traffic", r#"{"is_active":false,"end":"2026-01-01T00:00:00Z"}"#, ""),
            ("network-traffic", r#"{"is_active":true,"end":"2026-01-01T00:00:00Z"}"#, "exclusive-properties  §6.12"),
        ]
        "`end` is not before `start`" => [
            ("network-traffic", r#"{"start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00Z"}"#, ""),
            ("network-traffic", r#"{"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}"#, "time-order end §6.12"),
        ]
        "`src_ref` names `ipv4-addr` or `ipv6-addr` or `mac-addr` or `domain-name`" => [
            ("network-traffic", r#"{"src_ref":"ipv4-addr--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"src_ref":"ipv6-addr--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"src_ref":"mac-addr--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"src_ref":"domain-name--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"src_ref":"url--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target src_ref §6.12"),
        ]
        "`dst_ref` names `ipv4-addr` or `ipv6-addr` or `mac-addr` or `domain-name`" => [
            ("network-traffic", r#"{"dst_ref":"ipv4-addr--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"dst_ref":"ipv6-addr--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"dst_ref":"mac-addr--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"dst_ref":"domain-name--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"dst_ref":"url--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target dst_ref §6.12"),
        ]
        "`src_port` is within 0 and 65535" => [
            ("network-traffic", r#"{"src_port":65535}"#, ""),
            ("network-traffic", r#"{"src_port":65536}"#, "out-of-range src_port §6.12"),
            ("network-traffic", r#"{"src_port":-1}"#, "out-of-range src_port §6.12"),
        ]
        "`dst_port` is within 0 and 65535" => [
            ("network-traffic", r#"{"dst_port":65535}"#, ""),
            ("network-traffic", r#"{"dst_port":65536}"#, "out-of-range dst_port §6.12"),
            ("network-traffic", r#"{"dst_port":-1}"#, "out-of-range dst_port §6.12"),
        ]
        "the values of `ipfix` are integers or strings" => [
            ("network-traffic", r#"{"ipfix":{"minimumIpTotalLength":32,"a":"b"}}"#, ""),
            ("network-traffic", r#"{"ipfix":{"minimumIpTotalLength":1.5}}"#, "wrong-type ipfix.minimumIpTotalLength §6.12"),
        ]
        "`src_payload_ref` names `artifact`" => [
            ("network-traffic", r#"{"src_payload_ref":"artifact--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"src_payload_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target src_payload_ref §6.12"),
        ]
        "`dst_payload_ref` names `artifact`" => [
            ("network-traffic", r#"{"dst_payload_ref":"artifact--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"dst_payload_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target dst_payload_ref §6.12"),
        ]
        "`encapsulates_refs` names `network-traffic`" => [
            ("network-traffic", r#"{"encapsulates_refs":["network-traffic--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("network-traffic", r#"{"encapsulates_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target encapsulates_refs[0] §6.12"),
        ]
        "`encapsulated_by_ref` names `network-traffic`" => [
            ("network-traffic", r#"{"encapsulated_by_ref":"network-traffic--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("network-traffic", r#"{"encapsulated_by_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target encapsulated_by_ref §6.12"),
        ]
        "the keys of `extensions` are predefined names or identifiers of extension definitions" => [
            ("network-traffic", r#"{"extensions":{"tcp-ext":{"src_flags_hex":"02"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"tcp":{"src_flags_hex":"02"}}}"#, "extension-key extensions.tcp §3.2"),
        ]
    }
    section_6_12_2_http_request "6.12.2" {
        "the key of the extension is `http-request-ext`" => [
            ("network-traffic", r#"{"extensions":{"http-request-ext":{"request_method":"get","request_value":"/"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"http-request":{"request_method":"get","request_value":"/"}}}"#, "extension-key extensions.http-request §3.2"),
        ]
        "the values of `request_header` are lists of strings" => [
            ("network-traffic", r#"{"extensions":{"http-request-ext":{"request_method":"get","request_value":"/","request_header":{"Host":["a.example"]}}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"http-request-ext":{"request_method":"get","request_value":"/","request_header":{"Host":"a.example"}}}}"#, "wrong-type extensions.http-request-ext.request_header.Host §2.12"),
        ]
        "`message_body_data_ref` names `artifact`" => [
            ("network-traffic", r#"{"extensions":{"http-request-ext":{"request_method":"get","request_value":"/","message_body_data_ref":"artifact--c1477287-23ac-4971-a010-5c287877fa60"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"http-request-ext":{"request_method":"get","request_value":"/","message_body_data_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}}}"#, "reference-target extensions.http-request-ext.message_body_data_ref §6.12.2"),
        ]
    }
    section_6_12_3_icmp "6.12.3" {
        "the key of the extension is `icmp-ext`" => [
            ("network-traffic", r#"{"extensions":{"icmp-ext":{"icmp_type_hex":"08","icmp_code_hex":"00"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"icmp":{"icmp_type_hex":"08","icmp_code_hex":"00"}}}"#, "extension-key extensions.icmp §3.2"),
        ]
    }
    section_6_12_4_socket "6.12.4" {
        "the key of the extension is `socket-ext`" => [
            ("network-traffic", r#"{"extensions":{"socket-ext":{"address_family":"AF_INET"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"socket":{"address_family":"AF_INET"}}}"#, "extension-key extensions.socket §3.2"),
        ]
        "`address_family` is one of its enumeration" => [
            ("network-traffic", r#"{"extensions":{"socket-ext":{"address_family":"AF_INET"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"socket-ext":{"address_family":"AF_NONE"}}}"#, "not-in-enumeration extensions.socket-ext.address_family §10.16"),
        ]
        "the values of `options` are integers" => [
            ("network-traffic", r#"{"extensions":{"socket-ext":{"address_family":"AF_INET","options":{"SO_RCVTIMEO":100}}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"socket-ext":{"address_family":"AF_INET","options":{"SO_RCVTIMEO":"100"}}}}"#, "wrong-type extensions.socket-ext.options.SO_RCVTIMEO §2.10"),
        ]
        "`socket_type` is one of its enumeration" => [
            ("network-traffic", r#"{"extensions":{"socket-ext":{"address_family":"AF_INET","socket_type":"SOCK_STREAM"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"socket-ext":{"address_family":"AF_INET","socket_type":"STREAM"}}}"#, "not-in-enumeration extensions.socket-ext.socket_type §10.17"),
        ]
    }
    section_6_12_5_tcp "6.12.5" {
        "the key of the extension is `tcp-ext`" => [
            ("network-traffic", r#"{"extensions":{"tcp-ext":{"src_flags_hex":"02"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"tcp":{"src_flags_hex":"02"}}}"#, "extension-key extensions.tcp §3.2"),
        ]
        "one property at least" => [
            ("network-traffic", r#"{"extensions":{"tcp-ext":{"dst_flags_hex":"02"}}}"#, ""),
            ("network-traffic", r#"{"extensions":{"tcp-ext":{}}}"#, "missing-one-of extensions.tcp-ext §6.12.5"),
        ]
    }
    section_6_13_process "6.13" {
        "one property of its own, or an extension" => [
            ("process", r#"{}"#, ""),
            ("process", r#"{"pid":null,"extensions":{"windows-process-ext":{"priority":"p"}}}"#, ""),
            ("process", r#"{"pid":null}"#, "missing-one-of  §6.13"),
        ]
    }
    section_6_13_process_properties "6.13.1" {
        "the values of `environment_variables` are strings" => [
            ("process", r#"{"environment_variables":{"PATH":"/bin"}}"#, ""),
            ("process", r#"{"environment_variables":{"N":1}}"#, "wrong-type environment_variables.N §2.15"),
        ]
        "`opened_connection_refs` names `network-traffic`" => [
            ("process", r#"{"opened_connection_refs":["network-traffic--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("process", r#"{"opened_connection_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target opened_connection_refs[0] §6.13"),
        ]
        "`creator_user_ref` names `user-account`" => [
            ("process", r#"{"creator_user_ref":"user-account--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("process", r#"{"creator_user_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target creator_user_ref §6.13"),
        ]
        "`image_ref` names `file`" => [
            ("process", r#"{"image_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("process", r#"{"image_ref":"url--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target image_ref §6.13"),
        ]
        "`parent_ref` names `process`" => [
            ("process", r#"{"parent_ref":"process--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("process", r#"{"parent_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target parent_ref §6.13"),
        ]
        "`child_refs` names `process`" => [
            ("process", r#"{"child_refs":["process--c1477287-23ac-4971-a010-5c287877fa60"]}"#, ""),
            ("process", r#"{"child_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}"#, "reference-target child_refs[0] §6.13"),
        ]
        "the keys of `extensions` are predefined names or identifiers of extension definitions" => [
            ("process", r#"{"extensions":{"windows-process-ext":{"priority":"p"}}}"#, ""),
            ("process", r#"{"extensions":{"windows":{"priority":"p"}}}"#, "extension-key extensions.windows §3.2"),
        ]
    }
    section_6_13_2_windows_process "6.13.2" {
        "the key of the extension is `windows-process-ext`" => [
            ("process", r#"{"extensions":{"windows-process-ext":{"priority":"p"}}}"#, ""),
            ("process", r#"{"extensions":{"windows-process":{"priority":"p"}}}"#, "extension-key extensions.windows-process §3.2"),
        ]
        "one property at least" => [
            ("process", r#"{"extensions":{"windows-process-ext":{"aslr_enabled":true}}}"#, ""),
            ("process", r#"{"extensions":{"windows-process-ext":{}}}"#, "missing-one-of extensions.windows-process-ext §6.13.2"),
        ]
        "`integrity_level` is one of its enumeration" => [
            ("process", r#"{"extensions":{"windows-process-ext":{"integrity_level":"high"}}}"#, ""),
            ("process", r#"{"extensions":{"windows-process-ext":{"integrity_level":"higher"}}}"#, "not-in-enumeration extensions.windows-process-ext.integrity_level §10.27"),
        ]
    }
    section_6_13_3_windows_service "6.13.3" {
        "the key of the extension is `windows-service-ext`" => [
            ("process", r#"{"extensions":{"windows-service-ext":{"service_name":"s"}}}"#, ""),
            ("process", r#"{"extensions":{"windows-service":{"service_name":"s"}}}"#, "extension-key extensions.windows-service §3.2"),
        ]
        "one property at least" => [
            ("process", r#"{"extensions":{"windows-service-ext":{"service_name":"s"}}}"#, ""),
            ("process", r#"{"extensions":{"windows-service-ext":{}}}"#, "missing-one-of extensions.windows-service-ext §6.13.3"),
        ]
        "`start_type` is one of its enumeration" => [
            ("process", r#"{"extensions":{"windows-service-ext":{"start_type":"SERVICE_AUTO_START"}}}"#, ""),
            ("process", r#"{"extensions":{"windows-service-ext":{"start_type":"AUTO"}}}"#, "not-in-enumeration extensions.windows-service-ext.start_type §10.30"),
        ]
        "`service_dll_refs` names `file`" => [
            ("process", r#"{"extensions":{"windows-service-ext":{"service_dll_refs":["file--c1477287-23ac-4971-a010-5c287877fa60"]}}}"#, ""),
            ("process", r#"{"extensions":{"windows-service-ext":{"service_dll_refs":["url--c1477287-23ac-4971-a010-5c287877fa60"]}}}"#, "reference-target extensions.windows-service-ext.service_dll_refs[0] §6.13.3"),
        ]
        "`service_type` is one of its enumeration" => [
            ("process", r#"{"extensions":{"windows-service-ext":{"service_type":"SERVICE_WIN32_OWN_PROCESS"}}}"#, ""),
            ("process", r#"{"extensions":{"windows-service-ext":{"service_type":"OWN"}}}"#, "not-in-enumeration extensions.windows-service-ext.service_type §10.31"),
        ]
        "`service_status` is one of its enumeration" => [
            ("process", r#"{"extensions":{"windows-service-ext":{"service_status":"SERVICE_RUNNING"}}}"#, ""),
            ("process", r#"{"extensions":{"windows-service-ext":{"service_status":"RUNNING"}}}"#, "not-in-enumeration extensions.windows-service-ext.service_status §10.32"),
        ]
    }
    section_6_14_software "6.14.1" {
        "`cpe` is a name of CPE 2.3" => [
            ("software", r#"{"cpe":"cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*"}"#, ""),
            ("software", r#"{"cpe":"cpe:/a:microsoft:word:2000"}"#, "invalid-cpe cpe §6.14"),
        ]
        "`languages` are codes of RFC 5646" => [
            ("software", r#"{"languages":["ja","en-US"]}"#, ""),
            ("software", r#"{"languages":["日本語"]}"#, "invalid-language languages[0] §3.2"),
        ]
    }
    section_6_15_url "6.15.1" {
        "`value` is a URL of RFC 3986" => [
            ("url", r#"{"value":"ftp://a.example/b?c#d"}"#, ""),
            ("url", r#"{"value":"a.example/b"}"#, "invalid-url value §6.15"),
            ("url", r#"{"value":"https://a.example/a b"}"#, "invalid-url value §6.15"),
        ]
    }
    section_6_16_user_account "6.16" {
        "one property of its own at least" => [
            ("user-account", r#"{}"#, ""),
            ("user-account", r#"{"user_id":null}"#, "missing-one-of  §6.16"),
        ]
    }
    section_6_16_user_account_extensions "6.16.1" {
        "the keys of `extensions` are predefined names or identifiers of extension definitions" => [
            ("user-account", r#"{"extensions":{"unix-account-ext":{"gid":1}}}"#, ""),
            ("user-account", r#"{"extensions":{"unix":{"gid":1}}}"#, "extension-key extensions.unix §3.2"),
        ]
    }
    section_6_16_2_unix_account "6.16.2" {
        "the key of the extension is `unix-account-ext`" => [
            ("user-account", r#"{"extensions":{"unix-account-ext":{"gid":1}}}"#, ""),
            ("user-account", r#"{"extensions":{"unix-account":{"gid":1}}}"#, "extension-key extensions.unix-account §3.2"),
        ]
        "one property at least" => [
            ("user-account", r#"{"extensions":{"unix-account-ext":{"gid":1}}}"#, ""),
            ("user-account", r#"{"extensions":{"unix-account-ext":{}}}"#, "missing-one-of extensions.unix-account-ext §6.16.2"),
        ]
    }
    section_6_17_registry_key "6.17" {
        "one property of its own at least" => [
            ("windows-registry-key", r#"{}"#, ""),
            ("windows-registry-key", r#"{"key":null}"#, "missing-one-of  §6.17"),
        ]
    }
    section_6_17_registry_key_properties "6.17.1" {
        "the hive is written in full" => [
            ("windows-registry-key", r#"{"key":"HKEY_CURRENT_USER\\a"}"#, ""),
            ("windows-registry-key", r#"{"key":"HKLM\\a"}"#, "truncated-hive key §6.17"),
            ("windows-registry-key", r#"{"key":"hkcu\\a"}"#, "truncated-hive key §6.17"),
        ]
        "`creator_user_ref` names `user-account`" => [
            ("windows-registry-key", r#"{"creator_user_ref":"user-account--c1477287-23ac-4971-a010-5c287877fa60"}"#, ""),
            ("windows-registry-key", r#"{"creator_user_ref":"file--c1477287-23ac-4971-a010-5c287877fa60"}"#, "reference-target creator_user_ref §6.17"),
        ]
    }
    section_6_17_2_registry_value "6.17.2" {
        "one property at least" => [
            ("windows-registry-key", r#"{"values":[{"name":"","data":"d"}]}"#, ""),
            ("windows-registry-key", r#"{"values":[{}]}"#, "missing-one-of values[0] §6.17.2"),
        ]
        "`data_type` is one of its enumeration" => [
            ("windows-registry-key", r#"{"values":[{"data_type":"REG_SZ"}]}"#, ""),
            ("windows-registry-key", r#"{"values":[{"data_type":"SZ"}]}"#, "not-in-enumeration values[0].data_type §10.29"),
        ]
    }
    section_6_18_certificate "6.18" {
        "one property of its own at least" => [
            ("x509-certificate", r#"{}"#, ""),
            ("x509-certificate", r#"{"serial_number":null}"#, "missing-one-of  §6.18"),
        ]
    }
    section_6_18_2_certificate_extensions "6.18.2" {
        "one property at least" => [
            ("x509-certificate", r#"{"x509_v3_extensions":{"key_usage":"k"}}"#, ""),
            ("x509-certificate", r#"{"x509_v3_extensions":{}}"#, "missing-one-of x509_v3_extensions §6.18.2"),
        ]
    }
}
