"""Programs on the core in its harness, and the check of each instruction against the oracle."""
