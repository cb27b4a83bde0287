import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

PARTS = ("ledger", "limits", "turns", "retrieval", "analytics")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures ChatKit on this machine.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(PARTS)}; all by default")
    chosen = parser.parse_args().parts or PARTS
    if unknown := set(chosen) - set(PARTS):
        sys.exit(f"Unknown part: {', '.join(sorted(unknown))}. Choose from {', '.join(PARTS)}.")
    with tempfile.TemporaryDirectory(prefix="chatkit-bench-") as folder:
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
