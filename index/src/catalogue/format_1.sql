-- Format 1 of the catalogue. A path is TEXT where it is UTF-8 and BLOB where it is not.
CREATE TABLE tracks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    content_hash BLOB,
    artist TEXT,
    title TEXT,
    album TEXT,
    genre TEXT,
    duration_seconds REAL,
    failure TEXT,               -- NULL: embedded; 'silent': nothing is to be heard
    failure_is_transient INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX tracks_by_content_hash ON tracks (content_hash);

CREATE TABLE vectors (
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    model_id TEXT NOT NULL,
    vector BLOB NOT NULL,       -- little-endian f32, unit length
    PRIMARY KEY (track_id, model_id)
) WITHOUT ROWID;

-- Counts the changes of each model's vectors; a generation notes the count it was built at.
CREATE TABLE revisions (
    model_id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER vector_inserted AFTER INSERT ON vectors BEGIN
    INSERT INTO revisions VALUES (new.model_id, 1)
        ON CONFLICT (model_id) DO UPDATE SET revision = revision + 1;
END;
CREATE TRIGGER vector_updated AFTER UPDATE ON vectors BEGIN
    UPDATE revisions SET revision = revision + 1 WHERE model_id = new.model_id;
END;
CREATE TRIGGER vector_deleted AFTER DELETE ON vectors BEGIN
    UPDATE revisions SET revision = revision + 1 WHERE model_id = old.model_id;
END;

-- `identity`: random, so that a generation of another catalogue is never taken for this one's.
-- `serving_model`: whose vectors answer queries.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO settings VALUES ('identity', lower(hex(randomblob(16))));

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    command TEXT NOT NULL,
    model_id TEXT,
    started_at INTEGER NOT NULL,    -- seconds since 1970
    finished_at INTEGER,            -- NULL: still going, or killed
    summary TEXT                    -- JSON
);
