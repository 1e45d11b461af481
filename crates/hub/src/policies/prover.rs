//! The prover (`yagura-prover`): a program beside the hub that proves what a set of policies can and cannot allow.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use api::PolicyProof;
use policy::{Break, Engine, Example, Inquiry, Proof, Safety, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// How long it may take; for the built-in policies it takes some seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// Where the prover is.
#[derive(Debug, Clone)]
pub(super) struct Prover {
    program: PathBuf,
}

impl Prover {
    pub(super) fn new(program: &Path) -> Self {
        Self { program: program.to_owned() }
    }

    /// Asks about the set `after`, which would take the place of `before`. Where nothing can be proved the answer says why; trying
    /// has gone before.
    ///
    /// # Errors
    /// What the set allows and the safety specification forbids.
    pub(super) async fn ask(
        &self,
        before: &[(String, String)],
        after: &[(String, String)],
        engine: &Engine,
    ) -> Result<PolicyProof, Box<Break>> {
        let asked = async {
            let inquiry = Inquiry::new(before, after).map_err(|error| error.to_string())?;
            let text = serde_json::to_vec(&inquiry).map_err(|error| error.to_string())?;
            let limited = tokio::time::timeout(PATIENCE, self.run(&text)).await;
            let answer =
                limited.map_err(|_| format!("no answer within {} seconds", PATIENCE.as_secs()))??;
            serde_json::from_slice::<Proof>(&answer)
                .map_err(|error| format!("its answer cannot be read: {error}"))
        };
        match asked.await {
            Ok(proof) => found(proof, after, engine),
            Err(why) => {
                tracing::warn!(prover = %self.program.display(), %why, "a set of policies was not proved");
                Ok(nothing(why))
            }
        }
    }

    async fn run(&self, inquiry: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: std::io::Error| format!("`{}` cannot be run: {error}", self.program.display());
        let mut child = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err("it has no standard input and output".to_owned());
        };
        let (mut answer, mut complaint) = (Vec::new(), Vec::new());
        let (mut stdout, mut stderr) = (stdout.take(ANSWER_BYTES_MAX), stderr.take(ANSWER_BYTES_MAX));
        let asking = async move {
            // Whoever does not read to the end says why on its way out.
            drop(stdin.write_all(inquiry).await);
        };
        let ((), read, complained) =
            tokio::join!(asking, stdout.read_to_end(&mut answer), stderr.read_to_end(&mut complaint));
        read.and(complained).map_err(failed)?;
        let status = child.wait().await.map_err(failed)?;
        if status.success() {
            return Ok(answer);
        }
        let complaint = String::from_utf8_lossy(&complaint);
        let line = complaint.lines().last().unwrap_or_default();
        Err(format!("`{}` ended with {status}: {line}", self.program.display()))
    }
}

fn nothing(why: String) -> PolicyProof {
    PolicyProof {
        environments: 0,
        within_safety: "open".to_owned(),
        compared: "open".to_owned(),
        may_fail: Vec::new(),
        gained: None,
        lost: None,
        why: Some(why),
    }
}

/// What the answer comes to. A request that is said to break the specification is asked again here: only what the hub itself finds
/// broken is a break.
fn found(proof: Proof, after: &[(String, String)], engine: &Engine) -> Result<PolicyProof, Box<Break>> {
    let Proof { environments, may_fail, within_limit, no_wider, no_narrower } = proof;
    let mut why = None;
    let within_safety = match within_limit {
        Verdict::Proved => "proved",
        Verdict::Open { why: said } => {
            why = Some(said);
            "open"
        }
        Verdict::Refuted(example) => {
            let again = example.situation(engine).map_err(|error| error.to_string()).and_then(|situation| {
                let safety = Safety::of(after).map_err(|error| error.to_string())?;
                safety.broken_at(engine, &situation).ok_or_else(|| {
                    "the prover says that the specification is broken, and the hub finds that it is not"
                        .to_owned()
                })
            });
            match again {
                Ok(found) => return Err(Box::new(found)),
                Err(said) => why = Some(said),
            }
            "open"
        }
    };
    let (compared, gained, lost) = compared(no_wider, no_narrower, engine);
    Ok(PolicyProof {
        environments,
        within_safety: within_safety.to_owned(),
        compared: compared.to_owned(),
        may_fail,
        gained,
        lost,
        why,
    })
}

/// How the set compares with the one in force, and a request each that only one of them allows.
fn compared(
    no_wider: Option<Verdict>,
    no_narrower: Option<Verdict>,
    engine: &Engine,
) -> (&'static str, Option<api::Words>, Option<api::Words>) {
    let (Some(no_wider), Some(no_narrower)) = (no_wider, no_narrower) else {
        return ("not_comparable", None, None);
    };
    let word = match (&no_wider, &no_narrower) {
        (Verdict::Open { .. }, _) | (_, Verdict::Open { .. }) => "open",
        (Verdict::Proved, Verdict::Proved) => "same",
        (Verdict::Proved, Verdict::Refuted(_)) => "narrower",
        (Verdict::Refuted(_), Verdict::Proved) => "wider",
        (Verdict::Refuted(_), Verdict::Refuted(_)) => "different",
    };
    let told = |verdict: &Verdict| match verdict {
        Verdict::Refuted(example) => in_words(example, engine),
        Verdict::Proved | Verdict::Open { .. } => None,
    };
    (word, told(&no_wider), told(&no_narrower))
}

fn in_words(example: &Example, engine: &Engine) -> Option<api::Words> {
    let told = example.situation(engine).ok()?.told();
    Some(api::Words { ja: told.ja, en: told.en })
}
