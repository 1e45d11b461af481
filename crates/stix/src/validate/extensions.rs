//! The predefined extensions of observables (STIX 2.1 §6).

use super::model::{COUNT, FLOAT, INTEGER, Kind, Property, Record, Rule, TEXTS, Target, optional, required};
use super::rules;
use super::vocabularies as v;

pub(super) const ARCHIVE: Record = Record {
    section: "6.7.2",
    properties: &[
        required("contains_refs", Kind::List(&Kind::Reference(Target::Only(&["file", "directory"])))),
        optional("comment", Kind::Text),
    ],
    rules: &[],
};

pub(super) const NTFS: Record = Record {
    section: "6.7.3",
    properties: &[
        optional("sid", Kind::Text),
        optional("alternate_data_streams", Kind::List(&Kind::Record(&ALTERNATE_DATA_STREAM))),
    ],
    rules: &[Rule::NotEmpty],
};

const ALTERNATE_DATA_STREAM: Record = Record {
    section: "6.7.3",
    properties: &[required("name", Kind::Text), optional("hashes", Kind::Hashes), optional("size", COUNT)],
    rules: &[],
};

pub(super) const PDF: Record = Record {
    section: "6.7.4",
    properties: &[
        optional("version", Kind::Text),
        optional("is_optimized", Kind::Boolean),
        optional("document_info_dict", Kind::Dictionary(&Kind::Text)),
        optional("pdfid0", Kind::Text),
        optional("pdfid1", Kind::Text),
    ],
    rules: &[Rule::NotEmpty],
};

pub(super) const RASTER_IMAGE: Record = Record {
    section: "6.7.5",
    properties: &[
        optional("image_height", INTEGER),
        optional("image_width", INTEGER),
        optional("bits_per_pixel", INTEGER),
        optional("exif_tags", Kind::Dictionary(&Kind::Any)),
    ],
    rules: &[Rule::NotEmpty, Rule::Check(rules::exif_tags)],
};

pub(super) const WINDOWS_PE_BINARY: Record = Record {
    section: "6.7.6",
    properties: &[
        required("pe_type", Kind::Open(&v::WINDOWS_PEBINARY_TYPE)),
        optional("imphash", Kind::Text),
        optional("machine_hex", Kind::Hex),
        optional("number_of_sections", COUNT),
        optional("time_date_stamp", Kind::Timestamp),
        optional("pointer_to_symbol_table_hex", Kind::Hex),
        optional("number_of_symbols", COUNT),
        optional("size_of_optional_header", COUNT),
        optional("characteristics_hex", Kind::Hex),
        optional("file_header_hashes", Kind::Hashes),
        optional("optional_header", Kind::Record(&PE_OPTIONAL_HEADER)),
        optional("sections", Kind::List(&Kind::Record(&PE_SECTION))),
    ],
    rules: &[Rule::Check(rules::more_than_a_type)],
};

const PE_SECTION: Record = Record {
    section: "6.7.6",
    properties: &[
        required("name", Kind::Text),
        optional("size", COUNT),
        optional("entropy", FLOAT),
        optional("hashes", Kind::Hashes),
    ],
    rules: &[],
};

const fn integer(name: &'static str) -> Property {
    optional(name, INTEGER)
}

const PE_OPTIONAL_HEADER: Record = Record {
    section: "6.7.6",
    properties: &[
        optional("magic_hex", Kind::Hex),
        integer("major_linker_version"),
        integer("minor_linker_version"),
        optional("size_of_code", COUNT),
        optional("size_of_initialized_data", COUNT),
        optional("size_of_uninitialized_data", COUNT),
        integer("address_of_entry_point"),
        integer("base_of_code"),
        integer("base_of_data"),
        integer("image_base"),
        integer("section_alignment"),
        integer("file_alignment"),
        integer("major_os_version"),
        integer("minor_os_version"),
        integer("major_image_version"),
        integer("minor_image_version"),
        integer("major_subsystem_version"),
        integer("minor_subsystem_version"),
        optional("win32_version_value_hex", Kind::Hex),
        optional("size_of_image", COUNT),
        optional("size_of_headers", COUNT),
        optional("checksum_hex", Kind::Hex),
        optional("subsystem_hex", Kind::Hex),
        optional("dll_characteristics_hex", Kind::Hex),
        optional("size_of_stack_reserve", COUNT),
        optional("size_of_stack_commit", COUNT),
        optional("size_of_heap_reserve", COUNT),
        optional("size_of_heap_commit", COUNT),
        optional("loader_flags_hex", Kind::Hex),
        integer("number_of_rva_and_sizes"),
        optional("hashes", Kind::Hashes),
    ],
    rules: &[Rule::NotEmpty],
};

pub(super) const HTTP_REQUEST: Record = Record {
    section: "6.12.2",
    properties: &[
        required("request_method", Kind::Text),
        required("request_value", Kind::Text),
        optional("request_version", Kind::Text),
        optional("request_header", Kind::Dictionary(&TEXTS)),
        optional("message_body_length", INTEGER),
        optional("message_body_data_ref", Kind::Reference(Target::Only(&["artifact"]))),
    ],
    rules: &[],
};

pub(super) const ICMP: Record = Record {
    section: "6.12.3",
    properties: &[required("icmp_type_hex", Kind::Hex), required("icmp_code_hex", Kind::Hex)],
    rules: &[],
};

pub(super) const SOCKET: Record = Record {
    section: "6.12.4",
    properties: &[
        required("address_family", Kind::Closed(&v::NETWORK_SOCKET_ADDRESS_FAMILY)),
        optional("is_blocking", Kind::Boolean),
        optional("is_listening", Kind::Boolean),
        optional("options", Kind::Dictionary(&INTEGER)),
        optional("socket_type", Kind::Closed(&v::NETWORK_SOCKET_TYPE)),
        optional("socket_descriptor", COUNT),
        optional("socket_handle", INTEGER),
    ],
    rules: &[],
};

pub(super) const TCP: Record = Record {
    section: "6.12.5",
    properties: &[optional("src_flags_hex", Kind::Hex), optional("dst_flags_hex", Kind::Hex)],
    rules: &[Rule::NotEmpty],
};

pub(super) const WINDOWS_PROCESS: Record = Record {
    section: "6.13.2",
    properties: &[
        optional("aslr_enabled", Kind::Boolean),
        optional("dep_enabled", Kind::Boolean),
        optional("priority", Kind::Text),
        optional("owner_sid", Kind::Text),
        optional("window_title", Kind::Text),
        // The table of the specification and its example spell the name differently.
        optional("windows_title", Kind::Text),
        optional("startup_info", Kind::Dictionary(&Kind::Any)),
        optional("integrity_level", Kind::Closed(&v::WINDOWS_INTEGRITY_LEVEL)),
    ],
    rules: &[Rule::NotEmpty],
};

pub(super) const WINDOWS_SERVICE: Record = Record {
    section: "6.13.3",
    properties: &[
        optional("service_name", Kind::Text),
        optional("descriptions", TEXTS),
        optional("display_name", Kind::Text),
        optional("group_name", Kind::Text),
        optional("start_type", Kind::Closed(&v::WINDOWS_SERVICE_START_TYPE)),
        optional("service_dll_refs", Kind::List(&Kind::Reference(Target::Only(&["file"])))),
        optional("service_type", Kind::Closed(&v::WINDOWS_SERVICE_TYPE)),
        optional("service_status", Kind::Closed(&v::WINDOWS_SERVICE_STATUS)),
    ],
    rules: &[Rule::NotEmpty],
};

pub(super) const UNIX_ACCOUNT: Record = Record {
    section: "6.16.2",
    properties: &[
        optional("gid", INTEGER),
        optional("groups", TEXTS),
        optional("home_dir", Kind::Text),
        optional("shell", Kind::Text),
    ],
    rules: &[Rule::NotEmpty],
};
