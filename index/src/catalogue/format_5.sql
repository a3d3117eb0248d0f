-- From format 4 to 5: tracks are found by words and browsed, listeners mark them, and each has a place on a map.
-- Embedded tracks as they are listed: nameless artists and albums last.
CREATE INDEX tracks_as_listed ON tracks (
    artist IS NULL, artist COLLATE NOCASE, album IS NULL, album COLLATE NOCASE, title COLLATE NOCASE, id
) WHERE failure IS NULL;

-- What is looked for by words: embedded tracks. A path that is not UTF-8 is read as far as it is.
CREATE VIEW track_texts AS
    SELECT id, title, artist, album, genre, CAST(path AS TEXT) AS path FROM tracks WHERE failure IS NULL;
CREATE VIRTUAL TABLE track_words USING fts5 (
    title, artist, album, genre, path,
    content = 'track_texts', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2', prefix = '2'
);
INSERT INTO track_words (track_words) VALUES ('rebuild');

CREATE TRIGGER track_words_inserted AFTER INSERT ON tracks WHEN new.failure IS NULL BEGIN
    INSERT INTO track_words (rowid, title, artist, album, genre, path)
        VALUES (new.id, new.title, new.artist, new.album, new.genre, CAST(new.path AS TEXT));
END;
-- An ingest writes most rows again as they were.
CREATE TRIGGER track_words_updated AFTER UPDATE OF title, artist, album, genre, path, failure ON tracks
WHEN (old.title, old.artist, old.album, old.genre, old.path, old.failure IS NULL)
    IS NOT (new.title, new.artist, new.album, new.genre, new.path, new.failure IS NULL) BEGIN
    INSERT INTO track_words (track_words, rowid, title, artist, album, genre, path)
        SELECT 'delete', old.id, old.title, old.artist, old.album, old.genre, CAST(old.path AS TEXT)
        WHERE old.failure IS NULL;
    INSERT INTO track_words (rowid, title, artist, album, genre, path)
        SELECT new.id, new.title, new.artist, new.album, new.genre, CAST(new.path AS TEXT)
        WHERE new.failure IS NULL;
END;
CREATE TRIGGER track_words_deleted AFTER DELETE ON tracks WHEN old.failure IS NULL BEGIN
    INSERT INTO track_words (track_words, rowid, title, artist, album, genre, path)
        VALUES ('delete', old.id, old.title, old.artist, old.album, old.genre, CAST(old.path AS TEXT));
END;

-- What a listener marked: with a star, with one to five points, or both.
CREATE TABLE marks (
    listener TEXT NOT NULL,
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    starred_at INTEGER,         -- seconds since 1970
    rating INTEGER CHECK (rating BETWEEN 1 AND 5),
    PRIMARY KEY (listener, track_id),
    CHECK (starred_at IS NOT NULL OR rating IS NOT NULL)
) WITHOUT ROWID;
CREATE INDEX marks_by_track ON marks (track_id);

-- Seconds since 1970; NULL: taken in by format 4.
ALTER TABLE playlists ADD COLUMN changed_at INTEGER;

-- The map of a model's vectors, and how the library was when its landmarks were laid out.
CREATE TABLE maps (
    id INTEGER PRIMARY KEY,
    model_id TEXT NOT NULL UNIQUE,
    revision INTEGER,           -- all vectors up to it have a place; NULL: some may not
    tracks INTEGER NOT NULL,
    landmarks INTEGER NOT NULL
);

-- Where tracks lie on it; a place goes with its vector.
CREATE TABLE places (
    track_id INTEGER NOT NULL,
    model_id TEXT NOT NULL,
    x REAL NOT NULL,            -- from -1 to 1, as y
    y REAL NOT NULL,
    is_landmark INTEGER NOT NULL,
    PRIMARY KEY (model_id, track_id),
    FOREIGN KEY (track_id, model_id) REFERENCES vectors (track_id, model_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX landmarks ON places (model_id) WHERE is_landmark;
CREATE TRIGGER vector_moved AFTER UPDATE OF vector ON vectors WHEN new.vector IS NOT old.vector BEGIN
    DELETE FROM places WHERE track_id = new.track_id AND model_id = new.model_id;
END;
