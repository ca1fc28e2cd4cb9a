-- find_holds --
-- Read under the locks of the balances that the holds are on: whoever changes a hold holds them.
SELECT holds.id, holds.status, holds.expire_at, holds.placed_at, holds.sequence,
       hold_entries.account_id, hold_entries.currency, hold_entries.direction,
       hold_entries.placed, hold_entries.captured, hold_entries.released, accounts.code
  FROM holds
  JOIN hold_entries
    ON hold_entries.journal_id = holds.journal_id AND hold_entries.hold_id = holds.id
  JOIN accounts
    ON accounts.journal_id = holds.journal_id AND accounts.id = hold_entries.account_id
 WHERE holds.journal_id = $1 AND holds.id = ANY ($2::uuid[])
 ORDER BY holds.sequence, hold_entries.position;

-- insert_holds --
INSERT INTO holds (journal_id, id, sequence, status, expire_at, placed_at)
SELECT $1, item.id, item.sequence, 1, item.expire_at, $2
  FROM unnest($3::uuid[], $4::bigint[], $5::timestamptz[]) AS item (id, sequence, expire_at);

-- insert_hold_entries --
INSERT INTO hold_entries (journal_id, hold_id, sequence, position, account_id, currency, direction,
                          placed)
SELECT $1, item.hold_id, item.sequence, item.position, item.account_id, item.currency,
       item.direction, item.placed
  FROM unnest($2::uuid[], $3::bigint[], $4::smallint[], $5::uuid[], $6::text[], $7::smallint[],
              $8::numeric[])
       AS item (hold_id, sequence, position, account_id, currency, direction, placed);

-- update_holds --
-- Only those that end.
UPDATE holds
   SET status = item.status
  FROM unnest($2::uuid[], $3::smallint[]) AS item (id, status)
 WHERE holds.journal_id = $1 AND holds.id = item.id;

-- update_hold_entries --
UPDATE hold_entries
   SET captured = item.captured, released = item.released
  FROM unnest($2::uuid[], $3::smallint[], $4::numeric[], $5::numeric[])
       AS item (hold_id, position, captured, released)
 WHERE hold_entries.journal_id = $1
   AND hold_entries.hold_id = item.hold_id
   AND hold_entries.position = item.position;

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
