-- migrate:up
-- Personal data apart from facts, the Merkle tree over facts, and what was signed of it.

-- What of an event may be personal: a salt and the fact's personal fields, as the second part of
-- the same message (docs/proofs.md). Begins with 0x22, the tag of the salt; once it is erased with
-- 0x2a, the tag of the digest that stands for it. NULL if the event has no personal part.
ALTER TABLE events
    ADD COLUMN personal bytea,
    ADD CONSTRAINT events_personal CHECK (get_byte(personal, 0) IN (34, 42));

-- An event changes in one way only: its personal part gives way to its digest. Whoever tries, the
-- leaf of the event stays what it was.
CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.journal_id = OLD.journal_id AND NEW.sequence = OLD.sequence
       AND NEW.recorded_at = OLD.recorded_at AND NEW.type = OLD.type AND NEW.payload = OLD.payload
       AND get_byte(OLD.personal, 0) = 34
       AND NEW.personal = '\x2a20'::bytea || sha256(OLD.personal)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'append_only';
END $$;
DROP TRIGGER events_append_only ON events;
CREATE TRIGGER events_append_only BEFORE UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_event_change();
CREATE TRIGGER events_keep BEFORE DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Answers hold copies of accounts' personal data. To take them out, whoever erases must know what
-- an answer is, and what made its request the same but for its personal fields.
ALTER TABLE requests
    -- Full name of the answer's message; empty for answers kept before there was this column.
    ADD COLUMN answer text NOT NULL DEFAULT '',
    -- As `fingerprint`, of the request without its personal fields.
    ADD COLUMN open_fingerprint bytea NOT NULL DEFAULT '',
    ADD COLUMN erased boolean NOT NULL DEFAULT false;

-- A kept answer changes in one way only: to a shorter one, without personal data. From then on its request
-- is told by its open fields alone, as the other digest would give the personal ones away.
CREATE FUNCTION refuse_request_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.journal_id = OLD.journal_id AND NEW.request_id = OLD.request_id
       AND NEW.created_at = OLD.created_at AND NEW.answer = OLD.answer
       AND NEW.open_fingerprint = OLD.open_fingerprint
       AND NEW.erased AND NEW.fingerprint = OLD.open_fingerprint
       AND octet_length(NEW.response) <= octet_length(OLD.response)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'append_only';
END $$;
DROP TRIGGER requests_append_only ON requests;
CREATE TRIGGER requests_append_only BEFORE UPDATE ON requests
    FOR EACH ROW EXECUTE FUNCTION refuse_request_change();
CREATE TRIGGER requests_keep BEFORE DELETE ON requests
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The tree of RFC 6962 over a journal's events, 8 levels a row. Only what is full and can never
-- change is kept: the tile of level 0 with index i has the hashes of leaves 256 i to 256 i + 255,
-- that of level l the roots of 256 tiles of the level below. The rest of the right edge is
-- computed from the events when it is asked for.
CREATE TABLE merkle_tiles (
    journal_id integer  NOT NULL,
    level      smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    tile_index bigint   NOT NULL CHECK (tile_index >= 0),
    root       bytea    NOT NULL CHECK (octet_length(root) = 32),
    -- 256 of 32 bytes each. Hashes do not compress, so nothing tries.
    hashes     bytea    NOT NULL CHECK (octet_length(hashes) = 8192),
    CONSTRAINT merkle_tiles_pkey PRIMARY KEY (journal_id, level, tile_index)
);
ALTER TABLE merkle_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- What was signed. A tree of one size has one root, so also one checkpoint.
CREATE TABLE checkpoints (
    journal_id   integer     NOT NULL,
    size         bigint      NOT NULL CHECK (size >= 1),
    root         bytea       NOT NULL CHECK (octet_length(root) = 32),
    -- The signed note, in the form of C2SP tlog-checkpoint.
    note         text        NOT NULL,
    -- Of its signature: servers without a key hand out what others signed.
    verifier_key text        NOT NULL,
    signed_at    timestamptz NOT NULL,
    CONSTRAINT checkpoints_pkey PRIMARY KEY (journal_id, size)
);

-- Erases the personal parts of events and returns the sequences of those that had one. The caller
-- holds the journal's head and records the erasure as an event of its own. Servers may not update
-- events themselves; this runs as the owner, and the trigger above lets nothing else through.
DO $$
BEGIN
    EXECUTE format($function$
        CREATE FUNCTION erase_personal_parts(of_journal integer, of_sequences bigint[])
        RETURNS SETOF bigint LANGUAGE sql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
            UPDATE %1$I.events
               SET personal = '\x2a20'::bytea || sha256(personal)
             WHERE journal_id = of_journal AND sequence = ANY (of_sequences)
               AND get_byte(personal, 0) = 34
            RETURNING sequence
        $body$
    $function$, current_schema());
    -- Replaces a kept answer by the same without personal data; see the trigger on requests.
    EXECUTE format($function$
        CREATE FUNCTION erase_personal_answer(of_journal integer, of_request text, open_answer bytea)
        RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
            UPDATE %1$I.requests
               SET response = open_answer, fingerprint = open_fingerprint, erased = true
             WHERE journal_id = of_journal AND request_id = of_request
        $body$
    $function$, current_schema());
END $$;
REVOKE ALL ON FUNCTION erase_personal_parts FROM PUBLIC;
REVOKE ALL ON FUNCTION erase_personal_answer FROM PUBLIC;

DO $$
DECLARE
    fact text;
BEGIN
    FOREACH fact IN ARRAY ARRAY['merkle_tiles', 'checkpoints']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
            fact || '_append_only', fact);
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
            fact || '_no_truncate', fact);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        GRANT SELECT, INSERT ON merkle_tiles, checkpoints TO ledger_runtime;
        GRANT EXECUTE ON FUNCTION erase_personal_parts, erase_personal_answer TO ledger_runtime;
    END IF;
END $$;
