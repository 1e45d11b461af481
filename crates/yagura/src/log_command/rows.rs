//! `yagura log verify` of a hub's own logs: the published trees against the rows that they were made of.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use oversight::Realm;
use serde::Serialize;
use store::blobs::Bucket;
use store::trees::Tree;
use store::{Place, Reader, StoreError, settings};
use tlog::{Checkpoint, Tile, VerifyingKey};
use tokio::runtime::Runtime;

use crate::cli::RowsArgs;
use crate::output::{Failure, Output};

/// The log of acts, and beside it all that there are.
#[derive(Serialize)]
struct Told<'v> {
    #[serde(flatten)]
    acts: &'v Verified,
    logs: &'v [Verified],
}

#[derive(Serialize)]
struct Verified {
    origin: String,
    size: u64,
    root: String,
    rows: u64,
    tiles: usize,
}

/// Compares rows and files.
pub(super) fn run(output: &Output, arguments: &RowsArgs) -> Result<ExitCode, Failure> {
    let RowsArgs { data, store, blobs, key } = arguments;
    let published = Published::of(data, blobs.as_deref())?;
    let verified = verify(data, store.as_deref(), &published, key.as_deref())?;
    if let Some(acts) = verified.first().filter(|_| output.is_json()) {
        output.object(&Told { acts, logs: &verified });
    }
    for Verified { origin, size, root, rows, tiles } in &verified {
        output.say(
            format!("{origin}: {rows} rows make the tree; the signed checkpoint of {size} leaves (root {root}) and its {tiles} tiles fit it"),
            format!("{origin}：{rows} 行から木を計算し直しました。署名済みチェックポイント（{size} 葉、根 {root}）とタイル {tiles} 枚は一致します"),
        );
    }
    if key.is_none() {
        output.say(
            "the key was taken from the same folder; give --key with the one you noted down to rule out that both were replaced",
            "鍵は同じフォルダーのものです。両方が差し替えられていないことを確かめるには、控えておいた鍵を --key で渡してください",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the logs are published.
enum Published {
    Folder(PathBuf),
    Bucket(Box<(Bucket, Runtime)>),
}

impl Published {
    fn of(data: &Path, blobs: Option<&str>) -> Result<Self, Failure> {
        let Some(address) = blobs else { return Ok(Self::Folder(data.join("log"))) };
        let bucket = Bucket::parse(address).map_err(|why| {
            Failure::usage("blobs", format!("blobs: {why}"), format!("バケットの指定が使えません：{why}"))
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| {
            Failure::system("system", e.to_string(), format!("実行環境を用意できません：{e}"))
        })?;
        Ok(Self::Bucket(Box::new((bucket, runtime))))
    }

    /// What stands under a name; why not, where it does not.
    fn get(&self, tree: Tree, name: &str) -> Result<Vec<u8>, String> {
        let name = match tree.segment() {
            "" => name,
            segment => &format!("{segment}/{name}"),
        };
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                std::fs::read(&path).map_err(|e| {
                    format!("`{}`: {e}; where a bucket holds the tiles, name it as --blobs", path.display())
                })
            }
            Self::Bucket(bucket) => {
                let (bucket, runtime) = bucket.as_ref();
                match runtime.block_on(bucket.get(name)) {
                    Ok(Some(blob)) => Ok(blob.bytes.into()),
                    Ok(None) => Err(format!("`{name}` is not in {bucket:?}")),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }
}

fn verify(
    data: &Path,
    store: Option<&str>,
    published: &Published,
    key: Option<&str>,
) -> Result<Vec<Verified>, Failure> {
    let place = store.map_or_else(|| Place::from(data), Place::parse);
    let found = store::inspect(place, |reader| {
        let key = match key {
            Some(key) => key.to_owned(),
            None => settings::get(reader, &Realm::Live, "node.key")?
                .and_then(|key| String::from_utf8(key).ok())
                .ok_or(StoreError::NotFound { what: "node.key".to_owned() })?,
        };
        Ok(compare_all(reader, published, &key))
    });
    match found {
        Ok(verified) => verified,
        Err(StoreError::Corrupt(what)) => Err(differs(&what)),
        Err(error) => {
            let japanese = format!("データフォルダーを読めません：{error}");
            Err(Failure::system(error.code(), error.to_string(), japanese))
        }
    }
}

/// Every log of the node. They are signed by one key, under the origin of each.
fn compare_all(reader: &Reader<'_>, published: &Published, key: &str) -> Result<Vec<Verified>, Failure> {
    let unusable = |why: tlog::KeyError| differs(&format!("the key cannot be used: {why}"));
    let key = VerifyingKey::parse(key).map_err(unusable)?;
    let one = |tree: Tree| {
        let own = VerifyingKey::from_bytes(&tree.origin(key.name()), &key.to_bytes()).map_err(unusable)?;
        compare(reader, published, (tree, &own))
    };
    Tree::ALL.into_iter().map(one).collect()
}

fn compare(
    reader: &Reader<'_>,
    published: &Published,
    (tree, key): (Tree, &VerifyingKey),
) -> Result<Verified, Failure> {
    let wrong = |what: String| differs(&format!("{}: {what}", key.name()));
    let (rows, root) = tree.verified(reader).map_err(|e| wrong(e.to_string()))?;
    let note = match published.get(tree, "checkpoint") {
        Ok(note) => String::from_utf8_lossy(&note).into_owned(),
        // A log without entries has nothing to put into a bucket.
        Err(_) if rows == 0 && matches!(published, Published::Bucket(_)) => {
            let origin = key.name().to_owned();
            return Ok(Verified { origin, size: 0, root: hex::encode(root), rows, tiles: 0 });
        }
        Err(why) => {
            let japanese = format!("チェックポイントを読めません：{why}");
            return Err(Failure::system("log-unread", why, japanese));
        }
    };
    let checkpoint = tlog::open_log(&note, key, key.name()).map_err(|e| wrong(format!("checkpoint: {e}")))?;
    if rows < checkpoint.size {
        return Err(wrong(format!("{} leaves are signed but only {rows} rows are there", checkpoint.size)));
    }
    let node = |level, index| tree.node(reader, level, index).ok().flatten();
    if tlog::proof::root(checkpoint.size, node).ok() != Some(checkpoint.root) {
        return Err(wrong("the rows make another root than the signed one".to_owned()));
    }
    let tiles = tlog::tiles_to_write(0, checkpoint.size);
    for tile in &tiles {
        check_tile(reader, published, (tree, tile))?;
    }
    let Checkpoint { origin, size, root } = checkpoint;
    Ok(Verified { origin, size, root: hex::encode(root), rows, tiles: tiles.len() })
}

fn check_tile(
    reader: &Reader<'_>,
    published: &Published,
    (tree, tile): (Tree, &Tile),
) -> Result<(), Failure> {
    let expected = tile.content(|level, index| tree.node(reader, level, index).ok().flatten());
    check(published, (tree, &tile.path()), expected.as_deref())?;
    if tile.level > 0 {
        return Ok(());
    }
    let first = tile.index * 256;
    let entries =
        tree.entries(reader, first, first + u64::from(tile.width)).map_err(|e| differs(&e.to_string()))?;
    check(published, (tree, &tile.entries_path()), tlog::encode_entries(entries).ok().as_deref())
}

fn check(published: &Published, (tree, name): (Tree, &str), expected: Option<&[u8]>) -> Result<(), Failure> {
    let found = published.get(tree, name).map_err(|why| differs(&why))?;
    if expected == Some(found.as_slice()) {
        return Ok(());
    }
    let of = tree.segment();
    Err(differs(&format!(
        "`{of}{}{name}` does not hold what the rows make",
        if of.is_empty() { "" } else { "/" }
    )))
}

fn differs(what: &str) -> Failure {
    Failure::data(
        "log-differs",
        format!(
            "the log does not verify: {what}; keep this folder as it is and tell those who oversee the node"
        ),
        format!("ログを検証できません：{what}。このフォルダーを変更せず、監督機関に知らせてください"),
    )
}
