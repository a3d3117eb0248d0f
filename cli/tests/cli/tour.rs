//! Radio and path: lists that lead somewhere.

use super::music::write_library;
use super::program::{World, path_of};

fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 8, 30.0);
    world.ingest(&[]);
    world
}

#[test]
fn a_radio_plays_as_long_as_asked_and_the_same_for_the_same_seed() {
    let world = world();
    let play = |arguments: &[&str]| world.run(&[&["radio", "piece-0.wav", "--format", "json"], arguments].concat());
    let played = play(&["--minutes", "2", "--seed", "7"]);
    let tracks = played.json();
    let tracks = tracks.as_array().unwrap();
    assert_eq!(tracks.len(), 4, "of 30 s");
    assert!(tracks.iter().all(|track| !path_of(track).ends_with("piece-0.wav")));
    assert_eq!(played.stdout, play(&["--minutes", "2", "--seed", "7"]).stdout);
    let others = (0..20).filter(|seed| play(&["--minutes", "2", "--seed", &seed.to_string()]).stdout != played.stdout);
    assert!(others.count() > 10);
    assert_eq!(play(&[]).json().as_array().unwrap().len(), 7, "all there are are less than an hour");
    assert_eq!(play(&["--path", "piece-[35].wav"]).json().as_array().unwrap().len(), 2);
    let nothing = play(&["--artist", "nobody"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(1), ""));
    let playlist = world.run(&["radio", "piece-0.wav", "--minutes", "1", "--format", "m3u8"]).stdout;
    assert_eq!(playlist.lines().count(), 1 + 2 * 2);
    assert_eq!(play(&["--drift", "2"]).code, Some(2));
}

#[test]
fn a_path_has_both_ends_and_no_track_twice() {
    let world = world();
    let names = |run: super::program::Run| -> Vec<String> {
        let tracks = run.json();
        let name = |track| path_of(track).file_name().unwrap().to_string_lossy().into_owned();
        tracks.as_array().unwrap().iter().map(name).collect()
    };
    for count in ["2", "5", "8", "20"] {
        let way = names(world.run(&["path", "piece-1.wav", "piece-6.wav", "-n", count, "--format", "json"]));
        assert_eq!(way.len(), count.parse::<usize>().unwrap().min(8));
        assert_eq!((way[0].as_str(), way[way.len() - 1].as_str()), ("piece-1.wav", "piece-6.wav"));
        assert_eq!(way.iter().collect::<std::collections::HashSet<_>>().len(), way.len());
    }
    assert_eq!(names(world.run(&["path", "piece-1.wav", "piece-1.wav", "--format", "json"])), ["piece-1.wav"]);
    super::music::piece(77, 5.0, 22_050).write(&world.path("stranger.wav"));
    let stranger = world.path("stranger.wav").display().to_string();
    world.run(&["path", "piece-1.wav", &stranger]).assert_error("is not in the library", Some("takes it in"));
}
