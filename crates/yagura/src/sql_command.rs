//! `yagura lake sql`, and the cluster that it may run on.

use std::io::{IsTerminal, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use lake::Lake;
use query::{Answer, Bounds, Executor, QueryError, Session};

use crate::lake_command;
use crate::output::{Failure, Output};

/// `yagura lake sql`.
#[derive(Debug, Args)]
#[command(
    after_help = "Tables: `records`, one row for each record; `observables`, one for each record and each address, name, \
                        URL or hash in it. Functions: in_network(value, '203.0.113.0/24', …), is_below(value, 'example.jp', …), \
                        canonical('domain-name', 'Example.JP'), address(observed, 'source')."
)]
pub(crate) struct SqlArgs {
    /// The lake's folder.
    #[arg(value_name = "LAKE_DIR")]
    pub(crate) lake: PathBuf,
    /// The question; without it, it is read from standard input.
    #[arg(value_name = "SELECT")]
    pub(crate) question: Option<String>,
    /// Read the question from a file.
    #[arg(long, value_name = "FILE", conflicts_with = "question")]
    pub(crate) file: Option<PathBuf>,
    /// How rows are printed; `--json` prints one object a line. By default a table on a terminal and CSV elsewhere.
    #[arg(long, value_enum)]
    pub(crate) output: Option<Form>,
    /// The most rows that are printed; 0 prints all. By default 1000 of a table, and all of CSV and JSON.
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<usize>,
    /// Say how the question is worked out, and what was read, instead of the answer.
    #[arg(long)]
    pub(crate) explain: bool,
    /// The memory for sorting, joining and grouping; what is more goes to temporary files.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub(crate) memory_mib: u64,
    /// The most temporary files.
    #[arg(long, value_name = "MIB", default_value_t = 16_384)]
    pub(crate) temporary_mib: u64,
    /// Ask the cluster whose scheduler is there. All its machines reach the lake under the same path.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) cluster: Option<String>,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// With frames, for people.
    Table,
    /// Comma-separated values with a line of names.
    Csv,
    /// One JSON object a line.
    Json,
}

/// `yagura lake scheduler`.
#[derive(Debug, Args)]
pub(crate) struct SchedulerArgs {
    /// Where clients and executors reach it.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50050")]
    pub(crate) listen: SocketAddr,
    /// Listen where other machines reach it. There is no sign-in: whoever reaches it can have every Parquet file read.
    #[arg(long)]
    pub(crate) allow_network: bool,
}

/// `yagura lake executor`.
#[derive(Debug, Args)]
pub(crate) struct ExecutorArgs {
    /// Where the scheduler is.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    pub(crate) scheduler: String,
    /// Where clients and other executors reach it; each executor of a machine needs a port of its own.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50051")]
    pub(crate) listen: SocketAddr,
    /// Listen where other machines reach it. There is no sign-in: whoever reaches it can have every Parquet file read.
    #[arg(long)]
    pub(crate) allow_network: bool,
    /// How many parts of questions it works on at once; by default one for each processor.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// The memory for sorting, joining and grouping, shared by these parts.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub(crate) memory_mib: u64,
}

/// Rows of a table on a terminal, where nothing else is said.
const TABLE_ROWS: usize = 1000;

/// What was wrong, in both languages.
fn failure(error: &QueryError) -> Failure {
    let english = error.to_string();
    let japanese = match error {
        QueryError::Lake(error) => return lake_command::failure(error),
        QueryError::NotAQuestion(what) => {
            format!(
                "`{what}` は問い合わせではありません。使えるのは `SELECT`・`EXPLAIN`・`SHOW`・`DESCRIBE` だけです"
            )
        }
        QueryError::HowMany(count) => format!("問い合わせは一度に一つです（{count} 個ありました）"),
        QueryError::TooLong(most) => {
            format!("問い合わせが {most} バイトを超えています。一度に尋ねる値を減らしてください")
        }
        QueryError::NotUnderstood(what) => format!(
            "問い合わせを解釈できません：{what}。列は `yagura lake sql LAKE_DIR 'SHOW COLUMNS FROM observables'` で分かります"
        ),
        QueryError::Memory(what) => {
            format!("メモリーが足りません：{what}。`--memory-mib` を増やすか、範囲を狭めてください")
        }
        QueryError::Cluster { scheduler, what } => format!(
            "`{scheduler}` のクラスターから答えがありません：{what}。スケジューラーと実行機が動き、レイクに届くか確かめてください"
        ),
        QueryError::Exposed(listen) => format!(
            "`{listen}` は他の機械から届きます。届く者は誰でもレイクと周りの Parquet ファイルを読めます。\
             専用のネットワークに置いて `--allow-network` を付けるか、127.0.0.1 で待ち受けてください"
        ),
        QueryError::Failed(what) => format!("問い合わせに失敗しました：{what}"),
    };
    match error {
        QueryError::Cluster { .. } | QueryError::Failed(_) | QueryError::Memory(_) => {
            Failure::system(error.code(), english, japanese)
        }
        _ => Failure::usage(error.code(), english, japanese),
    }
}

/// Asks.
pub(crate) fn sql(output: &Output, arguments: &SqlArgs) -> Result<ExitCode, Failure> {
    if arguments.lake.starts_with("s3://") {
        return Err(Failure::usage(
            "lake-in-bucket",
            "SQL reads lakes in folders only; mount the bucket, or copy the lake into a folder",
            "SQL で尋ねられるのはフォルダーのレイクだけです。バケットをマウントするか、レイクをフォルダーに写してください",
        ));
    }
    let lake = Lake::open(&arguments.lake).map_err(|error| lake_command::failure(&error))?;
    let mut question = question(arguments)?;
    if arguments.explain {
        question.insert_str(0, "EXPLAIN ANALYZE ");
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mib = |count: u64| count.saturating_mul(1 << 20);
    let bounds = Bounds {
        memory_bytes: usize::try_from(mib(arguments.memory_mib)).unwrap_or(usize::MAX),
        temporary_bytes: mib(arguments.temporary_mib),
        threads,
    };
    crate::block_on(async {
        let session = match &arguments.cluster {
            Some(scheduler) => Session::on_cluster(lake, scheduler, &bounds),
            None => Session::in_process(lake, &bounds),
        };
        let session = session.map_err(|error| failure(&error))?;
        tokio::select! {
            answered = answer(output, arguments, &session, &question) => answered,
            _ = tokio::signal::ctrl_c() => Err(Failure::system(
                "interrupted",
                "interrupted before the answer was complete",
                "答えが出そろう前に中断しました",
            )),
        }
    })
}

fn question(arguments: &SqlArgs) -> Result<String, Failure> {
    match (&arguments.question, &arguments.file) {
        (Some(question), _) => Ok(question.clone()),
        (None, Some(path)) => std::fs::read_to_string(path).map_err(|cause| Failure::file(path, &cause)),
        (None, None) => {
            let mut question = String::new();
            let read = std::io::stdin().lock().read_to_string(&mut question);
            read.map(|_| question).map_err(|cause| Failure::file(std::path::Path::new("-"), &cause))
        }
    }
}

async fn answer(
    output: &Output,
    arguments: &SqlArgs,
    session: &Session,
    question: &str,
) -> Result<ExitCode, Failure> {
    let mut answer = session.ask(question).await.map_err(|error| failure(&error))?;
    let terminal = std::io::stdout().is_terminal();
    let form = match arguments.output {
        _ if output.is_json() => Form::Json,
        Some(form) => form,
        None if terminal => Form::Table,
        None => Form::Csv,
    };
    let by_form = if form == Form::Table { TABLE_ROWS } else { 0 };
    let most = match arguments.limit.unwrap_or(by_form) {
        0 => usize::MAX,
        rows => rows,
    };
    let whole = print(&mut answer, form, most).await.map_err(|error| failure(&error))?;
    if !whole {
        output.say(
            format!("yagura: stopped after {most} rows; `--limit 0` prints all"),
            format!("yagura: {most} 行で打ち切りました。`--limit 0` で全て表示します"),
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints so many rows; whether these were all.
async fn print(answer: &mut Answer, form: Form, most: usize) -> Result<bool, QueryError> {
    let (mut left, mut kept, mut named) = (most, Vec::new(), true);
    let mut whole = true;
    while let Some(mut rows) = answer.next().await? {
        if rows.num_rows() > left {
            whole = false;
            rows = rows.slice(0, left);
        }
        left -= rows.num_rows();
        let text = match form {
            Form::Table => {
                kept.push(rows);
                Vec::new()
            }
            Form::Csv => query::csv(&rows, std::mem::take(&mut named))?,
            Form::Json => query::json(&rows)?,
        };
        // A reader that went away wants no more.
        if std::io::stdout().write_all(&text).is_err() || !whole {
            break;
        }
    }
    if form == Form::Table {
        let table = query::table(&answer.columns(), &kept)?;
        let _ = writeln!(std::io::stdout(), "{table}");
    }
    Ok(whole)
}

/// Plans and gives out work until it is stopped.
pub(crate) fn scheduler(output: &Output, arguments: &SchedulerArgs) -> Result<ExitCode, Failure> {
    query::check_exposure(arguments.listen, arguments.allow_network).map_err(|error| failure(&error))?;
    crate::block_on(async {
        let listener = tokio::net::TcpListener::bind(arguments.listen).await.map_err(|cause| {
            let listen = arguments.listen;
            Failure::system(
                "listen",
                format!("cannot listen on `{listen}`: {cause}"),
                format!("`{listen}` で待ち受けられません：{cause}"),
            )
        })?;
        let at = listener.local_addr().map_or(arguments.listen, |address| address);
        output.say(format!("yagura: scheduler on {at}"), format!("yagura: スケジューラー {at}"));
        tokio::select! {
            ended = query::schedule(listener) => ended.map_err(|error| failure(&error))?,
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Works for a scheduler until it is stopped.
pub(crate) fn executor(output: &Output, arguments: &ExecutorArgs) -> Result<ExitCode, Failure> {
    query::check_exposure(arguments.listen, arguments.allow_network).map_err(|error| failure(&error))?;
    let told = &arguments.scheduler;
    let scheduler =
        told.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
    let scheduler = scheduler.ok_or_else(|| {
        Failure::usage(
            "scheduler",
            format!("`{told}` is no `HOST:PORT`"),
            format!("`{told}` は `HOST:PORT` ではありません"),
        )
    })?;
    let threads = arguments
        .threads
        .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let executor = Executor {
        scheduler,
        listen: arguments.listen,
        threads,
        memory_bytes: arguments.memory_mib.saturating_mul(1 << 20),
    };
    let work = tempfile::tempdir().map_err(|cause| Failure::file(&std::env::temp_dir(), &cause))?;
    let (listen, told) = (arguments.listen, told.as_str());
    output.say(
        format!("yagura: executor on {listen} for the scheduler at {told}"),
        format!("yagura: 実行機 {listen}（スケジューラー {told}）"),
    );
    crate::block_on(async {
        query::execute(&executor, work.path()).await.map_err(|error| failure(&error))?;
        Ok(ExitCode::SUCCESS)
    })
}
