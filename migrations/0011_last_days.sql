-- migrate:up
-- Most postings are effective on the last day that their accounts were posted to. What they add to
-- that day is kept by the balance itself, as what it has beyond the days before; only when a later
-- day begins, or something is dated back, is a row of an earlier day written. So a posting updates
-- one row an account and not two.
ALTER TABLE daily_sums RENAME TO earlier_days;
ALTER INDEX daily_sums_pkey RENAME TO earlier_days_pkey;
ALTER TABLE earlier_days RENAME CONSTRAINT daily_sums_layer_check TO earlier_days_layer_check;
ALTER TABLE earlier_days RENAME CONSTRAINT daily_sums_debit_check TO earlier_days_debit_check;
ALTER TABLE earlier_days RENAME CONSTRAINT daily_sums_credit_check TO earlier_days_credit_check;

ALTER TABLE balances
    -- The latest effective day with entries on SETTLED, and the sums of SETTLED of all days before
    -- it. NULL while there is none, and in what a statement proposes that leaves them as they are.
    ADD COLUMN last_day date,
    ADD COLUMN debit_before numeric,
    ADD COLUMN credit_before numeric,
    ADD CONSTRAINT balances_before_check CHECK (
        last_day IS NULL
        OR (debit_before >= 0 AND debit_before <= settled_debit
            AND credit_before >= 0 AND credit_before <= settled_credit) IS TRUE);

WITH last AS (
    DELETE FROM earlier_days AS day
     USING (SELECT journal_id, account_id, currency, max(day) AS day
              FROM earlier_days
             WHERE layer = 1
             GROUP BY journal_id, account_id, currency) AS latest
     WHERE day.journal_id = latest.journal_id AND day.account_id = latest.account_id
       AND day.currency = latest.currency AND day.layer = 1 AND day.day = latest.day
 RETURNING day.*
)
UPDATE balances
   SET last_day = last.day,
       debit_before = balances.settled_debit - last.debit,
       credit_before = balances.settled_credit - last.credit
  FROM last
 WHERE balances.journal_id = last.journal_id AND balances.account_id = last.account_id
   AND balances.currency = last.currency;

-- The sums of each day alone, wherever they are kept.
CREATE VIEW daily_sums AS
SELECT journal_id, account_id, currency, layer, day, debit, credit
  FROM earlier_days
 UNION ALL
SELECT journal_id, account_id, currency, 1::smallint, last_day, settled_debit - debit_before,
       settled_credit - credit_before
  FROM balances
 WHERE last_day IS NOT NULL;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        GRANT SELECT ON daily_sums TO ledger_runtime;
    END IF;
END $$;
