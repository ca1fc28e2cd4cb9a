-- find_reversed --
-- How much of each entry is gone; counts only if the journal has not moved until the write.
-- The LIMIT, which cuts nothing, is that of `find_holds`.
SELECT gone.transaction_id, gone.position, gone.reversed
  FROM unnest($2::uuid[]) AS wanted (id)
 CROSS JOIN LATERAL (
        SELECT reversed_entries.transaction_id, reversed_entries.position,
               reversed_entries.reversed
          FROM reversed_entries
         WHERE reversed_entries.journal_id = $1 AND reversed_entries.transaction_id = wanted.id
         ORDER BY reversed_entries.position
         LIMIT $3) AS gone;
