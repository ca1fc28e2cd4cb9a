-- find_reversed --
-- How much of each entry is gone; read under the locks of the balances of the transaction.
SELECT transaction_id, position, reversed
  FROM reversed_entries
 WHERE journal_id = $1 AND transaction_id = ANY ($2::uuid[]);

-- insert_reversals --
INSERT INTO reversals (journal_id, id, transaction_id, sequence)
SELECT $1, item.id, item.transaction_id, item.sequence
  FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS item (id, transaction_id, sequence);

-- write_reversed --
INSERT INTO reversed_entries (journal_id, transaction_id, position, units, reversed)
SELECT $1, item.transaction_id, item.position, item.units, item.reversed
  FROM unnest($2::uuid[], $3::smallint[], $4::numeric[], $5::numeric[])
       AS item (transaction_id, position, units, reversed)
    ON CONFLICT (journal_id, transaction_id, position) DO UPDATE SET reversed = excluded.reversed;
