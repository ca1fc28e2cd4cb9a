"""Banking modules: clients of the ledger, each with an API, a database and events of its own.

`foundation` is what all of them stand on, `publishing` brings their events to brokers. A module is
a folder; all have the same file names:

- `module`       what the module consists of: services, entities, events, what it follows
- `permissions`  what each RPC needs
- `settings`     what a tenant may set
- `errors`       its refusals
- `rules`        entities as folds of stored events, and what may happen to them: pure
- `events`       its domain events, which are part of its API
- `service`      commands and queries
- `api`          from the contract's messages to them and back
- `reactions`    what it does about outcomes of the ledger, other modules' events and time
"""
