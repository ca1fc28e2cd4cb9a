-- migrate:up
-- The books. Every table's key starts with journal_id, the unit of tenancy and of sharding.
-- Layers are 1 SETTLED, 2 PENDING, 3 ENCUMBRANCE; directions 1 DEBIT, 2 CREDIT.
-- Codes compare by code point (COLLATE "C"), so that lists have one order on every server.

-- Secrets of this database that all servers on it share.
CREATE TABLE ledger_secrets (
    name  text  PRIMARY KEY,
    value bytea NOT NULL
);
INSERT INTO ledger_secrets (name, value)
VALUES ('page_token_key', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

CREATE TABLE journals (
    -- Internal: 4 bytes in every row and index entry where the public id would take 16.
    id         integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id  uuid        NOT NULL CONSTRAINT journals_public_id_key UNIQUE,
    code       text        COLLATE "C" NOT NULL CONSTRAINT journals_code_key UNIQUE,
    name       text        NOT NULL,
    time_zone  text        NOT NULL,
    created_at timestamptz NOT NULL
);

-- The row that orders a journal: whoever commits events holds it until the commit, so that
-- sequences are gap-free in commit order. It is the last lock of a posting and the first and only
-- lock of a change of configuration. Updated at each batch: room on its page keeps it HOT.
CREATE TABLE journal_heads (
    journal_id     integer     PRIMARY KEY REFERENCES journals,
    sequence       bigint      NOT NULL CHECK (sequence >= 0),
    recorded_at    timestamptz NOT NULL,
    -- Grows with every change that a server may have cached: status, templates, currencies.
    config_version bigint      NOT NULL CHECK (config_version >= 1)
) WITH (fillfactor = 10);

CREATE TABLE currencies (
    journal_id integer  NOT NULL REFERENCES journals,
    code       text     COLLATE "C" NOT NULL CHECK (code ~ '^[A-Z][A-Z0-9._-]{0,15}$'),
    exponent   smallint NOT NULL CHECK (exponent BETWEEN 0 AND 18),
    PRIMARY KEY (journal_id, code)
);

CREATE TABLE accounts (
    journal_id     integer     NOT NULL REFERENCES journals,
    id             uuid        NOT NULL,
    code           text        COLLATE "C" NOT NULL CHECK (char_length(code) BETWEEN 1 AND 255),
    name           text        NOT NULL,
    normal_side    smallint    NOT NULL CHECK (normal_side IN (1, 2)),
    -- 1 ACTIVE, 2 LOCKED, 3 CLOSED
    status         smallint    NOT NULL CHECK (status IN (1, 2, 3)),
    metadata       jsonb       NOT NULL,
    created_at     timestamptz NOT NULL,
    -- The configuration version that changed it last, 0 if none did since it was created.
    config_version bigint      NOT NULL DEFAULT 0,
    CONSTRAINT accounts_pkey PRIMARY KEY (journal_id, id),
    CONSTRAINT accounts_code_key UNIQUE (journal_id, code)
);
-- What a server that is behind has to read again. Accounts rarely change, so it is small.
CREATE INDEX accounts_changed ON accounts (journal_id, config_version) WHERE config_version > 0;

CREATE TABLE account_sets (
    journal_id  integer     NOT NULL REFERENCES journals,
    id          uuid        NOT NULL,
    code        text        COLLATE "C" NOT NULL CHECK (char_length(code) BETWEEN 1 AND 255),
    name        text        NOT NULL,
    -- 0 inherits, 1 ASSET, 2 LIABILITY, 3 EQUITY, 4 REVENUE, 5 EXPENSE, 6 OFF_BALANCE
    category    smallint    NOT NULL CHECK (category BETWEEN 0 AND 6),
    normal_side smallint    NOT NULL CHECK (normal_side IN (0, 1, 2)),
    metadata    jsonb       NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT account_sets_pkey PRIMARY KEY (journal_id, id),
    CONSTRAINT account_sets_code_key UNIQUE (journal_id, code)
);

CREATE TABLE account_set_accounts (
    journal_id integer NOT NULL,
    set_id     uuid    NOT NULL,
    account_id uuid    NOT NULL,
    PRIMARY KEY (journal_id, set_id, account_id),
    FOREIGN KEY (journal_id, set_id) REFERENCES account_sets,
    FOREIGN KEY (journal_id, account_id) REFERENCES accounts
);
CREATE INDEX account_set_accounts_reverse ON account_set_accounts (journal_id, account_id);

CREATE TABLE account_set_sets (
    journal_id integer NOT NULL,
    set_id     uuid    NOT NULL,
    member_id  uuid    NOT NULL,
    PRIMARY KEY (journal_id, set_id, member_id),
    FOREIGN KEY (journal_id, set_id) REFERENCES account_sets,
    FOREIGN KEY (journal_id, member_id) REFERENCES account_sets
);
CREATE INDEX account_set_sets_reverse ON account_set_sets (journal_id, member_id);

CREATE TABLE tx_templates (
    journal_id integer     NOT NULL REFERENCES journals,
    code       text        COLLATE "C" NOT NULL CHECK (char_length(code) BETWEEN 1 AND 64),
    version    integer     NOT NULL CHECK (version >= 1),
    -- The ledger.v1.TxTemplate as created, serialised.
    definition bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (journal_id, code, version)
);

-- Answers to mutations that carried a request_id. Journal 0 holds those that create journals.
CREATE TABLE requests (
    journal_id  integer     NOT NULL,
    request_id  text        COLLATE "C" NOT NULL CHECK (char_length(request_id) BETWEEN 1 AND 64),
    -- SHA-256 of the method and the request as parsed.
    fingerprint bytea       NOT NULL,
    response    bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT requests_pkey PRIMARY KEY (journal_id, request_id)
);

-- Every fact of a journal, once, in order. Who writes one has locked the journal's head, so a
-- foreign key would look up for each row what is known.
CREATE TABLE events (
    journal_id  integer     NOT NULL,
    sequence    bigint      NOT NULL CHECK (sequence >= 1),
    recorded_at timestamptz NOT NULL,
    -- Number of the field of ledger.v1.Event that is set.
    type        smallint    NOT NULL,
    -- The ledger.v1.Event, serialised, without sequence and record_time.
    payload     bytea       NOT NULL,
    PRIMARY KEY (journal_id, sequence)
);
-- All but those with a transaction (types 21 to 29): what a report of an earlier position has to
-- take back.
CREATE INDEX events_configuration ON events (journal_id, sequence) WHERE type NOT BETWEEN 21 AND 29;

-- Where to find a transaction; all of it is in its event.
CREATE TABLE transactions (
    journal_id     integer NOT NULL,
    id             uuid    NOT NULL,
    sequence       bigint  NOT NULL,
    effective      date    NOT NULL,
    external_id    text    COLLATE "C" CHECK (char_length(external_id) BETWEEN 1 AND 255),
    correlation_id text    COLLATE "C" CHECK (char_length(correlation_id) BETWEEN 1 AND 255),
    CONSTRAINT transactions_pkey PRIMARY KEY (journal_id, id)
);
CREATE UNIQUE INDEX transactions_external_id_key
    ON transactions (journal_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX transactions_correlation
    ON transactions (journal_id, correlation_id, effective, sequence) WHERE correlation_id IS NOT NULL;
CREATE INDEX transactions_effective ON transactions (journal_id, effective, sequence);

CREATE TABLE entries (
    journal_id integer  NOT NULL,
    -- That of the transaction.
    sequence   bigint   NOT NULL,
    -- Counts from 0 within the transaction.
    position   smallint NOT NULL CHECK (position >= 0),
    layer      smallint NOT NULL CHECK (layer IN (1, 2, 3)),
    direction  smallint NOT NULL CHECK (direction IN (1, 2)),
    effective  date     NOT NULL,
    account_id uuid     NOT NULL,
    -- NaN and Infinity are above every number, so the upper bound keeps them out too.
    units      numeric  NOT NULL CHECK (units > 0 AND units < 1e38 AND scale(units) <= 18),
    currency   text     COLLATE "C" NOT NULL,
    PRIMARY KEY (journal_id, sequence, position)
);
CREATE INDEX entries_account ON entries (journal_id, account_id, effective, sequence);

-- The current balance of an account in a currency. Updated in place: no column that changes is
-- indexed and pages keep room, so an update is HOT and touches no index.
CREATE TABLE balances (
    journal_id         integer NOT NULL,
    account_id         uuid    NOT NULL,
    currency           text    COLLATE "C" NOT NULL,
    -- Counts the entries, over all layers.
    version            bigint  NOT NULL DEFAULT 0 CHECK (version >= 0),
    settled_debit      numeric NOT NULL DEFAULT 0 CHECK (settled_debit >= 0 AND settled_debit < 1e60),
    settled_credit     numeric NOT NULL DEFAULT 0 CHECK (settled_credit >= 0 AND settled_credit < 1e60),
    pending_debit      numeric NOT NULL DEFAULT 0 CHECK (pending_debit >= 0 AND pending_debit < 1e60),
    pending_credit     numeric NOT NULL DEFAULT 0 CHECK (pending_credit >= 0 AND pending_credit < 1e60),
    encumbrance_debit  numeric NOT NULL DEFAULT 0 CHECK (encumbrance_debit >= 0 AND encumbrance_debit < 1e60),
    encumbrance_credit numeric NOT NULL DEFAULT 0 CHECK (encumbrance_credit >= 0 AND encumbrance_credit < 1e60),
    -- What is left of open holds on each side.
    held_debit         numeric NOT NULL DEFAULT 0 CHECK (held_debit >= 0 AND held_debit < 1e60),
    held_credit        numeric NOT NULL DEFAULT 0 CHECK (held_credit >= 0 AND held_credit < 1e60),
    PRIMARY KEY (journal_id, account_id, currency),
    FOREIGN KEY (journal_id, account_id) REFERENCES accounts,
    FOREIGN KEY (journal_id, currency) REFERENCES currencies
) WITH (fillfactor = 50);

-- Sums of one effective day alone: a back-dated entry changes one row, and a balance as of any
-- date is a sum. Written only under the lock of the balance.
CREATE TABLE daily_sums (
    journal_id integer  NOT NULL,
    account_id uuid     NOT NULL,
    currency   text     COLLATE "C" NOT NULL,
    layer      smallint NOT NULL CHECK (layer IN (1, 2, 3)),
    day        date     NOT NULL,
    debit      numeric  NOT NULL CHECK (debit >= 0 AND debit < 1e60),
    credit     numeric  NOT NULL CHECK (credit >= 0 AND credit < 1e60),
    PRIMARY KEY (journal_id, account_id, currency, layer, day)
) WITH (fillfactor = 70);
