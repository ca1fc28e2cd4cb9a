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
-- As find_balances. Days are few beside entries, and those of one layer lie side by side in the
-- primary key.
SELECT journal_heads.sequence, account.id AS account_id, account.code, account.normal_side,
       key.currency, currency.exponent, 0::bigint AS version, sums.*
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
 CROSS JOIN LATERAL (
        SELECT coalesce(sum(debit) FILTER (WHERE layer = 1), 0) AS settled_debit,
               coalesce(sum(credit) FILTER (WHERE layer = 1), 0) AS settled_credit,
               coalesce(sum(debit) FILTER (WHERE layer = 2), 0) AS pending_debit,
               coalesce(sum(credit) FILTER (WHERE layer = 2), 0) AS pending_credit,
               coalesce(sum(debit) FILTER (WHERE layer = 3), 0) AS encumbrance_debit,
               coalesce(sum(credit) FILTER (WHERE layer = 3), 0) AS encumbrance_credit,
               0::numeric AS held_debit,
               0::numeric AS held_credit
          FROM daily_sums
         WHERE daily_sums.journal_id = $1
           AND daily_sums.account_id = account.id
           AND daily_sums.currency = key.currency
           AND daily_sums.day <= $5
       ) AS sums
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
        SELECT coalesce(sum(debit) FILTER (WHERE layer = 1), 0) AS settled_debit,
               coalesce(sum(credit) FILTER (WHERE layer = 1), 0) AS settled_credit,
               coalesce(sum(debit) FILTER (WHERE layer = 2), 0) AS pending_debit,
               coalesce(sum(credit) FILTER (WHERE layer = 2), 0) AS pending_credit,
               coalesce(sum(debit) FILTER (WHERE layer = 3), 0) AS encumbrance_debit,
               coalesce(sum(credit) FILTER (WHERE layer = 3), 0) AS encumbrance_credit,
               0::numeric AS held_debit,
               0::numeric AS held_credit
          FROM daily_sums
         WHERE daily_sums.journal_id = balances.journal_id
           AND daily_sums.account_id = balances.account_id
           AND daily_sums.currency = balances.currency
           AND daily_sums.day <= $6
        HAVING count(*) > 0
       ) AS sums
 WHERE accounts.journal_id = $1
   AND ($2::uuid IS NULL OR accounts.id = $2)
   AND accounts.code >= $3
   AND (accounts.code, balances.currency) > ($3, $4)
 ORDER BY accounts.code, balances.currency
 LIMIT $5;
