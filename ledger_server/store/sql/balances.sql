-- balances_of_account --
-- Without locks: whoever closes an account holds the head, see journals.lock_head.
SELECT balances.*, currencies.exponent
  FROM balances
  JOIN currencies
    ON currencies.journal_id = balances.journal_id AND currencies.code = balances.currency
 WHERE balances.journal_id = $1 AND balances.account_id = $2
 ORDER BY balances.currency;

-- find_balances --
-- The head and each balance by its names, all of one moment: one statement, so no transaction.
-- What is not there is NULL: the account, the currency, and a balance that was never posted to.
-- OFFSET keeps each a look-up by its key: made joins, they read whole tables while those were not
-- analysed.
SELECT journal_heads.sequence, account.id AS account_id, account.code, account.normal_side,
       key.currency, currency.exponent, sums.*
  FROM journal_heads
 CROSS JOIN unnest($2::uuid[], $3::text[], $4::text[])
       WITH ORDINALITY AS key (account_id, account_code, currency, ordinal)
  LEFT JOIN LATERAL (
        SELECT id, code, normal_side
          FROM accounts
         WHERE journal_id = $1 AND id = key.account_id
         UNION ALL
        SELECT id, code, normal_side
          FROM accounts
         WHERE journal_id = $1 AND code = key.account_code
        OFFSET 0
       ) AS account ON true
  LEFT JOIN LATERAL (
        SELECT exponent
          FROM currencies
         WHERE journal_id = $1 AND code = key.currency
        OFFSET 0
       ) AS currency ON true
  LEFT JOIN LATERAL (
        SELECT version, settled_debit, settled_credit, pending_debit, pending_credit,
               encumbrance_debit, encumbrance_credit, held_debit, held_credit
          FROM balances
         WHERE balances.journal_id = $1
           AND balances.account_id = account.id
           AND balances.currency = key.currency
        OFFSET 0
       ) AS sums ON true
 WHERE journal_heads.journal_id = $1
 ORDER BY key.ordinal;

-- find_balances_as_of --
-- As find_balances, less the days after the one asked for: few beside entries, and those of one
-- layer, if it ever moved, lie side by side in the primary key. Keys are compared as wholes, as in
-- statements.statement_sums.
SELECT journal_heads.sequence, account.id AS account_id, account.code, account.normal_side,
       key.currency, currency.exponent, sums.*
  FROM journal_heads
 CROSS JOIN unnest($2::uuid[], $3::text[], $4::text[])
       WITH ORDINALITY AS key (account_id, account_code, currency, ordinal)
  LEFT JOIN LATERAL (
        SELECT id, code, normal_side
          FROM accounts
         WHERE journal_id = $1 AND id = key.account_id
         UNION ALL
        SELECT id, code, normal_side
          FROM accounts
         WHERE journal_id = $1 AND code = key.account_code
        OFFSET 0
       ) AS account ON true
  LEFT JOIN LATERAL (
        SELECT exponent
          FROM currencies
         WHERE journal_id = $1 AND code = key.currency
        OFFSET 0
       ) AS currency ON true
  LEFT JOIN LATERAL (
        SELECT 0::bigint AS version,
               CASE WHEN last_day > $5 THEN debit_before ELSE balances.settled_debit END
               - coalesce(later.settled_debit, 0) AS settled_debit,
               CASE WHEN last_day > $5 THEN credit_before ELSE balances.settled_credit END
               - coalesce(later.settled_credit, 0) AS settled_credit,
               balances.pending_debit - coalesce(later.pending_debit, 0) AS pending_debit,
               balances.pending_credit - coalesce(later.pending_credit, 0) AS pending_credit,
               balances.encumbrance_debit - coalesce(later.encumbrance_debit, 0)
               AS encumbrance_debit,
               balances.encumbrance_credit - coalesce(later.encumbrance_credit, 0)
               AS encumbrance_credit,
               0::numeric AS held_debit,
               0::numeric AS held_credit
          FROM balances
         CROSS JOIN LATERAL (
                SELECT sum(debit) FILTER (WHERE layer = 1) AS settled_debit,
                       sum(credit) FILTER (WHERE layer = 1) AS settled_credit,
                       sum(debit) FILTER (WHERE layer = 2) AS pending_debit,
                       sum(credit) FILTER (WHERE layer = 2) AS pending_credit,
                       sum(debit) FILTER (WHERE layer = 3) AS encumbrance_debit,
                       sum(credit) FILTER (WHERE layer = 3) AS encumbrance_credit
                  FROM (VALUES (1::smallint, true),
                               (2::smallint, pending_debit + pending_credit > 0),
                               (3::smallint, encumbrance_debit + encumbrance_credit > 0))
                       AS wanted (layer, has_moved)
                 CROSS JOIN LATERAL (
                        SELECT debit, credit
                          FROM earlier_days
                         WHERE has_moved
                           AND journal_id = $1
                           AND (account_id, currency, layer, day)
                               > (account.id, key.currency COLLATE "C", wanted.layer, $5)
                           AND (account_id, currency, layer)
                               <= (account.id, key.currency COLLATE "C", wanted.layer)
                        OFFSET 0
                       ) AS days
               ) AS later
         WHERE balances.journal_id = $1
           AND balances.account_id = account.id
           AND balances.currency = key.currency
        OFFSET 0
       ) AS sums ON true
 WHERE journal_heads.journal_id = $1
 ORDER BY key.ordinal;

-- list_balances --
-- A page begins after (account code, currency). The bound on the code alone is what the index on
-- codes is entered with. Version 0 is a row that a refused posting made ready and did not use.
SELECT accounts.code, accounts.normal_side, currencies.exponent, balances.*
  FROM accounts
  JOIN balances
    ON balances.journal_id = accounts.journal_id AND balances.account_id = accounts.id
  JOIN currencies
    ON currencies.journal_id = balances.journal_id AND currencies.code = balances.currency
 WHERE accounts.journal_id = $1
   AND ($2::uuid IS NULL OR accounts.id = $2)
   AND accounts.code >= $3
   AND (accounts.code, balances.currency) > ($3, $4)
   AND balances.version > 0
 ORDER BY accounts.code, balances.currency
 LIMIT $5;

-- list_balances_as_of --
-- As list_balances, of balances with an entry effective on or before the day.
SELECT accounts.code, accounts.normal_side, currencies.exponent,
       balances.account_id, balances.currency, 0::bigint AS version, sums.*
  FROM accounts
  JOIN balances
    ON balances.journal_id = accounts.journal_id AND balances.account_id = accounts.id
  JOIN currencies
    ON currencies.journal_id = balances.journal_id AND currencies.code = balances.currency
 CROSS JOIN LATERAL (
        SELECT sum(debit) FILTER (WHERE layer = 1) AS settled_debit,
               sum(credit) FILTER (WHERE layer = 1) AS settled_credit,
               sum(debit) FILTER (WHERE layer = 2) AS pending_debit,
               sum(credit) FILTER (WHERE layer = 2) AS pending_credit,
               sum(debit) FILTER (WHERE layer = 3) AS encumbrance_debit,
               sum(credit) FILTER (WHERE layer = 3) AS encumbrance_credit
          FROM earlier_days
         WHERE earlier_days.journal_id = balances.journal_id
           AND earlier_days.account_id = balances.account_id
           AND earlier_days.currency = balances.currency
           AND earlier_days.layer = ANY ('{1, 2, 3}')
           AND earlier_days.day > $6
       ) AS later
 CROSS JOIN LATERAL (
        SELECT CASE WHEN last_day > $6 THEN debit_before ELSE balances.settled_debit END
               - coalesce(later.settled_debit, 0) AS settled_debit,
               CASE WHEN last_day > $6 THEN credit_before ELSE balances.settled_credit END
               - coalesce(later.settled_credit, 0) AS settled_credit,
               balances.pending_debit - coalesce(later.pending_debit, 0) AS pending_debit,
               balances.pending_credit - coalesce(later.pending_credit, 0) AS pending_credit,
               balances.encumbrance_debit - coalesce(later.encumbrance_debit, 0)
               AS encumbrance_debit,
               balances.encumbrance_credit - coalesce(later.encumbrance_credit, 0)
               AS encumbrance_credit,
               0::numeric AS held_debit,
               0::numeric AS held_credit
       ) AS sums
 WHERE accounts.journal_id = $1
   AND ($2::uuid IS NULL OR accounts.id = $2)
   AND accounts.code >= $3
   AND (accounts.code, balances.currency) > ($3, $4)
   AND sums.settled_debit + sums.settled_credit + sums.pending_debit + sums.pending_credit
       + sums.encumbrance_debit + sums.encumbrance_credit > 0
 ORDER BY accounts.code, balances.currency
 LIMIT $5;
