-- grown --
-- Journals whose head moved since a moment, and how far their trees and checkpoints go. Heads are
-- few and small; the rest is two look-ups for each that moved.
SELECT head.journal_id, journals.public_id, head.sequence, clock_timestamp() AS now,
       coalesce((SELECT max(tile_index) + 1
                   FROM merkle_tiles
                  WHERE merkle_tiles.journal_id = head.journal_id AND level = 0), 0) AS tiles,
       coalesce((SELECT max(size)
                   FROM checkpoints
                  WHERE checkpoints.journal_id = head.journal_id), 0) AS signed_size
  FROM journal_heads AS head
  JOIN journals ON journals.id = head.journal_id
 WHERE head.recorded_at >= $1
 ORDER BY head.journal_id;

-- lock_tree --
-- One server at a time extends the tree of a journal; the others have nothing to wait for. The
-- class number is the ledger's own; advisory locks share one space per database.
SELECT pg_try_advisory_xact_lock(746031121, $1::integer) AS locked;

-- tree --
-- Read after the lock, as a statement of its own: what another server wrote is there.
SELECT head.sequence,
       coalesce((SELECT max(tile_index) + 1
                   FROM merkle_tiles
                  WHERE merkle_tiles.journal_id = head.journal_id AND level = 0), 0) AS tiles,
       coalesce((SELECT max(size)
                   FROM checkpoints
                  WHERE checkpoints.journal_id = head.journal_id), 0) AS signed_size
  FROM journal_heads AS head
 WHERE head.journal_id = $1;

-- leaf_hashes --
-- The hashes of the leaves in (after, up to], joined. Made here, so that no payload travels; the
-- form is that of `domain/merkle.py`, and docs/proofs.md has it for others.
SELECT coalesce(string_agg(hash, ''::bytea ORDER BY sequence), ''::bytea) AS hashes
  FROM (SELECT sequence,
               sha256('\x0001'::bytea || uuid_send($2::uuid) || int8send(sequence)
                      || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint)
                      || sha256(payload)
                      || CASE WHEN personal IS NULL THEN decode(repeat('00', 32), 'hex')
                              WHEN get_byte(personal, 0) = 42 THEN substr(personal, 3)
                              ELSE sha256(personal) END) AS hash
          FROM events
         WHERE journal_id = $1 AND sequence > $3 AND sequence <= $4) AS leaf;

-- insert_tiles --
INSERT INTO merkle_tiles (journal_id, level, tile_index, root, hashes)
SELECT $1, level, tile_index, root, hashes
  FROM unnest($2::smallint[], $3::bigint[], $4::bytea[], $5::bytea[])
       AS tile (level, tile_index, root, hashes);

-- tile_roots --
SELECT tile.level, tile.tile_index, tile.root
  FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS wanted (level, first, up_to)
  JOIN merkle_tiles AS tile
    ON tile.journal_id = $1 AND tile.level = wanted.level
   AND tile.tile_index >= wanted.first AND tile.tile_index < wanted.up_to;

-- tile_hashes --
SELECT tile_index, hashes
  FROM merkle_tiles
 WHERE journal_id = $1 AND level = 0 AND tile_index = ANY ($2::bigint[]);

-- insert_checkpoint --
INSERT INTO checkpoints (journal_id, size, root, note, verifier_key, signed_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp());

-- newest_checkpoint --
SELECT size, root, note, verifier_key, signed_at
  FROM checkpoints
 WHERE journal_id = $1
 ORDER BY size DESC
 LIMIT 1;

-- covering_checkpoint --
-- The oldest whose tree holds a sequence.
SELECT size, root, note, verifier_key, signed_at
  FROM checkpoints
 WHERE journal_id = $1 AND size >= $2
 ORDER BY size
 LIMIT 1;

-- checkpoint_of_size --
SELECT size, root, note, verifier_key, signed_at
  FROM checkpoints
 WHERE journal_id = $1 AND size = $2;

-- list_checkpoints --
SELECT size, root, note, verifier_key, signed_at
  FROM checkpoints
 WHERE journal_id = $1 AND size < $2
 ORDER BY size DESC
 LIMIT $3;

-- event --
SELECT recorded_at, payload, personal
  FROM events
 WHERE journal_id = $1 AND sequence = $2;

-- sequence_of_transaction --
SELECT sequence
  FROM transactions
 WHERE journal_id = $1 AND id = $2;
