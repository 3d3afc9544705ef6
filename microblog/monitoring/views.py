"""For machines that ask whether this one is well. What they may see: docs/health.md."""

from flask import Blueprint, current_app, jsonify, request
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from werkzeug.exceptions import NotFound

from microblog.extensions import settings
from microblog.log import metrics as counts
from microblog.log.context import bind, stats
from microblog.monitoring import drill_keys, readiness
from microblog.monitoring.facts import about
from microblog.monitoring.monitors import is_monitor

bp = Blueprint("health", __name__)


def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions["mail_health"] = readiness.mail_health(state.app.config["SETTINGS"])


bp.record(_prepare)


@bp.get("/drill")
def fail() -> ResponseReturnValue:
    """The error that `manage.py drill` asks for. To whoever has no key of its own making there is no such page."""
    run = drill_keys.spend(settings(), request.headers.get(drill_keys.HEADER, ""))
    if run is None:
        raise NotFound
    if known := stats.get():
        known.drill = True
    # On all records of this request; an own fingerprint, so that each drill is told at once.
    bind(drill=True, fingerprint=run)
    raise drill_keys.ThisIsADrill("Nothing is broken: `manage.py drill` asked for this error.")


@bp.get("/livez")
def livez() -> ResponseReturnValue:
    """The process answers. Touches nothing else."""
    return "ok\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """What Prometheus asks for. To strangers there is no such page: a scanner's visit is an ordinary miss."""
    if not is_monitor(request, settings()):
        raise NotFound
    mail = current_app.extensions["mail_health"].get()
    return counts.exposition() + about(settings(), mail), 200, {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """The site can do its work; monitors are told what is wrong."""
    checks = readiness.look(settings(), current_app.extensions["mail_health"])
    ready = readiness.is_ready(checks)
    told: dict[str, object] = {"ready": ready}
    if is_monitor(request, settings()):
        told |= {"degraded": readiness.degraded(checks), "checks": checks}
    return jsonify(told), 200 if ready else 503
