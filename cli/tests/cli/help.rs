//! Help, completions, manual pages.

use super::program::World;

#[test]
fn help_of_the_program_and_its_main_commands() {
    let world = World::new();
    for command in ["", "ingest", "query", "mpd follow", "mpd mix", "train"] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = world.run(&arguments).stdout;
        let name = if command.is_empty() { "help".to_owned() } else { command.replace(' ', "_") };
        insta::assert_snapshot!(name, help);
    }
}

#[test]
fn completions_and_manual_pages() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.run(&["completions", shell]).stdout;
        assert!(script.contains("similar-tracks") && script.contains("ingest"), "{shell}");
    }
    let folder = world.path("man");
    let run = world.run(&["man", "--output", folder.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let page = std::fs::read_to_string(folder.join("similar-tracks-query.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("blended"), "{page}");
}

#[test]
fn a_wrong_option_is_refused_with_the_usage() {
    let run = World::new().run(&["query"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("Usage: similar-tracks query"), "{run:?}");
}
