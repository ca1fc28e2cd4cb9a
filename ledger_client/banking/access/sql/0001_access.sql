-- What the gate asks: derived from users, roles and tokens in the transaction that changes them.

-- Goes up with every change of what follows. Whoever changes anything holds the row from before the
-- first look to the commit, so that changes of a tenant's policy come one after the other.
CREATE TABLE policy_versions (
    tenant  text   PRIMARY KEY,
    version bigint NOT NULL
);

-- Casbin's grouping: `user:<id>` has `role:<id>`, `role:<id>` has `set:<name>`. What is in a set is
-- the code's.
CREATE TABLE policy_rules (
    tenant    text NOT NULL,
    member    text NOT NULL,
    container text NOT NULL,
    PRIMARY KEY (tenant, member, container)
);
CREATE INDEX policy_rules_by_container ON policy_rules (tenant, container);

-- Users that are active, and what a JWT of theirs says.
CREATE TABLE policy_users (
    user_id          uuid PRIMARY KEY,
    tenant           text NOT NULL,
    email_key        text NOT NULL,
    -- Null for a user that is known by the address.
    external_subject text
);
CREATE UNIQUE INDEX policy_users_subject ON policy_users (tenant, external_subject);
CREATE INDEX policy_users_by_subject ON policy_users (external_subject);
CREATE INDEX policy_users_by_email ON policy_users (email_key);

-- Tokens that are not revoked, of active users. A token may be one of several tenants: that of the
-- option `admin_token`.
CREATE TABLE policy_tokens (
    -- SHA-256 of the text, in hexadecimal digits.
    digest     text NOT NULL,
    tenant     text NOT NULL,
    user_id    uuid NOT NULL REFERENCES policy_users,
    expires_at timestamptz,
    PRIMARY KEY (digest, tenant)
);
CREATE INDEX policy_tokens_by_user ON policy_tokens (user_id);
CREATE INDEX policy_tokens_by_tenant ON policy_tokens (tenant);
