-- days --
-- The first and the last day that is kept on its own, but for the thousand rows before and after,
-- which may be of days far from all others; NULL if there are no more.
SELECT (SELECT day FROM earlier_days WHERE journal_id = $1 ORDER BY day OFFSET 1000 LIMIT 1)
       AS first,
       (SELECT day FROM earlier_days WHERE journal_id = $1 ORDER BY day DESC OFFSET 1000 LIMIT 1)
       AS last;

-- sums_by_segment --
-- Sums of each account and currency over each segment of days; a segment begins with each of the
-- boundaries. One pass serves all columns of a report. Grows with accounts and days, not with
-- entries.
SELECT account_id, currency, width_bucket(day, $3::date[]) AS segment,
       sum(debit) AS debit, sum(credit) AS credit
  FROM daily_sums
 WHERE journal_id = $1 AND layer = $2 AND day <= $4 AND ($5::text IS NULL OR currency = $5)
 GROUP BY account_id, currency, segment;

-- sums_by_segment_from_end --
-- The same from the other end: the first segment is all that there is, less what came since, and of
-- a day that is not long ago little did. A day that counts is in its own segment and taken off the
-- first. Not a join, which for tables that were never analysed would look through all later days
-- for each balance.
SELECT account_id, currency, segment, sum(debit) AS debit, sum(credit) AS credit
  FROM (SELECT account_id, currency, part.*
          FROM layer_sums AS sums
         CROSS JOIN LATERAL (
                SELECT 0 AS segment,
                       CASE WHEN last_day >= ($3::date[])[1] THEN debit_before ELSE sums.debit END
                       AS debit,
                       CASE WHEN last_day >= ($3::date[])[1] THEN credit_before ELSE sums.credit END
                       AS credit
                 UNION ALL
                SELECT width_bucket(last_day, $3::date[]), sums.debit - debit_before,
                       sums.credit - credit_before
                 WHERE last_day BETWEEN ($3::date[])[1] AND $4) AS part
         WHERE journal_id = $1 AND layer = $2 AND ($5::text IS NULL OR currency = $5)
         UNION ALL
        SELECT account_id, currency, part.*
          FROM earlier_days AS days
         CROSS JOIN LATERAL (
                SELECT 0 AS segment, -days.debit AS debit, -days.credit AS credit
                 UNION ALL
                SELECT width_bucket(day, $3::date[]), days.debit, days.credit
                 WHERE day <= $4) AS part
         WHERE journal_id = $1 AND layer = $2 AND day >= ($3::date[])[1]
           AND ($5::text IS NULL OR currency = $5)) AS parts
 GROUP BY account_id, currency, segment
HAVING sum(debit) <> 0 OR sum(credit) <> 0;

-- sums_of_one_segment --
-- Where nothing is cut, as in most trial balances: to ask each day for its segment takes a fifth of
-- the time.
SELECT account_id, currency, 0 AS segment, sum(debit) AS debit, sum(credit) AS credit
  FROM daily_sums
 WHERE journal_id = $1 AND layer = $2 AND day <= $3 AND ($4::text IS NULL OR currency = $4)
 GROUP BY account_id, currency;

-- sums_of_one_segment_from_end --
-- The same from the other end.
SELECT account_id, currency, 0 AS segment, sum(debit) AS debit, sum(credit) AS credit
  FROM (SELECT account_id, currency,
               CASE WHEN last_day > $3 THEN debit_before ELSE debit END AS debit,
               CASE WHEN last_day > $3 THEN credit_before ELSE credit END AS credit
          FROM layer_sums
         WHERE journal_id = $1 AND layer = $2 AND ($4::text IS NULL OR currency = $4)
         UNION ALL
        SELECT account_id, currency, -debit, -credit
          FROM earlier_days
         WHERE journal_id = $1 AND layer = $2 AND day > $3
           AND ($4::text IS NULL OR currency = $4)) AS parts
 GROUP BY account_id, currency
HAVING sum(debit) <> 0 OR sum(credit) <> 0;

-- sums_by_segment_later --
-- The sums over all segments of the entries after a sequence: what a report of that position takes
-- off.
SELECT account_id, currency, width_bucket(effective, $3::date[]) AS segment,
       coalesce(sum(units) FILTER (WHERE direction = 1), 0) AS debit,
       coalesce(sum(units) FILTER (WHERE direction = 2), 0) AS credit
  FROM entries
 WHERE journal_id = $1 AND layer = $2 AND effective <= $4 AND ($5::text IS NULL OR currency = $5)
   AND sequence > $6
 GROUP BY account_id, currency, segment;

-- sums_by_segment_closing --
-- The same of transactions by their sequences.
SELECT account_id, currency, width_bucket(effective, $3::date[]) AS segment,
       coalesce(sum(units) FILTER (WHERE direction = 1), 0) AS debit,
       coalesce(sum(units) FILTER (WHERE direction = 2), 0) AS credit
  FROM entries
 WHERE journal_id = $1 AND layer = $2 AND effective <= $4 AND ($5::text IS NULL OR currency = $5)
   AND sequence = ANY ($6::bigint[])
 GROUP BY account_id, currency, segment;

-- nets_by_day --
-- What moved on some accounts day by day, up to a sequence and without some transactions: what
-- conversion at the rate of each day needs.
SELECT account_id, currency, day, sum(net_debit) AS net_debit
  FROM (SELECT account_id, currency, day, debit - credit AS net_debit
          FROM daily_sums
         WHERE journal_id = $1 AND layer = $2 AND day BETWEEN $3 AND $4
           AND ($5::text IS NULL OR currency = $5)
           AND account_id = ANY ($6::uuid[])
         UNION ALL
        SELECT account_id, currency, effective, CASE direction WHEN 1 THEN -units ELSE units END
          FROM entries
         WHERE journal_id = $1 AND layer = $2 AND effective BETWEEN $3 AND $4
           AND ($5::text IS NULL OR currency = $5)
           AND account_id = ANY ($6::uuid[])
           AND sequence > $7
         UNION ALL
        SELECT account_id, currency, effective, CASE direction WHEN 1 THEN -units ELSE units END
          FROM entries
         WHERE journal_id = $1 AND layer = $2 AND effective BETWEEN $3 AND $4
           AND ($5::text IS NULL OR currency = $5)
           AND account_id = ANY ($6::uuid[])
           AND sequence = ANY ($8::bigint[])) AS moved
 GROUP BY account_id, currency, day
HAVING sum(net_debit) <> 0;

-- closing_sequences --
-- The transactions that close fiscal years, and those that take them back, up to a sequence. A
-- transaction is found by its day and sequence, which its entries know.
SELECT sequence
  FROM closing_transactions
 WHERE journal_id = $1 AND sequence <= $2
 UNION
SELECT reversals.sequence
  FROM closing_transactions
  JOIN entries
    ON entries.journal_id = $1
   AND entries.sequence = closing_transactions.sequence
   AND entries.position = 0
  JOIN transactions
    ON transactions.journal_id = $1
   AND transactions.effective = entries.effective
   AND transactions.sequence = entries.sequence
  JOIN reversals
    ON reversals.journal_id = $1 AND reversals.transaction_id = transactions.id
 WHERE closing_transactions.journal_id = $1 AND reversals.sequence <= $2;

-- chart_accounts --
-- The columns of a `Named`, in its order. By code, as reports show them: the index of codes has
-- them so, and sorting them later takes longer.
SELECT id, code, name
  FROM accounts
 WHERE journal_id = $1
 ORDER BY code;

-- chart_sets --
-- With the direct members of each.
SELECT id, code, name, category,
       ARRAY(SELECT account_id
               FROM account_set_accounts
              WHERE account_set_accounts.journal_id = $1
                AND account_set_accounts.set_id = account_sets.id) AS account_ids,
       ARRAY(SELECT member_id
               FROM account_set_sets
              WHERE account_set_sets.journal_id = $1
                AND account_set_sets.set_id = account_sets.id) AS member_ids
  FROM account_sets
 WHERE journal_id = $1;

-- configuration_after --
-- What changed the configuration after a sequence, the newest first.
SELECT payload || coalesce(personal, '') AS payload
  FROM events
 WHERE journal_id = $1 AND sequence > $2 AND type NOT BETWEEN 21 AND 29
 ORDER BY sequence DESC;

-- fiscal_years_at --
-- Those that were there at a sequence; their days never change.
SELECT first_day, last_day
  FROM fiscal_years
 WHERE journal_id = $1
   AND EXISTS (SELECT
                 FROM fiscal_year_changes
                WHERE fiscal_year_changes.journal_id = $1
                  AND fiscal_year_changes.code = fiscal_years.code
                  AND fiscal_year_changes.sequence <= $2)
 ORDER BY first_day;

-- head_and_event_time --
-- Where the journal stands, and when the event at a sequence, 0 for its last, was recorded.
SELECT sequence AS head_sequence,
       (SELECT events.recorded_at
          FROM events
         WHERE events.journal_id = $1
           AND events.sequence = coalesce(nullif($2::bigint, 0), journal_heads.sequence)
       ) AS recorded_at
  FROM journal_heads
 WHERE journal_id = $1;
