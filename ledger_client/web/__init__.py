"""The page for accountants: a client of the API like any other, rendered on the server.

`pages/` has one module a subject, each a handful of functions from a request to a response; what
they show are sheets (`ledger_client.documents`) in the templates of `html/`. Reading works without
JavaScript; every filter stands in the address. Needs the extra `web`.
"""
