-- ensure_sets --
-- Creates the rows that are missing, as older than every configuration: they are made before use.
-- Comes after the locks of balances and before any lock on these rows, in one order everywhere.
INSERT INTO set_balances (journal_id, set_id, currency, config_version,
                          settled_debit, settled_credit, held_debit, held_credit)
SELECT $1, key.set_id, key.currency, 0, 0, 0, 0, 0
  FROM unnest($2::uuid[], $3::text[]) AS key (set_id, currency)
 ORDER BY key.set_id, key.currency COLLATE "C"
    ON CONFLICT DO NOTHING;

-- lock_sets --
-- Keep the ORDER BY: every batch of every server locks in this one order.
SELECT set_balances.*
  FROM unnest($2::uuid[], $3::text[]) AS key (set_id, currency)
  JOIN set_balances
    ON set_balances.journal_id = $1
   AND set_balances.set_id = key.set_id
   AND set_balances.currency = key.currency COLLATE "C"
 ORDER BY set_balances.set_id, set_balances.currency
   FOR UPDATE OF set_balances;

-- sum_members --
-- The sum of all accounts below a set, each once. Exact while the set's row is locked: every
-- posting to one of them under this configuration waits for it before it writes.
WITH RECURSIVE below (id) AS (
    SELECT $2::uuid
     UNION
    SELECT account_set_sets.member_id
      FROM below
      JOIN account_set_sets
        ON account_set_sets.journal_id = $1 AND account_set_sets.set_id = below.id
), members AS (
    SELECT DISTINCT account_set_accounts.account_id
      FROM below
      JOIN account_set_accounts
        ON account_set_accounts.journal_id = $1 AND account_set_accounts.set_id = below.id
)
SELECT coalesce(sum(balances.settled_debit), 0) AS settled_debit,
       coalesce(sum(balances.settled_credit), 0) AS settled_credit,
       coalesce(sum(balances.held_debit), 0) AS held_debit,
       coalesce(sum(balances.held_credit), 0) AS held_credit
  FROM members
  JOIN balances
    ON balances.journal_id = $1
   AND balances.account_id = members.account_id
   AND balances.currency = $3;

-- write_sets --
UPDATE set_balances
   SET config_version = $2,
       settled_debit = item.settled_debit, settled_credit = item.settled_credit,
       held_debit = item.held_debit, held_credit = item.held_credit
  FROM unnest($3::uuid[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[])
       AS item (set_id, currency, settled_debit, settled_credit, held_debit, held_credit)
 WHERE set_balances.journal_id = $1
   AND set_balances.set_id = item.set_id
   AND set_balances.currency = item.currency COLLATE "C";
