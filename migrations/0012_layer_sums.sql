-- migrate:up
-- The sums up to a day are those of the balance less those of the days after it, which for a day
-- that is not long ago are few.

-- All that an account has in one currency and layer, and of SETTLED also its last day and what it
-- had before that.
CREATE VIEW layer_sums AS
SELECT journal_id, account_id, currency, 1::smallint AS layer, settled_debit AS debit,
       settled_credit AS credit, last_day, debit_before, credit_before
  FROM balances
 UNION ALL
SELECT journal_id, account_id, currency, 2::smallint, pending_debit, pending_credit, NULL, NULL,
       NULL
  FROM balances
 UNION ALL
SELECT journal_id, account_id, currency, 3::smallint, encumbrance_debit, encumbrance_credit, NULL,
       NULL, NULL
  FROM balances;

-- The days after one, of all accounts. Equal keys are kept once, so it is small.
CREATE INDEX earlier_days_day ON earlier_days (journal_id, day);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        GRANT SELECT ON layer_sums TO ledger_runtime;
    END IF;
END $$;
