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
-- batch of every server locks in this one order, so no two can deadlock.
-- In READ COMMITTED a row that had to be waited for is returned as its last holder left it.
SELECT balances.account_id, balances.currency, balances.version,
       balances.settled_debit, balances.settled_credit,
       balances.pending_debit, balances.pending_credit,
       balances.encumbrance_debit, balances.encumbrance_credit,
       balances.held_debit, balances.held_credit
  FROM unnest($2::uuid[], $3::text[]) AS key (account_id, currency)
  JOIN balances
    ON balances.journal_id = $1
   AND balances.account_id = key.account_id
   AND balances.currency = key.currency COLLATE "C"
 ORDER BY balances.account_id, balances.currency
   FOR UPDATE OF balances;

-- read_balances --
-- The same without locks, for a posting that is only validated.
SELECT balances.account_id, balances.currency, balances.version,
       balances.settled_debit, balances.settled_credit,
       balances.pending_debit, balances.pending_credit,
       balances.encumbrance_debit, balances.encumbrance_credit,
       balances.held_debit, balances.held_credit
  FROM unnest($2::uuid[], $3::text[]) AS key (account_id, currency)
  JOIN balances
    ON balances.journal_id = $1
   AND balances.account_id = key.account_id
   AND balances.currency = key.currency COLLATE "C";

-- find_known --
-- What is recorded under the ids that a batch names, and the configuration it must be decided
-- under. Runs after the locks: a statement sees what was committed before it began, not what was
-- committed while it waited.
SELECT head.config_version, clock_timestamp() AS now, known.id, known.sequence, known.external_id, known.recorded_at,
       known.payload
  FROM journal_heads AS head
  LEFT JOIN LATERAL (
        SELECT transactions.id, transactions.sequence, transactions.external_id,
               events.recorded_at, events.payload
          FROM transactions
          JOIN events USING (journal_id, sequence)
         WHERE transactions.journal_id = $1 AND transactions.id = ANY ($2::uuid[])
        UNION ALL
        SELECT transactions.id, transactions.sequence, transactions.external_id, NULL, NULL
          FROM transactions
         WHERE transactions.journal_id = $1 AND transactions.external_id = ANY ($3::text[])
       ) AS known ON true
 WHERE head.journal_id = $1;

-- write_batch --
-- Writes a decided batch, all tables at once. The head is taken here, last of all locks and only
-- if the configuration is the one that was decided under and the deadline (the first expiry of a
-- hold that the batch captures) has not passed; without a head nothing is written and no row is
-- returned. Balances are written as they were decided: they have been locked since they were read.
WITH head AS (
    UPDATE journal_heads
       SET sequence = sequence + $2,
           recorded_at = greatest(recorded_at, clock_timestamp())
     WHERE journal_id = $1 AND config_version = $3
       AND ($4::timestamptz IS NULL OR clock_timestamp() < $4)
 RETURNING sequence - $2 AS base, recorded_at
), written_events AS (
    INSERT INTO events (journal_id, sequence, recorded_at, type, payload)
    SELECT $1, head.base + item.ordinal, head.recorded_at, item.type, item.payload
      FROM head,
           unnest($5::smallint[], $6::bytea[]) WITH ORDINALITY AS item (type, payload, ordinal)
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
           item.effective, item.account_id, item.units, item.currency
      FROM head,
           unnest($11::int[], $12::smallint[], $13::smallint[], $14::smallint[], $15::date[],
                  $16::uuid[], $17::numeric[], $18::text[])
           AS item (ordinal, position, layer, direction, effective, account_id, units, currency)
), written_balances AS (
    UPDATE balances
       SET version = item.version,
           settled_debit = item.settled_debit, settled_credit = item.settled_credit,
           pending_debit = item.pending_debit, pending_credit = item.pending_credit,
           encumbrance_debit = item.encumbrance_debit,
           encumbrance_credit = item.encumbrance_credit,
           held_debit = item.held_debit, held_credit = item.held_credit
      FROM head,
           unnest($19::uuid[], $20::text[], $21::bigint[], $22::numeric[], $23::numeric[],
                  $24::numeric[], $25::numeric[], $26::numeric[], $27::numeric[],
                  $28::numeric[], $29::numeric[])
           AS item (account_id, currency, version, settled_debit, settled_credit, pending_debit,
                    pending_credit, encumbrance_debit, encumbrance_credit, held_debit,
                    held_credit)
     WHERE balances.journal_id = $1
       AND balances.account_id = item.account_id
       AND balances.currency = item.currency COLLATE "C"
), written_days AS (
    INSERT INTO daily_sums AS days (journal_id, account_id, currency, layer, day, debit, credit)
    SELECT $1, item.account_id, item.currency, item.layer, item.day, item.debit, item.credit
      FROM head,
           unnest($30::uuid[], $31::text[], $32::smallint[], $33::date[], $34::numeric[],
                  $35::numeric[])
           AS item (account_id, currency, layer, day, debit, credit)
        ON CONFLICT (journal_id, account_id, currency, layer, day)
        DO UPDATE SET debit = days.debit + excluded.debit, credit = days.credit + excluded.credit
)
SELECT base, recorded_at FROM head;
