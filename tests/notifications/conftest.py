"""Posts that tell somebody are written as for the posts."""

from tests.posts.conftest import write

__all__ = ["write"]
