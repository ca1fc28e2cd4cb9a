"""Governance: committees vote on approval processes, by a policy for each type of process."""
