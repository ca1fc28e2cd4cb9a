-- read_balances --
-- The balances of a batch that are there, and the place and the configuration of the journal that
-- they are of. The LIMIT, which cuts nothing, has one key after another looked up; as a join, a
-- planner that knows nothing of the table yet (never analysed) reads every balance of the journal
-- for each key. Nothing is locked: what is decided on them is written only if the journal has not
-- moved.
SELECT head.sequence AS head_sequence, head.config_version, clock_timestamp() AS now, balance.*
  FROM journal_heads AS head
  LEFT JOIN (unnest($2::uuid[], $3::text[]) AS key (account_id, currency)
 CROSS JOIN LATERAL (
        SELECT balances.account_id, balances.currency, balances.version,
               balances.settled_debit, balances.settled_credit,
               balances.pending_debit, balances.pending_credit,
               balances.encumbrance_debit, balances.encumbrance_credit,
               balances.held_debit, balances.held_credit,
               balances.last_day, balances.debit_before, balances.credit_before
          FROM balances
         WHERE balances.journal_id = $1
           AND balances.account_id = key.account_id
           AND balances.currency = key.currency COLLATE "C"
         LIMIT 1) AS balance) ON true
 WHERE head.journal_id = $1;

-- find_known --
-- What is recorded under the ids that a batch names, and the place and the configuration of the
-- journal that it is decided at: of one snapshot, so no id of a commit up to that place is missed.
-- The LIMITs hold the planner to one look-up by each unique key.
SELECT head.sequence AS head_sequence, head.config_version, clock_timestamp() AS now, known.id, known.sequence,
       known.external_id, known.recorded_at, known.payload
  FROM journal_heads AS head
  LEFT JOIN LATERAL (
        SELECT found.id, found.sequence, found.external_id, events.recorded_at,
               events.payload || coalesce(events.personal, '') AS payload
          FROM unnest($2::text::uuid[]) AS wanted (id)
         CROSS JOIN LATERAL (
                SELECT transactions.id, transactions.sequence, transactions.external_id
                  FROM transactions
                 WHERE transactions.journal_id = $1 AND transactions.id = wanted.id
                 LIMIT 1) AS found
          JOIN events ON events.journal_id = $1 AND events.sequence = found.sequence
        UNION ALL
        SELECT found.id, found.sequence, found.external_id, NULL, NULL
          FROM unnest($3::text::text[]) AS wanted (external_id)
         CROSS JOIN LATERAL (
                SELECT transactions.id, transactions.sequence, transactions.external_id
                  FROM transactions
                 WHERE transactions.journal_id = $1
                   AND transactions.external_id = wanted.external_id COLLATE "C"
                 LIMIT 1) AS found
       ) AS known ON true
 WHERE head.journal_id = $1;

-- write_batch --
-- Writes a decided batch, all tables at once. The head is taken first, for every other row comes
-- from it, and only if the journal still stands at the sequence and under the configuration that
-- was decided at, none of the batch's ids is in the books, and the deadline (the first expiry of a
-- hold that the batch counts as open) has not passed; without a head nothing is written and no row
-- is returned. So nothing that the batch was decided on can have changed, and balances are written as
-- they were decided. Ids are looked up here, in the statement's snapshot: one that another server
-- records after it has moved the head too. The LIMITs are those of `find_known`.
-- Whoever has the head is waited for, and the head then seen as that one leaves it, not as in the
-- snapshot: that is what `held` is for, and why nothing of `journal_heads` itself may be asked. A
-- batch sent meanwhile so finds the head where it expects it, if it is that of the batch before.
-- Arrays come as texts: the driver encodes an array ten times slower than Python joins a text. Where
-- all elements are alike only the first may come, which the head carries for every row that finds no
-- other: most of a batch is of one currency, one day and one layer, and to read an amount that is
-- zero in every balance costs as much as one that is not.
-- Arrays are taken apart in the list of a SELECT: in FROM, each would be written into a store of its
-- own and read back.
-- It goes on with `write_days` and `write_rules`, if there is anything for them, and ends with
-- `written`.
WITH held AS (
    SELECT sequence, config_version, last_batch
      FROM journal_heads
     WHERE journal_id = $1
       FOR UPDATE
), head AS (
    UPDATE journal_heads
       SET sequence = journal_heads.sequence + $2,
           recorded_at = greatest(journal_heads.recorded_at, clock_timestamp()),
           last_batch = $35
      FROM held
     WHERE journal_heads.journal_id = $1
       AND held.config_version = $3 AND held.sequence = $34
       AND ($36::uuid IS NULL OR held.last_batch = $36)
       AND ($4::timestamptz IS NULL OR clock_timestamp() < $4)
       AND NOT EXISTS (
        SELECT
          FROM unnest($7::text::uuid[]) AS given (id)
         CROSS JOIN LATERAL (
                SELECT
                  FROM transactions
                 WHERE transactions.journal_id = $1 AND transactions.id = given.id
                 LIMIT 1) AS found)
       AND NOT EXISTS (
        SELECT
          FROM unnest($9::text::text[]) AS given (external_id)
         CROSS JOIN LATERAL (
                SELECT
                  FROM transactions
                 WHERE transactions.journal_id = $1
                   AND transactions.external_id = given.external_id COLLATE "C"
                 LIMIT 1) AS found)
 RETURNING journal_heads.sequence - $2 AS base, journal_heads.recorded_at,
           ($5::text::smallint[])[1] AS type,
           ($8::text::date[])[1] AS transactions_effective,
           ($13::text::smallint[])[1] AS entries_layer,
           ($15::text::date[])[1] AS entries_effective,
           ($18::text::text[])[1] AS entries_currency,
           ($19::text::text[])[1] AS balances_currency,
           ($24::text::numeric[])[1] AS pending_debit,
           ($25::text::numeric[])[1] AS pending_credit,
           ($26::text::numeric[])[1] AS encumbrance_debit,
           ($27::text::numeric[])[1] AS encumbrance_credit,
           ($28::text::numeric[])[1] AS held_debit,
           ($29::text::numeric[])[1] AS held_credit
), written_events AS (
    INSERT INTO events (journal_id, sequence, recorded_at, type, payload, personal)
    SELECT $1, head.base + item.ordinal, head.recorded_at, coalesce(item.type, head.type),
           item.payload, item.personal
      FROM head,
           (SELECT generate_series(1, $2) AS ordinal, unnest($5::text::smallint[]) AS type,
                   unnest($6::bytea[]) AS payload, unnest($33::bytea[]) AS personal) AS item
), written_transactions AS (
    INSERT INTO transactions (journal_id, id, sequence, effective, external_id, correlation_id)
    SELECT $1, item.id, head.base + item.ordinal,
           coalesce(item.effective, head.transactions_effective), item.external_id,
           item.correlation_id
      FROM head,
           (SELECT generate_series(1, $2) AS ordinal, unnest($7::text::uuid[]) AS id,
                   unnest($8::text::date[]) AS effective,
                   unnest($9::text::text[]) AS external_id,
                   unnest($10::text::text[]) AS correlation_id) AS item
), written_entries AS (
    INSERT INTO entries (journal_id, sequence, position, layer, direction, effective, account_id,
                         units, currency)
    SELECT $1, head.base + item.ordinal, item.position, coalesce(item.layer, head.entries_layer),
           item.direction, coalesce(item.effective, head.entries_effective), item.account_id,
           item.units, coalesce(item.currency, head.entries_currency)
      FROM head,
           (SELECT unnest($11::text::int[]) AS ordinal, unnest($12::text::smallint[]) AS position,
                   unnest($13::text::smallint[]) AS layer,
                   unnest($14::text::smallint[]) AS direction,
                   unnest($15::text::date[]) AS effective, unnest($16::text::uuid[]) AS account_id,
                   unnest($17::text::numeric[]) AS units,
                   unnest($18::text::text[]) AS currency) AS item
), written_balances AS (
    -- As an UPDATE with a join it would have the plan that `read_balances` avoids. In the order of
    -- the key one look-up finds what the one before has warmed. Without a last day a balance keeps
    -- the one that it has, and what is before it.
    INSERT INTO balances (journal_id, account_id, currency, version, settled_debit, settled_credit,
                          pending_debit, pending_credit, encumbrance_debit, encumbrance_credit,
                          held_debit, held_credit, last_day, debit_before, credit_before)
    SELECT $1, item.account_id, coalesce(item.currency, head.balances_currency), item.version,
           item.settled_debit, item.settled_credit,
           coalesce(item.pending_debit, head.pending_debit),
           coalesce(item.pending_credit, head.pending_credit),
           coalesce(item.encumbrance_debit, head.encumbrance_debit),
           coalesce(item.encumbrance_credit, head.encumbrance_credit),
           coalesce(item.held_debit, head.held_debit),
           coalesce(item.held_credit, head.held_credit),
           item.last_day, item.debit_before, item.credit_before
      FROM head,
           (SELECT unnest($19::text::text[]) AS currency, unnest($20::text::uuid[]) AS account_id,
                   unnest($21::text::bigint[]) AS version,
                   unnest($22::text::numeric[]) AS settled_debit,
                   unnest($23::text::numeric[]) AS settled_credit,
                   unnest($24::text::numeric[]) AS pending_debit,
                   unnest($25::text::numeric[]) AS pending_credit,
                   unnest($26::text::numeric[]) AS encumbrance_debit,
                   unnest($27::text::numeric[]) AS encumbrance_credit,
                   unnest($28::text::numeric[]) AS held_debit,
                   unnest($29::text::numeric[]) AS held_credit,
                   unnest($30::text::date[]) AS last_day,
                   unnest($31::text::numeric[]) AS debit_before,
                   unnest($32::text::numeric[]) AS credit_before
             ORDER BY account_id) AS item
        ON CONFLICT (journal_id, account_id, currency)
        DO UPDATE SET version = excluded.version,
           settled_debit = excluded.settled_debit, settled_credit = excluded.settled_credit,
           pending_debit = excluded.pending_debit, pending_credit = excluded.pending_credit,
           encumbrance_debit = excluded.encumbrance_debit,
           encumbrance_credit = excluded.encumbrance_credit,
           held_debit = excluded.held_debit, held_credit = excluded.held_credit,
           last_day = coalesce(excluded.last_day, balances.last_day),
           debit_before = coalesce(excluded.debit_before, balances.debit_before),
           credit_before = coalesce(excluded.credit_before, balances.credit_before)
)

-- write_days --
-- What a batch adds to other days than the last ones of its balances, and to other layers.
, written_days AS (
    INSERT INTO earlier_days AS days (journal_id, account_id, currency, layer, day, debit, credit)
    SELECT $1, item.account_id, item.currency, item.layer, item.day, item.debit, item.credit
      FROM head,
           (SELECT unnest($37::text::text[]) AS currency, unnest($38::text::uuid[]) AS account_id,
                   unnest($39::text::smallint[]) AS layer, unnest($40::text::date[]) AS day,
                   unnest($41::text::numeric[]) AS debit, unnest($42::text::numeric[]) AS credit
             ORDER BY account_id) AS item
        ON CONFLICT (journal_id, account_id, currency, layer, day)
        DO UPDATE SET debit = days.debit + excluded.debit, credit = days.credit + excluded.credit
)

-- write_rules --
-- What a batch does to holds and to other transactions, in the same statement: whatever is in a
-- batch, it is one round trip and commits by itself. A hold is written as the batch leaves it, also
-- if the batch places it. As an UPDATE with a join it would have the plan that `read_balances`
-- avoids, and not see what the batch before wrote, if this one was sent meanwhile.
, written_holds AS (
    INSERT INTO holds (journal_id, id, sequence, status, expire_at, placed_at)
    SELECT $1, item.id, coalesce(item.sequence, head.base + item.ordinal), item.status,
           item.expire_at, coalesce(item.placed_at, head.recorded_at)
      FROM head,
           (SELECT unnest($43::text::uuid[]) AS id, unnest($44::text::bigint[]) AS sequence,
                   unnest($45::text::int[]) AS ordinal, unnest($46::text::smallint[]) AS status,
                   unnest($47::text::timestamptz[]) AS expire_at,
                   unnest($48::text::timestamptz[]) AS placed_at) AS item
        ON CONFLICT (journal_id, id) DO UPDATE SET status = excluded.status
), written_hold_entries AS (
    INSERT INTO hold_entries (journal_id, hold_id, sequence, position, account_id, currency,
                              direction, placed, captured, released)
    SELECT $1, item.hold_id, coalesce(item.sequence, head.base + item.ordinal), item.position,
           item.account_id, item.currency, item.direction, item.placed, item.captured,
           item.released
      FROM head,
           (SELECT unnest($49::text::uuid[]) AS hold_id, unnest($50::text::bigint[]) AS sequence,
                   unnest($51::text::int[]) AS ordinal, unnest($52::text::smallint[]) AS position,
                   unnest($53::text::uuid[]) AS account_id, unnest($54::text::text[]) AS currency,
                   unnest($55::text::smallint[]) AS direction,
                   unnest($56::text::numeric[]) AS placed,
                   unnest($57::text::numeric[]) AS captured,
                   unnest($58::text::numeric[]) AS released) AS item
        ON CONFLICT (journal_id, hold_id, position)
        DO UPDATE SET captured = excluded.captured, released = excluded.released
), written_reversals AS (
    INSERT INTO reversals (journal_id, id, transaction_id, sequence)
    SELECT $1, item.id, item.transaction_id, head.base + item.ordinal
      FROM head,
           (SELECT unnest($59::text::uuid[]) AS id,
                   unnest($60::text::uuid[]) AS transaction_id,
                   unnest($61::text::int[]) AS ordinal) AS item
), written_reversed AS (
    INSERT INTO reversed_entries (journal_id, transaction_id, position, units, reversed)
    SELECT $1, item.transaction_id, item.position, item.units, item.reversed
      FROM head,
           (SELECT unnest($62::text::uuid[]) AS transaction_id,
                   unnest($63::text::smallint[]) AS position,
                   unnest($64::text::numeric[]) AS units,
                   unnest($65::text::numeric[]) AS reversed) AS item
        ON CONFLICT (journal_id, transaction_id, position)
        DO UPDATE SET reversed = excluded.reversed
)

-- written --
SELECT base, recorded_at FROM head;
