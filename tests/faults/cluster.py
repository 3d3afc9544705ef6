"""A PostgreSQL server of a test's own, which may be killed; the machine's own is never touched."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.mailbox import free_port


def programs():
    """The newest folder with initdb and pg_ctl; None where there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb") if path.parts[4].isdigit()]
    if found:
        return max(found, key=lambda path: int(path.parts[4]))
    other = shutil.which("initdb")
    return Path(other).parent if other else None


class Cluster:
    """Use it as a context manager: it is stopped and removed at the end."""

    def __init__(self, bin_folder, **options):
        self.bin, self.options, self.port = bin_folder, options, free_port()
        self.user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            known = {entry.pw_name for entry in pwd.getpwall()}
            self.user = "postgres" if "postgres" in known else "nobody"

    @property
    def url(self):
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self):
        # Not below tmp_path, where only the one who runs the tests may look.
        self.folder = Path(tempfile.mkdtemp(prefix="microblog-postgresql-"))
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        try:
            self.run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C")
            chosen = {
                "port": self.port,
                "listen_addresses": "'127.0.0.1'",
                "unix_socket_directories": f"'{self.folder}'",
                "fsync": "off",
                "shared_buffers": "16MB",
            } | self.options
            with (self.data / "postgresql.conf").open("a") as file:
                file.writelines(f"{name} = {value}\n" for name, value in chosen.items())
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if (self.data / "postmaster.pid").exists():
                self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self):
        return self.folder / "data"

    def run(self, program, *words):
        ran = subprocess.run(
            [str(self.bin / program), "-D", str(self.data), *words],
            user=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if program == "initdb" else subprocess.DEVNULL,
            text=True,
        )
        assert ran.returncode == 0, f"{program}: {ran.stdout} {self.said()}"

    def said(self):
        log = self.folder / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else ""

    def start(self):
        self.run("pg_ctl", "start", "-w", "-t", "60", "-l", str(self.folder / "log"))

    def stop(self):
        """As when the machine loses power: nobody is told, nothing is written."""
        self.run("pg_ctl", "stop", "-m", "immediate", "-w", "-t", "60")
