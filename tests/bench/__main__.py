import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

PARTS = (
    "ledger",
    "limits",
    "turns",
    "sockets",
    "endpoints",
    "durability",
    "agent",
    "gateway",
    "people",
    "retrieval",
    "analytics",
)
SLOW = ("scale", "reports", "admin")


def main() -> None:
    everything = (*PARTS, *SLOW)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures ChatKit on this machine.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(everything)}")
    parser.add_argument("--full", action="store_true", help=f"with the slow ones too: {', '.join(SLOW)}")
    asked = parser.parse_args()
    chosen = asked.parts or (everything if asked.full else PARTS)
    if unknown := set(chosen) - set(everything):
        sys.exit(f"Unknown part: {', '.join(sorted(unknown))}. Choose from {', '.join(everything)}.")
    with tempfile.TemporaryDirectory(prefix="chatkit-bench-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user, who must be able to pass through
        prepare(Path(folder))
        for part in chosen:
            importlib.import_module(f"tests.bench.{part}").main(Path(folder))


def prepare(folder: Path) -> None:
    """A database of its own, so that nobody's data is touched."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="chatkit.settings",
        DATA_DIR=str(folder),
        SECRET_KEY="b" * 50,
        LOG_LEVEL="ERROR",
        CHATKIT_CONFIG=str(Path(__file__).resolve().parent.parent / "chatkit.yaml"),
        CHATKIT_TEST_FOLDER=str(folder),
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    main()
