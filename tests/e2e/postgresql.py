"""A PostgreSQL of its own for a test run, from the system's package, on loopback."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

PASSWORD = "let-me-in"


@contextlib.contextmanager
def cluster(port: int) -> Iterator[str]:
    """The URL of an empty database while it runs."""
    programs = os.pathsep.join(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    path = os.environ["PATH"] + os.pathsep + programs
    initdb, postgres = shutil.which("initdb", path=path), shutil.which("postgres", path=path)
    assert initdb, "PostgreSQL is missing: run tests/e2e/neighbours.sh"
    assert postgres
    folder = Path(tempfile.mkdtemp(prefix="otelml-postgresql-"))
    secret, data, log = folder / "secret", folder / "data", folder / "log"
    secret.write_text(PASSWORD)
    become: list[str] = []
    if os.geteuid() == 0:  # as whom PostgreSQL refuses to run
        user = pwd.getpwnam("postgres")
        become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        for mine in (folder, secret):
            os.chown(mine, user.pw_uid, user.pw_gid)
    try:
        made = [initdb, "-D", str(data), "-U", "otelml", f"--pwfile={secret}", "-E", "UTF8"]
        made += ["--auth=scram-sha-256", "--locale=C.UTF-8"]
        subprocess.run([*become, *made], check=True, stdout=subprocess.DEVNULL)
        run = [postgres, "-D", str(data), "-p", str(port), "-k", str(folder)]
        run += ["-c", "listen_addresses=127.0.0.1"]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [*become, *run], stdout=output, stderr=subprocess.STDOUT, cwd=folder
            )
        try:
            url = f"postgresql+psycopg://otelml:{PASSWORD}@127.0.0.1:{port}/postgres"
            _until_there(url)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    finally:
        shutil.rmtree(folder)


def _until_there(url: str) -> None:
    deadline = time.monotonic() + 60
    engine = create_engine(url)
    while True:
        try:
            engine.connect().close()
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            engine.dispose()
            return


def emptied(url: str) -> str:
    """The same database without what tests left in it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url
