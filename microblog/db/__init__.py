"""The database: how it is opened and locked, whether its tables fit, and the words that search knows."""
