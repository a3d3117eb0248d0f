-- From format 1 to 2: what changed since which revision of a model's vectors is known, so that a generation is brought up to
-- date in memory; tracks are found by what they are.
ALTER TABLE tracks ADD COLUMN year INTEGER;
CREATE INDEX tracks_by_artist ON tracks (artist COLLATE NOCASE);
CREATE INDEX tracks_by_album ON tracks (album COLLATE NOCASE);
CREATE INDEX tracks_by_genre ON tracks (genre COLLATE NOCASE);

-- The revision of its model when a vector was written.
ALTER TABLE vectors ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
-- The first eight bytes of its BLAKE3 hash; NULL: written by format 1.
ALTER TABLE vectors ADD COLUMN checksum INTEGER;
CREATE INDEX vectors_by_revision ON vectors (model_id, revision);

-- What a track's vector is made of, in the order of time.
CREATE TABLE passages (
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    model_id TEXT NOT NULL,
    starts BLOB NOT NULL,       -- little-endian f32, seconds
    vectors BLOB NOT NULL,      -- little-endian f16, unit length, one after the other
    PRIMARY KEY (track_id, model_id)
);

-- Vectors that are gone. Those that no generation has any more are forgotten.
CREATE TABLE removals (
    model_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    track_id INTEGER NOT NULL,
    PRIMARY KEY (model_id, revision)
) WITHOUT ROWID;

-- The revision up to which removals are not known: forgotten, or of format 1.
ALTER TABLE revisions ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
UPDATE revisions SET forgotten = revision;

DROP TRIGGER vector_inserted;
DROP TRIGGER vector_updated;
DROP TRIGGER vector_deleted;
CREATE TRIGGER vector_inserted AFTER INSERT ON vectors BEGIN
    INSERT INTO revisions (model_id, revision) VALUES (new.model_id, 1)
        ON CONFLICT (model_id) DO UPDATE SET revision = revision + 1;
    UPDATE vectors SET revision = (SELECT revision FROM revisions WHERE model_id = new.model_id)
        WHERE track_id = new.track_id AND model_id = new.model_id;
END;
CREATE TRIGGER vector_updated AFTER UPDATE OF vector ON vectors BEGIN
    UPDATE revisions SET revision = revision + 1 WHERE model_id = new.model_id;
    UPDATE vectors SET revision = (SELECT revision FROM revisions WHERE model_id = new.model_id)
        WHERE track_id = new.track_id AND model_id = new.model_id;
END;
CREATE TRIGGER vector_deleted AFTER DELETE ON vectors BEGIN
    DELETE FROM passages WHERE track_id = old.track_id AND model_id = old.model_id;
    UPDATE revisions SET revision = revision + 1 WHERE model_id = old.model_id;
    INSERT INTO removals SELECT model_id, revision, old.track_id FROM revisions WHERE model_id = old.model_id;
END;
