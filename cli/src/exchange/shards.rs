//! Whether a folder of shards is whole, as scripts/ray_embed.py notes it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::failure::hinted;

/// Stands beside the shards.
const FILE: &str = "listing.json";

/// The only version there is.
const FORMAT_VERSION: u32 = 1;

/// What the shards of a folder are to hold.
#[derive(Deserialize)]
struct Listing {
    format_version: u32,
    /// Files that were to be embedded.
    files: usize,
    /// Those of them that are in the shards: with a vector, or with the reason why they have none.
    done: usize,
    /// Rows of each shard, by the shard's name.
    shards: BTreeMap<String, i64>,
}

/// Sees to it that every file of the folder's listing is in its shards; a folder without a listing is as it is.
///
/// # Errors
/// Where files or shards are missing.
pub fn check(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(FILE);
    let place = || path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(());
        }
        text => text.with_context(place)?,
    };
    let listing: Listing = serde_json::from_str(&text).with_context(place)?;
    anyhow::ensure!(
        listing.format_version == FORMAT_VERSION,
        "{}: a listing of the format {}, this program reads {FORMAT_VERSION}",
        path.display(),
        listing.format_version
    );
    let again =
        |error| hinted(error, "run ray_embed.py again: it embeds the rest; or take in what there is with --partial");
    if listing.done < listing.files {
        let missing = listing.files - listing.done;
        return Err(again(anyhow::anyhow!(
            "{}: {missing} of {} files of the listing are in no shard",
            folder.display(),
            listing.files
        )));
    }
    for (name, rows) in &listing.shards {
        let shard = folder.join(name);
        let place = || shard.display().to_string();
        let found = File::open(&shard).map_err(anyhow::Error::from).and_then(super::parquet::rows);
        match found.with_context(place) {
            Ok(found) if found == *rows => {}
            Ok(found) => return Err(again(anyhow::anyhow!("{}: {found} rows of {rows}", shard.display()))),
            Err(error) => return Err(again(error)),
        }
    }
    Ok(())
}
