-- migrate:up
-- Fiscal years. Neither a year nor a change of it is ever changed; the last change is in force. That
-- years adjoin and do not overlap is checked under the journal's head.
CREATE TABLE fiscal_years (
    journal_id integer NOT NULL REFERENCES journals,
    code       text    COLLATE "C" NOT NULL CHECK (char_length(code) BETWEEN 1 AND 64),
    first_day  date    NOT NULL,
    last_day   date    NOT NULL,
    PRIMARY KEY (journal_id, code),
    CONSTRAINT fiscal_years_first_day UNIQUE (journal_id, first_day),
    CONSTRAINT fiscal_years_order CHECK (first_day <= last_day)
);

CREATE TABLE fiscal_year_changes (
    journal_id        integer     NOT NULL,
    -- Of the change's event.
    sequence          bigint      NOT NULL,
    code              text        COLLATE "C" NOT NULL,
    -- 1 OPEN, 2 CLOSED
    status            smallint    NOT NULL CHECK (status IN (1, 2)),
    -- Where the result goes; none if it was not named yet.
    retained_earnings uuid,
    changed_at        timestamptz NOT NULL,
    actor             text        NOT NULL,
    reason            text        NOT NULL,
    PRIMARY KEY (journal_id, sequence),
    FOREIGN KEY (journal_id, code) REFERENCES fiscal_years,
    FOREIGN KEY (journal_id, retained_earnings) REFERENCES accounts
);
CREATE INDEX fiscal_year_changes_year ON fiscal_year_changes (journal_id, code, sequence);

DO $$
DECLARE
    fact text;
BEGIN
    FOREACH fact IN ARRAY ARRAY['fiscal_years', 'fiscal_year_changes']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
            fact || '_append_only', fact);
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
            fact || '_no_truncate', fact);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        GRANT SELECT, INSERT ON fiscal_years, fiscal_year_changes TO ledger_runtime;
    END IF;
END $$;
