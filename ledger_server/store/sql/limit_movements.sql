-- started --
-- For which limits and accounts the past has been counted.
SELECT start.limit_code, start.account_id
  FROM unnest($2::text[], $3::uuid[]) AS key (limit_code, account_id)
  JOIN limit_starts AS start
    ON start.journal_id = $1
   AND start.limit_code = key.limit_code COLLATE "C"
   AND start.account_id = key.account_id;

-- insert_starts --
INSERT INTO limit_starts (journal_id, limit_code, account_id)
SELECT $1, key.limit_code, key.account_id
  FROM unnest($2::text[], $3::uuid[]) AS key (limit_code, account_id);

-- past --
-- What an account moved in a currency since a moment, and what its holds gave back: postings (21)
-- and reversals (26) on SETTLED, holds (22) on PENDING: on the limit's side ($5) less what was
-- released of them, on the other what was captured, for that alone has come in.
SELECT events.sequence, events.recorded_at, entries.direction, entries.layer,
       entries.units AS posted,
       CASE WHEN events.type <> 22 THEN entries.units
            WHEN entries.direction = $5 THEN entries.units - hold_entries.released
            ELSE hold_entries.captured END AS units,
       CASE WHEN $6 THEN events.payload || coalesce(events.personal, '') ELSE '' END AS payload
  FROM entries
  JOIN events USING (journal_id, sequence)
  LEFT JOIN hold_entries
    ON events.type = 22
   AND hold_entries.journal_id = entries.journal_id
   AND hold_entries.account_id = entries.account_id
   AND hold_entries.sequence = entries.sequence
   AND hold_entries.position = entries.position
 WHERE entries.journal_id = $1 AND entries.account_id = $2 AND entries.currency = $3
   AND events.recorded_at >= $4
   AND ((events.type IN (21, 26) AND entries.layer = 1) OR (events.type = 22 AND entries.layer = 2))
 ORDER BY events.sequence;

-- insert_movements --
INSERT INTO limit_movements (journal_id, limit_code, account_id, counted_at, sequence, units)
SELECT $1, item.limit_code, item.account_id, item.counted_at, item.sequence, item.units
  FROM unnest($2::text[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::numeric[])
       AS item (limit_code, account_id, counted_at, sequence, units);

-- moved --
-- What was counted since the beginning of each window.
SELECT key.limit_code, key.account_id, coalesce(sum(movement.units), 0) AS used
  FROM unnest($2::text[], $3::uuid[], $4::timestamptz[]) AS key (limit_code, account_id, since)
  LEFT JOIN limit_movements AS movement
    ON movement.journal_id = $1
   AND movement.limit_code = key.limit_code COLLATE "C"
   AND movement.account_id = key.account_id
   AND movement.counted_at >= key.since
 GROUP BY key.limit_code, key.account_id;

-- forget_movements --
-- Who binds or frees accounts calls this under the head: the past is counted anew when it is next
-- asked for. Postings only insert and read these rows, so nobody waits for anybody.
DELETE FROM limit_movements
 WHERE journal_id = $1 AND ($2::text IS NULL OR limit_code = $2);

-- forget_starts --
DELETE FROM limit_starts
 WHERE journal_id = $1 AND ($2::text IS NULL OR limit_code = $2);
