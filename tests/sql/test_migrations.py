"""Migrations: applied once, whole, in order, by whoever comes first; a bad file is named."""

import asyncio
import json
import shutil
import sys

import pytest

from service.resources import MIGRATIONS
from service.store import migrations
from service.store.migrations import MigrationError, migrate, missing, read_files
from tests.support.databases import connected
from tests.support.schema import describe

NAMES = [file.name for file in read_files()]
PROCESSES = 5
STARTER = """
import asyncio, json, sys
from service.store.migrations import migrate
print(json.dumps(asyncio.run(migrate(sys.argv[1]))))
"""


@pytest.fixture
async def empty(databases):
    """A database without anything."""
    async with databases.clone("template0") as database:
        yield database


@pytest.fixture
def folder(tmp_path):
    """A copy of the migrations that a test may spoil."""
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations")


def add(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return name


async def applied(connection):
    rows = await connection.fetch("SELECT name FROM schema_migrations ORDER BY version")
    return [row["name"] for row in rows]


NEXT = f"{len(NAMES) + 1:04}"


class TestFilesThatDoNotFit:
    """D1: numbers used twice, gaps, edits and losses stop with the file's name."""

    def test_a_number_used_twice_is_named(self, folder):
        # Given two files with the number 0003
        add(folder, "0003_create_trouble.sql", "SELECT 1;")

        # When the files are read, then the second of them is named
        with pytest.raises(MigrationError, match=r"0003_create_trouble.sql.*0003 is used twice"):
            read_files(folder)

    def test_a_gap_is_named(self, folder):
        # Given files without the number 0002
        (folder / NAMES[1]).unlink()

        # When the files are read, then the gap is named
        with pytest.raises(MigrationError, match=rf"{NAMES[2]}.*0002.*missing"):
            read_files(folder)

    def test_a_badly_named_file_is_named(self, folder):
        # Given a file whose number has three digits
        add(folder, "011_add_thing.sql", "SELECT 1;")

        # When the files are read, then it is named
        with pytest.raises(MigrationError, match=r"011_add_thing.sql"):
            read_files(folder)

    async def test_an_edited_file_is_named(self, database, folder):
        # Given a migrated database and a file that was edited since
        with (folder / NAMES[4]).open("a", encoding="utf-8") as file:
            file.write("-- changed\n")

        # When it is migrated again, then the file is named
        with pytest.raises(MigrationError, match=rf"{NAMES[4]} was edited"):
            await migrate(database.owner_url, folder=folder)

    async def test_a_renamed_file_is_named(self, database, folder):
        # Given a migrated database, and another file with a number applied here
        (folder / NAMES[4]).rename(folder / "0005_create_others.sql")

        # When it is migrated again, then both names are told
        with pytest.raises(MigrationError, match=rf"0005_create_others.sql.*{NAMES[4]}"):
            await migrate(database.owner_url, folder=folder)

    async def test_a_lost_file_is_named(self, owner, database, folder):
        # Given a file missing here that an earlier database has, below the newest number
        await owner.execute("UPDATE schema_migrations SET version = 0 WHERE version = 5")

        # When it is migrated again, then it is named
        with pytest.raises(MigrationError, match=rf"{NAMES[4]} was applied.*missing"):
            await migrate(database.owner_url, folder=folder)

    async def test_a_database_ahead_of_the_code_is_fine(self, database, folder):
        # Given a program that is one file older than the database
        (folder / NAMES[-1]).unlink()

        # When it looks, then nothing is missing and nothing is done
        async with connected(database.app_url) as connection:
            assert await missing(connection, folder) == []
        assert await migrate(database.owner_url, folder=folder) == []


class TestFailures:
    """D2: a file is applied as a whole or not at all."""

    async def test_a_failing_file_leaves_nothing(self, database, owner, folder):
        # Given a file whose second statement fails
        name = add(folder, f"{NEXT}_break.sql", "CREATE TABLE half (id int); SELECT 1 / 0;")

        # When it is applied, then it is named
        with pytest.raises(MigrationError, match=rf"{name} failed.*division by zero"):
            await migrate(database.owner_url, folder=folder)

        # And nothing of it is there, nor is it recorded
        assert await owner.fetchval("SELECT to_regclass('half')") is None
        assert await applied(owner) == NAMES

        # And once it is mended it is applied
        add(folder, name, "CREATE TABLE half (id int);")
        assert await migrate(database.owner_url, folder=folder) == [name]

    async def test_already_exists_is_no_success(self, database, folder):
        # Given a file that makes a table which is there
        name = add(folder, f"{NEXT}_repeat.sql", "CREATE TABLE users (id int);")

        # When it is applied, then it failed
        with pytest.raises(MigrationError, match=rf"{name} failed.*already exists"):
            await migrate(database.owner_url, folder=folder)

    async def test_a_file_applied_by_half_stops_the_start(self, database, owner, app, folder):
        # Given a file outside a transaction that fails midway: two users of one name
        await owner.execute(
            "INSERT INTO users (user_id, first_name, language, created_at)"
            " VALUES (1, 'Ann', 'en', now()), (2, 'Ann', 'en', now())"
        )
        name = add(
            folder,
            f"{NEXT}_index_names.sql",
            "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY names ON users (first_name);",
        )
        with pytest.raises(MigrationError, match=name):
            await migrate(database.owner_url, folder=folder)

        # When anybody migrates or starts after that, then they are told which file it is
        with pytest.raises(MigrationError, match=rf"{name} was applied by half"):
            await migrate(database.owner_url, folder=folder)
        with pytest.raises(MigrationError, match=rf"{name} was applied by half"):
            await missing(app, folder)

    async def test_a_file_outside_a_transaction_is_recorded_once_done(
        self, database, owner, folder
    ):
        # Given a file that may not run in a transaction
        name = add(
            folder,
            f"{NEXT}_index_names.sql",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY names ON users (first_name);",
        )

        # When it is applied, then it is recorded as finished
        assert await migrate(database.owner_url, folder=folder) == [name]
        assert await applied(owner) == [*NAMES, name]
        assert await migrate(database.owner_url, folder=folder) == []


class TestStarts:
    """D3, D4: whoever starts, and however often."""

    async def test_of_five_processes_at_once_one_migrates_and_none_fails(self, empty):
        # Given five processes that start on an empty database at the same moment
        async def start():
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", STARTER, empty.owner_url,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            said, complaint = await process.communicate()
            assert process.returncode == 0, complaint.decode()
            return json.loads(said.decode().splitlines()[-1])

        # When all have ended
        done = await asyncio.gather(*(start() for _ in range(PROCESSES)))

        # Then one did everything, and the others found it done
        assert sorted(done, key=len) == [[]] * (PROCESSES - 1) + [NAMES]

    async def test_a_waiting_process_gives_up_with_a_name_for_it(self, empty):
        # Given a migration that does not end
        async with connected(empty.owner_url) as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", migrations._LOCK_KEY)

            # When another is started and has waited long enough, then it says what it waited for
            with pytest.raises(MigrationError, match="another `kartina migrate`"):
                await migrate(empty.owner_url, wait_s=0.1)

    async def test_every_file_runs_on_a_real_server_and_once(self, empty):
        # When the files are applied twice
        first = await migrate(empty.owner_url)
        second = await migrate(empty.owner_url)

        # Then the first time does all of them, the second none
        assert (first, second) == (NAMES, [])
        async with connected(empty.owner_url) as connection:
            assert await applied(connection) == NAMES
            assert await missing(connection) == []

    async def test_every_statement_is_safe_to_repeat(self, database, owner):
        # Given a migrated database
        before = await describe(owner)

        # When every file is run once more by hand
        for file in read_files():
            await owner.execute(file.text)

        # Then nothing has changed
        assert await describe(owner) == before

    async def test_a_start_waits_for_a_migration_elsewhere(self, empty):
        # Given a program that starts on an empty database
        async with connected(empty.owner_url) as connection:
            waiting = asyncio.create_task(migrations.wait_until_migrated(connection))

            # When another process migrates, then the program goes on
            await migrate(empty.owner_url)
            await waiting

    async def test_a_start_that_waits_in_vain_names_the_command(self, empty):
        # When nobody migrates, then the program says what to run
        async with connected(empty.owner_url) as connection:
            with pytest.raises(MigrationError, match=rf"{NAMES[0]}.*kartina migrate"):
                await migrations.wait_until_migrated(connection, wait_s=0.1)


class TestSchemas:
    """D6: a fresh database and an upgraded one are the same."""

    async def test_a_fresh_schema_equals_one_upgraded_step_by_step(
        self, databases, empty, owner, tmp_path
    ):
        # Given a database that was upgraded at every release, with its program's login
        shutil.copy(MIGRATIONS / "grants.sql", tmp_path)
        for name in NAMES:
            shutil.copy(MIGRATIONS / name, tmp_path)
            grants = databases.login if name == NAMES[-1] else None
            assert await migrate(empty.owner_url, folder=tmp_path, login=grants) == [name]

        # Then it is what a fresh one is, to the last right
        async with connected(empty.owner_url) as upgraded:
            assert await describe(upgraded) == await describe(owner)

    @pytest.mark.parametrize(
        "change",
        [
            "ALTER TABLE users ADD COLUMN extra int",
            "ALTER TABLE users ALTER COLUMN username SET NOT NULL",
            "ALTER TABLE users DROP CONSTRAINT users_language_known",
            "DROP INDEX updates_open",
            "ALTER TABLE movements DISABLE TRIGGER movements_are_kept",
            "GRANT DELETE ON movements TO PUBLIC",
            "GRANT EXECUTE ON FUNCTION move_balances() TO PUBLIC",
        ],
    )
    async def test_the_comparison_sees_a_difference(self, owner, change):
        # Given a schema
        before = await describe(owner)

        # When something about it changes, then its description does
        await owner.execute(change)
        assert await describe(owner) != before
