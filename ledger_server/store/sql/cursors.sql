-- lock_cursor --
-- Holds the row until the transaction ends: whoever decides about a cursor decides alone.
SELECT name, position, token, holder, lease_expire_at, updated_at
  FROM cursors
 WHERE journal_id = $1 AND name = $2
   FOR UPDATE;

-- cursor_clock --
-- A statement of its own, after the lock: the time before it may be long gone.
SELECT clock_timestamp() AS now;

-- insert_cursor --
-- Does nothing if another transaction was faster; the lock that follows sees that one's row.
INSERT INTO cursors (journal_id, name, position, token, holder, lease_expire_at, updated_at)
VALUES ($1, $2, $3, 0, '', NULL, clock_timestamp())
    ON CONFLICT DO NOTHING;

-- save_cursor --
UPDATE cursors
   SET position = $3, token = $4, holder = $5, lease_expire_at = $6, updated_at = $7
 WHERE journal_id = $1 AND name = $2;

-- list_cursors --
SELECT name, position, token, holder, lease_expire_at, updated_at
  FROM cursors
 WHERE journal_id = $1 AND name > $2
 ORDER BY name
 LIMIT $3;
