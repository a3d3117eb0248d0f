//! Where an export goes.

use std::fs::File;
use std::path::Path;

use anyhow::Context;

use crate::output;

/// Has `write` fill a file that then appears at `target` whole or not at all; `-` is standard output.
pub fn write_to(target: &Path, write: impl FnOnce(File) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let in_place = target == Path::new("-") || std::fs::metadata(target).is_ok_and(|metadata| !metadata.is_file());
    let folder = match target.parent() {
        _ if in_place => std::env::temp_dir(),
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => ".".into(),
    };
    let file = tempfile::NamedTempFile::new_in(&folder).with_context(|| folder.display().to_string())?;
    write(file.reopen()?).with_context(|| target.display().to_string())?;
    if target == Path::new("-") {
        output::print_bytes(&std::fs::read(file.path())?)?;
    } else if in_place {
        // A device or pipe is written to, never replaced.
        std::fs::write(target, std::fs::read(file.path())?).with_context(|| target.display().to_string())?;
    } else {
        let path = file.into_temp_path();
        make_readable(&path)?;
        path.persist(target).with_context(|| target.display().to_string())?;
    }
    Ok(())
}

/// Temporary files are the user's alone; an export is a file like any other.
fn make_readable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?)
}
