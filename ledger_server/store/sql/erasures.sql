-- sequences_of_transactions --
SELECT id, sequence
  FROM transactions
 WHERE journal_id = $1 AND id = ANY ($2::uuid[]);

-- reversals_of_transactions --
-- What took transactions back; it has their description and params.
SELECT sequence
  FROM reversals
 WHERE journal_id = $1 AND transaction_id = ANY ($2::uuid[]);

-- ends_of_holds --
-- What ended holds, in whole or in part. It has entries on PENDING on each of a hold's accounts, so
-- it is looked for on the account with the fewest. That the id stands somewhere in the event does
-- not say that it is the hold's: the caller looks.
SELECT DISTINCT hold.id, events.sequence, events.payload
  FROM holds AS hold
 CROSS JOIN LATERAL (
        SELECT hold_entries.account_id
          FROM hold_entries
          JOIN balances USING (journal_id, account_id, currency)
         WHERE hold_entries.journal_id = $1 AND hold_entries.hold_id = hold.id
         ORDER BY balances.version
         LIMIT 1) AS quiet
  JOIN entries
    ON entries.journal_id = $1 AND entries.account_id = quiet.account_id
   AND entries.sequence > hold.sequence AND entries.layer = 2
  JOIN events ON events.journal_id = $1 AND events.sequence = entries.sequence
 WHERE hold.journal_id = $1 AND hold.id = ANY ($2::uuid[])
   AND events.type IN (23, 24, 25)
   AND position(convert_to(hold.id::text, 'UTF8') IN events.payload) > 0;

-- account_events --
-- Events about accounts that have something to erase. The first field of 36 bytes with the number 1
-- (0x0a 0x24) of the fact is the account's id; the caller looks again. Before the fact stands who
-- acted (0x1a, one or two bytes of length), a text that could hold anything. The second bound on
-- the type repeats the index's own condition, without which it is not used.
SELECT sequence, payload
  FROM events
 CROSS JOIN LATERAL substr(payload, CASE
        WHEN get_byte(payload, 0) <> 26 THEN 1
        WHEN get_byte(payload, 1) < 128 THEN 3 + get_byte(payload, 1)
        ELSE 4 + (get_byte(payload, 1) & 127) + (get_byte(payload, 2) << 7) END) AS fact
 WHERE journal_id = $1 AND type BETWEEN 12 AND 16 AND type NOT BETWEEN 21 AND 29
   AND get_byte(personal, 0) = 34
   AND substr(fact, position('\x0a24'::bytea IN fact) + 2, 36) = ANY ($2::bytea[]);

-- answers_with_accounts --
-- Kept answers that hold accounts: those with one account as events have it, and those with many.
SELECT request_id, answer, response
  FROM requests
 WHERE journal_id = $1
   AND CASE WHEN answer = ANY ($3::text[])
            THEN substr(response, position('\x0a24'::bytea IN response) + 2, 36) = ANY ($2::bytea[])
            WHEN answer IN ('', $4)
            THEN EXISTS (SELECT
                           FROM unnest($2::bytea[]) AS wanted (id)
                          WHERE position(wanted.id IN response) > 0)
            ELSE false END;

-- erase_parts --
SELECT sequence
  FROM erase_personal_parts($1, $2::bigint[]) AS sequence
 ORDER BY sequence;

-- erase_answer --
SELECT erase_personal_answer($1, $2, $3);

-- blank_accounts --
UPDATE accounts
   SET name = code, metadata = '{}'
 WHERE journal_id = $1 AND id = ANY ($2::uuid[]);
