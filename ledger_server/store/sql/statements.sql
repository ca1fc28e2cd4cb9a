-- statement_sums --
-- Sums of accounts, each named once, by currency before a day and from it on, up to another day.
-- Both ends are all there is, less what came since. Before a range from the beginning on there is
-- nothing, so of its days none is read. LATERAL keeps it a look-up for each account: joined, it read
-- every day of the journal for a few accounts while the tables were not analysed. Keys are compared as
-- wholes for the same reason: no other index than theirs, such as that of days, can do that.
SELECT wanted.account_id, found.*
  FROM unnest($2::uuid[]) AS wanted (account_id)
 CROSS JOIN LATERAL (
        SELECT sums.currency, ends.opening_debit, ends.opening_credit,
               ends.closing_debit - ends.opening_debit AS debit,
               ends.closing_credit - ends.opening_credit AS credit
          FROM layer_sums AS sums
         CROSS JOIN LATERAL (
                SELECT coalesce(sum(debit) FILTER (WHERE day >= $5), 0) AS debit_since,
                       coalesce(sum(credit) FILTER (WHERE day >= $5), 0) AS credit_since,
                       coalesce(sum(debit) FILTER (WHERE day > $6), 0) AS debit_after,
                       coalesce(sum(credit) FILTER (WHERE day > $6), 0) AS credit_after
                  FROM earlier_days
                 WHERE journal_id = $1
                   AND (account_id, currency, layer, day)
                       >= (wanted.account_id, sums.currency, $3::smallint,
                           CASE WHEN $5 = '-infinity' THEN $6 ELSE $5 END)
                   AND (account_id, currency, layer)
                       <= (wanted.account_id, sums.currency, $3::smallint)) AS later
         CROSS JOIN LATERAL (
                SELECT CASE WHEN $5 = '-infinity' THEN 0
                            WHEN last_day >= $5 THEN debit_before - debit_since
                            ELSE sums.debit - debit_since END AS opening_debit,
                       CASE WHEN $5 = '-infinity' THEN 0
                            WHEN last_day >= $5 THEN credit_before - credit_since
                            ELSE sums.credit - credit_since END AS opening_credit,
                       CASE WHEN last_day > $6 THEN debit_before ELSE sums.debit END
                       - debit_after AS closing_debit,
                       CASE WHEN last_day > $6 THEN credit_before ELSE sums.credit END
                       - credit_after AS closing_credit) AS ends
         WHERE sums.journal_id = $1 AND sums.account_id = wanted.account_id AND sums.layer = $3
           AND ($4::text IS NULL OR sums.currency = $4)
        OFFSET 0) AS found;

-- statement_sums_later --
-- The same of the entries after a sequence: what a statement of that position takes off.
SELECT entries.account_id, entries.currency,
       coalesce(sum(units) FILTER (WHERE direction = 1 AND effective < $5), 0) AS opening_debit,
       coalesce(sum(units) FILTER (WHERE direction = 2 AND effective < $5), 0) AS opening_credit,
       coalesce(sum(units) FILTER (WHERE direction = 1 AND effective >= $5), 0) AS debit,
       coalesce(sum(units) FILTER (WHERE direction = 2 AND effective >= $5), 0) AS credit
  FROM entries
 WHERE journal_id = $1 AND account_id = ANY ($2::uuid[]) AND layer = $3
   AND ($4::text IS NULL OR currency = $4) AND effective <= $6 AND sequence > $7
 GROUP BY entries.account_id, entries.currency;

-- statement_day --
-- What a day had up to a place in it: between the sums of whole days and the place of a page.
SELECT account_id, currency, 0::numeric AS opening_debit, 0::numeric AS opening_credit,
       coalesce(sum(units) FILTER (WHERE direction = 1), 0) AS debit,
       coalesce(sum(units) FILTER (WHERE direction = 2), 0) AS credit
  FROM entries
 WHERE journal_id = $1 AND account_id = ANY ($2::uuid[]) AND layer = $3
   AND ($4::text IS NULL OR currency = $4) AND effective = $5 AND sequence <= $8
   AND (sequence, position) <= ($6, $7::integer)
 GROUP BY account_id, currency;

-- statement_entries --
-- Entries of accounts after a place, in the order of days. Each account gives as many as the page
-- takes, so the work is bounded by accounts and page, however many entries there are.
SELECT place.*, events.recorded_at, events.payload || coalesce(events.personal, '') AS payload
  FROM (SELECT entry.*
          FROM unnest($2::uuid[]) AS wanted (account_id)
         CROSS JOIN LATERAL (
                SELECT effective, sequence, position, account_id, direction, units, currency
                  FROM entries
                 WHERE journal_id = $1 AND account_id = wanted.account_id AND layer = $3
                   AND ($4::text IS NULL OR currency = $4)
                   AND effective BETWEEN $5 AND $6
                   AND (effective, sequence, position) > ($7, $8, $9::integer)
                   AND sequence <= $10
                 ORDER BY effective, sequence, position
                 LIMIT $11) AS entry
         ORDER BY effective, sequence, position
         LIMIT $11) AS place
  JOIN events ON events.journal_id = $1 AND events.sequence = place.sequence
 ORDER BY place.effective, place.sequence, place.position;

-- general_ledger_entries --
-- The same, all entries of one account before those of the next, in the order given.
SELECT place.*, events.recorded_at, events.payload || coalesce(events.personal, '') AS payload
  FROM (SELECT wanted.number, entry.*
          FROM unnest($2::uuid[], $7::date[], $8::bigint[], $9::integer[])
               WITH ORDINALITY AS wanted (account_id, day, sequence, position, number)
         CROSS JOIN LATERAL (
                SELECT effective, sequence, position, account_id, direction, units, currency
                  FROM entries
                 WHERE journal_id = $1 AND account_id = wanted.account_id AND layer = $3
                   AND ($4::text IS NULL OR currency = $4)
                   AND effective BETWEEN $5 AND $6
                   AND (effective, entries.sequence, entries.position)
                       > (wanted.day, wanted.sequence, wanted.position)
                   AND entries.sequence <= $10
                 ORDER BY effective, entries.sequence, entries.position
                 LIMIT $11) AS entry
         ORDER BY number, effective, sequence, position
         LIMIT $11) AS place
  JOIN events ON events.journal_id = $1 AND events.sequence = place.sequence
 ORDER BY place.number, place.effective, place.sequence, place.position;

-- ledger_accounts --
-- Only accounts that ever had an entry: of many that never had, none is looked at twice. OFFSET
-- keeps it a look-up for each account: made a join, it read every balance of the journal for a page
-- while the tables were not analysed.
SELECT id, code, name, normal_side
  FROM accounts
 WHERE journal_id = $1 AND code >= $2 AND (code > $2 OR $3::boolean)
   AND EXISTS (SELECT
                 FROM balances
                WHERE balances.journal_id = $1
                  AND balances.account_id = accounts.id
                  AND balances.version > 0
               OFFSET 0)
 ORDER BY code
 LIMIT $4;

-- statement_account_codes --
SELECT id, code
  FROM accounts
 WHERE journal_id = $1 AND id = ANY ($2::uuid[]);

-- statement_holds --
-- Holds on accounts placed up to a sequence: those that are open, and those that changed since,
-- which may have been open then.
SELECT holds.id, holds.placed_at, holds.expire_at, holds.sequence,
       hold_entries.account_id, hold_entries.currency, hold_entries.direction,
       sum(hold_entries.placed - hold_entries.captured - hold_entries.released) AS units_left
  FROM hold_entries
  JOIN holds ON holds.journal_id = $1 AND holds.id = hold_entries.hold_id
 WHERE hold_entries.journal_id = $1
   AND hold_entries.account_id = ANY ($2::uuid[])
   AND hold_entries.sequence <= $3
   AND (holds.status = 1 OR holds.id = ANY ($4::uuid[]))
   AND ($5::text IS NULL OR hold_entries.currency = $5)
 GROUP BY holds.id, holds.placed_at, holds.expire_at, holds.sequence,
          hold_entries.account_id, hold_entries.currency, hold_entries.direction
 ORDER BY holds.sequence, hold_entries.account_id, hold_entries.currency, hold_entries.direction
 LIMIT $6;

-- pending_after --
-- The transactions after a sequence that moved accounts on PENDING: what holds had then, they may
-- have taken since.
SELECT sequence, recorded_at, payload || coalesce(personal, '') AS payload
  FROM events
 WHERE journal_id = $1
   AND sequence IN (SELECT sequence
                      FROM entries
                     WHERE journal_id = $1 AND account_id = ANY ($2::uuid[]) AND layer = 2
                       AND sequence > $3);
