//! Proves what a set of Cedar policies can and cannot allow, over all requests that its schema lets through.
//!
//! Reads one [`Inquiry`] as JSON from standard input and writes one [`Proof`] to standard output. The solver is cvc5 (1.3 or newer):
//! the program that `CVC5` names, else `cvc5` beside this program, else `cvc5` on the path. Exit code 2 and a line on standard error where the inquiry cannot be
//! understood or the solver cannot be used.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use cedar_policy::{PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::err::Error;
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::process::Command;

/// How long the solver may think about one question: in milliseconds.
const SOLVER_LIMIT: &str = "--tlimit=60000";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
type Compiler = CedarSymCompiler<LocalSolver>;

/// What is asked: texts in Cedar's language, all in the words of one schema.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inquiry {
    schema: String,
    /// The policies in force; left out where they have another schema, and then nothing is compared.
    before: Option<String>,
    /// The policies that are to take their place.
    after: String,
    /// What no policies may go beyond.
    limit: String,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Proof {
    /// Kinds of requests: of a principal, an action and a resource. Everything below is about all of them.
    environments: usize,
    /// Policies that fail on some request; a failing policy denies in a hub.
    may_fail: BTreeSet<String>,
    /// Whether nothing is allowed that the limit forbids.
    within_limit: Verdict,
    /// Whether nothing is allowed that was not allowed before.
    no_wider: Option<Verdict>,
    /// Whether all is allowed that was allowed before.
    no_narrower: Option<Verdict>,
}

/// An answer of the solver over all kinds of requests.
#[derive(Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum Verdict {
    Proved,
    /// A request that shows it, with the entities in it, in Cedar's JSON formats.
    Refuted {
        request: Value,
        entities: Value,
    },
    /// The solver gave no answer.
    Open {
        why: String,
    },
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    match runtime.block_on(answer()) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("yagura-prover: {why}");
    ExitCode::from(2)
}

async fn answer() -> Outcome<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let inquiry: Inquiry = serde_json::from_str(&text)?;
    Ok(serde_json::to_string(&prove(&inquiry).await?)?)
}

async fn prove(inquiry: &Inquiry) -> Outcome<Proof> {
    let (schema, _) = Schema::from_cedarschema_str(&inquiry.schema)?;
    let parse = |text: &str| PolicySet::from_str(text);
    let (after, limit) = (parse(&inquiry.after)?, parse(&inquiry.limit)?);
    let before = inquiry.before.as_deref().map(parse).transpose()?;
    let environments: Vec<RequestEnv> = schema.request_envs().collect();
    let of = |policies: &PolicySet| -> Outcome<Vec<CompiledPolicySet>> {
        let compile = |environment| Ok(CompiledPolicySet::compile(policies, environment, &schema)?);
        environments.iter().map(compile).collect()
    };
    let (new, limit) = (of(&after)?, of(&limit)?);
    let old = before.as_ref().map(of).transpose()?;
    let mut compiler = CedarSymCompiler::new(solver()?)?;
    let may_fail = may_fail(&mut compiler, &after, &environments, &schema).await?;
    let within_limit = implies(&mut compiler, &new, &limit).await?;
    let (mut no_wider, mut no_narrower) = (None, None);
    if let Some(old) = &old {
        no_wider = Some(implies(&mut compiler, &new, old).await?);
        no_narrower = Some(implies(&mut compiler, old, &new).await?);
    }
    Ok(Proof { environments: environments.len(), may_fail, within_limit, no_wider, no_narrower })
}

fn solver() -> Outcome<LocalSolver> {
    let named = std::env::var_os("CVC5").map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.with_file_name("cvc5")).filter(|file| file.exists());
    let program = named.or_else(beside).unwrap_or_else(|| PathBuf::from("cvc5"));
    let mut command = Command::new(&program);
    command.args(["--lang", "smt", SOLVER_LIMIT]).kill_on_drop(true);
    let failed = |error| format!("`{}` cannot be started ({error}): set CVC5 to cvc5", program.display());
    Ok(LocalSolver::from_command(&mut command).map_err(failed)?)
}

/// The policies for which some request makes them fail.
async fn may_fail(
    compiler: &mut Compiler,
    policies: &PolicySet,
    environments: &[RequestEnv],
    schema: &Schema,
) -> Outcome<BTreeSet<String>> {
    let mut failing = BTreeSet::new();
    for policy in policies.policies() {
        for environment in environments {
            let compiled = CompiledPolicy::compile(policy, environment, schema)?;
            if !compiler.check_never_errors_opt(&compiled).await? {
                failing
                    .insert(policy.annotation("id").map_or_else(|| policy.id().to_string(), str::to_owned));
                break;
            }
        }
    }
    Ok(failing)
}

/// Whether one allows nothing that the other does not allow, kind of request by kind of request.
async fn implies(
    compiler: &mut Compiler,
    one: &[CompiledPolicySet],
    other: &[CompiledPolicySet],
) -> Outcome<Verdict> {
    for (one, other) in one.iter().zip(other) {
        match compiler.check_implies_with_counterexample_opt(one, other).await {
            Ok(None) => {}
            Ok(Some(found)) => return refuted(&found),
            Err(error @ Error::SolverUnknown) => return Ok(Verdict::Open { why: error.to_string() }),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Verdict::Proved)
}

fn refuted(found: &Env) -> Outcome<Verdict> {
    let uid = |uid: Option<&cedar_policy::EntityUid>| -> Outcome<Value> {
        let uid = uid.ok_or("a request without a principal, an action or a resource")?;
        Ok(json!({ "type": uid.type_name().to_string(), "id": uid.id().unescaped() }))
    };
    let request = json!({
        "principal": uid(found.request.principal())?,
        "action": uid(found.request.action())?,
        "resource": uid(found.request.resource())?,
        "context": found.request.context().ok_or("a request without a context")?.to_json_value()?,
    });
    Ok(Verdict::Refuted { request, entities: found.entities.to_json_value()? })
}
