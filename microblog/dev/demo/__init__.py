"""A community that nobody lives in, to look at the site with: believable in small, and large enough to measure with."""
