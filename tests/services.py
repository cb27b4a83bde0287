"""PostgreSQL and Redis as the suite starts them: private, on loopback, gone afterwards."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(is_true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Looks often and gives up loudly; the only place of the suite that waits by the clock."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not within {seconds:g} s: {what}.")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Service(ABC):
    """A server process of somebody else's, owned by the suite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @staticmethod
    @abstractmethod
    def find() -> str | None:
        """The program, or None where it is not installed."""

    @abstractmethod
    def start(self) -> str:
        """Starts it, again too after `stop`, and returns its URL once it answers."""

    def launch(self, command: list[str]) -> None:
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        wait_until(lambda: accepts(self.port), f"{command[0]} answers on port {self.port}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None


def as_ordinary_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command] if not os.getuid() else command
    )


class Postgres(Service):
    def __init__(self, folder: Path, *, fsync: str = "off") -> None:
        super().__init__(folder)
        self.fsync = fsync

    @staticmethod
    def find() -> str | None:
        found = shutil.which("initdb") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
        return str(Path(found).resolve().parent) if found else None

    def start(self) -> str:
        programs, data = Path(self.find() or ""), self.folder / "cluster"
        if not data.exists():
            if not os.getuid():
                shutil.chown(self.folder, "postgres", "postgres")
            options = ["--auth=trust", "--username=chatkit", "--encoding=UTF8", "--no-sync", "--locale=C.UTF-8"]
            subprocess.run(
                as_ordinary_user([str(programs / "initdb"), "-D", str(data), *options]),
                check=True,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
            )
        settings = {
            "fsync": self.fsync,
            "max_connections": "300",
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.launch(as_ordinary_user([str(programs / "postgres"), "-D", str(data), "-p", str(self.port), *flags]))
        wait_until(self.is_ready, "PostgreSQL accepts queries")
        return self.url("postgres")

    def is_ready(self) -> bool:
        return (
            subprocess.run(
                [str(Path(self.find() or "") / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)],
                stdout=subprocess.DEVNULL,
                check=False,
            ).returncode
            == 0
        )

    def url(self, database: str) -> str:
        return f"postgres://chatkit:chatkit@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """An empty database of this cluster."""
        name = f"chatkit_{secrets.token_hex(4)}"
        self.query(f"CREATE DATABASE {name}")
        return self.url(name)

    def query(self, sql: str) -> None:
        psql = [str(Path(self.find() or "") / "psql"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        subprocess.run([*psql, "-U", "chatkit", "postgres", "-c", sql], check=True, stdout=subprocess.DEVNULL)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is PostgreSQL's fast stop: it does not wait for clients."""
        super().stop(how)


class Redis(Service):
    @staticmethod
    def find() -> str | None:
        return shutil.which("redis-server") or shutil.which("valkey-server")

    def start(self) -> str:
        self.launch(
            [
                self.find() or "",
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                str(self.folder),
            ]
        )
        return self.url

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"
