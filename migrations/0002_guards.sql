-- migrate:up
-- What the database itself refuses, whoever asks.

-- Facts are append-only.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'append_only';
END $$;

DO $$
DECLARE
    fact text;
BEGIN
    FOREACH fact IN ARRAY ARRAY['events', 'transactions', 'entries', 'tx_templates', 'currencies', 'requests']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
            fact || '_append_only', fact);
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
            fact || '_no_truncate', fact);
    END LOOP;
END $$;

-- All entries of a transaction are inserted by one statement, so one look at the rows of the
-- statement tells whether every transaction in it balances in each layer and currency. The same
-- look holds each amount against the decimals of its currency.
CREATE FUNCTION check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT journal_id, sequence, layer, currency,
           sum(units) FILTER (WHERE direction = 1) AS debits,
           sum(units) FILTER (WHERE direction = 2) AS credits
      INTO wrong
      FROM inserted
     GROUP BY journal_id, sequence, layer, currency
    HAVING sum(CASE direction WHEN 1 THEN units ELSE -units END) <> 0
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % sequence % layer % %: debits % <> credits %',
            wrong.journal_id, wrong.sequence, wrong.layer, wrong.currency,
            coalesce(wrong.debits, 0), coalesce(wrong.credits, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_balance';
    END IF;
    SELECT inserted.journal_id, inserted.sequence, inserted.units, inserted.currency
      INTO wrong
      FROM inserted
      LEFT JOIN currencies
        ON currencies.journal_id = inserted.journal_id AND currencies.code = inserted.currency
     WHERE currencies.exponent IS NULL OR scale(trim_scale(inserted.units)) > currencies.exponent
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal % sequence %: % % has more decimals than its currency',
            wrong.journal_id, wrong.sequence, wrong.units, wrong.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_scale';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entries_check AFTER INSERT ON entries
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION check_entries();

-- A set may not come to contain itself. Callers hold the journal's head, so no two such inserts
-- run at once and neither can miss the other.
CREATE FUNCTION check_set_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        WITH RECURSIVE below (id) AS (
            SELECT NEW.member_id
            UNION
            SELECT account_set_sets.member_id
              FROM below
              JOIN account_set_sets
                ON account_set_sets.journal_id = NEW.journal_id AND account_set_sets.set_id = below.id
        )
        SELECT FROM below WHERE id = NEW.set_id
    ) THEN
        RAISE EXCEPTION 'account set % would contain itself', NEW.set_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_set_cycle';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER account_set_sets_cycle BEFORE INSERT OR UPDATE ON account_set_sets
    FOR EACH ROW EXECUTE FUNCTION check_set_cycle();

-- The role that servers run as: it adds facts and changes state, and cannot change facts. Where
-- the migrating user may not create roles, servers run as that user and the triggers alone guard.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        BEGIN
            CREATE ROLE ledger_runtime NOLOGIN;
        EXCEPTION
            -- Another database of this cluster may be creating it at this moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role ledger_runtime not created: % may not create roles', current_user;
                RETURN;
        END;
    END IF;
    -- From PostgreSQL 16 on, who creates a role is its member, and still may not become it.
    IF NOT pg_has_role(current_user, 'ledger_runtime', CASE
        WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER'
    END) THEN
        BEGIN
            EXECUTE format('GRANT ledger_runtime TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'role ledger_runtime not granted to %', current_user;
        END;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO ledger_runtime', current_schema());
    GRANT SELECT ON ledger_secrets, schema_migrations TO ledger_runtime;
    GRANT SELECT, INSERT ON journals, currencies, accounts, account_sets, account_set_accounts,
        account_set_sets, tx_templates, requests, events, transactions, entries, balances, daily_sums,
        journal_heads TO ledger_runtime;
    GRANT UPDATE ON journal_heads, balances, daily_sums TO ledger_runtime;
    GRANT UPDATE (name, metadata, status, config_version) ON accounts TO ledger_runtime;
    GRANT DELETE ON account_set_accounts, account_set_sets TO ledger_runtime;
END $$;
