"""A real server process, started the way an owner starts it."""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx

from tests.environment import KEPT, ROOT
from tests.leaks import CANARY
from tests.services import PATIENCE, wait_until

READY = re.compile(r"ChatKit is ready on (http://\S+)")


def run_manage(
    *arguments: str, environment: Mapping[str, str], timeout: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """One management command in a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def clean_environment(chosen: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the suite's own configuration but what the test says."""
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "CHATKIT_TEST_FOLDER") if name in os.environ}
    return {**passed, "CHATKIT_CONFIG": str(ROOT / "tests" / "chatkit.yaml"), "PYTHONUNBUFFERED": "1", **chosen}


class LiveServer:
    """`manage.py serve` in a folder of its own. Stops, dies and comes back on the same port, as a test likes."""

    def __init__(self, folder: Path, *, workers: int = 1, program: str = "manage.py", **settings: str) -> None:
        self.program = program
        self.folder = folder
        # All logs lie in one folder, which is searched for secrets when the suite ends.
        self.log_path = Path(os.environ["CHATKIT_TEST_FOLDER"]) / f"server-{secrets.token_hex(6)}.log"
        self.workers = workers
        self.settings = {
            "DATA_DIR": str(folder / "data"),
            "SECRET_KEY": f"{CANARY}-signing-key-of-a-live-server-0123",
            "PORT": "0",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> "LiveServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers."""
        share_collected_files(Path(self.settings["DATA_DIR"]))
        offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, self.program, "serve", "--workers", str(self.workers)],
                cwd=ROOT,
                env=clean_environment(self.settings),
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self.has_ended() or READY.search(self.log()[offset:]) is not None, "the server is ready")
        match = READY.search(self.log()[offset:])
        if match is None:
            raise RuntimeError(f"The server ended at once:\n{self.log()[offset:]}")
        self.url = match[1]
        # Where it comes back, clients must find it again.
        self.settings["PORT"] = self.url.rpartition(":")[2]
        wait_until(self.answers, f"the server answers: {self.log()[offset:]}")

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/live", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def kill(self) -> None:
        """No goodbye: what `kill -9` or the kernel's memory killer does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def share_collected_files(data: Path) -> None:
    """Collecting and compressing takes seconds; every server of the suite uses one result."""
    data.mkdir(parents=True, exist_ok=True)
    (KEPT / "static").mkdir(parents=True, exist_ok=True)
    if not (data / "static").exists():
        (data / "static").symlink_to(KEPT / "static")
