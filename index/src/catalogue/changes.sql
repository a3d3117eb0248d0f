-- What changed since which revision of a model's vectors, so that a generation is made up to date in memory.
CREATE INDEX vectors_by_revision ON vectors (model_id, revision);

-- Vectors that are gone. Those that no generation has any more are forgotten.
CREATE TABLE removals (
    model_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    track_id INTEGER NOT NULL,
    PRIMARY KEY (model_id, revision)
) WITHOUT ROWID;

-- The revision up to which removals were forgotten.
ALTER TABLE revisions ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

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
    UPDATE revisions SET revision = revision + 1 WHERE model_id = old.model_id;
    INSERT INTO removals SELECT model_id, revision, old.track_id FROM revisions WHERE model_id = old.model_id;
END;
