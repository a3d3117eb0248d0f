//! The catalogue's tables, and how those of older formats become them.

use rusqlite::Connection;

/// Version of the format that this program writes, and the newest that it reads.
pub const SCHEMA_VERSION: i64 = 2;

/// Makes a catalogue of the newest format of one of format `found`, 0 being an empty file: wholly or not at all.
pub(super) fn bring_up_to_date(connection: &Connection, found: i64) -> rusqlite::Result<()> {
    if found == 0 {
        // Write-ahead logging lets readers go on while a writer commits.
        connection.pragma_update(None, "journal_mode", "wal")?;
    }
    let changes = include_str!("changes.sql");
    let steps = match found {
        0 => [include_str!("schema.sql"), changes, ""],
        _ => [include_str!("from_1.sql"), changes, "UPDATE revisions SET forgotten = revision;"],
    };
    let steps = steps.concat();
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))
}
