-- balances_of_account --
-- Without locks: whoever closes an account holds the head, see journals.lock_head.
SELECT balances.*, currencies.exponent
  FROM balances
  JOIN currencies
    ON currencies.journal_id = balances.journal_id AND currencies.code = balances.currency
 WHERE balances.journal_id = $1 AND balances.account_id = $2
 ORDER BY balances.currency;

-- find_balances --
SELECT balances.*
  FROM unnest($2::uuid[], $3::text[]) AS key (account_id, currency)
  JOIN balances
    ON balances.journal_id = $1
   AND balances.account_id = key.account_id
   AND balances.currency = key.currency;

-- find_balances_as_of --
-- Days are few beside entries, and those of one layer lie side by side in the primary key.
SELECT key.account_id, key.currency, 0::bigint AS version, sums.*
  FROM unnest($2::uuid[], $3::text[]) AS key (account_id, currency)
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
           AND daily_sums.account_id = key.account_id
           AND daily_sums.currency = key.currency
           AND daily_sums.day <= $4
       ) AS sums;

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
