//! OpenSubsonic (<https://opensubsonic.netlify.app>): the library as players of music know to ask for it.
//!
//! | module | holds |
//! |---|---|
//! | `parameters`, `ids` | what is asked, and what things are called by |
//! | `credentials` | who asks |
//! | `envelope`, `xml`, `failure` | one tree, in JSON and in XML |
//! | `entries` | songs, albums and artists, with what a listener marked |
//! | `browse`, `search`, `lists` | the library as one walks through it |
//! | `media` | files and pictures |
//! | `sonic` | what sounds alike |
//! | `marks`, `answered` | plays, stars and ratings, and what they say of answers |
//! | `playlists`, `playlist_file` | playlists |
//! | `account` | the server and the one who asks |

mod account;
mod answered;
mod browse;
mod credentials;
mod entries;
mod envelope;
mod failure;
mod ids;
mod lists;
mod marks;
mod media;
mod parameters;
mod playlist_file;
mod playlists;
mod search;
mod sonic;
mod xml;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::{Value, json};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use crate::access::{Caller, address_of};
use crate::app::App;
use crate::library::{Asked, Library};
use crate::problem::Problem;
use answered::Answered;
use credentials::caller_of;
use entries::Entries;
use envelope::{Format, respond};
use failure::Failure;
use parameters::Parameters;

/// What outlives a request.
#[derive(Default)]
struct Memory {
    answered: Answered,
    /// Held by the one who changes a playlist.
    playlists: Mutex<()>,
}

/// What is asked, and by whom.
struct Call {
    caller: Caller,
    /// Whether it had to be said who asks.
    asks_who: bool,
    parameters: Parameters,
    memory: Arc<Memory>,
}

/// What a method works with.
enum Method {
    /// Nothing but what was asked.
    Say(fn(&Call) -> Result<Value, Failure>),
    /// The catalogue.
    Read(fn(&Entries<'_>, &Call) -> Result<Value, Failure>),
    /// The catalogue and the index.
    Ask(fn(&Asked<'_>, &Entries<'_>, &Call) -> Result<Value, Failure>),
    /// The library itself: its folder, or to note something in it.
    Note(fn(&Library, &Call) -> Result<Value, Failure>),
    /// A file.
    Send,
    /// A picture.
    Cover,
}

impl Method {
    fn named(name: &str) -> Option<Self> {
        use Method::{Ask, Note, Read, Say};
        Some(match name {
            "ping" => Say(account::nothing),
            "getLicense" => Say(account::license),
            "tokenInfo" => Say(account::token_info),
            "getUser" => Say(account::user),
            "getScanStatus" => Read(account::scan_status),
            "getMusicFolders" => Say(browse::music_folders),
            "getIndexes" => Read(browse::indexes),
            "getMusicDirectory" => Read(browse::music_directory),
            "getArtists" => Read(browse::artists),
            "getArtist" => Read(browse::artist),
            "getAlbum" => Read(browse::album),
            "getSong" => Read(browse::song),
            "getGenres" => Read(browse::genres),
            // Players show an artist or an album only when they were told that there is nothing more to tell.
            "getArtistInfo" => Say(|_| Ok(json!({ "artistInfo": {} }))),
            "getArtistInfo2" => Say(|_| Ok(json!({ "artistInfo2": {} }))),
            "getAlbumInfo" | "getAlbumInfo2" => Say(|_| Ok(json!({ "albumInfo": {} }))),
            "getAlbumList" => Read(lists::album_folders),
            "getAlbumList2" => Read(lists::albums),
            "getRandomSongs" => Read(lists::random_songs),
            "getSongsByGenre" => Read(lists::songs_by_genre),
            "getTopSongs" => Read(lists::top_songs),
            "getStarred" => Read(lists::starred_folders),
            "getStarred2" => Read(lists::starred),
            "getNowPlaying" => Say(|_| Ok(json!({ "nowPlaying": { "entry": [] } }))),
            "search2" => Read(search::by_folders),
            "search3" => Read(search::by_tags),
            "stream" | "download" => Self::Send,
            "getCoverArt" => Self::Cover,
            "getLyrics" => Say(|_| Ok(json!({ "lyrics": {} }))),
            "getSimilarSongs" => Ask(sonic::similar_songs),
            "getSimilarSongs2" => Ask(sonic::similar_songs_by_tags),
            "getSonicSimilarTracks" => Ask(sonic::similar_tracks),
            "findSonicPath" => Ask(sonic::path),
            "star" => Note(marks::star),
            "unstar" => Note(marks::unstar),
            "setRating" => Note(marks::set_rating),
            "scrobble" => Note(marks::scrobble),
            "getPlaylists" => Note(playlists::all),
            "getPlaylist" => Note(playlists::one),
            "createPlaylist" => Note(playlists::create),
            "updatePlaylist" => Note(playlists::update),
            "deletePlaylist" => Note(playlists::delete),
            _ => return None,
        })
    }
}

/// All methods, by GET and, with a form, by POST.
pub(crate) fn router() -> Router<App> {
    // Music is compressed already.
    let is_text = DefaultPredicate::new()
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("application/o"));
    Router::new()
        .route("/rest/{method}", get(answer).post(answer))
        .layer(Extension(Arc::new(Memory::default())))
        .layer(CompressionLayer::new().compress_when(is_text))
}

async fn answer(
    State(app): State<App>,
    Extension(memory): Extension<Arc<Memory>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let from = address_of(&request);
    let (head, body) = request.into_parts();
    let mut parameters = Parameters::parse(head.uri.query().unwrap_or_default());
    let formed = parameters.add_form(&head, body).await;
    let (format, understood) = Format::of(&parameters);
    let told = match formed.and(understood) {
        Ok(()) => run(&app, memory, &name, parameters, &head, from).await,
        Err(failure) => Err(failure),
    };
    match told {
        Ok(Told::Tree(tree)) => respond(format, Ok(tree)),
        Ok(Told::File(response)) => response,
        Err(failure) => respond(format, Err(failure)),
    }
}

/// What a method answers.
enum Told {
    Tree(Value),
    File(Response),
}

async fn run(
    app: &App,
    memory: Arc<Memory>,
    name: &str,
    parameters: Parameters,
    head: &Parts,
    from: IpAddr,
) -> Result<Told, Failure> {
    // Older players call methods as files were called once.
    let name = name.strip_suffix(".view").unwrap_or(name);
    // Whoever asks is told how to say who they are.
    if name == "getOpenSubsonicExtensions" {
        return Ok(Told::Tree(account::extensions()));
    }
    let method = Method::named(name).ok_or(Failure::NoMethod)?;
    let caller = caller_of(&app.access, &parameters, from).await?;
    let call = Call { caller, asks_who: app.access.asks_who(), parameters, memory };
    let tree = match method {
        Method::Send => return media::file(app, call, head).await.map(Told::File),
        Method::Cover => return media::cover(app, call).await.map(Told::File),
        Method::Say(say) => say(&call),
        Method::Read(read) => {
            let read = move |library: &Library| {
                library.read(|catalogue| {
                    settled(Entries::new(catalogue, &call.caller).and_then(|entries| read(&entries, &call)))
                })
            };
            app.work(read).await?
        }
        Method::Ask(ask) => {
            let ask = move |asked: &Asked<'_>| {
                settled(Entries::new(asked.catalogue, &call.caller).and_then(|entries| ask(asked, &entries, &call)))
            };
            app.ask(ask).await?
        }
        Method::Note(note) => app.note(move |library| settled(note(library, &call))).await?,
    };
    tree.map(Told::Tree)
}

/// What the library reports is an error of reading it; that something does not fit is an answer.
fn settled<T>(told: Result<T, Failure>) -> Result<Result<T, Failure>, Problem> {
    match told {
        Err(Failure::Problem(problem)) => Err(problem),
        told => Ok(told),
    }
}
