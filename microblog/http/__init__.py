"""The request outside of Flask: reference, line in the log, headers, and the answer when all else fails."""
