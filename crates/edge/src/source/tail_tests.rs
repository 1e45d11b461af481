//! Every way a log moves while it is read, each as a script of acts on a folder and the lines that must come out, once each.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::*;

/// A folder, and what has been read in it so far. `restart` forgets everything but the recorded positions.
struct Reading {
    folder: tempfile::TempDir,
    pattern: String,
    tail: Tail,
    recorded: Vec<Position>,
    lines: Vec<String>,
}

impl Reading {
    fn of(pattern: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pattern = folder.path().join(pattern).to_string_lossy().into_owned();
        Self {
            tail: Tail::new(pattern.clone(), Vec::new()),
            folder,
            pattern,
            recorded: Vec::new(),
            lines: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn compress(&self, from: &str, to: &str) {
        let mut encoder =
            flate2::write::GzEncoder::new(File::create(self.path(to)).unwrap(), flate2::Compression::fast());
        encoder.write_all(&fs::read(self.path(from)).unwrap()).unwrap();
        encoder.finish().unwrap();
        fs::remove_file(self.path(from)).unwrap();
    }

    /// Reads all there is, recording each position with what it gave.
    fn read(&mut self) {
        let moved = self.tail.discover().unwrap();
        moved.into_iter().for_each(|position| self.record(position));
        while let Some(stretch) = self.tail.next().unwrap() {
            let text = String::from_utf8(stretch.bytes).unwrap();
            self.lines.extend(text.lines().map(str::to_owned));
            let position = self.tail.position(stretch.file).unwrap().clone();
            self.record(position);
        }
        let finished = self.tail.finished();
        finished.into_iter().for_each(|position| self.record(position));
    }

    fn record(&mut self, position: Position) {
        self.recorded.retain(|other| other.file != position.file);
        self.recorded.push(position);
    }

    fn restart(&mut self) {
        self.tail = Tail::new(self.pattern.clone(), self.recorded.clone());
    }

    /// Reads until so many lines came, or gives up after the grace for rotated files has passed.
    fn read_until(&mut self, count: usize) {
        let deadline = Instant::now() + ROTATED_GRACE * 3;
        while self.lines.len() < count && Instant::now() < deadline {
            self.read();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        assert_eq!(self.lines, expected);
    }
}

#[test]
fn growth_is_followed_and_half_a_line_waits_for_its_end() {
    let mut reading = Reading::of("eve.json");
    reading.read();
    reading.append("eve.json", "one\ntw");
    reading.read();
    reading.check(&["one"]);
    reading.append("eve.json", "o\nthree\n");
    reading.read();
    reading.check(&["one", "two", "three"]);
}

#[test]
fn a_restart_repeats_nothing() {
    let mut reading = Reading::of("eve.json");
    reading.append("eve.json", "one\ntwo\nthr");
    reading.read();
    reading.restart();
    reading.append("eve.json", "ee\nfour\n");
    reading.read();
    reading.check(&["one", "two", "three", "four"]);
}

#[test]
fn a_renamed_log_is_read_out_and_its_successor_from_the_start() {
    let mut reading = Reading::of("eve.json");
    reading.append("eve.json", "one\n");
    reading.read();
    reading.append("eve.json", "two\n");
    reading.rename("eve.json", "eve.json.1");
    reading.append("eve.json", "three\n");
    reading.append("eve.json.1", "late\n");
    reading.read_until(4);
    reading.lines.sort();
    reading.check(&["late", "one", "three", "two"]);
}

/// What follows on a rotated or emptied log is looked for at once, and nothing is looked for in vain again and again.
#[test]
fn a_successor_is_noticed_when_it_begins() {
    let mut reading = Reading::of("eve.json");
    reading.append("eve.json", "one\n");
    reading.read();
    assert!(!reading.tail.has_moved());
    reading.rename("eve.json", "eve.json.1");
    assert!(reading.tail.has_moved(), "renamed");
    reading.read();
    assert!(!reading.tail.has_moved(), "there is nothing to open yet");
    File::create(reading.path("eve.json")).unwrap();
    assert!(!reading.tail.has_moved(), "and while it is empty neither");
    reading.append("eve.json", "two\n");
    assert!(reading.tail.has_moved());
    reading.read();
    assert!(!reading.tail.has_moved());
    reading.check(&["one", "two"]);
    File::create(reading.path("eve.json")).unwrap();
    assert!(reading.tail.has_moved(), "emptied");
    reading.read();
    assert!(!reading.tail.has_moved());
    reading.append("eve.json", "three\n");
    assert!(reading.tail.has_moved());
    reading.read();
    assert!(!reading.tail.has_moved());
    reading.check(&["one", "two", "three"]);
    fs::remove_file(reading.path("eve.json")).unwrap();
    reading.read();
    fs::create_dir(reading.path("eve.json")).unwrap();
    reading.read();
    assert!(!reading.tail.has_moved(), "what is no log is looked at once");
}

#[test]
fn a_rotation_while_stopped_loses_nothing() {
    let mut reading = Reading::of("eve.json");
    reading.append("eve.json", "one\n");
    reading.read();
    reading.append("eve.json", "two\n");
    reading.rename("eve.json", "eve.json.1");
    reading.append("eve.json", "three\n");
    reading.restart();
    reading.read_until(3);
    reading.lines.sort();
    reading.check(&["one", "three", "two"]);
}

#[test]
fn a_rotation_with_compression_while_stopped_loses_nothing() {
    let mut reading = Reading::of("eve.json");
    reading.append("eve.json", "one\n");
    reading.read();
    reading.append("eve.json", "two\n");
    reading.compress("eve.json", "eve.json.1.gz");
    reading.append("eve.json", "three\n");
    reading.restart();
    reading.read_until(3);
    reading.lines.sort();
    reading.check(&["one", "three", "two"]);
}

#[test]
fn copy_and_truncate_loses_nothing_that_was_copied() {
    let mut reading = Reading::of("eve.json");
    reading.append("eve.json", "a first line\n");
    reading.read();
    reading.append("eve.json", "a second line\n");
    fs::copy(reading.path("eve.json"), reading.path("eve.json.1")).unwrap();
    File::create(reading.path("eve.json")).unwrap();
    reading.append("eve.json", "third\n");
    reading.read_until(3);
    reading.lines.sort();
    reading.check(&["a first line", "a second line", "third"]);
}

#[test]
fn an_emptied_log_is_read_anew() {
    let mut reading = Reading::of("eve.json");
    reading.append("eve.json", "a first line\n");
    reading.read();
    File::create(reading.path("eve.json")).unwrap();
    reading.append("eve.json", "two\n");
    reading.read_until(2);
    reading.check(&["a first line", "two"]);
}

#[test]
fn a_glob_follows_every_file_and_knows_a_rotated_one_again() {
    let mut reading = Reading::of("eve*.json*");
    reading.append("eve-a.json", "a1\n");
    reading.append("eve-b.json", "b1\n");
    reading.read();
    reading.rename("eve-a.json", "eve-a.json.1");
    reading.append("eve-a.json", "a2\n");
    reading.read();
    reading.compress("eve-a.json.1", "eve-a.json.2.gz");
    reading.read();
    reading.restart();
    reading.read_until(3);
    reading.read();
    reading.lines.sort();
    reading.check(&["a1", "a2", "b1"]);
}

#[test]
fn compressed_files_are_read_through() {
    let mut reading = Reading::of("*.gz");
    reading.append("plain", "one\ntwo\nlast without newline");
    reading.compress("plain", "log.gz");
    reading.read_until(3);
    reading.restart();
    reading.read();
    reading.check(&["one", "two", "last without newline"]);
}

#[test]
fn a_line_beyond_the_limit_is_skipped_and_counted() {
    let mut reading = Reading::of("eve.json");
    reading.append("eve.json", &format!("one\n{}\ntwo\n", "x".repeat(LINE_BYTES_MAX + STRETCH_BYTES * 2)));
    let mut oversize = 0;
    reading.tail.discover().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while reading.lines.len() < 2 && Instant::now() < deadline {
        while let Some(stretch) = reading.tail.next().unwrap() {
            oversize += stretch.oversize;
            reading.lines.extend(String::from_utf8(stretch.bytes).unwrap().lines().map(str::to_owned));
        }
    }
    reading.check(&["one", "two"]);
    assert_eq!(oversize, 1);
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_not_an_end() {
    let mut reading = Reading::of("eve.json");
    fs::create_dir(reading.path("eve.json")).unwrap();
    reading.read();
    reading.check(&[]);
    fs::remove_dir(reading.path("eve.json")).unwrap();
    reading.append("eve.json", "one\n");
    reading.read();
    reading.check(&["one"]);
    assert!(Path::new(&reading.pattern).is_absolute());
}
