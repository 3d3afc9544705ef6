"""The profile form: whole on /edit_profile, one field of it in place, the same rules while typing and when saved."""

from hashlib import sha256
from typing import Self

from flask import request
from wtforms import Field, ValidationError
from wtforms.widgets import HiddenInput

from microblog.extensions import Claim, settings
from microblog.models import usernames
from microblog.models.user import NAME_TAKEN, User, name_is_free
from microblog.people.fields import FIELDS
from microblog.web.text import (
    AtMost,
    LongText,
    Readable,
    RowVersion,
    SiteForm,
    Text,
    WebAddress,
    single_line,
    stripped,
    web_address,
)


def digest(text: str) -> str:
    """A short fingerprint of `text`."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def as_saved(person: User, *fields: str) -> dict[str, object]:
    """What a form of `fields` that stays open after a save must carry from then on."""
    return {"version": person.version, "was": {name: digest(getattr(person, name)) for name in fields}}


class ProfileForm(SiteForm):
    """Knows whom it edits (`person`), so that one's own name is never taken."""

    display_name = Text(
        "Display name",
        filters=[single_line],
        validators=[AtMost(lambda: settings().profile.display_name_max), Readable()],
    )
    username = Text("Username", filters=[stripped])
    about_me = LongText(
        "About me",
        filters=[stripped],
        validators=[AtMost(lambda: settings().profile.about_me_max), Readable(lines=True)],
    )
    location = Text(
        "Location", filters=[single_line], validators=[AtMost(lambda: settings().profile.location_max), Readable()]
    )
    website = Text(
        "Website",
        filters=[web_address],
        validators=[AtMost(lambda: settings().profile.website_max), Readable(), WebAddress()],
    )
    version = RowVersion(widget=HiddenInput())

    def __init__(self, person: User, **values: object) -> None:
        super().__init__(obj=person, **values)
        self.person = person
        self._rebased = False
        if self.is_submitted():
            for name in FIELDS.keys() - request.form.keys():  # as Undo sends it: what is not there is left alone
                self[name].data = getattr(person, name)

    @classmethod
    def only(cls, field: str, person: User, **values: object) -> Self:
        """The form of a single field."""
        form = cls(person, **values)
        for other in FIELDS:
            if other != field:
                del form[other]
        return form

    @property
    def seen_version(self) -> int:
        """The version of the row that this form was drawn from."""
        return self.version.data or 0

    @property
    def values(self) -> dict[str, str]:
        """What is to be saved: the fields of this form that were touched since it was drawn."""
        return {name: self[name].data for name in FIELDS if name in self and self.was(name) != digest(self[name].data)}

    def since(self, claim: Claim) -> tuple[dict[str, str], int]:
        """`values` and `seen_version`, after what this very form saved before (its answers were lost on the way).

        What it changed then it changes now, also back to how it began; and its own change is nobody's conflict. Asked
        only where it can matter: others wait for the lock meanwhile.
        """
        edits = [self.person.last_edit(name) for name in self.values]
        untouched = any(name in self and name not in self.values for name in FIELDS)
        if not untouched and not any(edit and edit.version > self.seen_version for edit in edits):
            return self.values, self.seen_version
        earlier = claim.earlier()
        touched = {name for kept in earlier for name in kept["before"] if name in self}
        seen = max([self.seen_version, *(kept["version"] for kept in earlier)])
        return self.values | {name: self[name].data for name in touched}, seen

    def was(self, name: str) -> str:
        """The digest of what `name` held when the form was drawn; travels with it in a hidden field.

        So that a field left alone never conflicts with, nor undoes, a change made elsewhere.
        """
        if self.is_submitted() and not self._rebased and name in request.form:
            return request.form.get(f"was_{name}", "")
        return digest(getattr(self.person, name))

    def rebase(self) -> None:
        """Go on from what is saved now: the next save is meant to replace it."""
        touched = self.values
        self._rebased = True
        self.version.data = self.person.version
        for name in FIELDS:
            if name in self and name not in touched:
                self[name].data = getattr(self.person, name)

    def validate_username(self, field: Field) -> None:
        if wrong := usernames.problem(field.data or ""):
            raise ValidationError(wrong)
        if not name_is_free(field.data, owner_id=self.person.id):
            raise ValidationError(NAME_TAKEN)
