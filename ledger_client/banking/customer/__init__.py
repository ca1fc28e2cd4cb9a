"""Customers of the bank: identity, verification, documents, activity."""
