//! `yagura playbook` and `yagura admin regime`: what the response goes by, judged and shown.

// The attribute tells clippy that the helpers in these modules are tests too, so they may unwrap and index.
#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::{Command, Output};

    fn yagura(arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_yagura")).env("LANG", "C.UTF-8").args(arguments).output().unwrap()
    }

    fn shipped(folder: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn the_shipped_playbooks_can_run_and_a_broken_one_is_told() {
        let files: Vec<PathBuf> = std::fs::read_dir(shipped("playbooks"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        assert_eq!(files.len(), 12);
        let names: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
        let done = yagura(&[&["playbook", "validate"], names.as_slice()].concat());
        assert_eq!((done.status.code(), text(&done.stdout)), (Some(0), String::new()));

        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("broken.json");
        let mut playbook: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
        playbook["workflow_start"] = "start--00000000-0000-4000-8000-000000000000".into();
        std::fs::write(&broken, playbook.to_string()).unwrap();
        let done = yagura(&["playbook", "validate", broken.to_str().unwrap()]);
        assert_eq!(done.status.code(), Some(1));
        assert!(text(&done.stdout).contains("/workflow_start"), "{}", text(&done.stdout));
        std::fs::write(&broken, "{}").unwrap();
        assert_eq!(yagura(&["playbook", "validate", broken.to_str().unwrap()]).status.code(), Some(1));

        let shown = yagura(&["playbook", "show", names[0]]);
        let shown = text(&shown.stdout);
        assert!(shown.contains("[start]") && shown.contains("on_completion →"), "{shown}");
    }

    #[test]
    fn deadlines_are_shown_in_both_languages_with_how_sure_they_are() {
        let english = yagura(&["--lang", "en", "admin", "regime", "show"]);
        assert_eq!(english.status.code(), Some(0), "{}", text(&english.stderr));
        let english = text(&english.stdout);
        for word in ["eu.nis2", "us.circia", "jp.ppc", "24"] {
            assert!(english.contains(word), "{word}: {english}");
        }
        let japanese = text(&yagura(&["--lang", "ja", "admin", "regime", "show"]).stdout);
        assert!(
            japanese.contains("期限") && japanese.lines().count() == english.lines().count(),
            "{japanese}"
        );

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own.toml"), "id = 1").unwrap();
        let done =
            yagura(&["--lang", "en", "admin", "regime", "show", "--folder", folder.path().to_str().unwrap()]);
        assert_eq!(done.status.code(), Some(1));
        assert!(text(&done.stderr).contains("own.toml"), "{}", text(&done.stderr));
        assert!(text(&done.stdout).contains("eu.nis2"), "one bad file leaves the others in use");
    }
}
