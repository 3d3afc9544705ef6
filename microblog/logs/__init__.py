"""Structured logs: the chain, the file, the catalogue of events, the alerts by mail."""
