"""Documents follow their sources; passages keep their identity; bad input is named and stops nothing."""

import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from apps.knowledge import watching
from apps.knowledge.ingest import Report, ingest, ingest_own_documents, set_published, write_by_hand
from apps.knowledge.models import Document, Passage
from apps.knowledge.search import search
from apps.knowledge.signals import documents_changed
from apps.knowledge.web import LARGEST_DOCUMENT
from tests.knowledge.conftest import PAGES, SITE, Write

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def keys() -> dict[str, str]:
    return {passage.title_path: str(passage.key) for passage in Passage.objects.all()}


def reasons(report: Report) -> dict[str, str]:
    return {problem.source.rpartition("/")[2]: problem.reason for problem in report.problems}


def test_every_heading_becomes_a_passage_with_title_and_address(bakery: Report) -> None:
    passage = Passage.objects.select_related("document").get(heading="Wedding cakes")
    assert passage.title_path == "Orders › Wedding cakes"
    assert passage.url == f"{SITE}/orders#wedding-cakes"


def test_addresses_drop_the_ending_and_the_name_of_an_index(bakery: Report) -> None:
    assert set(Document.objects.values_list("url", flat=True)) == {
        f"{SITE}/",
        f"{SITE}/allergens",
        f"{SITE}/opening-hours",
        f"{SITE}/orders",
    }


def test_unchanged_documents_are_skipped(bakery: Report, folder: Path) -> None:
    report = ingest([str(folder)], site_url=SITE)
    assert (report.added, report.changed, report.unchanged) == (0, 0, len(PAGES))


def test_ingesting_again_keeps_the_identity_of_passages(bakery: Report, folder: Path, write: Write) -> None:
    before = keys()
    write(
        "orders.md",
        PAGES["orders.md"].replace("two weeks", "three weeks").replace("## Cancel", "## New\n\nX.\n\n## Cancel"),
    )
    assert ingest([str(folder)], site_url=SITE).changed == 1
    assert {path: key for path, key in keys().items() if path in before} == before
    assert search("wedding cake three weeks")[0].excerpt.startswith("A wedding cake takes three weeks")


def test_a_heading_that_went_takes_its_passage_along(bakery: Report, folder: Path, write: Write) -> None:
    write("orders.md", "# Orders\n\nOrder by phone.\n")
    ingest([str(folder)], site_url=SITE)
    assert not Passage.objects.filter(heading="Wedding cakes").exists()
    assert search("hazelnuts")
    assert not search("wedding")


def test_vanished_documents_stay_until_they_are_pruned(bakery: Report, folder: Path) -> None:
    (folder / "allergens.md").unlink()
    assert ingest([str(folder)], site_url=SITE).removed == 0
    assert ingest([str(folder)], site_url=SITE, prune=True).removed == 1
    assert not search("hazelnuts")


def test_pruning_spares_other_folders_and_written_documents(bakery: Report, tmp_path: Path) -> None:
    write_by_hand(Document(title="Notice", body="The oven is broken."))
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("# Other\n\nText.\n")
    ingest([str(other)], prune=True)
    assert Document.objects.count() == len(PAGES) + 2


def test_a_folder_that_cannot_be_read_is_not_pruned(bakery: Report, folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    report = ingest([str(folder)], site_url=SITE, prune=True)
    assert (report.removed, len(report.problems)) == (0, 1)
    assert Document.objects.count() == len(PAGES)


def test_bad_files_are_named_and_stop_nothing(write: Write, folder: Path) -> None:
    write("binary.md", b"\x00\x01\x02")
    write("empty.md", "")
    write("huge.txt", b"x" * (LARGEST_DOCUMENT + 1))
    write("deep.html", "<div>" * 10_000)
    os.mkfifo(folder / "pipe.md")
    report = ingest([str(folder)])
    assert report.added == len(PAGES)
    assert reasons(report) == {
        "binary.md": "it is binary, not text",
        "empty.md": "it holds no text",
        "huge.txt": "it is larger than 5 MiB",
        "deep.html": "its HTML is nested more than 500 levels deep",
        "pipe.md": "it is no ordinary file",
    }


def test_links_that_go_round_are_walked_once(folder: Path) -> None:
    (folder / "again").symlink_to(folder)
    (folder / "itself").symlink_to("itself")
    assert ingest([str(folder)]).added == len(PAGES)


def test_hidden_folders_and_other_peoples_packages_are_left_out(write: Write, folder: Path) -> None:
    write(".git/a.md", "# A\n\nText.\n")
    write("node_modules/b/readme.md", "# B\n\nText.\n")
    assert ingest([str(folder)]).added == len(PAGES)


def test_file_names_that_are_no_utf8_are_kept_readable(folder: Path) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.md"))).write_text("# Odd\n\nText.\n")
    ingest([str(folder)])
    assert Document.objects.get(title="Odd").source.endswith("caf\\udce9.md")


def test_long_passages_are_split_between_paragraphs(write: Write, folder: Path) -> None:
    paragraph = "Flour and water make dough. " * 20
    write("long.md", "# Long\n\n" + f"{paragraph}\n\n" * 6 + "```\n" + "line of code\n" * 300 + "```\n")
    ingest([str(folder)])
    texts = list(Passage.objects.filter(document__title="Long").values_list("text", flat=True))
    assert len(texts) > 4
    assert max(map(len, texts)) < 2_000
    assert all(text.count("```") % 2 == 0 for text in texts)


def test_long_headings_that_repeat_fit(write: Write, folder: Path) -> None:
    write("long.md", "# Long\n\n" + f"## {'rye ' * 100}\n\nText.\n\n" * 12)
    assert ingest([str(folder)]).problems == []
    assert Passage.objects.filter(document__title="Long").count() == 12


def test_utf16_with_nul_is_stored(write: Write, folder: Path) -> None:
    write("odd.html", "<h1>Odd</h1><h2 id='a\x00b'>He\x00ad</h2><p>Te\x00xt</p>".encode("utf-16"))
    ingest([str(folder)])
    assert Passage.objects.get(document__title="Odd").text == "Text"


def test_documents_written_by_hand_are_found_and_edited(db: None) -> None:
    notice = Document(title="Notice", body="## Oven\n\nThe oven is broken until Friday.")
    write_by_hand(notice)
    assert search("broken oven")[0].title == "Notice › Oven"
    notice.body = "## Oven\n\nThe oven works."
    write_by_hand(notice)
    assert not search("broken friday")


def test_withdrawn_documents_are_not_found_until_they_are_published_again(bakery: Report) -> None:
    orders = Document.objects.filter(title="Orders")
    set_published(orders, is_published=False)
    assert not search("wedding")
    set_published(orders, is_published=True)
    assert search("wedding")


def test_ingesting_again_does_not_publish_what_was_withdrawn(bakery: Report, folder: Path, write: Write) -> None:
    set_published(Document.objects.filter(title="Orders"), is_published=False)
    write("orders.md", PAGES["orders.md"].replace("two weeks", "a month"))
    ingest([str(folder)], site_url=SITE)
    assert not search("wedding")


def test_a_change_is_announced_after_the_commit(folder: Path, django_capture_on_commit_callbacks: Any) -> None:
    heard: list[dict[str, int]] = []

    def listen(sender: object, added: int, changed: int, removed: int, **_: object) -> None:
        heard.append({"added": added, "changed": changed, "removed": removed})

    documents_changed.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):
        ingest([str(folder)])
    with django_capture_on_commit_callbacks(execute=True):
        ingest([str(folder)])
    documents_changed.disconnect(listen)
    assert heard == [{"added": len(PAGES), "changed": 0, "removed": 0}]


def test_an_unchanged_document_costs_one_query(
    bakery: Report, folder: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(len(PAGES)):
        ingest([str(folder)], site_url=SITE)


def test_chatkits_own_documents_are_ingested() -> None:
    assert ingest_own_documents().problems == []


def test_the_command_sums_up_and_names_problems(folder: Path, write: Write) -> None:
    write("binary.md", b"\x00")
    out, errors = StringIO(), StringIO()
    call_command("ingest", str(folder), stdout=out, stderr=errors)
    assert out.getvalue().startswith("Documents: 4 added, 1 with problems in ")
    assert "binary.md: it is binary, not text." in errors.getvalue()


def test_the_command_fails_when_nothing_could_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Nothing could be read"):
        call_command("ingest", str(tmp_path / "nowhere"), stderr=StringIO(), stdout=StringIO())


def test_the_command_refuses_a_site_address_that_is_none(folder: Path) -> None:
    with pytest.raises(CommandError, match="--site-url"):
        call_command("ingest", str(folder), site_url="example.com")


def test_watching_stays_silent_while_nothing_changes(folder: Path, write: Write) -> None:
    moments = iter([lambda: None, lambda: None, lambda: write("new.md", "# New\n\nText.\n")])
    looks = watching.changes([str(folder), "https://a.example/"], wait=lambda _: next(moments)() and None)
    next(looks)
    assert next(moments, None) is None


def test_watching_sees_a_new_file(folder: Path, write: Write) -> None:
    looks = watching.changes([str(folder)], wait=lambda _: write("new.md", "# New\n\nText.\n") and None)
    next(looks)
    assert ingest([str(folder)]).added == len(PAGES) + 1
