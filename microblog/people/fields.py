"""The fields of a profile that are edited as text: one table for templates, forms and views."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One editable field. `limit` names its setting in [profile]; `invite` is what an empty one says to its owner."""

    name: str
    label: str
    kind: str  # "text", "textarea" or "url"
    invite: str = ""
    hint: str = ""
    limit: str = ""
    autocomplete: str = "on"  # "off" would also keep the browser from bringing the text back when one goes Back
    saved: str = ""


FIELDS = {
    field.name: field
    for field in (
        Field("display_name", "Display name", "text", "Add your name", "", "display_name_max", "name"),
        Field(
            "username",
            "Username",
            "text",
            hint="Letters, digits and underscores. Links to the old name go on working.",
            autocomplete="username",
        ),
        Field("about_me", "About me", "textarea", "Say a few words about yourself", "", "about_me_max"),
        Field("location", "Location", "text", "Add where you are", "", "location_max"),
        Field("website", "Website", "url", "Add a link to your page", "", "website_max", "url"),
    )
}
