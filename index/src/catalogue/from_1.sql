-- From format 1 to 2; changes.sql follows. Which removals came before is not known.
ALTER TABLE vectors ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER vector_inserted;
DROP TRIGGER vector_updated;
DROP TRIGGER vector_deleted;
