//! What players say: who listens, what was heard, what is good, and what belongs together.

use opensubsonic::{AlbumListOptions, AlbumListType, Auth, Error, UpdatePlaylistOptions};
use serde_json::Value;

use super::player::{PICTURE, Player, anybody, catalogue, json_of, named, titles, world};
use super::program::World;
use super::served::{Served, add_user};

/// Rows of three numbers.
fn rows(world: &World, sql: &str) -> Vec<[i64; 3]> {
    let catalogue = catalogue(world);
    let mut statement = catalogue.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

#[test]
fn what_listeners_do_is_noted_and_learnt_from() {
    let world = world();
    let served = Served::new(&world);
    let player = anybody(&served);
    let [seed, first, second, third] = [0, 1, 2, 3].map(|piece| player.id(piece));
    let number = |id: &str| id.parse::<i64>().unwrap();
    player.get(async |client| client.scrobble(&first, Some(1_700_000_000_999), None).await);
    player.get(async |client| client.scrobble(&first, Some(1_700_000_100_000), Some(true)).await);
    player.get(async |client| client.scrobble(&second, None, Some(false)).await);
    let two = format!("scrobble?id={second}&id={third}&time=1700000200000&time=1700000300000");
    assert_eq!(json_of(&served, &two)["status"], "ok");
    let plays = rows(&world, "SELECT track_id, at, skipped FROM plays ORDER BY at");
    let expected =
        [(&first, 1_700_000_000), (&first, 1_700_000_100), (&second, 1_700_000_200), (&third, 1_700_000_300)];
    assert_eq!(plays, expected.map(|(id, at)| [number(id), at, 0]));
    assert_eq!(player.code(async |client| client.scrobble("999", None, None).await), 70);
    assert_eq!(player.code(async |client| client.scrobble(&first, Some(-1), None).await), 0);
    let list = |kind| player.get(async |client| client.get_album_list2(kind, &AlbumListOptions::new()).await);
    assert_eq!(list(AlbumListType::Frequent)[0].name, "One & \"Two\"");
    assert_eq!(list(AlbumListType::Recent)[0].artist.as_deref(), Some("Tom & <Jerry>"));
    let top = player.get(async |client| client.get_top_songs("The Beatles", None).await);
    assert_eq!(titles(&top), ["piece-1", "piece-2"]);

    // A star of a song that was no answer is a mark and no more.
    player.get(async |client| client.star(&[&first], &[], &[]).await);
    let opinions = || rows(&world, "SELECT query_id, result_id, is_liked FROM opinions ORDER BY result_id");
    assert_eq!(opinions(), [[0; 3]; 0]);
    player.get(async |client| client.get_similar_songs(&seed, None).await);
    player.get(async |client| client.star(&[&first], &[], &[]).await);
    player.get(async |client| client.set_rating(&second, 5).await);
    player.get(async |client| client.set_rating(&third, 1).await);
    let said = |id: &str, is_liked| [number(&seed), number(id), is_liked];
    let mut expected = [said(&first, 1), said(&second, 1), said(&third, 0)];
    expected.sort_unstable();
    assert_eq!(opinions(), expected);
    let song = player.get(async |client| client.get_song(&second).await);
    assert_eq!((song.user_rating, song.starred), (Some(5), None));
    assert!(player.get(async |client| client.get_song(&first).await).starred.is_some());
    player.get(async |client| client.unstar(&[&first], &[], &[]).await);
    player.get(async |client| client.set_rating(&second, 0).await);
    player.get(async |client| client.set_rating(&third, 4).await);
    assert_eq!(opinions(), [said(&third, 1)]);
    assert_eq!(list(AlbumListType::Highest)[0].artist.as_deref(), Some("Tom & <Jerry>"));

    let album = player.get(async |client| client.get_song(&first).await).album_id.unwrap();
    player.get(async |client| client.star(&[], &[&album], &[]).await);
    let starred = player.get(async |client| client.get_starred2(None).await);
    assert_eq!(named(titles(&starred.song)), ["piece-0", "piece-1"]);
    assert_eq!((starred.album.len(), starred.album[0].id.as_str(), starred.artist.len()), (1, album.as_str(), 0));
    assert_eq!(list(AlbumListType::Starred).len(), 1);
    assert_eq!(opinions(), [said(&third, 1)], "an album's star says nothing of an answer");
    let artist = player.get(async |client| client.get_song(&second).await).artist_id.unwrap();
    player.get(async |client| client.star(&[], &[], &[&artist]).await);
    let starred = player.get(async |client| client.get_starred(None).await);
    assert_eq!((starred.artist.len(), starred.album.len(), starred.song.len()), (1, 2, 3));
    player.get(async |client| client.unstar(&[], &[], &[&artist]).await);
    assert!(player.get(async |client| client.get_starred2(None).await).song.is_empty());
    assert_eq!(player.code(async |client| client.set_rating(&first, 6).await), 0);
    assert_eq!(player.code(async |client| client.star(&[], &[], &[]).await), 10);
}

#[test]
fn playlists_are_files_and_imported_ones_are_left_alone() {
    let world = world();
    let imported = world.path("imported.m3u8");
    std::fs::write(&imported, "library/piece-6.wav\n").unwrap();
    world.run(&["import-playlists", imported.to_str().unwrap()]);
    let served = Served::new(&world);
    let player = anybody(&served);
    let [one, two, three] = [1, 2, 3].map(|piece| player.id(piece));
    let made = player.get(async |client| client.create_playlist(None, Some("AC/DC: best?"), &[&one, &two, &one]).await);
    assert_eq!((made.name.as_str(), titles(&made.entry)), ("AC/DC: best?", vec!["piece-1", "piece-2", "piece-1"]));
    assert_eq!((made.song_count, made.duration, made.readonly), (Some(3), Some(36), Some(false)));
    let file = world.store().join("playlists/AC_DC_ best_.m3u8");
    let paths = |file: &std::path::Path| {
        let text = std::fs::read_to_string(file).unwrap();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.rsplit('/').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&file), ["piece-1.wav", "piece-2.wav", "piece-1.wav"]);
    let twin = player.get(async |client| client.create_playlist(None, Some("AC/DC: best?"), &[]).await);
    assert!(twin.id != made.id && world.store().join("playlists/AC_DC_ best_ (2).m3u8").exists());

    let update = UpdatePlaylistOptions::new().name("Other").add_song(&three).remove_index(0);
    player.get(async |client| client.update_playlist(&made.id, &update).await);
    let changed = player.get(async |client| client.get_playlist(&made.id).await);
    assert_eq!((changed.name.as_str(), titles(&changed.entry)), ("Other", vec!["piece-2", "piece-1", "piece-3"]));
    assert_eq!(paths(&file), ["piece-2.wav", "piece-1.wav", "piece-3.wav"]);
    let replaced = player.get(async |client| client.create_playlist(Some(&made.id), None, &[&three]).await);
    assert_eq!((replaced.id, titles(&replaced.entry)), (made.id.clone(), vec!["piece-3"]));
    assert_eq!(player.get(async |client| client.get_cover_art(&made.id, None).await), PICTURE);

    let all = player.get(async |client| client.get_playlists(None).await);
    let all: Vec<(&str, Option<bool>)> = all.iter().map(|list| (list.name.as_str(), list.readonly)).collect();
    assert_eq!(all, [("imported", Some(true)), ("AC/DC: best?", Some(false)), ("Other", Some(false))]);
    let foreign = player.get(async |client| client.get_playlists(None).await)[0].id.clone();
    assert_eq!(player.code(async |client| client.delete_playlist(&foreign).await), 50);
    assert_eq!(player.code(async |client| client.create_playlist(None, Some("x"), &["999"]).await), 70);
    assert!(!world.store().join("playlists/x.m3u8").exists());
    for id in [&made.id, &twin.id] {
        player.get(async |client| client.delete_playlist(id).await);
    }
    assert_eq!(player.get(async |client| client.get_playlists(None).await).len(), 1);
    assert_eq!(std::fs::read_dir(world.store().join("playlists")).unwrap().count(), 0);
    assert_eq!(player.code(async |client| client.get_playlist(&made.id).await), 70);
}

#[test]
fn players_say_who_they_are_in_every_way_that_there_is() {
    let world = world();
    let (key, player_password) = add_user(&world, "anna", "correct horse");
    let (other, _) = add_user(&world, "bert", "battery staple");
    let served = Served::new(&world);
    let ping = |auth: Auth| {
        let player = Player::new(&served, auth);
        let told = player.runtime.block_on(player.client.ping());
        match told {
            Ok(()) => None,
            Err(Error::Api(error)) => Some(error.code),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(ping(Auth::token("anna", player_password.as_str())), None);
    assert_eq!(ping(Auth::plain("anna", player_password.as_str())), None);
    assert_eq!(ping(Auth::plain("anna", "correct horse")), None);
    assert_eq!(ping(Auth::api_key(key.as_str())), None);
    assert_eq!(ping(Auth::token("anna", "correct horse")), Some(40), "it is not known as it is");
    assert_eq!(ping(Auth::token("bert", player_password.as_str())), Some(40));
    assert_eq!(ping(Auth::plain("anna", "wrong")), Some(40));
    assert_eq!(ping(Auth::api_key("wrong")), Some(44));
    let player = Player::new(&served, Auth::api_key(key.as_str()));
    assert_eq!(player.get(async |client| client.token_info().await).username, "anna");
    assert_eq!(player.code(async |client| client.get_user("bert").await), 50);

    let code = |method: &str| json_of(&served, method)["error"]["code"].clone();
    assert_eq!(code("ping"), 10);
    assert_eq!(code(&format!("ping?apiKey={key}&u=anna")), 43);
    assert_eq!(code("getOpenSubsonicExtensions"), Value::Null, "it tells how to say who one is");
    assert_eq!(code(&format!("stream?id=1&apiKey={key}x")), 44);
    let unknown = served.get(&format!("/rest/getMoonPhase?apiKey={key}&f=json"));
    assert_eq!(unknown.status, 404);
    let script = served.get(&format!("/rest/ping?apiKey={key}&f=jsonp&callback=x"));
    assert!(script.text().contains("\"failed\"") && script.header("content-type") == "application/json");
    let form = format!("apiKey={key}&f=json&query=%22%22&songCount=1");
    let posted = served.raw(
        format!(
            "POST /rest/search3.view HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            served.address,
            form.len()
        )
        .as_bytes(),
    );
    assert!(posted.starts_with("HTTP/1.1 200") && posted.contains("\"searchResult3\""), "{posted}");
    let log = super::served::log_of(&world);
    assert!(!log.contains(&key) && !log.contains("correct horse"), "{log}");

    // What one listener marks, another does not see.
    let id = player.id(0);
    player.get(async |client| client.star(&[&id], &[], &[]).await);
    let bert = Player::new(&served, Auth::api_key(other.as_str()));
    assert!(bert.get(async |client| client.get_starred2(None).await).song.is_empty());
    assert_eq!(player.get(async |client| client.get_starred2(None).await).song.len(), 1);
}
