-- ensure_balances --
-- Creates the balances of a batch that are not there yet. Runs only as the first statement of a
-- transaction that holds no lock: it may wait for another transaction that is inserting the same
-- rows, and such waits are free of cycles because every transaction inserts in this one order
-- before it locks anything.
INSERT INTO balances (journal_id, account_id, currency)
SELECT $1, key.account_id, key.currency
  FROM unnest($2::uuid[], $3::text[]) AS key (account_id, currency)
 ORDER BY key.account_id, key.currency COLLATE "C"
    ON CONFLICT DO NOTHING;

-- lock_balances --
-- Locks and returns the balances of a batch until its transaction ends. Keep the ORDER BY: every
-- batch of every server locks in this one order, so no two can deadlock. One key after another is
-- looked up and locked; as a join, a planner that knows nothing of the table yet (never analysed)
-- reads every balance of the journal for each key.
-- In READ COMMITTED a row that had to be waited for is returned as its last holder left it.
SELECT balance.*
  FROM (SELECT account_id, currency
          FROM unnest($2::uuid[], $3::text[]) AS key (account_id, currency)
         ORDER BY account_id, currency COLLATE "C") AS key
 CROSS JOIN LATERAL (
        SELECT balances.account_id, balances.currency, balances.version,
               balances.settled_debit, balances.settled_credit,
               balances.pending_debit, balances.pending_credit,
               balances.encumbrance_debit, balances.encumbrance_credit,
               balances.held_debit, balances.held_credit
          FROM balances
         WHERE balances.journal_id = $1
           AND balances.account_id = key.account_id
           AND balances.currency = key.currency COLLATE "C"
           FOR UPDATE) AS balance;

-- read_balances --
-- The same without locks, for a posting that is only validated.
SELECT balance.*
  FROM unnest($2::uuid[], $3::text[]) AS key (account_id, currency)
 CROSS JOIN LATERAL (
        SELECT balances.account_id, balances.currency, balances.version,
               balances.settled_debit, balances.settled_credit,
               balances.pending_debit, balances.pending_credit,
               balances.encumbrance_debit, balances.encumbrance_credit,
               balances.held_debit, balances.held_credit
          FROM balances
         WHERE balances.journal_id = $1
           AND balances.account_id = key.account_id
           AND balances.currency = key.currency COLLATE "C") AS balance;

-- find_known --
-- What is recorded under the ids that a batch names, and the configuration it must be decided
-- under. Runs after the locks: a statement sees what was committed before it began, not what was
-- committed while it waited. The LIMITs hold the planner to one look-up by each unique key.
SELECT head.config_version, clock_timestamp() AS now, known.id, known.sequence,
       known.external_id, known.recorded_at, known.payload
  FROM journal_heads AS head
  LEFT JOIN LATERAL (
        SELECT found.id, found.sequence, found.external_id, events.recorded_at,
               events.payload || coalesce(events.personal, '') AS payload
          FROM unnest($2::uuid[]) AS wanted (id)
         CROSS JOIN LATERAL (
                SELECT transactions.id, transactions.sequence, transactions.external_id
                  FROM transactions
                 WHERE transactions.journal_id = $1 AND transactions.id = wanted.id
                 LIMIT 1) AS found
          JOIN events ON events.journal_id = $1 AND events.sequence = found.sequence
        UNION ALL
        SELECT found.id, found.sequence, found.external_id, NULL, NULL
          FROM unnest($3::text[]) AS wanted (external_id)
         CROSS JOIN LATERAL (
                SELECT transactions.id, transactions.sequence, transactions.external_id
                  FROM transactions
                 WHERE transactions.journal_id = $1
                   AND transactions.external_id = wanted.external_id COLLATE "C"
                 LIMIT 1) AS found
       ) AS known ON true
 WHERE head.journal_id = $1;

-- write_batch --
-- Writes a decided batch, all tables at once. The head is taken here, last of all locks and only
-- if the configuration is the one that was decided under and the deadline (the first expiry of a
-- hold that the batch captures) has not passed; without a head nothing is written and no row is
-- returned. Balances are written as they were decided: they have been locked since they were read.
-- Amounts come as text: the driver encodes a numeric ten times slower than the same in plain form.
WITH head AS (
    UPDATE journal_heads
       SET sequence = sequence + $2,
           recorded_at = greatest(recorded_at, clock_timestamp())
     WHERE journal_id = $1 AND config_version = $3
       AND ($4::timestamptz IS NULL OR clock_timestamp() < $4)
 RETURNING sequence - $2 AS base, recorded_at
), written_events AS (
    INSERT INTO events (journal_id, sequence, recorded_at, type, payload, personal)
    SELECT $1, head.base + item.ordinal, head.recorded_at, item.type, item.payload, item.personal
      FROM head,
           unnest($5::smallint[], $6::bytea[], $36::bytea[])
           WITH ORDINALITY AS item (type, payload, personal, ordinal)
), written_transactions AS (
    INSERT INTO transactions (journal_id, id, sequence, effective, external_id, correlation_id)
    SELECT $1, item.id, head.base + item.ordinal, item.effective, item.external_id,
           item.correlation_id
      FROM head,
           unnest($7::uuid[], $8::date[], $9::text[], $10::text[])
           WITH ORDINALITY AS item (id, effective, external_id, correlation_id, ordinal)
), written_entries AS (
    INSERT INTO entries (journal_id, sequence, position, layer, direction, effective, account_id,
                         units, currency)
    SELECT $1, head.base + item.ordinal, item.position, item.layer, item.direction,
           item.effective, item.account_id, item.units::numeric, item.currency
      FROM head,
           unnest($11::int[], $12::smallint[], $13::smallint[], $14::smallint[], $15::date[],
                  $16::uuid[], $17::text[], $18::text[])
           AS item (ordinal, position, layer, direction, effective, account_id, units, currency)
), written_balances AS (
    -- Every row is there and locked; as an UPDATE with a join it would have the plan that
    -- `lock_balances` avoids.
    INSERT INTO balances (journal_id, account_id, currency, version, settled_debit, settled_credit,
                          pending_debit, pending_credit, encumbrance_debit, encumbrance_credit,
                          held_debit, held_credit)
    SELECT $1, item.account_id, item.currency, item.version,
           item.settled_debit::numeric, item.settled_credit::numeric,
           item.pending_debit::numeric, item.pending_credit::numeric,
           item.encumbrance_debit::numeric, item.encumbrance_credit::numeric,
           item.held_debit::numeric, item.held_credit::numeric
      FROM head,
           unnest($19::uuid[], $20::text[], $21::bigint[], $22::text[], $23::text[], $24::text[],
                  $25::text[], $26::text[], $27::text[], $28::text[], $29::text[])
           AS item (account_id, currency, version, settled_debit, settled_credit, pending_debit,
                    pending_credit, encumbrance_debit, encumbrance_credit, held_debit,
                    held_credit)
        ON CONFLICT (journal_id, account_id, currency)
        DO UPDATE SET version = excluded.version,
           settled_debit = excluded.settled_debit, settled_credit = excluded.settled_credit,
           pending_debit = excluded.pending_debit, pending_credit = excluded.pending_credit,
           encumbrance_debit = excluded.encumbrance_debit,
           encumbrance_credit = excluded.encumbrance_credit,
           held_debit = excluded.held_debit, held_credit = excluded.held_credit
), written_days AS (
    INSERT INTO daily_sums AS days (journal_id, account_id, currency, layer, day, debit, credit)
    SELECT $1, item.account_id, item.currency, item.layer, item.day, item.debit::numeric,
           item.credit::numeric
      FROM head,
           unnest($30::uuid[], $31::text[], $32::smallint[], $33::date[], $34::text[], $35::text[])
           AS item (account_id, currency, layer, day, debit, credit)
        ON CONFLICT (journal_id, account_id, currency, layer, day)
        DO UPDATE SET debit = days.debit + excluded.debit, credit = days.credit + excluded.credit
)
SELECT base, recorded_at FROM head;
