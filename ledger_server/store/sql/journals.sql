-- find_journal --
-- By code or, if the text is one, by id.
SELECT *
  FROM journals
 WHERE code = $1 OR public_id = $2;

-- list_journals --
SELECT journals.*, journal_heads.sequence
  FROM journals
  JOIN journal_heads ON journal_heads.journal_id = journals.id
 WHERE journals.code > $1
 ORDER BY journals.code
 LIMIT $2;

-- insert_journal --
INSERT INTO journals (public_id, code, name, time_zone, created_at)
VALUES ($1, $2, $3, $4, clock_timestamp())
RETURNING *;

-- insert_head --
INSERT INTO journal_heads (journal_id, sequence, recorded_at, config_version)
VALUES ($1, 0, clock_timestamp(), 1);

-- lock_head --
-- The first and only lock of a change of configuration. Whoever holds it sees every commit of the
-- journal and nobody else's postings can commit, so it may read balances without locking them.
SELECT sequence, recorded_at, config_version
  FROM journal_heads
 WHERE journal_id = $1
   FOR UPDATE;

-- read_head --
SELECT sequence, recorded_at, config_version
  FROM journal_heads
 WHERE journal_id = $1;

-- advance_head --
UPDATE journal_heads
   SET sequence = sequence + $2,
       recorded_at = greatest(recorded_at, clock_timestamp()),
       config_version = config_version + $3
 WHERE journal_id = $1
RETURNING sequence, recorded_at, config_version;

-- insert_events --
INSERT INTO events (journal_id, sequence, recorded_at, type, payload, personal)
SELECT $1, $2 + event.ordinal, $3, event.type, event.payload, event.personal
  FROM unnest($4::smallint[], $5::bytea[], $6::bytea[])
       WITH ORDINALITY AS event (type, payload, personal, ordinal);

-- find_request --
SELECT fingerprint, open_fingerprint, answer, response, erased
  FROM requests
 WHERE journal_id = $1 AND request_id = $2;

-- insert_request --
INSERT INTO requests (journal_id, request_id, fingerprint, response, answer, open_fingerprint,
                      created_at)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp());

-- lock_creation --
-- Journals are created one at a time, so that a request_id and a code are looked up safely.
-- The class number is the ledger's own; advisory locks share one space per database.
SELECT pg_advisory_xact_lock(746031120, 1);

-- insert_currencies --
INSERT INTO currencies (journal_id, code, exponent)
SELECT $1, code, exponent
  FROM unnest($2::text[], $3::smallint[]) AS currency (code, exponent);

-- find_currency --
SELECT code, exponent
  FROM currencies
 WHERE journal_id = $1 AND code = $2;

-- find_currencies --
SELECT code, exponent
  FROM currencies
 WHERE journal_id = $1 AND code = ANY ($2::text[]);

-- list_currencies --
SELECT code, exponent
  FROM currencies
 WHERE journal_id = $1 AND code > $2
 ORDER BY code
 LIMIT $3;

-- page_token_key --
SELECT value
  FROM ledger_secrets
 WHERE name = 'page_token_key';
