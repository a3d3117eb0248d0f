//! `retrain` has another program embed the library: what it writes is taken in, what goes wrong with it harms nothing.

use super::program::python_with_numpy;
use super::retrain::{Nights, TRACKS};

/// Stands in for scripts/ray_embed.py: does as the file `mode` beside it says, and notes how many files it was to embed.
const STAND_IN: &str = r#"
import json, os, pathlib, subprocess, sys, numpy
print("noise on standard output")
option = lambda name: sys.argv[sys.argv.index(name) + 1]
here, shards = pathlib.Path(__file__).parent, option("--shards")
mode = (here / "mode").read_text()
done = {path for shard in os.listdir(shards) for path in numpy.load(f"{shards}/{shard}")["files"]}
listed = [json.loads(line)["path"] for line in open(sys.argv[-1])]
lacking = [path for path in listed if path not in done]
with open(here / "log", "a") as log:
    log.write(f"{mode} {len(listed)} {len(lacking)}\n")
if mode == "nothing":
    sys.exit(0)
if mode in ("some", "fail"):
    lacking = lacking[:10]
worker = [option("--program"), "worker", "--model", option("--model")]
rows = subprocess.run(worker, input="\n".join(lacking) + "\n", text=True, check=True, stdout=subprocess.PIPE).stdout
rows = [json.loads(row) for row in rows.splitlines()]
column = lambda name: [row[name] for row in rows]
numpy.savez(f"{shards}/{len(done)}.npz", files=column("path"), emb=numpy.array(column("vector"), "float32"),
            size_bytes=column("size_bytes"), modified_ns=column("modified_ns"), content_hash=column("hash"),
            model=["another" if mode == "another" else rows[0]["model"]])
sys.exit(3 if mode == "fail" else 0)
"#;

#[test]
fn retraining_embeds_through_another_program_and_goes_on_where_that_failed() {
    let nights = Nights::new();
    let (model, before) = (nights.serving(), nights.world.run(&["query", "1", "--json"]).stdout);
    let script = nights.path("stand-in.py");
    std::fs::write(&script, STAND_IN).unwrap();
    let config = |text: &str| std::fs::write(nights.world.store().join("config.toml"), text).unwrap();
    config("[embedding]\ncomand = ['x']");
    nights.retrain(&[]).assert_error("unknown field `comand`", Some("docs/ray.md"));
    config("[embedding]\ncommand = ['/nowhere/embed']");
    nights.retrain(&["--quiet"]).assert_error("/nowhere/embed: No such file", Some("[embedding]"));
    let python = python_with_numpy();
    let python = python.get_program().to_str().unwrap();
    config(&format!("[embedding]\ncommand = ['{python}', '{script}', '--more', 'of its own']"));
    let night = |mode: &str| {
        std::fs::write(nights.path("mode"), mode).unwrap();
        nights.retrain(&["--json", "--quiet"])
    };
    night("nothing").assert_error("no .parquet or .npz files there", Some("the next run goes on"));
    night("fail").assert_error("exit status: 3", Some("the next run goes on"));
    night("some").assert_error("it has left out 34 of 54 files", Some("the next run goes on"));
    assert_eq!(nights.serving(), model, "what served goes on");
    assert_eq!(nights.world.run(&["query", "1", "--json"]).stdout, before);
    let summary = night("all").json();
    assert_eq!(summary["outcome"], "promoted", "{summary:#}");
    assert_eq!(nights.world.status()["tracks"]["embedded"], TRACKS);
    assert_eq!(nights.serving(), summary["candidate"].as_str().unwrap());
    // What was taken in before a failure is in the catalogue, what was not is in a shard: nothing is embedded twice.
    let log = std::fs::read_to_string(nights.path("log")).unwrap();
    assert_eq!(log.lines().collect::<Vec<_>>(), ["nothing 54 54", "fail 54 54", "some 54 44", "all 34 34"]);
    let runs = nights.world.run(&["runs", "list", "--json"]).json();
    let shown = nights.world.run(&["runs", "show", &runs[0]["id"].to_string()]).stdout;
    assert!(shown.contains("34 tracks given to another program: 0 added, 34 changed"), "{shown}");
}

#[test]
fn vectors_of_another_model_are_not_taken_in() {
    let nights = Nights::new();
    let (model, script) = (nights.serving(), nights.path("stand-in.py"));
    std::fs::write(&script, STAND_IN).unwrap();
    std::fs::write(nights.path("mode"), "another").unwrap();
    let python = python_with_numpy();
    let config = format!("[embedding]\ncommand = ['{}', '{script}']", python.get_program().to_str().unwrap());
    std::fs::write(nights.world.store().join("config.toml"), config).unwrap();
    nights.retrain(&["--quiet"]).assert_error("0.npz: of another, not ", Some("[embedding]"));
    assert_eq!((nights.serving(), nights.world.status()["tracks"]["failed"].as_u64()), (model, Some(0)));
}
