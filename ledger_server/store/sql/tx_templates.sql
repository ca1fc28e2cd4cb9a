-- insert_template --
INSERT INTO tx_templates (journal_id, code, version, definition, created_at)
VALUES ($1, $2, $3, $4, clock_timestamp())
RETURNING version, definition, created_at;

-- find_template --
-- Version 0 is the newest.
SELECT version, definition, created_at
  FROM tx_templates
 WHERE journal_id = $1 AND code = $2 AND ($3 = 0 OR version = $3)
 ORDER BY version DESC
 LIMIT 1;

-- list_templates --
-- The newest version of each.
SELECT DISTINCT ON (code) version, definition, created_at
  FROM tx_templates
 WHERE journal_id = $1 AND code > $2
 ORDER BY code, version DESC
 LIMIT $3;

-- list_versions --
SELECT version, definition, created_at
  FROM tx_templates
 WHERE journal_id = $1 AND code = $2 AND version < $3
 ORDER BY version DESC
 LIMIT $4;
