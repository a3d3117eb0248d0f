-- From format 2 to 3: which tracks are copies of one recording, and when tracks were heard.
-- 1: copies were looked for among all tracks that there were then; 2: some of those that may be could not be heard.
ALTER TABLE tracks ADD COLUMN copies_sought INTEGER NOT NULL DEFAULT 0;

-- Of tracks that may have copies.
CREATE TABLE fingerprints (
    track_id INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    fingerprint BLOB NOT NULL   -- Chromaprint, little-endian u32
);

-- Pairs of tracks whose fingerprints agree. Tracks of the same bytes are copies without being listed.
CREATE TABLE copies (
    first INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    second INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    PRIMARY KEY (first, second),
    CHECK (first < second)
) WITHOUT ROWID;
CREATE INDEX copies_by_second ON copies (second);

-- Other bytes may be another recording.
CREATE TRIGGER bytes_changed AFTER UPDATE OF content_hash ON tracks WHEN new.content_hash IS NOT old.content_hash BEGIN
    DELETE FROM fingerprints WHERE track_id = new.id;
    DELETE FROM copies WHERE first = new.id OR second = new.id;
    UPDATE tracks SET copies_sought = 0 WHERE id = new.id;
END;

CREATE TABLE plays (
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,        -- seconds since 1970
    skipped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (track_id, at)
) WITHOUT ROWID;
CREATE INDEX plays_by_time ON plays (at);
