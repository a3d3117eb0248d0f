//! Playlists that keep themselves up to date.

use std::path::PathBuf;

use super::music::{piece, write_library};
use super::program::{World, path_of};

/// Six pieces, not yet taken in, and two playlists.
fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 6, 30.0);
    std::fs::create_dir(world.store()).unwrap();
    configure(
        &world,
        "[[playlist]]\nfile = 'evening.m3u8'\nseeds = ['library/piece-0.wav']\nunlike = ['piece-1.wav']\nlength = 3\n\
         [[playlist]]\nfile = 'sub/drive.xspf'\nseeds = ['piece-2.wav', 4]\nkind = 'radio'\nminutes = 1\n",
    );
    world
}

fn configure(world: &World, text: &str) {
    std::fs::write(world.store().join("config.toml"), text).unwrap();
}

fn file(world: &World, name: &str) -> PathBuf {
    world.store().join("playlists").join(name)
}

fn read(world: &World, name: &str) -> String {
    std::fs::read_to_string(file(world, name)).unwrap()
}

#[test]
fn lists_are_what_query_and_radio_answer_and_written_only_when_they_change() {
    let world = world();
    let summary = world.ingest(&[]);
    assert_eq!(summary["playlists"], serde_json::json!({ "written": 2, "unchanged": 0, "kept": [] }));
    let query = ["query", "piece-0.wav", "--unlike", "piece-1.wav", "-k", "3", "--format", "m3u8"];
    let radio = ["radio", "piece-2.wav", "4", "--minutes", "1", "--seed", "1", "--format", "xspf"];
    let is_up_to_date = || {
        assert_eq!(read(&world, "evening.m3u8"), world.run(&query).stdout);
        assert_eq!(read(&world, "sub/drive.xspf"), world.run(&radio).stdout);
    };
    is_up_to_date();
    let written = |name| std::fs::metadata(file(&world, name)).unwrap().modified().unwrap();
    let before = ["evening.m3u8", "sub/drive.xspf"].map(written);
    let library = world.library().display().to_string();
    let again = world.run(&["ingest", &library]);
    assert!(again.stdout.contains("0 playlists written, 2 unchanged\n"), "{again:?}");
    assert_eq!(["evening.m3u8", "sub/drive.xspf"].map(written), before);

    // A twin of the nearest track, which comes between.
    let nearest = path_of(&world.query(&world.library().join("piece-0.wav"))[0]);
    let number: u64 = nearest.file_stem().unwrap().to_str().unwrap().trim_start_matches("piece-").parse().unwrap();
    piece(number, 25.0, 22_050).write(&world.library().join("twin.wav"));
    assert!(world.ingest(&[])["playlists"]["written"].as_u64().unwrap() >= 1);
    is_up_to_date();
    let names: Vec<_> = std::fs::read_dir(world.store().join("playlists")).unwrap().map(Result::unwrap).collect();
    assert_eq!(names.len(), 2, "nothing is left behind: {names:?}");
}

#[test]
fn minutes_limits_filters_and_formats() {
    let world = world();
    let absolute = world.path("far.jspf");
    configure(
        &world,
        &format!(
            "[[playlist]]\nfile = 'long.m3u'\nseeds = ['piece-0.wav']\nminutes = 2\n\
             [[playlist]]\nfile = '{}'\nseeds = ['piece-0.wav']\npath = 'piece-[1-3].wav'\nduration = '..0:31'\n",
            absolute.display()
        ),
    );
    world.ingest(&[]);
    let query = |more: &[&str]| world.run(&[&["query", "piece-0.wav"], more].concat()).stdout;
    assert_eq!(read(&world, "long.m3u"), query(&["-k", "4", "--format", "m3u8"]), "four of 30 s");
    let jspf = query(&["--path", "piece-[1-3].wav", "--format", "jspf"]);
    let list: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(absolute).unwrap()).unwrap();
    assert_eq!(list, serde_json::from_str::<serde_json::Value>(&jspf).unwrap());
}

#[test]
fn a_list_whose_seeds_are_gone_stays_as_it_was() {
    let world = world();
    world.ingest(&[]);
    let before = read(&world, "evening.m3u8");
    assert_eq!(world.run(&["remove", "piece-0.wav"]).code, Some(0));
    std::fs::remove_file(world.library().join("piece-0.wav")).unwrap();
    let library = world.library().display().to_string();
    let run = world.run(&["ingest", &library]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let reason = "evening.m3u8 is not refreshed: library/piece-0.wav: no such track in the library";
    assert!(run.stderr.contains("warning: playlist ") && run.stderr.contains(reason), "{run:?}");
    assert!(run.stdout.contains("1 not refreshed"), "{run:?}");
    assert_eq!(read(&world, "evening.m3u8"), before);
    let summary = world.ingest(&[]);
    assert_eq!(summary["playlists"]["kept"][0]["reason"], "library/piece-0.wav: no such track in the library");
    // Nor does a folder that is not there, as that of a missing disk, harm an ingest.
    configure(&world, "[[playlist]]\nfile = '/nowhere/at/all.m3u8'\nseeds = ['piece-2.wav']\n");
    assert_eq!(world.ingest(&[])["playlists"]["kept"].as_array().unwrap().len(), 1);
    assert!(!PathBuf::from("/nowhere").exists());
}

#[test]
fn a_wrong_configuration_ends_an_ingest_before_it_begins() {
    let world = world();
    let library = world.library().display().to_string();
    configure(&world, "[[playlist]]\nfile = 'evening.m3u8'\nseeds = [1]\nlenght = 3\n");
    let run = world.run(&["ingest", &library]);
    run.assert_error("config.toml: playlist 1 (evening.m3u8): unknown field `lenght`", Some("mend the playlist"));
    assert!(!world.store().join("catalogue.sqlite").exists(), "nothing was done");
    configure(&world, "[[playlist]\nfile = 'evening.m3u8'\n");
    world.run(&["ingest", &library]).assert_error("config.toml", Some("[[playlist]]"));
    configure(&world, "[[playlist]]\nfile = 'evening.pls'\nseeds = [1]\n");
    world.run(&["ingest", &library]).assert_error("file must end in .m3u8", Some("README"));
}
