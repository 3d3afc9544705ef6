"""F42: PostgreSQL is killed and started again; no connection is to be had. 503, then 200, and nobody restarts us."""

from contextlib import ExitStack, suppress

import psycopg
import pytest
import sqlalchemy as sa

from microblog.cli.db import upgrade
from microblog.config.settings import Alerts, Database, Logs, Mail, Paths, Security, Server, Settings
from microblog.extensions import db
from microblog.log.setup import close
from tests.conftest import KEY, absent
from tests.faults.cluster import Cluster, programs
from tests.support.kinds import HX
from tests.support.mailbox import wait_until

pytestmark = pytest.mark.fault(42)


@pytest.fixture(scope="module")
def cluster():
    found = programs()
    if found is None:
        absent("PostgreSQL's initdb", "apt-get install postgresql")
    with Cluster(found, max_connections=20) as running:
        yield running


class TestKilled:
    @pytest.fixture
    def settings(self, cluster, mailbox, tmp_path):
        engine = sa.create_engine(cluster.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        made = Settings(
            paths=Paths(data=str(tmp_path)),
            database=Database(url=cluster.url),
            logs=Logs(directory=str(tmp_path / "logs")),
            server=Server(threads=4),
            security=Security(secret_key=KEY),
            mail=Mail(server="127.0.0.1", port=mailbox.port, sender="blog@example.org", admins=("ana@example.org",)),
            alerts=Alerts(first_wait=3),
        )
        upgrade(made)
        close()
        return made

    @pytest.mark.slow
    @pytest.mark.postgresql
    def test_it_works(self, cluster, site, ana, records, mailbox):
        visitor, stranger = site.visitor(records).sign_in(ana), site.visitor(records)
        form = visitor.hx_get("/edit_profile/about_me").values() | {"about_me": "typed"}
        stranger.get("/login")
        for _ in range(6):
            visitor.still_works()
        workers = site.workers()

        cluster.stop()
        for _ in range(3):
            for page in (
                visitor.get("/"),
                visitor.get("/nope"),
                visitor.hx_get("/edit_profile/about_me"),
                visitor.send("GET", "/", headers={"Accept": "application/json"}),
                visitor.hx_post("/edit_profile/about_me", data=form),
                visitor.post("/edit_profile/about_me", data=form),
                stranger.get("/user/ana"),
                stranger.hx_post("/login", username="ana", password="whatever it is"),
            ):
                assert page.status == 503, page.text
                assert page.headers["Retry-After"] == "2"
            assert stranger.get("/nope").status == 404
            assert stranger.get("/login").status == 200
            assert visitor.get("/livez").status == 200
            ready = visitor.get("/readyz")
            assert (ready.status, ready.json["checks"]["database"]) == (503, "does not answer")
        kept = visitor.post("/edit_profile/about_me", data=form).values("form.kept")
        assert kept["about_me"].strip() == "typed"
        assert {r["level"] for r in records("database.unavailable")} == {"error"}
        assert not records("request.failed")
        assert not records("answer.failed")

        cluster.start()
        assert wait_until(lambda: site.ask("GET", "/readyz").status_code == 200)
        for _ in range(8):  # every process, every connection
            visitor.still_works()
        page = visitor.send("POST", "/edit_profile/about_me", data=form, headers=HX | {"X-CSRFToken": visitor.token})
        assert page.status == 200, "the form from before works"
        assert site.workers() == workers
        assert wait_until(lambda: mailbox.mails)
        assert len(mailbox.mails) == 1
        assert "database.unavailable" in mailbox.subjects[0] + mailbox.text()

    @pytest.mark.slow
    @pytest.mark.postgresql
    def test_killed_between_two_requests(self, cluster, site, ana, records):
        """Started again before anybody asks: the old connections are dead, and nobody notices."""
        visitor = site.visitor(records).sign_in(ana)
        for _ in range(6):
            visitor.still_works()
        cluster.stop()
        cluster.start()
        for _ in range(8):
            visitor.still_works()
        assert not records("database.unavailable")

    @pytest.mark.slow
    @pytest.mark.postgresql
    def test_the_server_has_no_connection_left(self, cluster, site, ana, records):
        visitor = site.visitor(records)
        visitor.still_works()
        address = cluster.url.replace("+psycopg", "")
        with ExitStack() as hogs:
            first = hogs.enter_context(psycopg.connect(address, autocommit=True))

            def take_all():
                first.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND application_name <> 'hog' AND pid <> pg_backend_pid()"
                )
                with suppress(psycopg.OperationalError):  # too many clients already
                    while True:
                        hogs.enter_context(psycopg.connect(address, autocommit=True, application_name="hog"))

            def unavailable():
                take_all()
                return visitor.get("/").status == 503

            assert wait_until(unavailable)
            assert not records("request.failed")
        assert wait_until(lambda: visitor.get("/").status == 200)
        for _ in range(6):
            visitor.still_works()


@pytest.mark.slow
def test_the_pool_is_exhausted(app, browser, ana, records):
    """Our own: every connection is taken by somebody who does not give it back."""
    browser.sign_in(ana)
    with app.app_context():
        engine = db.engine
    assert engine.pool.timeout() <= 2, "SQLAlchemy's own default is 30 seconds"
    with ExitStack() as taken:
        for _ in range(engine.pool.size()):
            taken.enter_context(engine.connect())
        for page in (browser.get("/"), browser.hx_get("/edit_profile/about_me")):
            assert page.status == 503
            assert page.headers["Retry-After"] == "2"
            assert records("database.busy", reference=page.reference, code="no connection was free")
        assert browser.get("/livez").status == 200
    browser.still_works()
    assert not records("request.failed")
