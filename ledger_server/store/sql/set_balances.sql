-- read_sets --
SELECT set_balances.*
  FROM unnest($2::uuid[], $3::text[]) AS key (set_id, currency)
  JOIN set_balances
    ON set_balances.journal_id = $1
   AND set_balances.set_id = key.set_id
   AND set_balances.currency = key.currency COLLATE "C";

-- sum_members --
-- The sum of all accounts below a set, each once.
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
-- Under the head, like everything that a posting writes.
INSERT INTO set_balances (journal_id, set_id, currency, config_version,
                          settled_debit, settled_credit, held_debit, held_credit)
SELECT $1, item.set_id, item.currency, $2,
       item.settled_debit, item.settled_credit, item.held_debit, item.held_credit
  FROM unnest($3::uuid[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[])
       AS item (set_id, currency, settled_debit, settled_credit, held_debit, held_credit)
    ON CONFLICT (journal_id, set_id, currency)
    DO UPDATE SET config_version = excluded.config_version,
       settled_debit = excluded.settled_debit, settled_credit = excluded.settled_credit,
       held_debit = excluded.held_debit, held_credit = excluded.held_credit;
