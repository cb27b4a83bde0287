"""The search index: FTS5 on SQLite, a generated tsvector with GIN on PostgreSQL, kept in step by the database itself.

A later migration that makes SQLite remake `knowledge_passage` or `knowledge_document` drops the triggers with the old
table; it must run `create` again.
"""

from django.db import migrations

TERMS = "title_terms, heading_terms, body_terms"
NEW = "new.id, new.title_terms, new.heading_terms, new.body_terms"
OLD = "'delete', old.id, old.title_terms, old.heading_terms, old.body_terms"
TOUCH = "DELETE FROM knowledge_corpus; INSERT INTO knowledge_corpus (id, stamp) VALUES (1, random());"
INSERT = f"INSERT INTO knowledge_search (rowid, {TERMS}) VALUES ({NEW});"
DELETE = f"INSERT INTO knowledge_search (knowledge_search, rowid, {TERMS}) VALUES ({OLD});"

# Terms are made of letters and digits already; `ascii` takes whatever is beyond ASCII as a letter, whereas SQLite's own
# idea of Unicode is older than Python's.
SQLITE = [
    f"""CREATE VIRTUAL TABLE knowledge_search USING fts5(
        {TERMS}, content='knowledge_passage', content_rowid='id', tokenize='ascii')""",
    "CREATE VIRTUAL TABLE knowledge_vocabulary USING fts5vocab('knowledge_search', 'row')",
    f"CREATE TRIGGER knowledge_passage_ai AFTER INSERT ON knowledge_passage BEGIN {INSERT} {TOUCH} END",
    f"CREATE TRIGGER knowledge_passage_ad AFTER DELETE ON knowledge_passage BEGIN {DELETE} {TOUCH} END",
    f"CREATE TRIGGER knowledge_passage_au AFTER UPDATE ON knowledge_passage BEGIN {DELETE} {INSERT} {TOUCH} END",
    f"CREATE TRIGGER knowledge_document_ad AFTER DELETE ON knowledge_document BEGIN {TOUCH} END",
    f"CREATE TRIGGER knowledge_document_au AFTER UPDATE ON knowledge_document BEGIN {TOUCH} END",
    "INSERT INTO knowledge_search (knowledge_search) VALUES ('rebuild')",
]
SQLITE_UNDO = [
    *(f"DROP TRIGGER IF EXISTS knowledge_passage_{kind}" for kind in ("ai", "ad", "au")),
    *(f"DROP TRIGGER IF EXISTS knowledge_document_{kind}" for kind in ("ad", "au")),
    "DROP TABLE IF EXISTS knowledge_vocabulary",
    "DROP TABLE IF EXISTS knowledge_search",
]

POSTGRESQL = [
    # The terms as they are: PostgreSQL's own parser would take some letters for punctuation. Weights and positions are
    # not kept, since ranking is not the database's.
    """ALTER TABLE knowledge_passage ADD COLUMN search tsvector GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(
            title_terms || ' ' || heading_terms || ' ' || body_terms, ' '), ''))) STORED""",
    "CREATE INDEX knowledge_passage_search ON knowledge_passage USING gin (search)",
    """CREATE FUNCTION knowledge_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO knowledge_corpus (id, stamp) VALUES (1, (random() * 9007199254740991)::bigint)
        ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER knowledge_passage_touch AFTER INSERT OR UPDATE OR DELETE ON knowledge_passage
        FOR EACH STATEMENT EXECUTE FUNCTION knowledge_touch()""",
    """CREATE TRIGGER knowledge_document_touch AFTER UPDATE OR DELETE ON knowledge_document
        FOR EACH STATEMENT EXECUTE FUNCTION knowledge_touch()""",
]
POSTGRESQL_UNDO = [
    "DROP TRIGGER IF EXISTS knowledge_passage_touch ON knowledge_passage",
    "DROP TRIGGER IF EXISTS knowledge_document_touch ON knowledge_document",
    "DROP FUNCTION IF EXISTS knowledge_touch()",
    "DROP INDEX IF EXISTS knowledge_passage_search",
    "ALTER TABLE knowledge_passage DROP COLUMN IF EXISTS search",
]


def run(schema_editor, sqlite, postgresql):
    for statement in postgresql if schema_editor.connection.vendor == "postgresql" else sqlite:
        schema_editor.execute(statement)


def create(apps, schema_editor):
    run(schema_editor, SQLITE, POSTGRESQL)


def remove(apps, schema_editor):
    run(schema_editor, SQLITE_UNDO, POSTGRESQL_UNDO)


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial")]
    operations = [migrations.RunPython(create, remove)]
