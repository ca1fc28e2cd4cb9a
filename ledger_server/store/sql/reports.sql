-- trial_balance_sums --
-- Sums of each account and currency before a day and from it on, up to another day. Grows with
-- accounts and days, not with entries.
SELECT account_id, currency,
       coalesce(sum(debit) FILTER (WHERE day < $3), 0) AS opening_debit,
       coalesce(sum(credit) FILTER (WHERE day < $3), 0) AS opening_credit,
       coalesce(sum(debit) FILTER (WHERE day >= $3), 0) AS debit,
       coalesce(sum(credit) FILTER (WHERE day >= $3), 0) AS credit
  FROM daily_sums
 WHERE journal_id = $1 AND layer = $2 AND day <= $4 AND ($5::text IS NULL OR currency = $5)
 GROUP BY account_id, currency;

-- trial_balance_later --
-- The same of the entries after a sequence: what a report of that position takes off.
SELECT account_id, currency,
       coalesce(sum(units) FILTER (WHERE direction = 1 AND effective < $3), 0) AS opening_debit,
       coalesce(sum(units) FILTER (WHERE direction = 2 AND effective < $3), 0) AS opening_credit,
       coalesce(sum(units) FILTER (WHERE direction = 1 AND effective >= $3), 0) AS debit,
       coalesce(sum(units) FILTER (WHERE direction = 2 AND effective >= $3), 0) AS credit
  FROM entries
 WHERE journal_id = $1 AND layer = $2 AND effective <= $4 AND ($5::text IS NULL OR currency = $5)
   AND sequence > $6
 GROUP BY account_id, currency;

-- chart_accounts --
SELECT id, code, name
  FROM accounts
 WHERE journal_id = $1;

-- chart_sets --
SELECT id, code, name
  FROM account_sets
 WHERE journal_id = $1;

-- chart_set_accounts --
SELECT set_id, account_id AS member_id
  FROM account_set_accounts
 WHERE journal_id = $1;

-- chart_set_sets --
SELECT set_id, member_id
  FROM account_set_sets
 WHERE journal_id = $1;

-- configuration_after --
-- What changed the configuration after a sequence, the newest first.
SELECT payload || coalesce(personal, '') AS payload
  FROM events
 WHERE journal_id = $1 AND sequence > $2 AND type NOT BETWEEN 21 AND 29
 ORDER BY sequence DESC;

-- event_time --
SELECT recorded_at
  FROM events
 WHERE journal_id = $1 AND sequence = $2;
