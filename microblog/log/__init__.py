"""Writing the log: the catalogue of events, the chain that every record goes through, the file, the counts."""
