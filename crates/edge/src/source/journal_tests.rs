//! What the journal promises: what was answered for is there after any crash, in order, once; never more than fits.

use proptest::prelude::*;

use super::*;

struct Scene {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

struct Open {
    journal: Journal,
    writing: std::thread::JoinHandle<()>,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn open(&self, position: u64, bytes_max: u64) -> Open {
        let (journal, writer) = Journal::open(&self.folder.path().join("j"), position, bytes_max).unwrap();
        Open { journal, writing: std::thread::spawn(move || writer.run()) }
    }

    fn keep(&self, open: &Open, text: &str) -> Result<(), Refused> {
        let entry = NewEntry { key: [7; 16], lines: text.as_bytes().to_vec() };
        self.runtime.block_on(open.journal.keep(&entry))
    }

    fn last_file(&self) -> PathBuf {
        files_of(&self.folder.path().join("j")).unwrap().pop().unwrap().1
    }
}

impl Open {
    fn close(self) {
        drop(self.journal);
        self.writing.join().unwrap();
    }

    fn texts(&self, position: u64) -> (Vec<String>, u64) {
        let mut reader = self.journal.reader(position);
        let mut texts = Vec::new();
        while let Some(entry) = reader.next().unwrap() {
            assert_eq!(entry.key, [7; 16]);
            assert_eq!(entry.end - entry.offset, entry.lines.len() as u64);
            texts.push(String::from_utf8(entry.lines).unwrap());
        }
        (texts, reader.position)
    }
}

#[test]
fn entries_come_back_in_order_also_after_opening_again() {
    let scene = Scene::new();
    let open = scene.open(0, 1 << 20);
    scene.keep(&open, "a\n").unwrap();
    scene.keep(&open, "b\nc\n").unwrap();
    let (texts, end) = open.texts(0);
    assert_eq!(texts, ["a\n", "b\nc\n"]);
    open.close();
    let open = scene.open(end, 1 << 20);
    scene.keep(&open, "d\n").unwrap();
    assert_eq!(open.texts(end).0, ["d\n"]);
    assert_eq!(open.texts(0).0, ["a\n", "b\nc\n", "d\n"]);
    open.close();
}

#[test]
fn over_the_bound_nothing_is_taken_until_some_was_read() {
    let scene = Scene::new();
    let open = scene.open(0, 200);
    let line = format!("{}\n", "x".repeat(79));
    scene.keep(&open, &line).unwrap();
    assert_eq!(scene.keep(&open, &line), Err(Refused::Full));
    assert_eq!(open.texts(0).0.len(), 1);
    open.journal.release(open.texts(0).1).unwrap();
    assert_eq!(open.journal.behind(), 0);
    scene.keep(&open, &line).unwrap();
    assert_eq!(open.texts(0).0.len(), 2);
    assert!(!open.journal.is_full());
    open.close();
    // The bound holds for what was there before, too.
    let open = scene.open(0, 200);
    assert_eq!(scene.keep(&open, &line), Err(Refused::Full));
    open.close();
}

#[test]
fn who_goes_away_before_the_answer_takes_no_room_for_ever() {
    let scene = Scene::new();
    let open = scene.open(0, 1 << 20);
    let entry = NewEntry { key: [7; 16], lines: b"gone\n".to_vec() };
    scene.runtime.block_on(async {
        for _ in 0..50 {
            let mut keeping = Box::pin(open.journal.keep(&entry));
            let _ = futures::poll!(&mut keeping);
        }
    });
    scene.keep(&open, "last\n").unwrap();
    let (texts, end) = open.texts(0);
    assert_eq!((texts.len(), texts.last().unwrap().as_str()), (51, "last\n"));
    open.journal.release(end).unwrap();
    assert_eq!(open.journal.behind(), 0);
    open.close();
}

#[test]
fn half_an_entry_is_cut_off_and_written_over() {
    let scene = Scene::new();
    for torn in 1..=(HEADER_BYTES + 3) {
        let open = scene.open(0, 1 << 20);
        scene.keep(&open, "whole\n").unwrap();
        let (before, _) = open.texts(0);
        open.close();
        let half = framed(&NewEntry { key: [7; 16], lines: b"half\n".to_vec() });
        let mut file = std::fs::OpenOptions::new().append(true).open(scene.last_file()).unwrap();
        file.write_all(&half[..torn]).unwrap();
        let open = scene.open(0, 1 << 20);
        assert_eq!(open.texts(0).0, before, "{torn}");
        scene.keep(&open, "after\n").unwrap();
        assert_eq!(open.texts(0).0.last().unwrap(), "after\n");
        open.close();
    }
}

#[test]
fn full_files_are_followed_by_others_and_removed_when_read() {
    let scene = Scene::new();
    let open = scene.open(0, 1 << 30);
    let large = format!("{}\n", "x".repeat(FILE_BYTES as usize / 2));
    for _ in 0..5 {
        scene.keep(&open, &large).unwrap();
    }
    let folder = scene.folder.path().join("j");
    assert_eq!(files_of(&folder).unwrap().len(), 3);
    let (texts, end) = open.texts(0);
    assert_eq!(texts.len(), 5);
    open.journal.release(end).unwrap();
    assert_eq!(files_of(&folder).unwrap().len(), 1);
    scene.keep(&open, "next\n").unwrap();
    assert_eq!(open.texts(end).0, ["next\n"]);
    open.close();
}

#[test]
fn where_files_are_gone_offsets_go_on() {
    let scene = Scene::new();
    let open = scene.open(5000, 1 << 20);
    scene.keep(&open, "a\n").unwrap();
    assert_eq!(open.texts(5000).0, ["a\n"]);
    open.close();
    // The spool knows a later position than the folder that was put back.
    let open = scene.open(9000, 1 << 20);
    scene.keep(&open, "b\n").unwrap();
    assert_eq!(open.texts(9000).0, ["b\n"]);
    open.close();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Wherever the bytes are spoilt, what comes before them comes back, and nothing that was not written does.
    #[test]
    fn spoilt_bytes_end_what_is_read(
        texts in prop::collection::vec("[a-z]{1,40}", 1..8), at in any::<prop::sample::Index>(), with in 1_u8..,
    ) {
        let scene = Scene::new();
        let open = scene.open(0, 1 << 20);
        for text in &texts {
            scene.keep(&open, text).unwrap();
        }
        open.close();
        let path = scene.last_file();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        std::fs::write(&path, bytes).unwrap();
        let open = scene.open(0, 1 << 20);
        let (read, _) = open.texts(0);
        open.close();
        prop_assert!(read.len() < texts.len());
        prop_assert_eq!(&read[..], &texts[..read.len()]);
    }
}
