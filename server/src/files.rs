//! Files of the library: those below the folders that were taken in, and no others.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use index::TrackId;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use crate::problem::Problem;

/// Names of pictures that stand for what else is in their folder, without their endings.
const COVER_NAMES: [&str; 4] = ["cover", "folder", "front", "album"];

/// Bytes of a picture at most.
const MOST_PICTURE_BYTES: u64 = 20 << 20;

/// A picture.
pub(crate) struct Picture {
    pub kind: &'static str,
    pub bytes: Vec<u8>,
}

/// A track's path below the folder that it was found in; `None`: it lies in none.
pub(crate) fn below_root(path: &Path, roots: &[PathBuf]) -> Option<String> {
    let below = roots.iter().filter_map(|root| path.strip_prefix(root).ok());
    Some(below.min_by_key(|below| below.components().count())?.to_string_lossy().into_owned())
}

/// A track's file, which has to lie below one of the folders. What a catalogue says is not enough: it may have been brought
/// from elsewhere, and a file may have become a link to another.
///
/// # Errors
/// Where it is gone, or lies elsewhere.
pub(crate) fn file_below<'a>(
    path: &Path,
    mut folders: impl Iterator<Item = &'a PathBuf>,
    track: TrackId,
) -> Result<PathBuf, Problem> {
    let gone = || Problem::not_found(format!("the file of track {track} is gone"));
    let real = path.canonicalize().map_err(|_| gone())?;
    if !folders.any(|folder| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder))) {
        let detail =
            format!("the file of track {track} lies outside of the library's folders (`serve --folder` adds one)");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    if real.is_file() { Ok(real) } else { Err(gone()) }
}

/// Sends a file, or the range of it that is asked for.
///
/// # Errors
/// Where it cannot be read.
pub(crate) async fn send(file: PathBuf, request: Request<Body>) -> Result<Response, Problem> {
    let wanted = request.headers().get(header::IF_RANGE).cloned();
    let (mut head, _) = request.into_parts();
    let mut response = served(&file, head.clone()).await;
    // The rest of a file that has changed since is of no use to who has its beginning.
    if wanted.is_some_and(|wanted| response.headers().get(header::LAST_MODIFIED) != Some(&wanted)) {
        head.headers.remove(header::RANGE);
        response = served(&file, head).await;
    }
    match response.status() {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
        StatusCode::RANGE_NOT_SATISFIABLE => {
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "the file has no such range");
            let mut refused = problem.into_response();
            if let Some(range) = response.headers().get(header::CONTENT_RANGE) {
                refused.headers_mut().insert(header::CONTENT_RANGE, range.clone());
            }
            return Ok(refused);
        }
        StatusCode::NOT_FOUND => return Err(Problem::not_found("the file is gone")),
        _ => return Ok(response),
    }
    // Whatever a file is called, it is nothing that a browser runs.
    let is_audio = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| is_media(kind.as_bytes()));
    if !is_audio {
        let unknown = HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, unknown);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    Ok(response)
}

async fn served(file: &Path, head: Parts) -> Response {
    let sent = ServeFile::new(file).oneshot(Request::from_parts(head, Body::empty())).await;
    sent.unwrap_or_else(|error| match error {}).map(Body::new)
}

fn is_media(kind: &[u8]) -> bool {
    kind.starts_with(b"audio/") || kind.starts_with(b"video/") || kind == b"application/ogg"
}

/// The picture in a track's file, or in its folder.
pub(crate) fn cover_of(file: &Path) -> Option<Picture> {
    let embedded = audio_frontend::tags::picture(file).and_then(Picture::new);
    embedded.or_else(|| in_folder(file.parent()?))
}

fn in_folder(folder: &Path) -> Option<Picture> {
    let rank = |path: &Path| {
        let stem = path.file_stem().and_then(OsStr::to_str)?.to_ascii_lowercase();
        COVER_NAMES.iter().position(|name| *name == stem)
    };
    let entries = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut ranked: Vec<(usize, PathBuf)> = entries.filter_map(|path| Some((rank(&path)?, path))).collect();
    ranked.sort();
    ranked.into_iter().find_map(|(_, path)| {
        // A link may lead anywhere.
        let metadata = std::fs::symlink_metadata(&path).ok()?;
        let is_plain = metadata.is_file() && metadata.len() <= MOST_PICTURE_BYTES;
        is_plain.then(|| std::fs::read(&path).ok())?.and_then(Picture::new)
    })
}

impl Picture {
    /// Of what the bytes show that they are, whatever they are called; `None`: nothing that browsers draw, or too large.
    fn new(bytes: Vec<u8>) -> Option<Self> {
        let kind = match bytes.as_slice() {
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [b'G', b'I', b'F', b'8', ..] => "image/gif",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => return None,
        };
        (bytes.len() as u64 <= MOST_PICTURE_BYTES).then_some(Self { kind, bytes })
    }
}

impl IntoResponse for Picture {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, self.kind), (header::CACHE_CONTROL, "private, max-age=3600")];
        (headers, self.bytes).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_below_its_folder() {
        let roots = ["/music".into(), "/music/new".into(), "/other".into()];
        let below = |path: &str| below_root(Path::new(path), &roots);
        assert_eq!(below("/music/a/b.flac").as_deref(), Some("a/b.flac"));
        assert_eq!(below("/music/new/b.flac").as_deref(), Some("b.flac"));
        assert_eq!(below("/musical/b.flac"), None);
    }

    #[test]
    fn a_picture_is_what_its_bytes_are() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("Cover.jpg", b"<svg onload=alert(1)>");
        write("front.png", b"\x89PNG\r\n");
        write("back.png", b"\x89PNG\r\n2");
        let picture = in_folder(folder.path()).unwrap();
        assert_eq!((picture.kind, picture.bytes.as_slice()), ("image/png", &b"\x89PNG\r\n"[..]));
        let secret = folder.path().join("secret");
        std::fs::write(&secret, b"\xff\xd8\xffsecret").unwrap();
        std::fs::remove_file(folder.path().join("front.png")).unwrap();
        std::os::unix::fs::symlink(&secret, folder.path().join("folder.jpg")).unwrap();
        assert!(in_folder(folder.path()).is_none(), "links are not followed");
    }
}
