//! What a model can be trained on: folders of genres, FMA's layout, the library's own tags; and names
//! of artists and genres that differ.

use std::path::{Path, PathBuf};

use super::formats::encode;
use super::music::piece;
use super::program::{Run, World};

fn train(world: &World, arguments: &[&str]) -> Run {
    let model = world.path("model").display().to_string();
    let mut all = vec!["train", "-o", &model, "--steps", "2"];
    all.extend(arguments);
    world.run(&all)
}

/// Eight pieces in two genres, each by an artist of its own, at the paths that `path_of` gives.
fn write_pieces(world: &World, path_of: impl Fn(u64, &str) -> String) -> Vec<PathBuf> {
    let write = |number| {
        let path = world.path(&path_of(number, if number % 2 == 0 { "rock" } else { "jazz" }));
        piece(number, 5.0, 22_050).write(&path);
        path
    };
    (0..8).map(write).collect()
}

fn write(world: &World, name: &str, text: &str) -> String {
    let path = world.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Asserts that two tracks of each genre were held out of eight, and those without a genre learnt from.
fn assert_trained(run: &Run, unlabelled: usize) {
    assert_eq!(run.code, Some(0), "{run:?}");
    let count = 4 + unlabelled;
    let expected = format!("{count} tracks by {count} artists, 2 genres; 4 tracks by other artists judged it");
    assert!(run.stdout.contains(&expected), "{run:?}");
    assert!(run.stderr.contains("(4 queries)"), "a query finds the other artist of its genre: {run:?}");
}

#[test]
fn a_folder_of_genre_folders() {
    let world = World::new();
    write_pieces(&world, |number, genre| format!("gtzan/genres/{genre}/{genre}.{number:05}.wav"));
    write(&world, "gtzan/genres/jazz/jazz.00054.wav", "GTZAN has a damaged one, too");
    let run = train(&world, &[world.path("gtzan").to_str().unwrap()]);
    assert_trained(&run, 0);
    assert!(run.stderr.contains("left out: ") && run.stderr.contains("jazz.00054.wav"), "{run:?}");
    assert!(run.stderr.contains("warning: 9 tracks by unknown artists"), "{run:?}");
    assert!(run.stderr.contains("warning: 9 tracks by unknown artists"), "{run:?}");
}

#[test]
fn fmas_layout() {
    let world = World::new();
    write_pieces(&world, |number, _| format!("fma/fma_small/000/{number:06}.mp3"));
    let mut tracks = String::from(",artist,set,track,track,album\n,name,subset,genre_top,title,title\ntrack_id,,,,,\n");
    for number in 0..8 {
        let genre = if number % 2 == 0 { "rock" } else { "jazz" };
        tracks.push_str(&format!("{number},artist {number},small,{genre},title,\n"));
    }
    tracks.push_str("8,artist 8,small,jazz,of which the file is gone,\n9,artist 9,large,jazz,not of this subset,\n");
    let tracks = write(&world, "fma/fma_metadata/tracks.csv", &tracks);
    let run = train(&world, &[world.path("fma").to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("left out: ") && run.stderr.contains("000008.mp3"), "{run:?}");
    assert!(!run.stderr.contains("000009.mp3"), "{run:?}");
    assert!(run.stdout.contains("2 genres; "), "{run:?}");
    std::fs::remove_dir_all(world.path("fma/fma_small")).unwrap();
    train(&world, &[&tracks]).assert_error("no folder fma_small", Some("unpack fma_small.zip"));
}

/// A library of four tracks of jazz and four of rock, under tags of several spellings.
fn tagged_library(world: &World) {
    let tags = ["Hard Rock", "Bebop", "rock", "Jazz; Latin", "Metal; Rock", "Acid Jazz/Funk", "ROCK", "jazz"];
    std::fs::create_dir_all(world.library()).unwrap();
    for (number, tag) in tags.iter().enumerate() {
        let source = world.path("source.wav");
        piece(number as u64, 5.0, 22_050).write(&source);
        let (genre, artist) = (format!("genre={tag}"), format!("artist=Player {number}"));
        let file = world.library().join(format!("{number}.flac"));
        encode(&source, &["-metadata", &genre, "-metadata", &artist, "-f", "flac"], &file);
    }
    piece(8, 5.0, 22_050).write(&world.library().join("untagged.wav"));
    super::music::write_wav(&world.library().join("silent.wav"), &[0.0; 50_000], 1, 22_050, 16);
}

const GENRES: &str = "[genres]\nrock = [\"hard rock\", \"metal\"]\njazz = [\"bebop\", \"acid jazz\"]\n";

#[test]
fn the_library_itself_with_genres_of_its_tags() {
    let world = World::new();
    tagged_library(&world);
    let genres = write(&world, "genres.toml", GENRES);
    train(&world, &["--library"]).assert_error("no store at", Some("similar-tracks ingest"));
    world.ingest(&[]);
    let run = train(&world, &["--library", "--genres", &genres]);
    assert_trained(&run, 1);
    assert!(!run.stderr.contains("left out"), "what is silent is not tried: {run:?}");
    let polka = write(&world, "polka.toml", "[genres]\npolka = []\n");
    let run = train(&world, &["--library", "--genres", &polka]);
    run.assert_error("none of the library's 8 genre tags is in --genres", Some("below [genres]"));
}

#[test]
fn a_library_without_genre_tags() {
    let world = World::new();
    super::music::write_library(&world.library(), 2, 5.0);
    world.ingest(&[]);
    train(&world, &["--library"]).assert_error("the library's 2 tracks have no genre tags", Some("CSV"));
}

#[test]
fn aliases_keep_one_person_on_one_side() {
    let world = World::new();
    let mut list = String::from("path,genre,artist\n");
    for (number, path) in write_pieces(&world, |number, _| format!("{number}.wav")).iter().enumerate() {
        let (genre, name) = (if number % 2 == 0 { "rock" } else { "jazz" }, Path::new(path).file_stem().unwrap());
        list.push_str(&format!("{},{genre},Player {}\n", path.display(), name.display()));
    }
    let list = write(&world, "list.csv", &list);
    assert_trained(&train(&world, &[&list]), 0);
    // Three artists of jazz are left: too few to hold out two.
    let aliases = write(&world, "aliases.toml", "[artists]\n\"Player 1\" = [\"player 7\"]\n");
    let run = train(&world, &[&list, "--aliases", &aliases]);
    assert!(run.stdout.contains("6 tracks by 5 artists, 2 genres; 2 tracks by other artists judged it"), "{run:?}");
    // And whoever is held out is so under every name.
    let held_out = write(&world, "held-out.csv", "path,genre,artist\nx.wav,jazz,PLAYER 7\n");
    let run = train(&world, &[&list, "--aliases", &aliases, "--without", &held_out]);
    assert!(run.stdout.contains("4 tracks by 4 artists, 2 genres; 2 tracks by other artists judged it"), "{run:?}");
}

#[test]
fn files_of_names_that_are_wrong_name_the_place() {
    let world = World::new();
    let list = write(&world, "list.csv", "path,genre\na.wav,rock\n");
    let aliases = write(&world, "aliases.toml", "[artists]\nann = [\"annie\"]\nannie = [\"a.\"]\n");
    let run = train(&world, &[&list, "--aliases", &aliases]);
    run.assert_error(&format!("{aliases}, line 3: `annie` is listed under `ann`"), Some("below [artists]"));
    let genres = write(&world, "genres.toml", "[genres]\nrock = [\"indie\"]\npop = [\"Indie\"]\n");
    let run = train(&world, &[&list, "--genres", &genres]);
    run.assert_error(&format!("{genres}, line 3: `Indie` stands under both `rock` and `pop`"), Some("below [genres]"));
    let genres = write(&world, "genres.toml", "rock = [\n");
    train(&world, &[&list, "--genres", &genres]).assert_error(&format!("{genres}, line "), Some("below [genres]"));
    train(&world, &[&list, "--genres", "/no/such.toml"]).assert_error("/no/such.toml: No such file", None);
}

#[test]
fn a_manifest_or_the_library_is_asked_for() {
    let world = World::new();
    for (arguments, reason) in [(&[][..], "required"), (&["list.csv", "--library"], "cannot be used with")] {
        let run = train(&world, arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(reason), "{run:?}");
    }
    let empty = world.library();
    let run = train(&world, &[empty.to_str().unwrap()]);
    run.assert_error("no audio files", Some("a folder of genre folders"));
}
