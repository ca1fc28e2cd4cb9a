-- migrate:up
-- Exchange rates: facts, the one that was recorded later corrects the one before it.
CREATE TABLE rates (
    journal_id   integer     NOT NULL REFERENCES journals,
    -- Of the event that recorded it.
    sequence     bigint      NOT NULL,
    base         text        COLLATE "C" NOT NULL,
    quote        text        COLLATE "C" NOT NULL,
    effective_at timestamptz NOT NULL,
    -- Units of quote for one of base. NaN is above every number, so the upper bound keeps it out.
    rate         numeric     NOT NULL CHECK (rate > 0 AND rate < 1e38 AND scale(rate) <= 24),
    source       text        COLLATE "C" NOT NULL CHECK (char_length(source) BETWEEN 1 AND 64),
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (journal_id, sequence),
    FOREIGN KEY (journal_id, base) REFERENCES currencies,
    FOREIGN KEY (journal_id, quote) REFERENCES currencies,
    CONSTRAINT rates_pair CHECK (base <> quote)
);
CREATE INDEX rates_in_force ON rates (journal_id, base, quote, effective_at, sequence);

CREATE TRIGGER rates_append_only BEFORE UPDATE OR DELETE ON rates
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rates_no_truncate BEFORE TRUNCATE ON rates
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        GRANT SELECT, INSERT ON rates TO ledger_runtime;
    END IF;
END $$;
