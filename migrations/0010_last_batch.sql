-- migrate:up
-- Which batch of postings wrote the head last. A batch may be decided on what another will leave,
-- and even be sent while that one is written; it then waits for the head, and takes it only from
-- that very batch: the sequence alone could be reached by others' postings as well.
ALTER TABLE journal_heads ADD COLUMN last_batch uuid;
