-- page_of_events --
-- Events in (after, up to], only those of some types if any are given. The range is never wider
-- than what may be scanned, so no plan can be a bad one. Cut where the payloads pass a number of
-- bytes: their lengths are known without reading what is stored out of line. One event always comes.
SELECT sequence, recorded_at, type, payload || coalesce(personal, '') AS payload
  FROM (SELECT page.*, sum(size) OVER (ORDER BY sequence ROWS UNBOUNDED PRECEDING) - size
                       AS bytes_before
          FROM (SELECT sequence, recorded_at, type, payload, personal,
                       octet_length(payload) + coalesce(octet_length(personal), 0) AS size
                  FROM events
                 WHERE journal_id = $1
                   AND sequence > $2 AND sequence <= $3
                   AND ($4::smallint[] IS NULL OR type = ANY ($4::smallint[]))
                 ORDER BY sequence
                 LIMIT $5) AS page) AS measured
 WHERE bytes_before < $6
 ORDER BY sequence;

-- heads --
-- What is polled: one row a journal, by its key.
SELECT journal_id, sequence
  FROM journal_heads
 WHERE journal_id = ANY ($1::integer[]);
