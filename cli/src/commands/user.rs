//! `similar-tracks user`.

use std::io::{IsTerminal, Read};

use index::Store;
use server::Users;

use crate::Outcome;
use crate::args::{UserArguments, UserCommand};
use crate::failure::hinted;
use crate::output;
use crate::settings::Settings;

/// Changes or lists who may ask the server. One that runs takes notice within a second.
pub fn run(settings: &Settings, arguments: &UserArguments) -> anyhow::Result<Outcome> {
    let store = Store::open(&settings.store)?;
    match &arguments.command {
        UserCommand::Add { name } => {
            let password = password()?;
            let _lock = store.lock_users("similar-tracks user add")?;
            let secrets = Users::of_store(&store)?.add(name, &password).map_err(with_hint)?;
            output::print(&format!(
                "user {name} may ask now. These are shown once:\n\
                 API key          {}\n\
                 player password  {}\n\
                 The key is for programs (Authorization: Bearer …) and players that know keys. The player password, \
                 with the name, is for OpenSubsonic players that know none: your own password would not do there.\n",
                secrets.api_key, secrets.player_password
            ))?;
        }
        UserCommand::List => {
            let users = Users::of_store(&store)?;
            if users.is_empty() {
                return Ok(output::nothing("there are no users: whoever reaches the server may ask"));
            }
            output::print(&users.names().map(|name| format!("{name}\n")).collect::<String>())?;
        }
        UserCommand::Remove { name } => {
            let _lock = store.lock_users("similar-tracks user remove")?;
            Users::of_store(&store)?.remove(name).map_err(with_hint)?;
            output::print(&format!("user {name} may no longer ask\n"))?;
        }
    }
    Ok(Outcome::Done)
}

fn with_hint(error: server::Error) -> anyhow::Error {
    match error {
        server::Error::NoSuchUser { .. } => hinted(error, "`similar-tracks user list` names them"),
        server::Error::UserExists { .. } => hinted(error, "`similar-tracks user remove` first, and add it again"),
        error => error.into(),
    }
}

/// Typed without being shown, twice; or the first line of what is piped in.
fn password() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin().take(4096).read_to_string(&mut text)?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    let password = rpassword::prompt_password("Password: ")?;
    anyhow::ensure!(password == rpassword::prompt_password("Again: ")?, "the two are not the same");
    Ok(password)
}
