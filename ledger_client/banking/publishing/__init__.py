"""Brings the domain events of modules to brokers, with the publisher that journals have."""
