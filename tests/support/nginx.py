"""A real nginx with our own deploy/nginx.conf, on a port of its own."""

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from microblog.config.settings import ROOT
from tests.conftest import absent


def program() -> str:
    """Where nginx is; skips the test where it is not."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        absent("nginx", "apt-get install nginx-light")
    assert found is not None
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def certified(folder: Path, text: str) -> str:
    """The file with a certificate that is there."""
    certificate = trustme.CA().issue_cert("blog.example.org", "localhost", "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "fullchain.pem")
    certificate.private_key_pem.write_to_path(folder / "privkey.pem")
    return text.replace("/etc/letsencrypt/live/blog.example.org", str(folder))


class Nginx:
    """In front of the site at the port `upstream`; with a certificate where `tls` is on. `changes` are made in the
    file: what stands there, and what stands in its place."""

    def __init__(self, folder: Path, port: int, upstream: int, *changes: tuple[str, str], tls: bool = False) -> None:
        self.port, self.url = port, f"http{'s' if tls else ''}://127.0.0.1:{port}"
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        text = text[text.index("server {", text.index("server {") + 1) :]  # the first one only leads to https
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
        text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("127.0.0.1:5000", f"127.0.0.1:{upstream}")
        if tls:
            text = certified(folder, text)
        else:
            text = re.sub(r"^ *ssl_certificate.*\n", "", text, flags=re.MULTILINE).replace(" ssl http2;", ";")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        temporary = "".join(
            f"{kind}_temp_path {folder}/nginx-{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config, log = folder / "nginx.conf", folder / "nginx.log"
        # As root, nginx would become somebody who may not write in this test's folder.
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(
            f"{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {log};\n"
            f"events {{}}\nhttp {{ access_log off;\n{temporary}{text}}}\n"
        )
        self.process = subprocess.Popen([program(), "-c", str(config), "-e", str(log)])
        for _ in range(600):
            if self.process.poll() is not None:
                break
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return
            time.sleep(0.1)
        self.stop()
        pytest.fail(log.read_text())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
