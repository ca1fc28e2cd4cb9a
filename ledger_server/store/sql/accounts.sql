-- account_facts --
-- Two index scans, whatever the planner knows of the table; an OR of the two would read all of
-- the journal where bitmap scans are off, as they are for writers.
SELECT id, code, normal_side, status, status = 1 OR lock_allows_hold_ends AS holds_may_end
  FROM accounts
 WHERE journal_id = $1 AND id = ANY ($2::uuid[])
 UNION
SELECT id, code, normal_side, status, status = 1 OR lock_allows_hold_ends AS holds_may_end
  FROM accounts
 WHERE journal_id = $1 AND code = ANY ($3::text[]);

-- account_facts_changed --
-- The second bound repeats the index's own condition, without which it is not used.
SELECT id, code, normal_side, status, status = 1 OR lock_allows_hold_ends AS holds_may_end
  FROM accounts
 WHERE journal_id = $1 AND config_version > $2 AND config_version > 0;

-- find_account --
-- One of id and code is NULL, and a comparison with NULL finds nothing. Two look-ups rather than an
-- OR, as in `account_facts`.
SELECT id, code, name, normal_side, status, metadata, created_at, lock_allows_hold_ends
  FROM accounts
 WHERE journal_id = $1 AND id = $2
 UNION ALL
SELECT id, code, name, normal_side, status, metadata, created_at, lock_allows_hold_ends
  FROM accounts
 WHERE journal_id = $1 AND code = $3;

-- list_accounts --
-- Codes are printable, so none begins with a prefix and U+10FFFF, and all that begin with the
-- prefix lie below that: a range of the index on codes, whatever the prefix holds.
SELECT id, code, name, normal_side, status, metadata, created_at, lock_allows_hold_ends
  FROM accounts
 WHERE journal_id = $1
   AND code > $2
   AND code >= $3
   AND code < $3 || chr(1114111)
   AND ($4::smallint IS NULL OR status = $4)
 ORDER BY code
 LIMIT $5;

-- insert_accounts --
INSERT INTO accounts (journal_id, id, code, name, normal_side, status, metadata, created_at)
SELECT $1, id, code, name, normal_side, 1, metadata::jsonb, clock_timestamp()
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::text[])
       AS account (id, code, name, normal_side, metadata)
RETURNING id, code, name, normal_side, status, metadata, created_at, lock_allows_hold_ends;

-- update_account --
-- A new name or new metadata: nothing that a posting looks at.
UPDATE accounts
   SET name = $3, metadata = $4::text::jsonb
 WHERE journal_id = $1 AND id = $2
RETURNING id, code, name, normal_side, status, metadata, created_at, lock_allows_hold_ends;

-- set_account_status --
-- Servers that cache statuses find the account by the version at which it changed.
UPDATE accounts
   SET status = $3, config_version = $4, lock_allows_hold_ends = $5
 WHERE journal_id = $1 AND id = $2
RETURNING id, code, name, normal_side, status, metadata, created_at, lock_allows_hold_ends;
