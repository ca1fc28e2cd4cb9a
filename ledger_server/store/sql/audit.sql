-- stored_balances --
-- All balances of a journal. Read through a cursor, as everything here: amounts as text, for they
-- are only passed on.
SELECT account_id::text, currency, version,
       settled_debit::text, settled_credit::text,
       pending_debit::text, pending_credit::text,
       encumbrance_debit::text, encumbrance_credit::text,
       held_debit::text, held_credit::text
  FROM balances
 WHERE journal_id = $1
 ORDER BY balances.account_id, currency;

-- stored_days --
-- In no order, or all of them would be sorted before the first: a last day is with its balance. The
-- first and the last date that there are, here and below, are stored as what PostgreSQL calls
-- -infinity and infinity.
SELECT account_id::text, currency, layer,
       greatest(least(day, DATE '9999-12-31'), DATE '0001-01-01')::text AS day,
       debit::text, credit::text
  FROM daily_sums
 WHERE journal_id = $1;

-- stored_entries --
-- Those beyond the head too, which should not be there: whoever checks must see them.
SELECT sequence, position, account_id::text, direction, layer, units::text, currency,
       greatest(least(effective, DATE '9999-12-31'), DATE '0001-01-01')::text AS effective
  FROM entries
 WHERE journal_id = $1 AND sequence > $2
 ORDER BY sequence, position;

-- stored_transactions --
-- No index has this order, which nothing but an audit asks for: they are sorted, on disk if need be.
SELECT id::text, sequence,
       greatest(least(effective, DATE '9999-12-31'), DATE '0001-01-01')::text AS effective,
       external_id, correlation_id
  FROM transactions
 WHERE journal_id = $1 AND sequence > $2
 ORDER BY sequence, transactions.id;
