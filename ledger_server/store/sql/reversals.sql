-- find_reversed --
-- How much of each entry is gone; read under the locks of the balances of the transaction.
SELECT transaction_id, position, reversed
  FROM reversed_entries
 WHERE journal_id = $1 AND transaction_id = ANY ($2::uuid[]);
