"""The address of the drill: there for whoever has a key, once, for a minute."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from microblog.monitoring import drill_keys

pytestmark = pytest.mark.sqlite_only


def ask(browser, key, **headers):
    return browser.send("GET", "/drill", headers={drill_keys.HEADER: key, **headers})


def test_it_works(browser, settings, records):
    run = drill_keys.new_run()
    page = ask(browser, drill_keys.lay_key(settings, run))

    assert page.status == 500
    assert page.is_page
    assert page.reference in page.text
    assert "ThisIsADrill" not in page.text
    (failed,) = records("request.failed", reference=page.reference)
    assert (failed["drill"], failed["fingerprint"], failed["route"]) == (True, run, "/drill")
    assert failed["exception"][-1]["type"] == "ThisIsADrill"
    assert records("request.finished", reference=page.reference)[0]["drill"] is True
    browser.get("/login")
    assert "drill" not in records("request.finished")[-1], "the next one is no drill"


def test_a_fragment_for_a_fragment(browser, settings):
    page = ask(browser, drill_keys.lay_key(settings, drill_keys.new_run()), **{"HX-Request": "true"})

    assert (page.status, page.is_page) == (500, False)
    assert page.reference in page.text


def test_nobody_counts_it(browser, settings):
    before = browser.send("GET", "/metrics").text
    ask(browser, drill_keys.lay_key(settings, drill_keys.new_run()))

    assert browser.send("GET", "/metrics").text == before


def test_a_key_works_once(browser, settings):
    key = drill_keys.lay_key(settings, drill_keys.new_run())

    assert ask(browser, key).status == 500
    assert ask(browser, key).status == 404
    assert not list(settings.data_dir.glob(".drill-*"))


def test_and_once_only_when_many_try_it_together(settings):
    run = drill_keys.new_run()
    key = drill_keys.lay_key(settings, run)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: drill_keys.spend(settings, key), range(64)))

    assert sorted(filter(None, taken)) == [run]


@pytest.mark.parametrize("seconds", [-drill_keys.SECONDS - 1, 3600])
def test_and_for_a_minute(browser, settings, seconds):
    key = drill_keys.lay_key(settings, drill_keys.new_run())
    (place,) = settings.data_dir.glob(".drill-*")
    os.utime(place, (time.time() + seconds,) * 2)

    assert ask(browser, key).status == 404
    assert not place.exists(), "and is gone"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "true",
        "860ca74de513-" + ("BemAJZYHOwFzk58d" * 3)[:43],  # of the right shape
        "../../secret_key",
        "0" * 12 + "-" + "." * 43,
        "x" * 5000,
    ],
)
def test_a_stranger_finds_nothing(browser, settings, records, key):
    drill_keys.lay_key(settings, drill_keys.new_run())  # somebody drills at this very moment

    assert ask(browser, key).status == 404
    assert not records("request.failed")


def test_the_name_of_a_file_is_no_key(browser, settings):
    """Whoever can list the directory, from a backup or otherwise, cannot use what is there."""
    drill_keys.lay_key(settings, drill_keys.new_run())
    (place,) = settings.data_dir.glob(".drill-*")

    assert ask(browser, place.name.removeprefix(".drill-")).status == 404
