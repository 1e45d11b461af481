//! The committee's vectors: each file's outcome, and why where it is another than the folder says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openc2::{Action, Command, Language, Pairs, Reading, Response, TargetName, slpf};

use crate::support::corpus;

/// What the committee's devices are made of, by folder.
struct Device {
    reading: Reading,
    /// What its `pairs` may say; anything where there is none.
    pairs: Option<Pairs>,
}

fn device(folder: &str) -> Device {
    // The namespaces of the hypothetical Acme device (schemas/v1.0.1/…-acme.jidl); those of 1.1 are the same with an underscore.
    let acme =
        ["slpf", "x-acme", "x-mycompany", "x-mycompany_with_underscore", "x-example", "x-395", "x-esm"];
    let later =
        ["slpf", "x_acme", "x_mycompany", "x_example", "x_395", "x_esm", "x_0123456789_ABCDEFG_abcdefg___"];
    let (reading, pairs) = match folder {
        "vectors-v1.0.1/language" => (Reading::bare(Language::V1_0), None),
        "vectors-v1.0.1/slpf" => (Reading::with(Language::V1_0, &["slpf"]), Some(slpf::pairs())),
        "vectors-v1.0.1/slpf+acme" => (Reading::with(Language::V1_0, &acme), Some(acme_pairs())),
        "vectors-v1.1/language" => (Reading::bare(Language::V1_1), None),
        "vectors-v1.1/language-anything" => {
            (Reading { language: Some(Language::V1_1), ..Reading::default() }, None)
        }
        "vectors-v1.1/slpf" => (Reading::with(Language::V1_1, &["slpf"]), Some(slpf::pairs())),
        "vectors-v1.1/slpf-acme" => (Reading::with(Language::V1_1, &later), Some(acme_pairs())),
        "usecases-plugfest/blinky" => (Reading::with(Language::V1_1, &["blinky"]), Some(blinky_pairs())),
        "usecases-plugfest/slpf" => (Reading::with(Language::V1_1, &["slpf"]), Some(slpf::pairs())),
        // Profiles that nobody here carries out: what of them is the language's own.
        _ => (Reading { language: Some(Language::V1_1), ..Reading::default() }, None),
    };
    Device { reading, pairs }
}

/// Of usecases-plugfest/blinky/blinky.jidl.
fn blinky_pairs() -> Pairs {
    let mut pairs = Pairs::default();
    for (action, name) in
        [(Action::Query, "features"), (Action::Query, "blinky/device"), (Action::Set, "blinky/display")]
    {
        pairs.add(action, TargetName::parse(name).unwrap());
    }
    pairs
}

/// Of schemas/v1.0.1/…-acme.jidl.
fn acme_pairs() -> Pairs {
    let mut pairs = slpf::pairs();
    for (action, name) in [
        (Action::Deny, "file"),
        (Action::Contain, "device"),
        (Action::Allow, "device"),
        (Action::Allow, "file"),
        (Action::Remediate, "file"),
    ] {
        pairs.add(action, TargetName::common(name).unwrap());
    }
    pairs
}

const FOREIGN: &str =
    "what a LED panel's profile says within its own namespace is its own; nobody here carries it out";
const SLPF_EMPTY: &str = "the profile's table of results has no least number (SLPF 2.2.2), and `results_slpf_empty` is good in both versions";
const LONG: &str = "names have at most 32 characters; the same file is bad in `language-anything/commands/bad`, or longer still";

/// What we say otherwise than the folder, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("usecases-plugfest/blinky/Bad-command/query-device-bad-actuator-specifiers.json", FOREIGN),
    ("usecases-plugfest/blinky/Bad-command/query-device-bad-arg.json", FOREIGN),
    ("usecases-plugfest/blinky/Bad-command/query-device-bad-device.json", FOREIGN),
    ("usecases-plugfest/blinky/Bad-command/query-device-bad-empty-device.json", FOREIGN),
    ("usecases-plugfest/blinky/Bad-command/query-device-bad-list-dup.json", FOREIGN),
    ("usecases-plugfest/blinky/Bad-response/response-device-bad-device.json", FOREIGN),
    ("usecases-plugfest/blinky/Bad-response/response-device-empty.json", FOREIGN),
    ("usecases-plugfest/slpf/Bad-response/slpf_response_bad_empty_results.json", SLPF_EMPTY),
    (
        "vectors-v1.1/language-anything/commands/good/create_poetry.json",
        "a profile's targets are a choice of one (`AP-Target` in the schemas); here are several",
    ),
    ("vectors-v1.1/language-anything/commands/good/long_name_80.json", LONG),
    ("vectors-v1.1/language-anything/commands/good/long_name_x244.json", LONG),
    (
        "vectors-v1.1/slpf-acme/commands/good/results_unknown_profile.json",
        "a response that lies among the commands",
    ),
    (
        "vectors-v1.1/slpf-acme/responses/bad/results_ext_empty.json",
        "the same file is good in 1.0, and nothing in the text forbids a profile's empty results",
    ),
    (
        "vectors-v1.1/slpf-acme/responses/good/query_features_all_badprofile.json",
        "the vectors' own README says that a profile must be a URI in 1.1; this one is not",
    ),
];

fn json_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            out.push(path);
        }
    }
    out.sort();
}

/// Whether the file is to be taken, and whether it is a command, by the names of its folders.
fn expected(path: &str) -> Option<(bool, bool)> {
    let is_command = path.contains("/commands/") || path.contains("-command/");
    let good = path.contains("/good/") || path.contains("/Good-");
    let bad = path.contains("/bad/") || path.contains("/Bad-");
    (good || bad).then_some((good, is_command))
}

fn outcome(path: &str, text: &[u8], is_command: bool) -> Result<(), String> {
    let folder = path.split('/').take(2).collect::<Vec<_>>().join("/");
    let Device { reading, pairs } = device(&folder);
    if is_command {
        let command = Command::parse(text, &reading).map_err(|refusal| refusal.to_string())?;
        // What was taken comes back as it was read, in either spelling.
        for language in [Language::V1_0, Language::V1_1] {
            let again = Command::read(&command.write(language), &Reading::default()).unwrap();
            assert_eq!(again, command, "{path}");
        }
        if folder.ends_with("/slpf") {
            slpf::judge(&command, &slpf::Support::default()).map_err(|refusal| refusal.to_string())?;
        }
    } else {
        let response = Response::parse(text, &reading).map_err(|refusal| refusal.to_string())?;
        assert_eq!(
            Response::read(&response.write(Language::V1_1), &reading).as_ref(),
            Ok(&response),
            "{path}"
        );
        let told = response.results.and_then(|results| results.pairs);
        if let (Some(told), Some(pairs)) = (told, pairs)
            && !told.are_within(&pairs)
        {
            return Err("pairs that the device does not have".to_owned());
        }
    }
    Ok(())
}

#[test]
fn every_vector_has_its_outcome() {
    let Some(root) = corpus("response/openc2") else { return };
    let mut paths = vec![];
    json_files(&root, &mut paths);
    let mut differences = BTreeMap::new();
    let mut counts: BTreeMap<(String, bool, bool), usize> = BTreeMap::new();
    for path in paths {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let Some((good, is_command)) = expected(&name) else { continue };
        let text = std::fs::read(&path).unwrap();
        let found = outcome(&name, &text, is_command);
        let version = name.split('/').next().unwrap().to_owned();
        *counts.entry((version, is_command, good)).or_default() += 1;
        if found.is_ok() != good {
            differences.insert(name, found.err().unwrap_or_default());
        }
    }
    let listed: Vec<&str> =
        DIFFERENCES.iter().map(|(name, why)| if why.is_empty() { "" } else { *name }).collect();
    let found: Vec<&str> = differences.keys().map(String::as_str).collect();
    assert_eq!(found, listed, "what differs: {differences:#?}");
    let of = |version: &str, is_command, good| counts.get(&(version.to_owned(), is_command, good)).copied();
    let v1_0 =
        [(true, true), (true, false), (false, true), (false, false)].map(|(c, g)| of("vectors-v1.0.1", c, g));
    let v1_1 =
        [(true, true), (true, false), (false, true), (false, false)].map(|(c, g)| of("vectors-v1.1", c, g));
    assert_eq!(v1_0, [Some(82), Some(26), Some(16), Some(13)]);
    assert_eq!(v1_1, [Some(77), Some(34), Some(17), Some(16)]);
    assert_eq!(counts.values().sum::<usize>(), 337);
}
