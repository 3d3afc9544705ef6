"""Backups: one file that holds the database and the pictures, made while the site runs; and the way back."""


class BackupFailed(Exception):
    """No backup was made, or nothing was restored; the text is one sentence that says what to do."""
