"""The digits demo: a small quantised network, its data, and its image in memory."""
