-- profit_accounts --
-- The accounts that stand in revenue or expense, each with all categories that it stands in. Sets
-- and their categories come as two columns: all nodes of the chart.
SELECT accounts.id, accounts.code, accounts.status, found.categories
  FROM (SELECT member.account_id, array_agg(DISTINCT node.category) AS categories
          FROM account_set_accounts AS member
          JOIN unnest($2::uuid[], $3::smallint[]) AS node (set_id, category)
            ON node.set_id = member.set_id
         WHERE member.journal_id = $1
           AND member.account_id IN (
                SELECT account_id
                  FROM account_set_accounts
                 WHERE journal_id = $1 AND set_id = ANY ($4::uuid[]))
         GROUP BY member.account_id) AS found
  JOIN accounts ON accounts.journal_id = $1 AND accounts.id = found.account_id;

-- account_categories --
-- The categories that one account stands in.
SELECT DISTINCT node.category
  FROM account_set_accounts AS member
  JOIN unnest($2::uuid[], $3::smallint[]) AS node (set_id, category)
    ON node.set_id = member.set_id
 WHERE member.journal_id = $1 AND member.account_id = $4;

-- profit_sums --
-- Net debits of accounts on SETTLED through a day ($3), and of that before another ($4). Grows with
-- accounts and days, not with entries.
SELECT account_id, currency, sum(debit - credit) AS net_debit,
       coalesce(sum(debit - credit) FILTER (WHERE day < $4), 0) AS net_debit_before
  FROM daily_sums
 WHERE journal_id = $1 AND layer = 1 AND day <= $3 AND account_id = ANY ($2::uuid[])
 GROUP BY account_id, currency;

-- profit_sums_after --
-- The same of the entries after a sequence, of whatever account: few, as they came while a close was
-- being made ready.
SELECT account_id, currency,
       sum(CASE direction WHEN 1 THEN units ELSE -units END) AS net_debit,
       coalesce(sum(CASE direction WHEN 1 THEN units ELSE -units END)
                FILTER (WHERE effective < $4), 0) AS net_debit_before
  FROM entries
 WHERE journal_id = $1 AND sequence > $2 AND layer = 1 AND effective <= $3
 GROUP BY account_id, currency;

-- changed_after --
-- Whether sets, their members or fiscal years changed after a sequence.
SELECT EXISTS (
    SELECT
      FROM events
     WHERE journal_id = $1 AND sequence > $2 AND type NOT BETWEEN 21 AND 29
       AND type = ANY ($3::smallint[])
) AS changed;

-- insert_closings --
INSERT INTO closing_transactions (journal_id, sequence)
SELECT $1, sequence
  FROM unnest($2::bigint[]) AS sequence;

-- open_closings --
-- The transactions that closed a year and were not taken back, after a sequence: all that closes a
-- year is effective on its last day, and no other year ends on it.
SELECT transactions.id, transactions.sequence
  FROM transactions
  JOIN closing_transactions AS closing
    ON closing.journal_id = transactions.journal_id AND closing.sequence = transactions.sequence
  LEFT JOIN reversals
    ON reversals.journal_id = transactions.journal_id
   AND reversals.transaction_id = transactions.id
 WHERE transactions.journal_id = $1 AND transactions.effective = $2 AND transactions.sequence > $3
   AND reversals.id IS NULL
 ORDER BY transactions.sequence;

-- reopenings --
-- The transactions that took closing transactions of a year back, after a sequence.
SELECT reversals.id
  FROM transactions
  JOIN closing_transactions AS closing
    ON closing.journal_id = transactions.journal_id AND closing.sequence = transactions.sequence
  JOIN reversals
    ON reversals.journal_id = transactions.journal_id
   AND reversals.transaction_id = transactions.id
 WHERE transactions.journal_id = $1 AND transactions.effective = $2 AND reversals.sequence > $3
 ORDER BY reversals.sequence;

-- closed_sums --
-- What transactions took from accounts: the net debit that was there, with the sign that it had.
SELECT account_id, currency,
       sum(CASE direction WHEN 2 THEN units ELSE -units END) AS net_debit
  FROM entries
 WHERE journal_id = $1 AND sequence = ANY ($2::bigint[])
 GROUP BY account_id, currency;

-- open_holds --
SELECT count(*) AS count
  FROM (SELECT
          FROM holds
          JOIN transactions USING (journal_id, id)
         WHERE holds.journal_id = $1 AND holds.status = 1 AND transactions.effective <= $2
         LIMIT $3) AS hold;

-- unmapped_accounts --
-- The accounts with postings through a day that stand directly in none of the sets. Days are asked
-- for in each of the two places where they are kept: of `daily_sums` all would be read.
WITH unmapped AS NOT MATERIALIZED (
    SELECT accounts.journal_id, accounts.id, accounts.code
      FROM accounts
     WHERE accounts.journal_id = $1
       AND NOT EXISTS (
            SELECT FROM account_set_accounts AS member
             WHERE member.journal_id = accounts.journal_id AND member.account_id = accounts.id
               AND member.set_id = ANY ($2::uuid[]))
)
SELECT code
  FROM ((SELECT code
           FROM unmapped
          WHERE EXISTS (
                 SELECT FROM balances
                  WHERE balances.journal_id = unmapped.journal_id
                    AND balances.account_id = unmapped.id AND balances.last_day <= $3)
          ORDER BY code
          LIMIT $4)
         UNION
        (SELECT code
           FROM unmapped
          WHERE EXISTS (
                 SELECT FROM earlier_days
                  WHERE earlier_days.journal_id = unmapped.journal_id
                    AND earlier_days.account_id = unmapped.id AND earlier_days.day <= $3)
          ORDER BY code
          LIMIT $4)) AS found
 ORDER BY code
 LIMIT $4;
