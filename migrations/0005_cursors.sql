-- migrate:up
-- How far followers of journals have come, and who is at work. Not facts: rows change in place.

CREATE TABLE cursors (
    journal_id      integer     NOT NULL REFERENCES journals (id),
    name            text        COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    position        bigint      NOT NULL CHECK (position >= 0),
    -- Names the holding; grows with each new one and each end of one, so that an old one is known.
    token           bigint      NOT NULL CHECK (token >= 0),
    -- For people; empty if nobody holds it.
    holder          text        NOT NULL,
    -- NULL if nobody holds it. In the past, it may be taken; until it is, its holder may go on.
    lease_expire_at timestamptz,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT cursors_pkey PRIMARY KEY (journal_id, name)
) WITH (fillfactor = 50);

-- An old holder can never move a cursor that another has taken since.
CREATE FUNCTION check_cursor_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.token < OLD.token THEN
        RAISE EXCEPTION 'cursor %: token % is behind %', OLD.name, NEW.token, OLD.token
            USING ERRCODE = 'check_violation', CONSTRAINT = 'cursors_token_monotone';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cursors_fence BEFORE UPDATE ON cursors
    FOR EACH ROW EXECUTE FUNCTION check_cursor_change();

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        GRANT SELECT, INSERT ON cursors TO ledger_runtime;
        GRANT UPDATE (position, token, holder, lease_expire_at, updated_at) ON cursors
            TO ledger_runtime;
    END IF;
END $$;
