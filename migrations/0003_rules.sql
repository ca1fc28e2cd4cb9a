-- migrate:up
-- Holds, reversals, periods, limits.

-- Whether captures and releases of holds placed before a lock may still post.
ALTER TABLE accounts
    ADD COLUMN lock_allows_hold_ends boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT accounts_lock CHECK (status = 2 OR NOT lock_allows_hold_ends);

-- Money promised. The transaction that placed it has the same id.
CREATE TABLE holds (
    journal_id integer     NOT NULL,
    id         uuid        NOT NULL,
    -- Of the transaction that placed it.
    sequence   bigint      NOT NULL,
    -- 1 OPEN, 2 CAPTURED, 3 RELEASED, 4 EXPIRED
    status     smallint    NOT NULL CHECK (status BETWEEN 1 AND 4),
    expire_at  timestamptz,
    placed_at  timestamptz NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (journal_id, id)
) WITH (fillfactor = 80);
CREATE INDEX holds_placed ON holds (journal_id, sequence);
-- What the sweeper looks through: open holds with an end.
CREATE INDEX holds_expiring ON holds (journal_id, expire_at) WHERE status = 1 AND expire_at IS NOT NULL;

CREATE TABLE hold_entries (
    journal_id integer  NOT NULL,
    hold_id    uuid     NOT NULL,
    position   smallint NOT NULL CHECK (position >= 0),
    account_id uuid     NOT NULL,
    currency   text     COLLATE "C" NOT NULL,
    direction  smallint NOT NULL CHECK (direction IN (1, 2)),
    -- The order of the sequence of the hold, for lists by account.
    sequence   bigint   NOT NULL,
    placed     numeric  NOT NULL CHECK (placed > 0 AND placed < 1e38),
    captured   numeric  NOT NULL DEFAULT 0 CHECK (captured >= 0 AND captured < 1e38),
    released   numeric  NOT NULL DEFAULT 0 CHECK (released >= 0 AND released < 1e38),
    CONSTRAINT hold_entries_sum CHECK (captured + released <= placed),
    PRIMARY KEY (journal_id, hold_id, position)
) WITH (fillfactor = 80);
CREATE INDEX hold_entries_account ON hold_entries (journal_id, account_id, sequence);

-- One hold ends exactly once, and what it promised never changes.
CREATE FUNCTION check_hold_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 1 THEN
        RAISE EXCEPTION 'hold % has ended', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hold_ends_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER holds_end_once BEFORE UPDATE ON holds
    FOR EACH ROW EXECUTE FUNCTION check_hold_change();
CREATE FUNCTION check_hold_entry_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.captured < OLD.captured OR NEW.released < OLD.released THEN
        RAISE EXCEPTION 'hold %: captured and released never fall', OLD.hold_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hold_entries_monotone';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_entries_monotone BEFORE UPDATE ON hold_entries
    FOR EACH ROW EXECUTE FUNCTION check_hold_entry_change();
CREATE TRIGGER holds_keep BEFORE DELETE ON holds
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_entries_keep BEFORE DELETE ON hold_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Which transactions take which back.
CREATE TABLE reversals (
    journal_id     integer NOT NULL,
    -- The reversal.
    id             uuid    NOT NULL,
    transaction_id uuid    NOT NULL,
    sequence       bigint  NOT NULL,
    PRIMARY KEY (journal_id, id)
);
CREATE INDEX reversals_transaction ON reversals (journal_id, transaction_id, sequence);

-- How much of each entry has been taken back; no row while nothing has.
CREATE TABLE reversed_entries (
    journal_id     integer  NOT NULL,
    transaction_id uuid     NOT NULL,
    position       smallint NOT NULL CHECK (position >= 0),
    units          numeric  NOT NULL CHECK (units > 0 AND units < 1e38),
    reversed       numeric  NOT NULL CHECK (reversed >= 0 AND reversed <= units),
    PRIMARY KEY (journal_id, transaction_id, position)
);

-- What was taken back never comes again by itself.
CREATE FUNCTION check_reversed_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.reversed < OLD.reversed OR NEW.units <> OLD.units THEN
        RAISE EXCEPTION 'transaction %: what is reversed never falls', OLD.transaction_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversed_entries_monotone';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reversed_entries_monotone BEFORE UPDATE ON reversed_entries
    FOR EACH ROW EXECUTE FUNCTION check_reversed_change();
CREATE TRIGGER reversed_entries_keep BEFORE DELETE ON reversed_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Every change of which days are closed; the last one is in force.
CREATE TABLE periods (
    journal_id     integer     NOT NULL REFERENCES journals,
    sequence       bigint      NOT NULL,
    closed_through date,
    locked_through date,
    changed_at     timestamptz NOT NULL,
    actor          text        NOT NULL,
    reason         text        NOT NULL,
    PRIMARY KEY (journal_id, sequence),
    -- What is closed is locked too.
    CONSTRAINT periods_order
        CHECK (closed_through IS NULL OR coalesce(locked_through >= closed_through, false))
);

CREATE TABLE limits (
    journal_id      integer     NOT NULL REFERENCES journals,
    code            text        COLLATE "C" NOT NULL CHECK (char_length(code) BETWEEN 1 AND 64),
    name            text        NOT NULL,
    currency        text        COLLATE "C" NOT NULL,
    -- 1 standing, 2 velocity
    kind            smallint    NOT NULL CHECK (kind IN (1, 2)),
    -- Least available balance, or most that moves in a window.
    bound           numeric     NOT NULL CHECK (bound > -1e38 AND bound < 1e38),
    -- Of velocity limits: side, 1 GROSS or 2 NET, window 1 DAY 2 WEEK 3 MONTH 4 ROLLING 5 LIFE.
    direction       smallint    CHECK (direction IN (1, 2)),
    measure         smallint    CHECK (measure IN (1, 2)),
    time_window     smallint    CHECK (time_window BETWEEN 1 AND 5),
    rolling_seconds integer     CHECK (rolling_seconds BETWEEN 1 AND 31622400),
    condition       text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    CONSTRAINT limits_pkey PRIMARY KEY (journal_id, code),
    FOREIGN KEY (journal_id, currency) REFERENCES currencies,
    CHECK (kind = 1 OR bound >= 0),
    CHECK (kind = 2 OR condition = ''),
    CHECK ((kind = 2) = (direction IS NOT NULL AND measure IS NOT NULL AND time_window IS NOT NULL)),
    CHECK ((time_window IS NOT DISTINCT FROM 4) = (rolling_seconds IS NOT NULL))
);

-- What a limit binds: an account, or a set (1 each account of it, 2 the whole of it).
CREATE TABLE limit_accounts (
    journal_id integer NOT NULL,
    limit_code text    COLLATE "C" NOT NULL,
    account_id uuid    NOT NULL,
    PRIMARY KEY (journal_id, limit_code, account_id),
    FOREIGN KEY (journal_id, limit_code) REFERENCES limits,
    FOREIGN KEY (journal_id, account_id) REFERENCES accounts
);
CREATE INDEX limit_accounts_account ON limit_accounts (journal_id, account_id);
CREATE TABLE limit_sets (
    journal_id integer  NOT NULL,
    limit_code text     COLLATE "C" NOT NULL,
    set_id     uuid     NOT NULL,
    scope      smallint NOT NULL CHECK (scope IN (1, 2)),
    PRIMARY KEY (journal_id, limit_code, set_id),
    FOREIGN KEY (journal_id, limit_code) REFERENCES limits,
    FOREIGN KEY (journal_id, set_id) REFERENCES account_sets
);
CREATE INDEX limit_sets_set ON limit_sets (journal_id, set_id);

-- What velocity limits count, an entry and limit a row, from the first posting on after a limit
-- came to bind an account; what came before is counted into `limit_starts` then. Written and read
-- under the lock of the balance.
CREATE TABLE limit_movements (
    journal_id integer     NOT NULL,
    limit_code text        COLLATE "C" NOT NULL,
    account_id uuid        NOT NULL,
    -- When it counts from: that of the posting; for what a hold gives back, that of the placing.
    counted_at timestamptz NOT NULL,
    sequence   bigint      NOT NULL,
    -- Negative for what came in under NET, and for what a hold gave back.
    units      numeric     NOT NULL CHECK (units > -1e38 AND units < 1e38)
);
CREATE INDEX limit_movements_window
    ON limit_movements (journal_id, limit_code, account_id, counted_at) INCLUDE (units);
-- Up to which sequence an account's past was counted for a limit.
CREATE TABLE limit_starts (
    journal_id integer NOT NULL,
    limit_code text    COLLATE "C" NOT NULL,
    account_id uuid    NOT NULL,
    PRIMARY KEY (journal_id, limit_code, account_id)
);

-- The balance of a set that a limit binds as a whole: the sum of its accounts, kept under its own
-- lock, which comes after those of balances, in key order. It is made anew when the configuration
-- version at which the set or its limits changed last is newer than its own.
CREATE TABLE set_balances (
    journal_id     integer NOT NULL,
    set_id         uuid    NOT NULL,
    currency       text    COLLATE "C" NOT NULL,
    config_version bigint  NOT NULL,
    settled_debit  numeric NOT NULL CHECK (settled_debit >= 0 AND settled_debit < 1e60),
    settled_credit numeric NOT NULL CHECK (settled_credit >= 0 AND settled_credit < 1e60),
    held_debit     numeric NOT NULL CHECK (held_debit >= 0 AND held_debit < 1e60),
    held_credit    numeric NOT NULL CHECK (held_credit >= 0 AND held_credit < 1e60),
    PRIMARY KEY (journal_id, set_id, currency)
) WITH (fillfactor = 50);

DO $$
DECLARE
    fact text;
BEGIN
    FOREACH fact IN ARRAY ARRAY['reversals', 'periods']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
            fact || '_append_only', fact);
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
            fact || '_no_truncate', fact);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_runtime') THEN
        GRANT SELECT, INSERT ON holds, hold_entries, reversals, reversed_entries, periods, limits,
            limit_accounts, limit_sets, limit_movements, limit_starts, set_balances
            TO ledger_runtime;
        GRANT UPDATE (lock_allows_hold_ends) ON accounts TO ledger_runtime;
        GRANT UPDATE (status) ON holds TO ledger_runtime;
        GRANT UPDATE (captured, released) ON hold_entries TO ledger_runtime;
        GRANT UPDATE (reversed) ON reversed_entries TO ledger_runtime;
        GRANT UPDATE (name, bound) ON limits TO ledger_runtime;
        GRANT UPDATE (scope) ON limit_sets TO ledger_runtime;
        GRANT UPDATE ON set_balances TO ledger_runtime;
        GRANT DELETE ON limit_accounts, limit_sets, limit_movements, limit_starts, set_balances
            TO ledger_runtime;
    END IF;
END $$;
