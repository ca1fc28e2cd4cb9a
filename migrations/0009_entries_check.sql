-- migrate:up
-- What entries are held against, in one pass over the rows of a statement and one look-up for each
-- currency. It says only whether anything may be wrong, which is next to never: what is, and whether
-- zeros alone are too many decimals, the two looks of before tell.
CREATE OR REPLACE FUNCTION check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    PERFORM
       FROM (SELECT journal_id, currency, bool_or(net <> 0) AS is_unbalanced,
                    max(decimals) AS decimals
               FROM (SELECT journal_id, currency,
                            sum(CASE direction WHEN 1 THEN units ELSE -units END) AS net,
                            max(scale(units)) AS decimals
                       FROM inserted
                      GROUP BY journal_id, sequence, layer, currency) AS sums
              GROUP BY journal_id, currency) AS all_of
       LEFT JOIN currencies
         ON currencies.journal_id = all_of.journal_id AND currencies.code = all_of.currency
      WHERE all_of.is_unbalanced OR currencies.exponent IS NULL
         OR all_of.decimals > currencies.exponent;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT journal_id, sequence, layer, currency,
           sum(units) FILTER (WHERE direction = 1) AS debits,
           sum(units) FILTER (WHERE direction = 2) AS credits
      INTO wrong
      FROM inserted
     GROUP BY journal_id, sequence, layer, currency
    HAVING sum(CASE direction WHEN 1 THEN units ELSE -units END) <> 0
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % sequence % layer % %: debits % <> credits %',
            wrong.journal_id, wrong.sequence, wrong.layer, wrong.currency,
            coalesce(wrong.debits, 0), coalesce(wrong.credits, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_balance';
    END IF;
    SELECT inserted.journal_id, inserted.sequence, inserted.units, inserted.currency
      INTO wrong
      FROM inserted
      LEFT JOIN currencies
        ON currencies.journal_id = inserted.journal_id AND currencies.code = inserted.currency
     WHERE currencies.exponent IS NULL OR scale(trim_scale(inserted.units)) > currencies.exponent
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % sequence %: % % has more decimals than its currency',
            wrong.journal_id, wrong.sequence, wrong.units, wrong.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_scale';
    END IF;
    RETURN NULL;
END $$;
