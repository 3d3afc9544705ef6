"""Developers' tools, never imported in production: faults on demand, the debugger, a community to look at."""
