"""`ledgerctl bank`: commands to the banking modules, made from their contract.

Every RPC is a command, and every field of its request an option; so a new RPC needs nothing here.
"""
