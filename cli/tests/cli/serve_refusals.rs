//! Requests that are not to be answered, and those who may not ask.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::music::write_library;
use super::program::{Run, World};
use super::served::{Served, add_user, log_of};

fn world() -> World {
    let world = World::new();
    write_library(&world.library(), 4, 5.0);
    world.ingest(&[]);
    world
}

#[test]
fn what_does_not_fit_is_told_as_a_problem() {
    let world = world();
    let served = Served::with(&world, &["--requests-per-second", "0"]);
    let long = format!("/api/v1/tracks/1/similar?path={}", "_".repeat(600));
    for (path, status, detail) in [
        ("/api/v1/tracks/x", 400, "by its number"),
        ("/api/v1/tracks/-1/similar", 400, "by its number"),
        ("/api/v1/tracks/12345", 404, "no track 12345"),
        ("/api/v1/tracks/12345/similar", 404, "no track 12345"),
        ("/api/v1/tracks/18446744073709551615/audio", 404, "no track"),
        ("/api/v1/tracks/12345/cover", 404, "no track"),
        ("/api/v1/tracks/1/similar?count=0", 400, "count"),
        ("/api/v1/tracks/1/similar?count=100000", 400, "count"),
        ("/api/v1/tracks/1/similar?count=x", 400, ""),
        ("/api/v1/tracks/1/similar?min_similarity=2", 400, "min_similarity"),
        ("/api/v1/tracks/1/similar?min_similarity=NaN", 400, "min_similarity"),
        ("/api/v1/tracks/1/similar?per_artist=0", 400, "per_artist"),
        ("/api/v1/tracks/1/similar?from=9&to=3", 422, "begins"),
        ("/api/v1/tracks/1/similar?from=-1", 400, "at least 0"),
        ("/api/v1/tracks/1/similar?from=100&to=200", 422, "nothing of this part"),
        ("/api/v1/tracks/1/waveform?points=0", 400, "points"),
        ("/api/v1/tracks/1/similar?year_from=", 400, "no value"),
        (long.as_str(), 400, "bytes at most"),
        ("/api/v1/tracks?limit=0", 400, "limit"),
        ("/api/v1/path?from=1", 400, ""),
        ("/api/v1/path?from=1&to=2&count=1", 400, "count"),
        ("/api/v1/nothing", 404, "nothing here"),
        ("/page/..%2f..%2fetc%2fpasswd", 404, "no such page"),
        ("/page/%2e%2e%2fCargo.toml", 404, "no such page"),
        ("/etc/passwd", 404, "nothing here"),
    ] {
        let reply = served.get(path);
        assert_eq!(reply.header("content-type"), "application/problem+json", "{path}: {}", reply.text());
        reply.assert_problem(status, detail);
    }
    for (path, body, status, detail) in [
        ("/api/v1/similar", json!({ "seeds": [] }), 400, "seeds"),
        ("/api/v1/similar", json!({ "seeds": [{ "track": 12345 }] }), 404, "no track 12345"),
        ("/api/v1/similar", json!({ "seeds": [{ "track": 1, "weight": 1e9 }] }), 400, "weights"),
        ("/api/v1/similar", json!({ "seeds": [{ "track": 1 }, { "track": 1, "weight": -1 }] }), 422, "cancel"),
        ("/api/v1/similar", json!([1, 2]), 400, ""),
        ("/api/v1/radio", json!({ "seeds": [1], "drift": 2 }), 400, "drift"),
        ("/api/v1/feedback", json!({ "query": 1, "result": 1, "opinion": "like" }), 422, "itself"),
        ("/api/v1/feedback", json!({ "query": 1, "result": 99, "opinion": "like" }), 404, "no track 99"),
        ("/api/v1/feedback", json!({ "query": 1, "result": 2, "opinion": "love" }), 400, "love"),
        ("/api/v1/plays", json!({ "track": 1, "at": -5 }), 400, "since 1970"),
        ("/api/v1/tracks", json!({}), 405, "method"),
    ] {
        served.post(path, &body).assert_problem(status, detail);
    }
    served.post_bytes("/api/v1/similar", b"{}").assert_problem(415, "");
    let huge = "x".repeat(2 << 20);
    served.post("/api/v1/similar", &json!({ "seeds": [huge] })).assert_problem(413, "");
    assert!(served.get("/healthz").status == 200 && log_of(&world).lines().count() <= 1, "{}", log_of(&world));
}

#[test]
fn uploads_are_limited_and_what_is_in_them_harms_nobody() {
    let world = world();
    let served = Served::with(&world, &["--max-upload-mib", "1"]);
    let upload = |name: &str, bytes: &[u8]| served.post_bytes(&format!("/api/v1/similar/upload?name={name}"), bytes);
    upload("empty.wav", b"").assert_problem(400, "bytes of an audio file");
    upload("x.mp3", b"not audio at all").assert_problem(422, "cannot be listened to");
    upload("..%2f..%2fx.%2e%2e%2fsh", b"RIFF\xff\xff\xff\xffWAVEfmt ").assert_problem(422, "cannot be listened to");
    let sound = std::fs::read(world.library().join("piece-1.wav")).unwrap();
    upload("cut.wav", &sound[..60]).assert_problem(422, "cannot be listened to");
    upload("huge.wav", &vec![0; (1 << 20) + 1]).assert_problem(413, "1 MiB");
    // Chunks without an end, of which only the first are taken.
    let mut stream = TcpStream::connect(served.address).unwrap();
    write!(stream, "POST /api/v1/similar/upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[0; 0x10000], b"\r\n"].concat();
    while stream.write_all(&chunk).is_ok() {}
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(upload("sound.wav", &sound).status, 200);
    // Whoever calls an upload off does not leave its answer to the next: another piece, at once.
    let other = std::fs::read(world.library().join("piece-2.wav")).unwrap();
    let head =
        format!("POST /api/v1/similar/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", other.len());
    for _ in 0..3 {
        let mut stream = TcpStream::connect(served.address).unwrap();
        stream.write_all(&[head.as_bytes(), &other].concat()).unwrap();
        drop(stream);
        let itself = upload("sound.wav", &sound).json()["query"]["itself"].clone();
        let title = served.json(&format!("/api/v1/tracks/{}", itself[0]))["title"].clone();
        assert_eq!(title, "piece-1");
    }
    // Those that were called off go when their worker has.
    wait(|| std::fs::read_dir(world.path("uploads")).unwrap().count() == 0);
}

#[test]
fn heads_that_are_too_long_or_broken_are_refused() {
    let world = world();
    let served = Served::new(&world);
    let status = |request: &str| served.raw(request.as_bytes()).split(' ').nth(1).unwrap_or_default().to_owned();
    let query = "a".repeat(1 << 20);
    let long = status(&format!("GET /api/v1/tracks?q={query} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(["414", "431", ""].contains(&long.as_str()), "{long}");
    let line = "a".repeat(20_000);
    assert_eq!(
        status(&format!("GET /api/v1/tracks?q={line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")),
        "200"
    );
    let many = "X-Header: 1\r\n".repeat(1000);
    assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")), "431");
    for broken in ["nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"] {
        assert_eq!(status(broken), "400", "{broken:?}");
    }
    let range = |range: &str| {
        let request = format!(
            "GET /api/v1/tracks/1/audio HTTP/1.1\r\nHost: localhost\r\nRange: {range}\r\nConnection: close\r\n\r\n"
        );
        status(&request)
    };
    for (given, expected) in [("bytes=9-1", "416"), ("bytes=x-y", "416"), ("lines=1-2", "416"), ("bytes=0-0", "206")] {
        assert_eq!(range(given), expected, "{given}");
    }
    assert_eq!(served.get("/healthz").status, 200);
}

#[test]
fn files_outside_of_the_library_are_not_given_out() {
    let world = world();
    let secret = world.path("secret.wav");
    std::fs::copy(world.library().join("piece-0.wav"), &secret).unwrap();
    let id = |served: &Served, title: &str| {
        served.json(&format!("/api/v1/tracks?q={title}"))["tracks"][0]["id"].as_u64().unwrap()
    };
    let served = Served::new(&world);
    let audio = |id: u64| served.get(&format!("/api/v1/tracks/{id}/audio"));
    let track = id(&served, "piece-1");
    assert_eq!(audio(track).status, 200);
    // A file that became a link, a file of a single ingest, and one that an import names.
    let file = world.library().join("piece-1.wav");
    std::fs::remove_file(&file).unwrap();
    symlink(&secret, &file).unwrap();
    audio(track).assert_problem(403, "outside of the library's folders");
    served.get(&format!("/api/v1/tracks/{track}/waveform")).assert_problem(403, "outside");
    served.get(&format!("/api/v1/tracks/{track}/cover")).assert_problem(403, "outside");
    std::fs::remove_file(&file).unwrap();
    audio(track).assert_problem(404, "is gone");
    world.run(&["ingest", secret.to_str().unwrap()]);
    let alone = id(&served, "secret");
    audio(alone).assert_problem(403, "outside");
    drop(served);
    let folder = world.path(".");
    let served = Served::with(&world, &["--folder", folder.to_str().unwrap()]);
    assert_eq!(served.get(&format!("/api/v1/tracks/{alone}/audio")).status, 200);
}

#[test]
fn other_sites_pages_and_other_names_do_not_get_through() {
    let world = world();
    let served = Served::new(&world);
    served.get_with("/api/v1/stats", &[("Host", "music.example")]).assert_problem(421, "not called so");
    served.get_with("/api/v1/stats", &[("Sec-Fetch-Site", "cross-site")]).assert_problem(403, "another site");
    served.get_with("/api/v1/stats", &[("Origin", "https://example.org")]).assert_problem(403, "another site");
    assert_eq!(served.get_with("/", &[("Sec-Fetch-Site", "cross-site")]).status, 200, "a link leads to the page");
    let own = format!("http://{}", served.address);
    assert_eq!(served.get_with("/api/v1/stats", &[("Origin", &own)]).status, 200);
}

#[test]
fn users_say_who_they_are_and_nobody_else_gets_in() {
    let world = world();
    let refused = world.run(&["serve", "--listen", "0.0.0.0:0"]);
    refused.assert_error("no users", Some("user add"));
    world
        .run(&["serve", "--host", "music.example", "--listen", "127.0.0.1:0"])
        .assert_error("no users", Some("user add"));
    let (key, player) = add_user(&world, "anna", "correct horse");
    let served = Served::new(&world);
    let stats = |value: &str| served.get_with("/api/v1/stats", &[("Authorization", value)]);
    let basic = |text: &str| format!("Basic {}", data_encoding::BASE64.encode(text.as_bytes()));
    let unnamed = served.get("/api/v1/stats");
    unnamed.assert_problem(401, "say who you are");
    assert!(unnamed.header("www-authenticate").starts_with("Basic realm="));
    for path in ["/", "/page/main.js", "/metrics", "/api/openapi.json", "/api/v1/tracks/1/audio"] {
        assert_eq!(served.get(path).status, 401, "{path}");
    }
    assert_eq!(served.get("/healthz").status, 200);
    for right in [format!("Bearer {key}"), basic("anna:correct horse"), basic(&format!("anna:{player}"))] {
        assert_eq!(stats(&right).status, 200, "{right}");
    }
    let wrong = "0123456789abcdef-secret";
    for wrong in [format!("Bearer {wrong}"), basic(&format!("anna:{wrong}")), basic(&format!("bert:{wrong}"))] {
        stats(&wrong).assert_problem(401, "wrong");
    }
    for _ in 0..30 {
        stats(&basic("anna:guess"));
    }
    let slowed = stats(&basic("anna:guess"));
    slowed.assert_problem(429, "too many passwords");
    assert_eq!(slowed.header("retry-after"), "60");
    assert_eq!(stats(&basic("anna:correct horse")).status, 200, "who has proved it is not held up");

    // A server that runs takes notice.
    let (other, _) = add_user(&world, "bert", "battery staple");
    wait(|| stats(&format!("Bearer {other}")).status == 200);
    assert_eq!(world.run(&["user", "list"]).stdout, "anna\nbert\n");
    assert_eq!(world.run(&["user", "remove", "anna"]).code, Some(0));
    wait(|| stats(&format!("Bearer {key}")).status == 401);
    assert!([401, 429].contains(&stats(&basic("anna:correct horse")).status), "what was proved is forgotten");
    world.run(&["user", "remove", "anna"]).assert_error("no user anna", Some("user list"));

    let log = log_of(&world);
    for secret in [&key, &player, &other, "correct horse", wrong, "guess"] {
        assert!(!log.contains(secret), "{log}");
    }
}

fn wait(is_so: impl Fn() -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !is_so() {
        assert!(std::time::Instant::now() < end);
        std::thread::yield_now();
    }
}

#[test]
fn too_many_requests_and_connections_are_held_up() {
    let world = world();
    let served = Served::with(&world, &["--requests-per-second", "2", "--max-connections", "300"]);
    let replies: Vec<u16> = (0..20).map(|_| served.get("/healthz").status).collect();
    assert!(replies.contains(&200) && replies.contains(&429), "{replies:?}");
    let served = Served::with(&world, &["--max-connections", "300"]);
    // Idle ones, and ones that send a head a byte at a time.
    let mut slow: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(served.address).unwrap()).collect();
    for stream in &mut slow {
        let _ = stream.write_all(b"G");
    }
    assert_eq!(served.get("/healthz").status, 200);
    let more: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(served.address).unwrap()).collect();
    let mut last = more.last().unwrap();
    assert_eq!(last.read(&mut [0]).unwrap_or(0), 0, "there is no room for it");
}

#[test]
fn wrong_uses_are_told_with_a_hint() {
    let world = World::new();
    world.run(&["serve"]).assert_error("no store", Some("ingest"));
    write_library(&world.library(), 2, 5.0);
    world.ingest(&[]);
    let served = Served::new(&world);
    let taken = served.address.to_string();
    world.run(&["serve", "--listen", &taken]).assert_error("cannot listen", Some("--listen"));
    let short = |password: &str| {
        let mut command: Command = world.command(&["user", "add", "anna"]);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = process.unwrap();
        write!(process.stdin.take().unwrap(), "{password}").unwrap();
        Run::of(process.wait_with_output().unwrap())
    };
    short("short").assert_error("at least 8 characters", None);
    let nobody = world.run(&["user", "list"]);
    assert_eq!((nobody.code, nobody.stderr.contains("no users")), (Some(1), true), "{nobody:?}");
    let worker: Vec<Value> = {
        let mut command = world.command(&["worker", "--hello"]);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.unwrap();
        let file = world.library().join("piece-0.wav");
        write!(process.stdin.take().unwrap(), "{}\n/no/such/file\n", file.display()).unwrap();
        let lines = Run::of(process.wait_with_output().unwrap()).stdout;
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(worker.len(), 3);
    assert_eq!(worker[0]["model"], worker[1]["model"]);
    assert_eq!(worker[1]["vector"].as_array().unwrap().len(), 128);
    assert!(worker[2]["error"].as_str().unwrap().contains("No such file"), "{}", worker[2]);
}
