//! The rules of the house that a machine can check: which crate may stand on which, what has no place in the inner
//! crates, how long things may get, what may not be committed. CONTRIBUTING.md says why.
//!
//! Every rule is a function from texts to findings, so that it is tried on a text that breaks it, too.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(test)]
#[path = "tidy/reasons.rs"]
mod reasons;
#[cfg(test)]
#[path = "tidy/security.rs"]
mod security;

type Findings = Vec<String>;
type Outcome = Result<(), Box<dyn Error>>;

/// The text files of the repository that are, or could be, committed: path from its root → content.
type Files = BTreeMap<String, String>;

#[test]
fn arrows_point_down_and_the_map_is_true() -> Outcome {
    let files = repository()?;
    none(&map_findings(&read_map(text_of(&files, "ARCHITECTURE.md")?)?, &manifests(&files)?))
}

#[test]
fn inner_crates_take_values_and_return_values() -> Outcome {
    let files = repository()?;
    none(&purity_findings(&read_map(text_of(&files, "ARCHITECTURE.md")?)?, &files))
}

#[test]
fn nothing_grows_beyond_a_screen() -> Outcome {
    let files = repository()?;
    none(&length_findings(&files, &Ratchet::read(text_of(&files, "crates/yagura/tests/tidy.toml")?)?))
}

#[test]
fn nothing_is_left_for_later() -> Outcome {
    none(&marker_findings(&repository()?))
}

#[test]
fn no_file_names_the_machine_it_was_written_on() -> Outcome {
    none(&machine_findings(&repository()?))
}

#[test]
fn the_console_speaks_both_languages() -> Outcome {
    let files = repository()?;
    let [ja, en] = ["web/src/locales/ja.json", "web/src/locales/en.json"].map(|path| text_of(&files, path));
    none(&locale_findings(&keys_of(ja?)?, &keys_of(en?)?))
}

#[test]
fn links_in_documents_lead_somewhere() -> Outcome {
    let root = root()?;
    none(&link_findings(&repository()?, |path| root.join(path).exists()))
}

// ---- the map

/// A crate's row in the table of ARCHITECTURE.md.
#[derive(Debug, PartialEq)]
struct Place {
    floor: u8,
    stands_on: BTreeSet<String>,
}

/// Reads the rows `| floor | `crate` | purpose | stands on | … |` of the table.
fn read_map(text: &str) -> Result<BTreeMap<String, Place>, Box<dyn Error>> {
    let mut map = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", floor, name, _, stands_on, ..] = cells.as_slice() else { continue };
        let (Ok(floor), Some(name)) = (floor.parse(), in_backticks(name).into_iter().next()) else {
            continue;
        };
        let place = Place { floor, stands_on: in_backticks(stands_on).into_iter().collect() };
        if map.insert(name.clone(), place).is_some() {
            return Err(format!("ARCHITECTURE.md has two rows for `{name}`").into());
        }
    }
    if map.is_empty() { Err("ARCHITECTURE.md has no table of crates".into()) } else { Ok(map) }
}

fn in_backticks(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Our crates and what each depends on in its shipped form: folder → names of dependencies.
fn manifests(files: &Files) -> Result<BTreeMap<String, BTreeSet<String>>, Box<dyn Error>> {
    let mut found = BTreeMap::new();
    for (path, text) in files {
        let Some(folder) = path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        let manifest: toml::Table = text.parse().map_err(|cause| format!("{path}: {cause}"))?;
        let name =
            manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        if name != Some(folder) {
            return Err(format!("{path}: the folder and the crate in it have different names").into());
        }
        found.insert(folder.to_owned(), dependencies(&manifest));
    }
    Ok(found)
}

/// The names under `dependencies` and `build-dependencies`, for every target. What only tests use is free.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let targets =
        manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let tables = targets.filter_map(toml::Value::as_table).chain([manifest]);
    let kinds = tables.flat_map(|table| [table.get("dependencies"), table.get("build-dependencies")]);
    let entries = kinds.flatten().filter_map(toml::Value::as_table).flatten();
    entries
        .map(|(key, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned())
        .collect()
}

fn map_findings(map: &BTreeMap<String, Place>, crates: &BTreeMap<String, BTreeSet<String>>) -> Findings {
    let mut findings = vec![];
    for name in map.keys().filter(|name| !crates.contains_key(*name)) {
        findings.push(format!("ARCHITECTURE.md has a row for `{name}`, but there is no such crate"));
    }
    for (name, dependencies) in crates {
        let Some(place) = map.get(name) else {
            findings.push(format!("`{name}` has no row in ARCHITECTURE.md: give it a floor and a purpose"));
            continue;
        };
        let ours: BTreeSet<String> =
            dependencies.iter().filter(|on| crates.contains_key(*on)).cloned().collect();
        for on in &ours {
            match map.get(on) {
                Some(below) if below.floor >= place.floor => findings.push(format!(
                    "`{name}` (floor {}) stands on `{on}` (floor {}): arrows point down only",
                    place.floor, below.floor
                )),
                _ => {}
            }
        }
        for on in ours.difference(&place.stands_on) {
            findings
                .push(format!("`{name}` stands on `{on}`, which its row in ARCHITECTURE.md does not allow"));
        }
        for on in place.stands_on.difference(&ours) {
            findings
                .push(format!("ARCHITECTURE.md says that `{name}` stands on `{on}`, its manifest does not"));
        }
    }
    findings
}

#[test]
fn a_false_map_is_found() -> Outcome {
    let map = read_map(
        "| floor | crate | purpose | stands on |\n|---|---|---|---|\n| 1 | `low` | a | |\n| 1 | `beside` | b | `low` |\n\
         | 2 | `high` | c | `low` |\n| 3 | `gone` | d | |\n",
    )?;
    let names = |list: &[&str]| list.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let crates = [
        ("low", names(&["serde", "high"])),
        ("beside", names(&["low"])),
        ("high", names(&[])),
        ("new", names(&[])),
    ];
    let findings = map_findings(&map, &crates.map(|(name, on)| (name.to_owned(), on)).into());
    let expected = [
        "ARCHITECTURE.md has a row for `gone`, but there is no such crate",
        "`beside` (floor 1) stands on `low` (floor 1): arrows point down only",
        "ARCHITECTURE.md says that `high` stands on `low`, its manifest does not",
        "`low` (floor 1) stands on `high` (floor 2): arrows point down only",
        "`low` stands on `high`, which its row in ARCHITECTURE.md does not allow",
        "`new` has no row in ARCHITECTURE.md: give it a floor and a purpose",
    ];
    assert_eq!(findings, expected);
    Ok(())
}

#[test]
fn dependencies_are_found_wherever_they_stand() -> Outcome {
    let manifest = "[dependencies]\na.workspace = true\nb = { package = \"c\", version = \"1\" }\n[build-dependencies]\nd = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\ne = \"1\"\n[dev-dependencies]\nf = \"1\"\n";
    assert_eq!(dependencies(&manifest.parse()?), ["a", "c", "d", "e"].map(str::to_owned).into());
    Ok(())
}

// ---- no input, output, clock or chance on floors 1 to 4

/// The highest floor on which time is an argument and nothing is read or sent.
const PURE_FLOOR_MAX: u8 = 4;

/// Crates below that floor that act all the same: a log's witnesses, mirrors and verifiers need nothing of a node, so they stand on `tlog`
/// alone and any crate above may use them.
const ACTING: [&str; 1] = ["witness"];

/// What only the outer floors may call. A client of the network is a module of its own, named `client`; what keeps files for
/// the lake is one named `storage`.
const OUTER: [&str; 16] = [
    "std::fs",
    "std::env",
    "std::process",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "new_v4",
    "now_v7",
    "getrandom",
    "rand::",
    "tokio::",
    "thread::sleep",
];

fn purity_findings(map: &BTreeMap<String, Place>, files: &Files) -> Findings {
    let mut findings = vec![];
    for (path, text) in files {
        let Some((name, inner)) = path.strip_prefix("crates/").and_then(|rest| rest.split_once("/src/"))
        else {
            continue;
        };
        let inner_floor = map.get(name).is_some_and(|place| place.floor <= PURE_FLOOR_MAX);
        let pure = inner_floor && !ACTING.contains(&name);
        let is_client = inner.split(['/', '.']).any(|part| part == "client");
        let is_storage = name == "lake" && inner.starts_with("storage/");
        let is_service = name == "vault" && inner.starts_with("service/");
        if !pure || is_client || is_storage || is_service || !path.ends_with(".rs") {
            continue;
        }
        let shipped = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
        for (at, line) in shipped.filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for word in OUTER.iter().filter(|word| line.contains(*word)) {
                findings.push(format!(
                    "{path}:{}: `{word}` has no place on floor {PURE_FLOOR_MAX} and below",
                    at + 1
                ));
            }
        }
    }
    findings
}

#[test]
fn a_clock_inside_is_found() -> Outcome {
    let map = read_map("| 4 | `inner` | a | |\n| 5 | `outer` | b | |\n")?;
    let clock =
        "// Timestamp::now is outside\nlet now = Timestamp::now();\n#[cfg(test)]\nstd::fs::read(path)\n";
    let files = [
        "crates/inner/src/a.rs",
        "crates/inner/src/client.rs",
        "crates/inner/src/client/a.rs",
        "crates/outer/src/a.rs",
    ];
    let findings = purity_findings(&map, &files.map(|path| (path.to_owned(), clock.to_owned())).into());
    assert_eq!(findings, ["crates/inner/src/a.rs:2: `Timestamp::now` has no place on floor 4 and below"]);
    Ok(())
}

// ---- lengths

/// The most lines of a source file, without an entry in tidy.toml.
const FILE_LINES_MAX: usize = 800;
/// The most lines of a function from its name to its closing brace, without an entry in tidy.toml.
const FUNCTION_LINES_MAX: usize = 70;

/// The lengths that were too great when the rule came, which may shrink but not grow.
struct Ratchet {
    file_lines: BTreeMap<String, usize>,
    function_lines: BTreeMap<String, usize>,
}

impl Ratchet {
    fn read(text: &str) -> Result<Self, Box<dyn Error>> {
        let table: toml::Table = text.parse()?;
        let section = |name: &str| -> Result<BTreeMap<String, usize>, Box<dyn Error>> {
            Ok(table.get(name).ok_or(format!("tidy.toml lacks [{name}]"))?.clone().try_into()?)
        };
        Ok(Self { file_lines: section("file_lines")?, function_lines: section("function_lines")? })
    }
}

fn length_findings(files: &Files, ratchet: &Ratchet) -> Findings {
    let sources = files.iter().filter(|(path, text)| is_source(path) && !is_generated(text));
    let (mut file_lines, mut function_lines) = (BTreeMap::new(), BTreeMap::new());
    for (path, text) in sources {
        file_lines.insert(path.clone(), text.lines().count());
        // A test may hold a table as long as its subject.
        if path.ends_with(".rs") && !path.contains("/tests/") {
            function_lines
                .extend(functions(text).into_iter().map(|(name, lines)| (format!("{path}::{name}"), lines)));
        }
    }
    let mut findings = over(&file_lines, &ratchet.file_lines, FILE_LINES_MAX, "split it by subject");
    findings.extend(over(&function_lines, &ratchet.function_lines, FUNCTION_LINES_MAX, "split it by step"));
    findings
}

fn is_source(path: &str) -> bool {
    [".rs", ".ts", ".tsx", ".mjs", ".css"].iter().any(|ending| path.ends_with(ending))
}

fn is_generated(text: &str) -> bool {
    text.lines().take(5).any(|line| line.contains("auto-generated"))
}

fn over(
    lengths: &BTreeMap<String, usize>,
    allowed: &BTreeMap<String, usize>,
    max: usize,
    remedy: &str,
) -> Findings {
    let mut findings = vec![];
    for (what, lines) in lengths {
        let limit = allowed.get(what).copied().unwrap_or(max);
        if *lines > limit {
            findings.push(format!("{what} has {lines} lines, the limit is {limit}: {remedy}"));
        }
    }
    for what in allowed.keys().filter(|what| lengths.get(*what).is_none_or(|lines| *lines <= max)) {
        findings.push(format!("{what} is within bounds or gone: remove it from tidy.toml"));
    }
    findings
}

/// The functions of a file in rustfmt's form and their lengths: a function ends at the closing brace that stands as far
/// in as the line with its name. Of several with one name the longest counts.
fn functions(text: &str) -> BTreeMap<String, usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let end = format!("{indent}}}");
        let one_line = line.ends_with('}') || line.ends_with(';');
        let length =
            if one_line { 1 } else { lines.iter().skip(at).take_while(|line| **line != end).count() + 1 };
        let longest = found.entry(name.to_owned()).or_insert(0);
        *longest = length.max(*longest);
    }
    found
}

/// The name where the line begins a function, whatever stands before `fn`.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_modifier = |word: &str| {
        word.starts_with("pub")
            || matches!(word, "async" | "const" | "extern" | "\"C\"" | "in" | "crate)" | "super)")
    };
    let name = after.split(['(', '<']).next().filter(|name| !name.is_empty() && !name.contains(' '))?;
    before.split_whitespace().all(is_modifier).then_some(name)
}

#[test]
fn growth_is_found() -> Outcome {
    let long = format!(
        "    pub(crate) async fn long<T>(\n{}    }}\n    fn short() {{}}\n",
        "        step();\n".repeat(70)
    );
    let lengths = functions(&long);
    assert_eq!(lengths, [("long".to_owned(), 72), ("short".to_owned(), 1)].into());
    let ratchet =
        Ratchet::read("[file_lines]\n'a.rs' = 900\n'gone.rs' = 801\n[function_lines]\n'b.rs::long' = 72\n")?;
    let files = [("a.rs", "x\n".repeat(901)), ("b.rs", long.clone()), ("c.rs", long)];
    let findings = length_findings(&files.map(|(path, text)| (path.to_owned(), text)).into(), &ratchet);
    let expected = [
        "a.rs has 901 lines, the limit is 900: split it by subject",
        "gone.rs is within bounds or gone: remove it from tidy.toml",
        "c.rs::long has 72 lines, the limit is 70: split it by step",
    ];
    assert_eq!(findings, expected);
    Ok(())
}

// ---- what may not be committed

/// Words that put work off; put together here so that this file does not hold them.
const LATER: [[&str; 2]; 3] = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]];

fn marker_findings(files: &Files) -> Findings {
    let code = files.iter().filter(|(path, _)| path.starts_with("crates/") || path.starts_with("web/src/"));
    let words = LATER.map(|halves| halves.concat());
    lines_with(code, |line| {
        words.iter().find(|word| has_word(line, word)).map(|word| format!("`{word}`: do it, or file it"))
    })
}

/// Beginnings of paths that exist on one machine only.
const MACHINE: [[&str; 2]; 5] =
    [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["/Us", "ers/"], ["..", "/shared"]];

fn machine_findings(files: &Files) -> Findings {
    // The one file that may look beside the clone; samples of telemetry are full of other machines' paths.
    let exempt =
        |path: &str| path == ".ci/run" || path.split('/').any(|part| part == "sample" || part == "testdata");
    let words = MACHINE.map(|halves| halves.concat());
    let checked = files.iter().filter(|(path, _)| !exempt(path));
    lines_with(checked, |line| {
        let found = words.iter().find(|word| {
            line.match_indices(word.as_str()).any(|(at, _)| !line.get(..at).is_some_and(ends_in_name))
        });
        found.map(|word| format!("`{word}` is a path on somebody's machine"))
    })
}

fn lines_with<'f>(
    files: impl Iterator<Item = (&'f String, &'f String)>,
    judge: impl Fn(&str) -> Option<String>,
) -> Findings {
    let mut findings = vec![];
    for (path, text) in files {
        for (at, line) in text.lines().enumerate() {
            findings.extend(judge(line).map(|finding| format!("{path}:{}: {finding}", at + 1)));
        }
    }
    findings
}

/// Whether the word stands alone, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// Whether a path could go on from here: then what follows is a part of an address, not its beginning.
fn ends_in_name(text: &str) -> bool {
    text.chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '}' | ')'))
}

#[test]
fn what_is_put_off_or_local_is_found() {
    let later = LATER[0].concat();
    let files = [
        ("crates/a.rs", format!("// {later}: write\nlet {later}S = 1;\nmktemp {0}{0}\n", LATER[2].concat())),
        ("docs/a.md", format!("{later}\nsee {}main\nhttps://example.com{0}a\n", MACHINE[0].concat())),
        (".ci/run", MACHINE[4].concat()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text)).into();
    assert_eq!(marker_findings(&files), [format!("crates/a.rs:1: `{later}`: do it, or file it")]);
    let expected = format!("docs/a.md:2: `{}` is a path on somebody's machine", MACHINE[0].concat());
    assert_eq!(machine_findings(&files), [expected]);
}

// ---- the console's two languages

/// The keys of a locale file, joined by dots, with the text of each.
fn keys_of(text: &str) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut keys = BTreeMap::new();
    let mut left = vec![(String::new(), serde_json::from_str::<serde_json::Value>(text)?)];
    while let Some((key, value)) = left.pop() {
        match value {
            serde_json::Value::Object(members) => {
                let dotted =
                    |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
                left.extend(members.iter().map(|(name, value)| (dotted(name), value.clone())));
            }
            serde_json::Value::String(text) => drop(keys.insert(key, text)),
            other => return Err(format!("`{key}` is {other}, not a text").into()),
        }
    }
    Ok(keys)
}

fn locale_findings(ja: &BTreeMap<String, String>, en: &BTreeMap<String, String>) -> Findings {
    // English has a singular that Japanese does not: the library falls back from `count_one` to `count_other` or `count`.
    let needed_in_ja = |key: &str| {
        key.strip_suffix("_one")
            .is_none_or(|base| !ja.contains_key(base) && !ja.contains_key(&format!("{base}_other")))
    };
    let mut findings: Findings = en
        .keys()
        .filter(|key| !ja.contains_key(*key) && needed_in_ja(key))
        .map(|key| format!("`{key}` is not in Japanese"))
        .collect();
    findings.extend(
        ja.keys().filter(|key| !en.contains_key(*key)).map(|key| format!("`{key}` is not in English")),
    );
    findings.extend(
        ja.iter()
            .chain(en)
            .filter(|(_, text)| text.trim().is_empty())
            .map(|(key, _)| format!("`{key}` is empty")),
    );
    findings
}

#[test]
fn a_missing_translation_is_found() -> Outcome {
    let ja = keys_of(
        r#"{"case": {"open": "開く", "count_other": "{{count}} 件", "seen": "{{count}} 回"}, "old": "古い"}"#,
    )?;
    let en = keys_of(
        r#"{"case": {"open": " ", "count_one": "one", "count_other": "many", "seen": "times", "seen_one": "once", "close": "Close"}}"#,
    )?;
    let expected = ["`case.close` is not in Japanese", "`old` is not in English", "`case.open` is empty"];
    assert_eq!(locale_findings(&ja, &en), expected);
    Ok(())
}

// ---- links

fn link_findings(files: &Files, exists: impl Fn(&str) -> bool) -> Findings {
    let mut findings = vec![];
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let target = folder.join(target);
            if !exists(&target.to_string_lossy()) {
                findings.push(format!("{path}: the link `{link}` leads nowhere"));
            }
        }
    }
    findings
}

#[test]
fn a_dead_link_is_found() {
    let text = "[a](b.md#c) [d](e.md) [f](https://example.com) [g](#h)".to_owned();
    let findings = link_findings(&[("docs/x.md".to_owned(), text)].into(), |path| path == "docs/b.md");
    assert_eq!(findings, ["docs/x.md: the link `e.md` leads nowhere"]);
}

// ---- reading the repository

fn root() -> Result<PathBuf, Box<dyn Error>> {
    let manifest = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    Ok(manifest.ancestors().nth(2).ok_or("the crate is not two folders below the root")?.to_owned())
}

fn repository() -> Result<Files, Box<dyn Error>> {
    let root = root()?;
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&root);
    let listed = git.output().map_err(|cause| format!("the rules need git: {cause}"))?;
    if !listed.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr)).into());
    }
    let mut files = Files::new();
    for path in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        // What is not text, or was deleted and not yet committed, is of no interest here.
        if let Ok(text) = std::fs::read_to_string(root.join(path)) {
            files.insert(path.to_owned(), text);
        }
    }
    Ok(files)
}

fn text_of<'f>(files: &'f Files, path: &str) -> Result<&'f str, Box<dyn Error>> {
    Ok(files.get(path).ok_or_else(|| format!("{path} is missing"))?)
}

fn none(findings: &[String]) -> Outcome {
    if findings.is_empty() { Ok(()) } else { Err(format!("\n  {}", findings.join("\n  ")).into()) }
}
