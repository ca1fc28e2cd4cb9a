-- find_transaction --
-- With what took it back, oldest first.
SELECT events.sequence, events.recorded_at,
       events.payload || coalesce(events.personal, '') AS payload,
       ARRAY (SELECT reversals.id
                FROM reversals
               WHERE reversals.journal_id = $1 AND reversals.transaction_id = $2
               ORDER BY reversals.sequence) AS reversed_by
  FROM transactions
  JOIN events USING (journal_id, sequence)
 WHERE transactions.journal_id = $1 AND transactions.id = $2;

-- list_transactions --
-- By effective date, then sequence. {order} and {beyond} are ASC and > or DESC and <.
SELECT place.effective, place.sequence, events.recorded_at,
       events.payload || coalesce(events.personal, '') AS payload
  FROM (SELECT effective, sequence
          FROM transactions
         WHERE journal_id = $1
           AND effective BETWEEN $2 AND $3
           AND (effective, sequence) {beyond} ($4, $5)
           AND ($6::text IS NULL OR external_id = $6)
           AND ($7::text IS NULL OR correlation_id = $7)
         ORDER BY effective {order}, sequence {order}
         LIMIT $8) AS place
  JOIN events ON events.journal_id = $1 AND events.sequence = place.sequence
 ORDER BY place.effective {order}, place.sequence {order};

-- list_transactions_of_account --
-- The same over the entries of one account, each transaction once.
SELECT place.effective, place.sequence, events.recorded_at,
       events.payload || coalesce(events.personal, '') AS payload
  FROM (SELECT DISTINCT entries.effective, entries.sequence
          FROM entries
          JOIN transactions USING (journal_id, effective, sequence)
         WHERE entries.journal_id = $1
           AND entries.effective BETWEEN $2 AND $3
           AND (entries.effective, entries.sequence) {beyond} ($4, $5)
           AND ($6::text IS NULL OR transactions.external_id = $6)
           AND ($7::text IS NULL OR transactions.correlation_id = $7)
           AND entries.account_id = $9
         ORDER BY entries.effective {order}, entries.sequence {order}
         LIMIT $8) AS place
  JOIN events ON events.journal_id = $1 AND events.sequence = place.sequence
 ORDER BY place.effective {order}, place.sequence {order};

-- find_transactions --
-- Records that others refer to: what placed a hold, what is to be taken back. They never change.
SELECT transactions.id, events.sequence, events.recorded_at,
       events.payload || coalesce(events.personal, '') AS payload
  FROM transactions
  JOIN events USING (journal_id, sequence)
 WHERE transactions.journal_id = $1 AND transactions.id = ANY ($2::uuid[]);
