//! Jobs of cron and systemd, of which neither is touched: fakes stand before them on the path.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::music::write_library;
use super::program::{Run, World};

/// A `crontab` that keeps its table in a file, and is as strict as Debian's.
const CRONTAB: &str = r#"#!/bin/sh
table=$(dirname "$0")/../table
case $1 in
  -l) [ -e "$table" ] || { echo "no crontab for tester" >&2; exit 1; }; cat "$table" ;;
  -) cat >"$table.new"
     [ -z "$(tail -c 1 "$table.new")" ] || { echo "new crontab file is missing newline before EOF, can't install." >&2; exit 1; }
     mv "$table.new" "$table" ;;
  *) exit 64 ;;
esac
"#;

/// A `systemctl` that writes down what it is asked for.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >>"$(dirname "$0")/../asked"
"#;

/// One that finds no session.
const UNREACHABLE_SYSTEMCTL: &str = "#!/bin/sh\necho 'Failed to connect to bus: No medium found' >&2\nexit 1\n";

/// A store, and programs of these names and texts.
fn world(programs: &[(&str, &str)]) -> World {
    let world = World::new();
    write_library(&world.library(), 2, 5.0);
    world.ingest(&[]);
    fs::create_dir(world.path("bin")).unwrap();
    for (name, text) in programs {
        add_program(&world, name, text);
    }
    world
}

fn add_program(world: &World, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let file = world.path("bin").join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs `schedule` with those programs, and with cat, mv and the like where the tests' machine has no crontab.
fn schedule(world: &World, arguments: &[&str]) -> Run {
    let tools = world.path("tools");
    if !tools.exists() {
        fs::create_dir(&tools).unwrap();
        for tool in ["cat", "dirname", "mv", "tail"] {
            std::os::unix::fs::symlink(PathBuf::from("/usr/bin").join(tool), tools.join(tool)).unwrap();
        }
    }
    let path = std::env::join_paths([world.path("bin"), tools]).unwrap();
    let mut command = world.command(&["schedule"]);
    command.args(arguments).env("PATH", path).env("XDG_CONFIG_HOME", world.path("configuration"));
    Run::of(command.output().unwrap())
}

fn table(world: &World) -> String {
    fs::read_to_string(world.path("table")).unwrap()
}

/// The units that are there, by name.
fn units(world: &World) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(world.path("configuration/systemd/user")) else { return Vec::new() };
    let mut units: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    units.sort();
    units
}

#[test]
fn a_line_of_a_crontab() {
    let world = world(&[("crontab", CRONTAB)]);
    let store = world.store().display().to_string();
    let others = "MAILTO=\"\"\n17 * * * *  other 100\\%\n# similar-tracks retrain of /other (similar-tracks schedule)\n1 1 * * * x similar-tracks-schedule";
    fs::write(world.path("table"), others).unwrap();
    let nothing = schedule(&world, &["show"]);
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(nothing.stderr.contains("nothing is scheduled"), "{nothing:?}");

    let run = schedule(&world, &["install"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout.contains("every day at 03:00") && run.stdout.contains(&format!("{store}/retrain.log")),
        "{run:?}"
    );
    let first = table(&world);
    let ours = first.strip_prefix(others).unwrap();
    let comment = format!("\n# similar-tracks retrain of {store} (similar-tracks schedule)\n");
    let line = ours.strip_prefix(&comment).unwrap();
    assert!(line.starts_with("0 3 * * * /bin/sh -c '") && line.matches('\n').count() == 1, "{line}");
    assert!(line.ends_with(&format!(" --store {store} retrain --nice 19\n")), "{line}");

    // Again: the one line changes.
    let log = world.path("it's 100%.log");
    let more = ["--at", "4:30", "--log", log.to_str().unwrap(), "--", "--nice", "5"];
    assert_eq!(schedule(&world, &[&["install"][..], &more[..]].concat()).code, Some(0));
    let second = table(&world);
    let line = second.strip_prefix(others).unwrap().strip_prefix(&comment).unwrap();
    assert!(line.starts_with("30 4 * * * ") && line.matches('\n').count() == 1, "{line}");
    assert!(line.contains(r#"/it'"'"'s 100\%.log'"#) && line.ends_with(" retrain --nice 5\n"), "{line}");

    let shown = schedule(&world, &["show"]);
    assert_eq!((shown.code, shown.stdout.as_str()), (Some(0), format!("cron      {line}").as_str()));
    let removed = schedule(&world, &["remove"]);
    assert!(removed.code == Some(0) && removed.stdout.contains("cron"), "{removed:?}");
    assert_eq!(table(&world), format!("{others}\n"));
    assert_eq!(schedule(&world, &["remove"]).code, Some(1));
}

#[test]
fn units_of_systemd() {
    let world = world(&[("systemctl", SYSTEMCTL)]);
    let run = schedule(&world, &["install", "--at", "02:07"]);
    assert!(run.code == Some(0) && run.stdout.contains("every day at 02:07"), "{run:?}");
    let written = units(&world);
    let names: Vec<&str> = written.iter().map(|unit| unit.file_name().unwrap().to_str().unwrap()).collect();
    let base = names[1].strip_suffix(".service").unwrap();
    assert_eq!(names, ["-failed.service", ".service", ".timer"].map(|ending| format!("{base}{ending}")));
    let asked = fs::read_to_string(world.path("asked")).unwrap();
    assert!(asked.contains(&format!("--user daemon-reload\n--user enable {base}.timer\n")), "{asked}");
    let timer = fs::read_to_string(&written[2]).unwrap();
    assert!(timer.contains("OnCalendar=*-*-* 02:07:00\n"), "{timer}");

    let shown = schedule(&world, &["show"]);
    assert!(shown.code == Some(0) && shown.stdout.contains(" retrain --nice 19\n"), "{shown:?}");
    assert!(!shown.stdout.contains("not active"), "{shown:?}");

    // A store has one schedule.
    add_program(&world, "crontab", CRONTAB);
    assert_eq!(schedule(&world, &["install", "--cron"]).code, Some(0));
    assert!(units(&world).is_empty());
    assert_eq!(schedule(&world, &["install", "--systemd-user"]).code, Some(0));
    assert_eq!(table(&world), "");
    let removed = schedule(&world, &["remove"]);
    assert!(removed.code == Some(0) && removed.stdout.contains(&format!("{base}.timer")), "{removed:?}");
    assert!(units(&world).is_empty());
    assert_eq!(schedule(&world, &["remove"]).code, Some(1));
}

#[test]
fn without_a_session_the_units_are_written_all_the_same() {
    let world = world(&[("systemctl", UNREACHABLE_SYSTEMCTL)]);
    let run = schedule(&world, &["install", "--systemd-user"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("warning: ") && run.stderr.contains("No medium found"), "{run:?}");
    assert!(run.stderr.contains("systemctl --user enable --now similar-tracks-retrain-"), "{run:?}");
    assert_eq!(units(&world).len(), 3);
    let shown = schedule(&world, &["show"]);
    assert!(shown.code == Some(0) && shown.stdout.contains("not active"), "{shown:?}");
    assert_eq!(schedule(&world, &["remove"]).code, Some(0));
    assert!(units(&world).is_empty());
}

#[test]
fn systemd_finds_no_fault_with_the_units() {
    if !Command::new("systemd-analyze").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return; // There is no systemd to ask.
    }
    let world = world(&[("systemctl", UNREACHABLE_SYSTEMCTL)]);
    let log = world.path(r#"it's $HOME 100% "a" \n ä.log"#);
    let arguments = ["install", "--systemd-user", "--log", log.to_str().unwrap()];
    assert_eq!(schedule(&world, &arguments).code, Some(0));
    let mut command = Command::new("systemd-analyze");
    command.args(["verify", "--user", "--man=no"]).args(units(&world));
    command.env("HOME", world.path("")).env("XDG_RUNTIME_DIR", world.path(""));
    let run = Run::of(command.env("XDG_CONFIG_HOME", world.path("configuration")).output().unwrap());
    let faults: Vec<&str> = run.stderr.lines().filter(|line| line.contains("similar-tracks")).collect();
    assert!(run.code == Some(0) && faults.is_empty(), "{run:?}");
}

#[test]
fn what_would_fail_at_night_is_refused_at_once() {
    let world = world(&[("crontab", CRONTAB)]);
    let refused = |arguments: &[&str]| schedule(&world, &[&["install"][..], arguments].concat());
    refused(&["--", "--no-such-option"]).assert_error("--no-such-option", Some("retrain --help"));
    refused(&["--log", "/no/such/folder/log"]).assert_error("/no/such/folder: no such folder", Some("--log"));
    refused(&["--log", "/a\nb"]).assert_error("cannot be scheduled", Some("line breaks"));
    let backslash = world.path("a\\b");
    refused(&["--log", backslash.to_str().unwrap()]).assert_error("backslash", Some("--systemd-user"));
    let run = refused(&["--at", "25:00"]);
    assert!(run.code == Some(2) && run.stderr.contains("from 00:00 to 23:59"), "{run:?}");
    let run = refused(&["--cron", "--systemd-user"]);
    assert!(run.code == Some(2) && run.stderr.contains("cannot be used with"), "{run:?}");
    assert!(!world.path("table").exists());

    add_program(&world, "crontab", "#!/bin/sh\necho 'You are not allowed to use this program (crontab)' >&2\nexit 1\n");
    refused(&[]).assert_error("not allowed", Some("--systemd-user"));
    fs::remove_file(world.path("bin/crontab")).unwrap();
    refused(&[]).assert_error("neither cron nor systemd", Some("--systemd-user"));
    refused(&["--cron"]).assert_error("no program crontab", Some("--systemd-user"));
}

#[test]
fn there_is_no_job_for_a_store_that_is_not_there() {
    let world = World::new();
    schedule(&world, &["install", "--cron"]).assert_error("store", Some("ingest"));
}
