-- What the module customer looks things up by, beside its entities.

-- One row a customer: what lists filter by, and when the customer was last active. The activity is
-- here and in no entity, since it moves with every deposit and a customer's history must not.
CREATE TABLE customers (
    customer_id      uuid        PRIMARY KEY,
    tenant           text        NOT NULL,
    -- The order in which they came to be.
    number           bigint      GENERATED ALWAYS AS IDENTITY,
    customer_type    text        NOT NULL,
    kyc_verification text        NOT NULL,
    activity         text        NOT NULL,
    last_activity_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX customers_by_number ON customers (tenant, number);
CREATE INDEX customers_by_verification ON customers (tenant, kyc_verification, number);
CREATE INDEX customers_by_type ON customers (tenant, customer_type, number);
CREATE INDEX customers_by_activity ON customers (tenant, activity, last_activity_at);

-- Whose deposit accounts are, as the module deposit told.
CREATE TABLE account_holders (
    tenant             text NOT NULL,
    deposit_account_id uuid NOT NULL,
    customer_id        uuid NOT NULL,
    PRIMARY KEY (tenant, deposit_account_id)
);

-- The bytes of what the provider sent, and when to look at them. A row is there only if the
-- signature was right.
CREATE TABLE webhook_inbox (
    delivery_id uuid        PRIMARY KEY,
    tenant      text        NOT NULL,
    body        bytea       NOT NULL,
    -- NULL: nothing is to be done with it.
    due_at      timestamptz,
    -- Applied or ignored, so that the bytes may go.
    settled_at  timestamptz
);
CREATE INDEX webhook_inbox_due ON webhook_inbox (tenant, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_inbox_settled ON webhook_inbox (tenant, settled_at)
    WHERE settled_at IS NOT NULL;

-- Where documents of a tenant are stored. It is random and so no other bank's, though it have a
-- tenant of the same name and share the storage: what is there and not on record here is deleted.
CREATE TABLE document_folders (
    tenant text PRIMARY KEY,
    folder uuid NOT NULL DEFAULT gen_random_uuid()
);

-- Ends of day whose work is not done yet.
CREATE TABLE ended_days (
    tenant          text        NOT NULL,
    day             date        NOT NULL,
    closing_time    timestamptz NOT NULL,
    -- Whether all customers are in their classes.
    is_classified   boolean     NOT NULL DEFAULT false,
    -- Stored documents up to this name were looked at.
    swept_up_to     text        NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, day)
);
