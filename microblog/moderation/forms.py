"""The shape of a report, and of a decision."""

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired

from microblog.models.moderation import REASONS
from microblog.web.text import AtMost, LongText, Readable, SiteForm, Text, single_line, stripped

NOTE_MAX = 1000
"""Characters; what is reported is there to be looked at."""


class ReportForm(SiteForm):
    reason = RadioField(
        "What is wrong?",
        choices=[SelectChoice(value, label) for value, label in REASONS.items()],
        validators=[InputRequired("Choose what is wrong.")],
    )
    note = LongText(
        "What should the moderators know?",
        filters=[stripped],
        validators=[AtMost(lambda: NOTE_MAX), Readable(lines=True)],
    )


class DecisionForm(SiteForm):
    note = Text("Why", filters=[single_line], validators=[AtMost(lambda: NOTE_MAX), Readable()])
