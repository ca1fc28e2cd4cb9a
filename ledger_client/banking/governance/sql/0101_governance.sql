-- Processes that have not ended: what a committee still has to decide, and when time decides.
-- A row goes with the process's last event.
CREATE TABLE open_processes (
    process_id   uuid        PRIMARY KEY REFERENCES entities DEFERRABLE INITIALLY DEFERRED,
    tenant       text        NOT NULL,
    committee_id uuid        NOT NULL REFERENCES entities,
    process_type text        NOT NULL,
    -- NULL for never.
    expires_at   timestamptz,
    -- The order in which they started.
    number       bigint      GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX open_processes_of_committee ON open_processes (committee_id, number);
CREATE INDEX open_processes_by_expiry ON open_processes (tenant, expires_at)
    WHERE expires_at IS NOT NULL;
