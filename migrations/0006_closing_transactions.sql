-- migrate:up
-- Which transactions close the books of a fiscal year: they move revenue and expense to equity, so
-- reports can leave them out. A transaction that takes one back needs no row: it is found through
-- `reversals`.
CREATE TABLE closing_transactions (
    journal_id integer NOT NULL REFERENCES journals,
    sequence   bigint  NOT NULL,
    PRIMARY KEY (journal_id, sequence)
);

CREATE TRIGGER closing_transactions_append_only BEFORE UPDATE OR DELETE ON closing_transactions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closing_transactions_no_truncate BEFORE TRUNCATE ON closing_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        GRANT SELECT, INSERT ON closing_transactions TO ledger_runtime;
    END IF;
END $$;
