-- migrate:up
-- Most postings are effective on the last day that their accounts were posted to. What they add to
-- that day is kept by the balance itself, as what it has beyond the days before, so they update one
-- row an account and not two; only when a later day begins, or something is dated back, is a row of
-- an earlier day written.

-- Both tables at once, in the order in which a batch meets them: or a server that is still at work
-- and this could wait for each other.
LOCK TABLE balances, daily_sums IN ACCESS EXCLUSIVE MODE;

-- What comes after takes a balance for what its days come to. Where it is not, somebody has to look.
DO $$
DECLARE
    wrong record;
BEGIN
    SELECT count(*) OVER () AS all_of, accounts.code, differing.*
      INTO wrong
      FROM (SELECT journal_id, account_id, currency,
                   coalesce(settled_debit, 0) AS debit, coalesce(settled_credit, 0) AS credit,
                   coalesce(days_debit, 0) AS days_debit, coalesce(days_credit, 0) AS days_credit
              FROM balances
              FULL JOIN (SELECT journal_id, account_id, currency,
                                sum(debit) AS days_debit, sum(credit) AS days_credit
                           FROM daily_sums
                          WHERE layer = 1
                          GROUP BY journal_id, account_id, currency) AS days
             USING (journal_id, account_id, currency)) AS differing
      LEFT JOIN accounts
        ON accounts.journal_id = differing.journal_id AND accounts.id = differing.account_id
     WHERE debit <> days_debit OR credit <> days_credit
     ORDER BY differing.journal_id, accounts.code, currency
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% balances are not what their days come to, such as that of % (%) in journal %: debits % and credits % %, and by its days % and %',
            wrong.all_of, wrong.code, wrong.account_id, wrong.journal_id, wrong.debit, wrong.credit,
            wrong.currency, wrong.days_debit, wrong.days_credit
            USING HINT = '"ledgerctl verify" with the build of before names what is wrong. Mend it, then migrate.';
    END IF;
END $$;

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
