-- current_period --
SELECT sequence, closed_through, locked_through, changed_at, actor, reason
  FROM periods
 WHERE journal_id = $1
 ORDER BY sequence DESC
 LIMIT 1;

-- list_changes --
-- Newest first, from below a sequence; NULL begins with the newest.
SELECT sequence, closed_through, locked_through, changed_at, actor, reason
  FROM periods
 WHERE journal_id = $1 AND ($2::bigint IS NULL OR sequence < $2)
 ORDER BY sequence DESC
 LIMIT $3;

-- insert_change --
-- Under the journal's head, so the sequence is the one that the change's event will get.
INSERT INTO periods
       (journal_id, sequence, closed_through, locked_through, changed_at, actor, reason)
VALUES ($1, $2, $3, $4, clock_timestamp(), $5, $6)
RETURNING sequence, closed_through, locked_through, changed_at, actor, reason;
