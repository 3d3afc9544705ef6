"""Pressing a button of a page, as a person without JavaScript or htmx does."""


def press(browser, page, action, *, hx=True, **fields):
    """Open `page`, and send its form to `action`."""
    opened = browser.get(page)
    found = [form for form in opened.all("#main form") if form["action"] == action]
    assert len(found) == 1, f"{len(found)} forms to {action} on {page}: {opened.status} {opened.said('main')}"
    values = {str(field["name"]): str(field.get("value", "")) for field in found[0].select("input[name]")}
    return (browser.hx_post if hx else browser.post)(action, data=values | fields)
