//! The library as players see it, in JSON and in XML.

use opensubsonic::{
    AlbumListOptions, AlbumListType, RandomSongsOptions, Search2Options, Search3Options, SongsByGenreOptions,
    StreamOptions,
};
use serde_json::Value;

use super::player::{PICTURE, anybody, json_of, named, titles, world};
use super::served::Served;

#[test]
fn a_client_walks_through_the_library() {
    let world = world();
    let served = Served::new(&world);
    let player = anybody(&served);
    player.get(async |client| client.ping().await);
    let info = player.get(async |client| client.server_info().await);
    assert!(info.open_subsonic && info.server_type.as_deref() == Some("similar-tracks"));
    assert!(player.get(async |client| client.get_license().await).valid);
    let extensions = player.get(async |client| client.get_open_subsonic_extensions().await);
    let extensions: Vec<(&str, &[i32])> =
        extensions.iter().map(|extension| (extension.name.as_str(), extension.versions.as_slice())).collect();
    assert_eq!(extensions, ["apiKeyAuthentication", "formPost", "sonicSimilarity"].map(|name| (name, &[1][..])));
    assert_eq!(player.get(async |client| client.get_music_folders().await).len(), 1);
    let user = player.get(async |client| client.get_user("somebody").await);
    assert_eq!((user.username.as_str(), user.stream_role, user.admin_role), ("somebody", Some(true), Some(false)));

    let artists = player.get(async |client| client.get_artists(None).await);
    assert_eq!(artists.ignored_articles.as_deref(), Some("The El La Los Las Le Les"));
    let letters: Vec<(&str, &str)> =
        artists.index.iter().map(|index| (index.name.as_str(), index.artist[0].name.as_str())).collect();
    assert_eq!(letters, [("#", "2 Mello"), ("B", "The Beatles"), ("T", "Tom & <Jerry>")]);
    let indexes = player.get(async |client| client.get_indexes(None, None).await);
    assert_eq!(indexes.index.len(), 3);
    let beatles = &artists.index[1].artist[0].id;
    let artist = player.get(async |client| client.get_artist(beatles).await);
    let albums: Vec<(&str, Option<i64>)> =
        artist.album.iter().map(|album| (album.name.as_str(), album.song_count)).collect();
    assert_eq!(albums, [("One & \"Two\"", Some(2)), ("Three", Some(1))]);
    let album = player.get(async |client| client.get_album(&artist.album[0].id).await);
    assert_eq!(titles(&album.song), ["piece-0", "piece-1"], "one artist, however the name is written");
    assert_eq!((album.year, album.duration, album.artist_id.as_ref()), (Some(1969), Some(24), Some(beatles)));
    let song = player.get(async |client| client.get_song(&album.song[0].id).await);
    assert_eq!(song, album.song[0]);
    assert_eq!((song.suffix.as_deref(), song.content_type.as_deref()), (Some("wav"), Some("audio/wav")));
    assert_eq!((song.path.as_deref(), song.duration, song.track), (Some("piece-0.wav"), Some(12), None));
    assert_eq!((song.album_id.as_ref(), song.artist_id.as_ref()), (Some(&album.id), Some(beatles)));
    let directory = player.get(async |client| client.get_music_directory(beatles).await);
    assert_eq!(titles(&directory.child), ["One & \"Two\"", "Three"]);
    assert!(directory.child.iter().all(|child| child.is_dir));
    let mello = player.get(async |client| client.get_music_directory(&artists.index[0].artist[0].id).await);
    assert_eq!((titles(&mello.child), mello.child[0].is_dir), (vec!["piece-5"], false), "what is on no album");
    let inside = player.get(async |client| client.get_music_directory(&album.id).await);
    assert_eq!(titles(&inside.child), ["piece-0", "piece-1"]);
    let genres = player.get(async |client| client.get_genres().await);
    let genres: Vec<(&str, i64, i64)> =
        genres.iter().map(|genre| (genre.name.as_str(), genre.song_count, genre.album_count)).collect();
    assert_eq!(genres, [("Jazz & Blues", 2, 1), ("Rock", 3, 2)]);
    assert_eq!(player.code(async |client| client.get_album("al-nothing").await), 70);
    assert_eq!(player.code(async |client| client.get_song("999").await), 70);
    assert_eq!(player.code(async |client| client.get_artist("1").await), 70);
}

#[test]
fn a_client_searches_and_lists() {
    let world = world();
    let served = Served::new(&world);
    let player = anybody(&served);
    let search =
        |query: &str, options: &Search3Options| player.runtime.block_on(player.client.search3(query, options)).unwrap();
    for everything in ["", "\"\""] {
        let found = search(everything, &Search3Options::new());
        assert_eq!((found.artist.len(), found.album.len(), found.song.len()), (3, 4, 8), "{everything}");
    }
    let page =
        search("", &Search3Options::new().artist_count(1).artist_offset(1).album_count(0).song_count(3).song_offset(6));
    assert_eq!(
        (page.artist[0].name.as_str(), page.artist.len(), page.album.len(), page.song.len()),
        ("The Beatles", 1, 0, 2)
    );
    let found = search("beat", &Search3Options::new());
    assert_eq!((found.artist.len(), found.album.len(), found.song.len()), (1, 2, 3));
    let folders = player.get(async |client| client.search2("beat", &Search2Options::new()).await);
    assert_eq!((folders.artist.len(), folders.album.len(), folders.song.len()), (1, 2, 3));

    let list = |kind, options: &AlbumListOptions| {
        let albums = player.runtime.block_on(player.client.get_album_list2(kind, options)).unwrap();
        albums.into_iter().map(|album| (album.name, album.artist.unwrap_or_default())).collect::<Vec<_>>()
    };
    let names = |albums: &[(String, String)]| albums.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let plain = AlbumListOptions::new();
    assert_eq!(
        names(&list(AlbumListType::AlphabeticalByName, &plain)),
        ["Nobody's", "One & \"Two\"", "Three", "Three"]
    );
    let by_artist = list(AlbumListType::AlphabeticalByArtist, &plain);
    assert_eq!(names(&by_artist), ["One & \"Two\"", "Three", "Three", "Nobody's"]);
    // By the number of the first track that was taken in.
    let first = |pieces: &[u64]| pieces.iter().map(|piece| player.id(*piece).parse::<u64>().unwrap()).min();
    let albums = [("One & \"Two\"", &[0, 1][..]), ("Three", &[2]), ("Three", &[3, 4]), ("Nobody's", &[6])];
    let mut newest = albums.map(|(name, pieces)| (first(pieces), name));
    newest.sort_by(|one, other| other.cmp(one));
    assert_eq!(names(&list(AlbumListType::Newest, &plain)), newest.map(|(_, name)| name));
    assert_eq!(list(AlbumListType::Random, &plain).len(), 4);
    assert_eq!(list(AlbumListType::Random, &AlbumListOptions::new().size(2).offset(3)).len(), 1);
    let years = |from, to| list(AlbumListType::ByYear, &AlbumListOptions::new().from_year(from).to_year(to));
    assert_eq!(names(&years(1969, 1999)), ["One & \"Two\"", "Three"]);
    assert_eq!(
        years(2010, 1970),
        [("Three", "Tom & <Jerry>"), ("Three", "The Beatles")].map(|(name, artist)| (name.into(), artist.into()))
    );
    assert_eq!(list(AlbumListType::ByGenre, &AlbumListOptions::new().genre("jazz & blues")).len(), 1);
    for empty in [AlbumListType::Frequent, AlbumListType::Recent, AlbumListType::Starred, AlbumListType::Highest] {
        assert_eq!(list(empty, &plain), []);
    }
    let folders = player.get(async |client| client.get_album_list(AlbumListType::AlphabeticalByName, &plain).await);
    assert_eq!(titles(&folders), ["Nobody's", "One & \"Two\"", "Three", "Three"]);
    let songs = player.get(async |client| client.get_songs_by_genre("rock", &SongsByGenreOptions::new()).await);
    assert_eq!(named(titles(&songs)), ["piece-0", "piece-1", "piece-2"]);
    let random =
        |options: &RandomSongsOptions| player.runtime.block_on(player.client.get_random_songs(options)).unwrap();
    assert_eq!(random(&RandomSongsOptions::new().size(5)).len(), 5);
    let some = random(&RandomSongsOptions::new().from_year(2000).genre("Jazz & Blues"));
    assert_eq!(named(titles(&some)), ["piece-3", "piece-4"]);
    assert!(player.get(async |client| client.get_now_playing().await).is_empty());
    assert_eq!(player.code(async |client| client.get_album_list2(AlbumListType::ByYear, &plain).await), 10);
}

#[test]
fn a_client_hears_and_sees_what_the_files_hold() {
    let world = world();
    let served = Served::new(&world);
    let player = anybody(&served);
    let (id, bytes) = (player.id(3), std::fs::read(world.library().join("piece-3.wav")).unwrap());
    let options = StreamOptions::new().max_bit_rate(128).format("mp3");
    assert_eq!(player.get(async |client| client.stream(&id, &options).await), bytes, "as it is");
    assert_eq!(player.get(async |client| client.download(&id).await), bytes);
    let part = served.get_with(&format!("/rest/stream?id={id}"), &[("Range", "bytes=1000-1999")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &bytes[1000..2000]));
    let song = player.get(async |client| client.get_song(&id).await);
    for covered in [id.as_str(), song.album_id.as_deref().unwrap(), song.artist_id.as_deref().unwrap()] {
        assert_eq!(player.get(async |client| client.get_cover_art(covered, Some(64)).await), PICTURE, "{covered}");
    }
    std::fs::remove_file(world.library().join("cover.png")).unwrap();
    assert_eq!(player.code(async |client| client.get_cover_art(&id, None).await), 70);
    std::fs::remove_file(world.library().join("piece-3.wav")).unwrap();
    assert_eq!(player.code(async |client| client.stream(&id, &options).await), 70);
}

/// Number and similarity of each match.
fn matches(answer: &Value) -> Vec<(String, f64)> {
    let pair =
        |found: &Value| (found["entry"]["id"].as_str().unwrap().to_owned(), found["similarity"].as_f64().unwrap());
    answer["sonicMatch"].as_array().unwrap().iter().map(pair).collect()
}

/// The same of what the program lists; OpenSubsonic knows nothing below 0.
fn program_matches(rows: &Value) -> Vec<(String, f64)> {
    let pair = |row: &Value| (row["track"].to_string(), row["similarity"].as_f64().unwrap_or(1.0).max(0.0));
    rows.as_array().unwrap().iter().map(pair).collect()
}

fn ids(matches: &[(String, f64)]) -> Vec<&str> {
    matches.iter().map(|(id, _)| id.as_str()).collect()
}

fn assert_equal(matches: &[(String, f64)], expected: &[(String, f64)]) {
    assert_eq!(ids(matches), ids(expected));
    let is_near = |((_, one), (_, other)): (&(String, f64), &(String, f64))| (one - other).abs() < 1e-6;
    assert!(matches.iter().zip(expected).all(is_near), "{matches:?} {expected:?}");
}

#[test]
fn what_sounds_alike_is_what_the_program_says() {
    let world = world();
    let served = Served::new(&world);
    let player = anybody(&served);
    let (id, other) = (player.id(2), player.id(5));
    let program = program_matches(&world.run(&["query", &id, "--json"]).json());
    assert_equal(&matches(&json_of(&served, &format!("getSonicSimilarTracks?id={id}"))), &program);
    assert_equal(&matches(&json_of(&served, &format!("getSonicSimilarTracks.view?id={id}&count=3"))), &program[..3]);
    let songs = player.get(async |client| client.get_similar_songs(&id, Some(4)).await);
    assert_eq!(songs.iter().map(|song| song.id.as_str()).collect::<Vec<_>>(), ids(&program[..4]));

    let way = matches(&json_of(&served, &format!("findSonicPath?startSongId={id}&endSongId={other}&count=5")));
    let by_program = program_matches(&world.run(&["path", &id, &other, "-n", "5", "--format", "json"]).json());
    assert_eq!(ids(&way), ids(&by_program));
    // The program tells the similarity to the track before, OpenSubsonic that to the first.
    let (first, last) = (&way[0], &way[way.len() - 1]);
    assert_equal(std::slice::from_ref(first), &[(id.clone(), 1.0)]);
    assert_equal(std::slice::from_ref(last), &[program.iter().find(|(id, _)| *id == other).unwrap().clone()]);
    // This client reads a draft of the extension that came to nothing: it finds no matches where it looks for them.
    assert!(player.get(async |client| client.get_sonic_similar_tracks(&id, None).await).is_empty());
    assert!(player.get(async |client| client.find_sonic_path(&id, &other, None).await).is_empty());

    let song = player.get(async |client| client.get_song(&id).await);
    for group in [song.artist_id.as_deref().unwrap(), song.album_id.as_deref().unwrap()] {
        let songs = player.get(async |client| client.get_similar_songs2(group, Some(50)).await);
        assert!(songs.len() >= 5 && songs.iter().all(|found| found.id != id), "{group}");
    }
    assert_eq!(json_of(&served, "getSonicSimilarTracks?id=999")["error"]["code"], 70);
    assert_eq!(json_of(&served, "getSonicSimilarTracks")["error"]["code"], 10);
    assert_eq!(json_of(&served, &format!("getSonicSimilarTracks?id={id}&count=x"))["error"]["code"], 0);
}

/// Asserts that an element holds what a tree does: scalars as attributes, objects as elements, arrays as several.
fn assert_same(tree: &Value, element: roxmltree::Node<'_, '_>) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(object) = tree.as_object() else { return assert_eq!(element.text(), Some(text(tree).as_str())) };
    let (mut attributes, mut children) = (0, 0);
    for (key, value) in object {
        let elements: Vec<_> = element.children().filter(|child| child.tag_name().name() == key).collect();
        match value {
            Value::Array(values) => {
                assert_eq!(values.len(), elements.len(), "{key}");
                values.iter().zip(&elements).for_each(|(value, element)| assert_same(value, *element));
                children += elements.len();
            }
            Value::Object(_) => {
                assert_eq!(elements.len(), 1, "{key}");
                assert_same(value, elements[0]);
                children += 1;
            }
            scalar if key == "value" => assert_eq!(element.text(), Some(text(scalar).as_str())),
            scalar => {
                assert_eq!(element.attribute(key.as_str()), Some(text(scalar).as_str()), "{key}");
                attributes += 1;
            }
        }
    }
    assert_eq!(
        (element.attributes().len(), element.children().filter(|child| child.is_element()).count()),
        (attributes, children)
    );
}

#[test]
fn answers_in_xml_are_those_in_json() {
    let world = world();
    let served = Served::new(&world);
    let player = anybody(&served);
    let (id, other) = (player.id(3), player.id(0));
    let song = player.get(async |client| client.get_song(&id).await);
    let (artist, album) = (song.artist_id.unwrap(), song.album_id.unwrap());
    player.get(async |client| client.star(&[&id], &[], &[]).await);
    let list = player.get(async |client| client.create_playlist(None, Some("a & b"), &[&id]).await).id;
    for method in [
        "ping",
        "getLicense",
        "getOpenSubsonicExtensions",
        "tokenInfo",
        "getUser?username=x",
        "getMusicFolders",
        "getArtists",
        &format!("getArtist?id={artist}"),
        &format!("getAlbum?id={album}"),
        &format!("getSong?id={id}"),
        &format!("getMusicDirectory?id={artist}"),
        "getGenres",
        "getAlbumList?type=newest",
        "getAlbumList2?type=newest",
        "getSongsByGenre?genre=Rock",
        "search2?query=three",
        "search3?query=",
        "getStarred",
        "getStarred2",
        "getPlaylists",
        &format!("getPlaylist?id={list}"),
        &format!("getSimilarSongs?id={id}"),
        &format!("getSimilarSongs2?id={artist}"),
        &format!("getSonicSimilarTracks?id={id}"),
        &format!("findSonicPath?startSongId={id}&endSongId={other}"),
        "getTopSongs?artist=x",
        "getNowPlaying",
        "getLyrics",
        "getArtistInfo2?id=1",
        "getScanStatus",
        "getSong",
        "getSong?id=x",
    ] {
        let json = json_of(&served, method);
        let xml = served.get(&format!("/rest/{method}"));
        assert!(xml.status == 200 && xml.header("content-type").starts_with("application/xml"), "{method}");
        let text = xml.text();
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{method}: {error}: {text}"));
        assert_eq!(document.root_element().tag_name().namespace(), Some("http://subsonic.org/restapi"));
        assert_same(&json, document.root_element());
    }
}
