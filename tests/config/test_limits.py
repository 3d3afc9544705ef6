"""A limit that config.toml accepts fits the column that holds the text: PostgreSQL refuses a longer one."""

from typing import get_type_hints

import pytest

from microblog.config.settings import Posts, Profile
from microblog.config.values import Between
from microblog.models import Post, PostVersion, User
from microblog.posts.forms import CODE_POINTS

LIMITS = [
    (Profile, "about_me_max", User.about_me, 1),
    (Profile, "display_name_max", User.display_name, 1),
    (Profile, "location_max", User.location, 1),
    (Profile, "website_max", User.website, 1),
    (Posts, "max_length", Post.text, CODE_POINTS),
    (Posts, "max_length", PostVersion.text, CODE_POINTS),
]


@pytest.mark.parametrize(("section", "setting", "column", "times"), LIMITS, ids=lambda value: str(value)[:20])
def test_the_largest_limit_fits_its_column(section, setting, column, times):
    hint = get_type_hints(section, include_extras=True)[setting]
    (rule,) = [rule for rule in hint.__metadata__ if isinstance(rule, Between)]
    assert rule.high * times <= column.type.length


def test_every_limit_of_a_profile_is_looked_at():
    limits = {name for name in get_type_hints(Profile) if name.endswith("_max")}
    assert limits == {name for section, name, *_ in LIMITS if section is Profile}
