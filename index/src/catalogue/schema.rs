//! The catalogue's tables, and how those of older formats become them.

use rusqlite::Connection;

/// What each format adds to the one before; the first to an empty file.
const FORMATS: [&str; 5] = [
    include_str!("format_1.sql"),
    include_str!("format_2.sql"),
    include_str!("format_3.sql"),
    include_str!("format_4.sql"),
    include_str!("format_5.sql"),
];

/// Version of the format that this program writes, and the newest that it reads.
pub const SCHEMA_VERSION: i64 = FORMATS.len() as i64;

/// Makes a catalogue of the newest format of one of format `found`, 0 being an empty file: wholly or not at all.
pub(super) fn bring_up_to_date(connection: &Connection, found: i64) -> rusqlite::Result<()> {
    if found == 0 {
        // Write-ahead logging lets readers go on while a writer commits.
        connection.pragma_update(None, "journal_mode", "wal")?;
    }
    let steps = FORMATS[found.max(0) as usize..].concat();
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))
}
