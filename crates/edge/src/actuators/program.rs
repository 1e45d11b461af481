//! Programs that devices are driven by. Never a shell: a list of arguments, and everything that varies goes in by standard input.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Failed;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest output that is read, in bytes: 5,000 elements of a set in JSON are some 1 MB.
const OUTPUT_BYTES_MAX: u64 = 64 << 20;
/// The most characters of an error that are told on.
const ERROR_CHARS_MAX: usize = 300;

/// Runs a program to its end and gives what it said.
pub(super) fn run(command: &[String], arguments: &[&str], input: &str) -> Result<String, Failed> {
    let Some((program, before)) = command.split_first() else {
        return Err(Failed("no program is configured".to_owned()));
    };
    let mut child = Command::new(program)
        .args(before)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failed(format!("`{program}` cannot be started: {error}")))?;
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (status, said, complaint) = std::thread::scope(|scope| {
        let said = scope.spawn(move || stdout.map(read).unwrap_or_default());
        let complaint = scope.spawn(move || stderr.map(read).unwrap_or_default());
        // Writing to a program that has ended fails; its status says why it has.
        scope.spawn(move || drop(stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()))));
        let status = wait(&mut child);
        (status, said.join().unwrap_or_default(), complaint.join().unwrap_or_default())
    });
    match status {
        Ok(Some(status)) if status.success() => Ok(said),
        Ok(Some(_)) => {
            let text = if complaint.trim().is_empty() { &said } else { &complaint };
            Err(Failed(format!("`{program}` refuses: {}", short(text))))
        }
        Ok(None) => Err(Failed(format!("`{program}` did not end within {} s", PATIENCE.as_secs()))),
        Err(error) => Err(Failed(format!("`{program}` was lost: {error}"))),
    }
}

fn read(from: impl Read) -> String {
    let mut bytes = Vec::new();
    // What could be read before a failure is judged like the rest.
    let _ = from.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Its status; none where it took too long and was ended. Looks often at first: a packet goes through until it has ended.
fn wait(child: &mut Child) -> std::io::Result<Option<std::process::ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let waited = begun.elapsed();
        if waited > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        let quick = waited < Duration::from_millis(100);
        std::thread::sleep(if quick { Duration::from_micros(300) } else { Duration::from_millis(10) });
    }
}

fn short(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    line.chars().filter(|c| !c.is_control()).take(ERROR_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::run;

    fn called(argv: &[&str]) -> Vec<String> {
        argv.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_it_says_comes_back_and_what_it_refuses_is_told() {
        assert_eq!(run(&called(&["cat"]), &[], "hello").unwrap(), "hello");
        let large = "x".repeat(1 << 20);
        assert_eq!(run(&called(&["cat"]), &[], &large).unwrap().len(), 1 << 20);
        let error = run(&called(&["sh", "-c", "echo no such table >&2; exit 1"]), &[], "").unwrap_err();
        assert_eq!(error.to_string(), "`sh` refuses: no such table");
        assert!(
            run(&called(&["/no/such/program"]), &[], "")
                .unwrap_err()
                .to_string()
                .contains("cannot be started")
        );
        assert!(run(&[], &[], "").is_err());
        // It does not read what it is given.
        assert_eq!(run(&called(&["true"]), &[], &large).unwrap(), "");
    }
}
