"""Which tests run on which database.

Every test of the site runs on SQLite. On PostgreSQL run those about SQL that differs between the two, about locks and
about constraints: here, and nowhere else, it is said which these are. `manage.py test --both` runs all on both.
"""

import pytest

BOTH = {
    "models": "migrations, names that must be unique, counts that two write at once",
    "search": "two indexes, written in two languages",
    "posts/test_conversation.py": "a tree is one recursive statement",
    "posts/test_home.py": "timelines are keyset pages over several tables",
    "posts/test_marks.py": "a mark is an insert that may meet another one",
    "posts/test_otherwise.py": "what changed since a moment, to the microsecond",
    "posts/test_edit.py": "versions are kept under a lock",
    "posts/test_delete.py": "rows that others refer to",
    "relations": "pairs that must be unique, and rows that two people write at once",
    "moderation": "reports and decisions meet each other",
    "notifications": "counted and read by an upsert",
    "feeds": "times as text",
    "people/test_edit_field.py": "versions of a row, and names that must be unique",
    "people/test_out_of_sight.py": "every list with every block",
    "people/test_long_values.py": "PostgreSQL's columns have a length, SQLite's have none",
    "web/test_once.py": "claims meet each other at a unique key",
    "web/test_numbers.py": "PostgreSQL's numbers have a size, SQLite's have none",
    "web/test_pages.py": "page two of each list, and numbers beyond those of PostgreSQL",
    "web/test_readyz.py": "each database is asked in its own way",
    "auth/test_register.py": "two that want one name",
    "admin/test_access.py": "every page of the administrators",
    "cli/test_demo.py": "bulk loads differ",
    "cli/test_logs_forget.py": "statements of their own",
    "cli/test_posts.py": "statements of their own",
    "errors/test_near_misses.py": "errors that the database raises",
    "faults/test_hostile_text.py": "PostgreSQL refuses characters that SQLite takes",
    "faults/test_locked.py": "locks",
    "faults/test_lost_updates.py": "locks",
    "faults/test_two_tabs.py": "locks",
    "faults/test_one_name.py": "locks",
    "faults/test_migrations_behind.py": "migrations",
    "faults/test_postgresql_gone.py": "connections",
    "faults/test_wrong_passwords.py": "counts that many write at once",
    "faults/test_migrations_with_data.py": "migrations",
    "faults/test_backup.py": "dumps",
    "faults/test_two_backups_at_once.py": "dumps",
    "faults/test_in_between.py": "a commit between two statements of another",
    "faults/test_once.py": "a commit between two statements of another",
    "faults/test_what_members_do.py": "members meet each other",
    "web/test_lists.py": "every list asks its own index",
}
"""Folders and files below tests/, and why."""


def kinds(metafunc: pytest.Metafunc) -> list[str]:
    """The databases that this test runs on."""
    if metafunc.definition.get_closest_marker("sqlite_only"):
        return ["sqlite"]
    if metafunc.definition.get_closest_marker("postgresql_only"):
        return ["postgresql"]
    place = metafunc.definition.nodeid.removeprefix("tests/").partition("::")[0]
    both = place in BOTH or place.partition("/")[0] in BOTH or metafunc.config.getoption("--both")
    return ["sqlite", "postgresql"] if both else ["sqlite"]
