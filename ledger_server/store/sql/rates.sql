-- insert_rates --
-- Under the journal's head, so the sequences are those that the rates' events will get.
INSERT INTO rates (journal_id, sequence, base, quote, effective_at, rate, source, recorded_at)
SELECT $1, $2 + item.ordinal - 1, item.base, item.quote, item.effective_at, item.rate::numeric,
       item.source, statement_timestamp()
  FROM unnest($3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[])
       WITH ORDINALITY AS item (base, quote, effective_at, rate, source, ordinal)
RETURNING sequence, base, quote, effective_at, rate, source, recorded_at;

-- rates_in_force --
-- For each pair and moment the latest rate at or before it: one look into the index a question. Of
-- two with the same time the one recorded later counts.
SELECT wanted.ordinal, rate.*
  FROM unnest($2::text[], $3::text[], $4::timestamptz[])
       WITH ORDINALITY AS wanted (base, quote, moment, ordinal)
 CROSS JOIN LATERAL (
        SELECT rates.sequence, rates.base, rates.quote, rates.effective_at, rates.rate,
               rates.source, rates.recorded_at
          FROM rates
         WHERE rates.journal_id = $1
           AND rates.base = wanted.base COLLATE "C"
           AND rates.quote = wanted.quote COLLATE "C"
           AND rates.effective_at <= wanted.moment
           AND ($5::text IS NULL OR rates.source = $5)
           AND ($6::bigint IS NULL OR rates.sequence <= $6)
         ORDER BY rates.effective_at DESC, rates.sequence DESC
         LIMIT 1) AS rate;

-- list_rates --
SELECT sequence, base, quote, effective_at, rate, source, recorded_at
  FROM rates
 WHERE journal_id = $1
   AND ($2::text IS NULL OR base = $2)
   AND ($3::text IS NULL OR quote = $3)
   AND ($4::text IS NULL OR source = $4)
   AND ($5::bigint IS NULL OR sequence < $5)
 ORDER BY sequence DESC
 LIMIT $6;
