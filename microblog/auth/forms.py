"""The shape of what a newcomer and a returning member type."""

from email_validator import EmailNotValidError, validate_email
from wtforms import BooleanField, Field, SubmitField, ValidationError
from wtforms.validators import InputRequired

from microblog.extensions import settings
from microblog.models import usernames
from microblog.models.user import NAME_TAKEN, name_is_free
from microblog.web.text import AtMost, Hidden, Password, Readable, SiteForm, Text, as_typed, stripped
from microblog.web.times import is_zone

PASSWORD_MAX = 256
"""Characters; a limit so that nobody makes the server hash a megabyte."""

EMAIL_MAX = 254
"""Characters of an e-mail address (RFC 3696, erratum 1690)."""


def known_zone(name: str | None) -> str:
    """What the browser calls its time zone, if this site knows it: nobody has typed it, so nobody is told."""
    return name if name and is_zone(name) else ""


class RegistrationForm(SiteForm):
    username = Text("Username", filters=[stripped])
    email = Text("E-mail", filters=[stripped], validators=[AtMost(lambda: EMAIL_MAX)])
    password = Password("Password", filters=[as_typed])
    next = Hidden(filters=[stripped])
    time_zone = Hidden(filters=[stripped, known_zone])
    submit = SubmitField("Create account")

    def validate_username(self, field: Field) -> None:
        if wrong := usernames.problem(field.data or ""):
            raise ValidationError(wrong)
        if not name_is_free(field.data, owner_id=None):
            raise ValidationError(NAME_TAKEN)

    def validate_email(self, field: Field) -> None:
        if not field.data:
            raise ValidationError("Enter your e-mail address.")
        try:
            # Asking the name server would make the form wait, and fail when it does.
            field.data = validate_email(field.data, check_deliverability=False).normalized
        except EmailNotValidError:
            raise ValidationError("This does not look like an e-mail address.") from None

    def validate_password(self, field: Field) -> None:
        shortest, length = settings().security.password_min, len(field.data or "")
        if not length:
            raise ValidationError("Choose a password.")
        if length < shortest:
            raise ValidationError(f"Use at least {shortest} characters; this has {length}.")
        if length > PASSWORD_MAX:
            raise ValidationError(f"Use at most {PASSWORD_MAX} characters.")


HERE = "here-"
"""Begins the names in a sign-in form that lies over another page, whose own fields may be called username too."""


class LoginForm(SiteForm):
    username = Text(
        "Username",
        filters=[stripped],
        validators=[InputRequired("Enter your username."), AtMost(lambda: EMAIL_MAX), Readable()],
    )
    password = Password("Password", validators=[InputRequired("Enter your password."), AtMost(lambda: PASSWORD_MAX)])
    remember = BooleanField("Keep me signed in")
    next = Hidden(filters=[stripped])
    submit = SubmitField("Sign in")

    @property
    def here(self) -> bool:
        """Whether it lies over another page, which is not left."""
        return bool(self._prefix)
