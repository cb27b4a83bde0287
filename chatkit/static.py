"""Which static files are collected, how they are named, and which are compressed: no more than pages ask for."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import AppDirectoriesFinder
from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Source maps, a documentation viewer and a browsable API that no page of ours shows; half of all bytes.
NEVER_SHOWN = ["*.map", "redoc", "rest_framework"]
OWN = "chatkit/"
LASTING = f"{OWN}chatkit.js"  # what stands in the pages of other sites, and never changes its name
# On lines of their own, as the house style has them; visitors would pay for a fifth of the widget and read none.
COMMENT, NOTHING = r"(?ms)^[ \t]*/\*\*(?:(?!\*/).)*\*/\n", ""


class AppFiles(AppDirectoriesFinder):
    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[Any]:
        yield from super().list([*(ignore_patterns or ()), *NEVER_SHOWN])


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # WhiteNoise has no types
    """Hashed names in CSS and in our modules' imports; source maps are left out, so no comment may ask for them."""

    patterns = (
        ("*.css", HashedFilesMixin.patterns[0][1][:2]),
        (
            f"{OWN}*.js",
            ((COMMENT, NOTHING), *HashedFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]
        ),
    )

    def url_converter(self, name: str, hashed_files: dict[str, str], template: str | None = None) -> Any:
        if template == NOTHING:
            return lambda match: NOTHING
        return super().url_converter(name, hashed_files, template)

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Pages name hashed files; only the widget's own address has no hash."""
        self.join_releases()
        hashed = set(self.hashed_files.values())
        return super().compress_files(path for path in paths if path in hashed or path.startswith(OWN))  # type: ignore[no-any-return]

    def join_releases(self) -> None:
        """The lasting address holds what the hashed one does, and so imports files of its own release alone."""
        hashed = self.hashed_files.get(self.hash_key(LASTING))
        if hashed:
            Path(self.path(LASTING)).write_bytes(Path(self.path(hashed)).read_bytes())
