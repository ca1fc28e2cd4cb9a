-- find_holds --
-- In the order in which they were placed. Whoever writes has seen or holds the head of the journal,
-- so nothing is locked. The LIMITs, which cut nothing, and the orders have each looked up by its
-- whole key, also by a plan that was made when the tables were empty: by the journal alone, which
-- seems as cheap then, the order would have to be made.
SELECT hold.*, accounts.code
  FROM unnest($2::uuid[]) AS wanted (id)
 CROSS JOIN LATERAL (
        SELECT holds.id, holds.status, holds.expire_at, holds.placed_at, holds.sequence
          FROM holds
         WHERE holds.journal_id = $1 AND holds.id BETWEEN wanted.id AND wanted.id
         ORDER BY holds.id
         LIMIT 1) AS placed
 CROSS JOIN LATERAL (
        SELECT placed.*, hold_entries.position, hold_entries.account_id, hold_entries.currency,
               hold_entries.direction, hold_entries.placed, hold_entries.captured,
               hold_entries.released
          FROM hold_entries
         WHERE hold_entries.journal_id = $1 AND hold_entries.hold_id = placed.id
         ORDER BY hold_entries.position
         LIMIT $3) AS hold
  JOIN accounts ON accounts.journal_id = $1 AND accounts.id = hold.account_id
 ORDER BY hold.sequence, hold.position;

-- list_holds --
SELECT id
  FROM holds
 WHERE journal_id = $1 AND sequence > $2
   AND ($3::smallint IS NULL OR status = $3)
   AND ($4::timestamptz IS NULL OR expire_at <= $4)
 ORDER BY sequence
 LIMIT $5;

-- list_holds_of_account --
SELECT holds.id
  FROM holds
 WHERE holds.journal_id = $1 AND holds.sequence > $2
   AND ($3::smallint IS NULL OR holds.status = $3)
   AND ($4::timestamptz IS NULL OR holds.expire_at <= $4)
   AND holds.sequence IN (
        SELECT hold_entries.sequence
          FROM hold_entries
         WHERE hold_entries.journal_id = $1 AND hold_entries.account_id = $6
           AND hold_entries.sequence > $2)
 ORDER BY holds.sequence
 LIMIT $5;

-- expired_holds --
-- Across journals: each by its own key, the longest overdue first.
SELECT journals.public_id, due.id
  FROM journals
 CROSS JOIN LATERAL (
        SELECT holds.id
          FROM holds
         WHERE holds.journal_id = journals.id
           AND holds.status = 1
           AND holds.expire_at <= clock_timestamp()
         ORDER BY holds.expire_at
         LIMIT $1) AS due;
