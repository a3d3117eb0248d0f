//! The page in a real browser, with real audio.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::music::{piece, write_library};
use super::program::{Run, World};
use super::served::Served;

/// What drives the browser, as `scripts/setup --tests` leaves it; `None`: it could not be had.
fn modules() -> Option<PathBuf> {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("SIMILAR_TRACKS_CACHE").map(PathBuf::from);
    let cache = cache.or(std::env::var_os("XDG_CACHE_HOME").map(|cache| Path::new(&cache).join("similar-tracks")));
    let cache = cache.unwrap_or_else(|| home().join("similar-tracks"));
    let folders = std::fs::read_dir(cache).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_complete = |folder: &PathBuf| {
        let is_browser = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("browser-"));
        is_browser && folder.join("complete").exists()
    };
    let newest =
        folders.filter(is_complete).max_by_key(|folder| folder.metadata().and_then(|data| data.modified()).ok());
    newest.filter(|_| Path::new("/usr/bin/chromium").exists())
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that cannot run is to say so")]
fn the_page_searches_plays_likes_uploads_and_draws() {
    let Some(modules) = modules() else {
        eprintln!("the page was not opened in a browser: `scripts/setup --tests` could not install Chromium");
        return;
    };
    let world = World::new();
    write_library(&world.library(), 14, 20.0);
    let stranger = world.path("stranger.wav");
    piece(40, 20.0, 22_050).write(&stranger);
    world.ingest(&[]);
    let served = Served::with(&world, &["--requests-per-second", "0"]);
    let run = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../server/tests/page/run.mjs"))
        .arg(served.url(""))
        .arg("--upload")
        .arg(&stranger)
        .args(["--only", "library,track,events,player,upload,map,path,mix,keyboard,axe"])
        .env("BROWSER_MODULES", modules)
        .output();
    let run = Run::of(run.unwrap());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}
