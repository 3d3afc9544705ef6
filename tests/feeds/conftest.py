"""What the feeds show is made as for the search."""

from tests.search.conftest import change, said, statements

__all__ = ["change", "said", "statements"]
