-- list_years --
-- Each with its last change, by their days, from after a first day; NULL begins with the earliest.
SELECT year.code, year.first_day, year.last_day, change.sequence, change.status,
       change.retained_earnings, accounts.code AS retained_earnings_code, change.changed_at,
       change.actor, change.reason
  FROM fiscal_years AS year
 CROSS JOIN LATERAL (
        SELECT last.*
          FROM fiscal_year_changes AS last
         WHERE last.journal_id = year.journal_id AND last.code = year.code
         ORDER BY last.sequence DESC
         LIMIT 1) AS change
  LEFT JOIN accounts
    ON accounts.journal_id = year.journal_id AND accounts.id = change.retained_earnings
 WHERE year.journal_id = $1 AND ($2::date IS NULL OR year.first_day > $2)
 ORDER BY year.first_day
 LIMIT $3;

-- list_year_changes --
-- Newest first.
SELECT year.code, year.first_day, year.last_day, change.sequence, change.status,
       change.retained_earnings, accounts.code AS retained_earnings_code, change.changed_at,
       change.actor, change.reason
  FROM fiscal_years AS year
  JOIN fiscal_year_changes AS change USING (journal_id, code)
  LEFT JOIN accounts
    ON accounts.journal_id = year.journal_id AND accounts.id = change.retained_earnings
 WHERE year.journal_id = $1 AND year.code = $2
 ORDER BY change.sequence DESC
 LIMIT $3;

-- insert_year --
INSERT INTO fiscal_years (journal_id, code, first_day, last_day)
VALUES ($1, $2, $3, $4);

-- insert_year_change --
-- Under the journal's head, so the sequence is the one that the change's event will get.
INSERT INTO fiscal_year_changes (journal_id, sequence, code, status, retained_earnings, changed_at,
                                 actor, reason)
VALUES ($1, $2, $3, $4, $5, clock_timestamp(), $6, $7)
RETURNING changed_at;
