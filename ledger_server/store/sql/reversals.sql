-- find_reversed --
-- How much of each entry is gone; counts only if the journal has not moved until the write.
SELECT transaction_id, position, reversed
  FROM reversed_entries
 WHERE journal_id = $1 AND transaction_id = ANY ($2::uuid[]);
