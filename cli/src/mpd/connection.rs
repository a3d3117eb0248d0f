//! Connecting to a Music Player Daemon, and what is asked of it.

use std::time::Duration;

use mpd_client::Client;
use mpd_client::client::{CommandError, ConnectWithPasswordError, ConnectionEvents};
use mpd_client::protocol::MpdProtocolError;
use mpd_client::protocol::command::Command;
use mpd_client::responses::Song;
use tokio::net::{TcpStream, UnixStream};

use super::address::{Address, Place};
use crate::failure::hinted;

/// Time to wait for a daemon that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a daemon says to whom it does not allow something.
const PERMISSION: u64 = 4;

const WHERE_HINT: &str = "is it running? --host and --port, or MPD_HOST and MPD_PORT, say where";
const PASSWORD_HINT: &str = "--host or MPD_HOST takes one as password@host";

/// A daemon that has gone away.
#[derive(Debug)]
struct Lost(String);

impl std::fmt::Display for Lost {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MPD went away: {}", self.0)
    }
}

impl std::error::Error for Lost {}

/// What is told of a daemon that has gone away.
pub fn lost(reason: &str) -> anyhow::Error {
    anyhow::Error::new(Lost(reason.to_owned()))
}

/// Whether what failed may go well once the daemon is there again.
pub fn is_lost(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Lost>().is_some()
}

/// Connects to a daemon. What changes there is told as events.
///
/// # Errors
/// Where there is none, it is none, or it wants another password.
pub async fn connect(address: &Address) -> anyhow::Result<(Client, ConnectionEvents)> {
    let connecting = async {
        let password = address.password.as_deref();
        let connection = match &address.place {
            Place::Network { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                Client::connect_with_password_opt(stream, password).await
            }
            Place::Socket(path) => {
                let stream = UnixStream::connect(path).await?;
                Client::connect_with_password_opt(stream, password).await
            }
            Place::Abstract(name) => Client::connect_with_password_opt(abstract_stream(name)?, password).await,
        };
        Ok::<_, std::io::Error>(connection)
    };
    let unreachable =
        |reason: String| hinted(anyhow::anyhow!("MPD at {address} cannot be reached: {reason}"), WHERE_HINT);
    let connection = match tokio::time::timeout(PATIENCE, connecting).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(_) => return Err(unreachable(format!("no answer in {} s", PATIENCE.as_secs()))),
    };
    connection.map_err(|error| match error {
        ConnectWithPasswordError::IncorrectPassword => {
            hinted(anyhow::anyhow!("MPD at {address} does not take this password"), PASSWORD_HINT)
        }
        ConnectWithPasswordError::ProtocolError(MpdProtocolError::InvalidMessage) => {
            hinted(anyhow::anyhow!("what answers at {address} is no MPD"), WHERE_HINT)
        }
        ConnectWithPasswordError::ProtocolError(MpdProtocolError::Io(error)) => unreachable(error.to_string()),
    })
}

#[cfg(target_os = "linux")]
fn abstract_stream(name: &str) -> std::io::Result<UnixStream> {
    use std::os::linux::net::SocketAddrExt;

    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    let stream = std::os::unix::net::UnixStream::connect_addr(&address)?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

#[cfg(not(target_os = "linux"))]
fn abstract_stream(_name: &str) -> std::io::Result<UnixStream> {
    Err(std::io::Error::other("abstract sockets are Linux's"))
}

/// What a failed command means.
pub fn told(error: CommandError) -> anyhow::Error {
    match error {
        CommandError::ConnectionClosed => lost("the connection was closed"),
        CommandError::Protocol(MpdProtocolError::Io(error)) => lost(&error.to_string()),
        CommandError::ErrorResponse { error, .. } => {
            let told = anyhow::anyhow!("MPD refuses: {}", error.message);
            if error.code == PERMISSION { hinted(told, PASSWORD_HINT) } else { told }
        }
        error => error.into(),
    }
}

/// A command with a song's address; `None`: the protocol cannot say it.
pub fn of_song(command: &str, song: &str) -> Option<Command> {
    let mut command = Command::build(command).ok()?;
    command.add_argument(song).ok()?;
    Some(command)
}

/// A song's length in seconds, where the daemon knows it.
pub struct Length(pub Option<f64>);

/// What the daemon knows of a song; `None`: nothing, or it may not be played by who asks.
///
/// # Errors
/// Where the daemon has gone away.
pub async fn look_up(client: &Client, song: &str) -> anyhow::Result<Option<Length>> {
    let Some(command) = of_song("lsinfo", song) else { return Ok(None) };
    match client.raw_command(command).await {
        // A folder's list begins otherwise.
        Ok(frame) if frame.fields().next().is_some_and(|(name, _)| name == "file") => {
            Ok(Some(Length(frame.find("duration").and_then(|seconds| seconds.parse().ok()))))
        }
        Ok(_) | Err(CommandError::ErrorResponse { .. }) => Ok(None),
        Err(error) => Err(told(error)),
    }
}

/// The music folder that a daemon tells; `None`: it tells none to who asks, or one that is no folder.
///
/// # Errors
/// Where the daemon has gone away.
pub async fn music_directory(client: &Client) -> anyhow::Result<Option<String>> {
    let Ok(command) = Command::build("config") else { return Ok(None) };
    match client.raw_command(command).await {
        Ok(frame) => Ok(frame.find("music_directory").filter(|folder| folder.starts_with('/')).map(str::to_owned)),
        Err(CommandError::ErrorResponse { .. }) => Ok(None),
        Err(error) => Err(told(error)),
    }
}

/// The current song.
///
/// # Errors
/// As [`told`].
pub async fn current_song(client: &Client) -> anyhow::Result<Option<Song>> {
    let song = client.command(mpd_client::commands::CurrentSong).await.map_err(told)?;
    Ok(song.map(|song| song.song))
}
