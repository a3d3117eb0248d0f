-- From format 3 to 4: what a retraining learns from beside tags, whom it is judged by, and what it did.
-- Folders that were taken in: where retraining looks for what is new. A path is TEXT where it is UTF-8, else BLOB.
CREATE TABLE roots (
    id INTEGER PRIMARY KEY,
    path NOT NULL UNIQUE
);

-- The latest that was said of a pair.
CREATE TABLE opinions (
    query_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    result_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    is_liked INTEGER NOT NULL,
    PRIMARY KEY (query_id, result_id),
    CHECK (query_id <> result_id)
) WITHOUT ROWID;
CREATE INDEX opinions_by_result ON opinions (result_id);

CREATE TABLE playlists (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path NOT NULL UNIQUE
);
CREATE TABLE playlist_tracks (
    playlist_id INTEGER NOT NULL REFERENCES playlists (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    PRIMARY KEY (playlist_id, place)
) WITHOUT ROWID;
CREATE INDEX playlist_tracks_by_track ON playlist_tracks (track_id);

-- Artists, as a manifest names them, by whom every retraining is judged: none of their tracks is ever learnt from.
CREATE TABLE judges (
    id INTEGER PRIMARY KEY,
    artist TEXT NOT NULL UNIQUE
);

-- Models that served, in the order in which they last came to, and those that were not good enough.
CREATE TABLE models (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    model_id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('adopted', 'refused')),
    at INTEGER NOT NULL         -- seconds since 1970
);

CREATE TABLE run_steps (
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,    -- seconds since 1970
    finished_at INTEGER,            -- NULL: still going, or ended early
    outcome TEXT,
    PRIMARY KEY (run_id, number)
) WITHOUT ROWID;
