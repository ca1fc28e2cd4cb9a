"""What every banking module stands on; see docs/banking/modules.md."""
