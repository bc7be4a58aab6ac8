"""The exported project grows by what is new, and by nothing else."""

from pathlib import Path

import pytest

from vently.database.schema import CannotMigrate, Room
from vently.supabase.export import export


class Project:
    """Vently's files, and the folder they are exported to."""

    def __init__(self, folder: Path) -> None:
        self.migrations = folder / "ours"
        self.migrations.mkdir()
        self.rooms = [Room("people", folder / "people.sql")]
        self.directory = folder / "project"
        self.migration("20260101000000_house", "create table public.notes (id int primary key);\n")
        self.rules("create policy p on public.notes using (true);\n")

    def migration(self, name: str, sql: str) -> None:
        (self.migrations / f"{name}.sql").write_text(sql)

    def rules(self, sql: str) -> None:
        self.rooms[0].rules.write_text(sql)

    def export(self, directory: Path | None = None) -> list[str]:
        return [path.name for path in export(directory or self.directory, self.rooms, migrations=self.migrations)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_first_export_writes_a_project(project: Project) -> None:
    config, house, rules = project.export()
    assert (config, house) == ("config.toml", "20260101000000_house.sql")
    assert rules.startswith("2026010100000100")
    assert rules.endswith("_rules.sql")


def test_an_unchanged_export_writes_nothing(project: Project) -> None:
    project.export()
    assert project.export() == []


def test_the_same_text_has_the_same_names_everywhere(project: Project, tmp_path: Path) -> None:
    assert project.export() == project.export(tmp_path / "elsewhere")


def test_changed_rules_are_one_more_migration(project: Project) -> None:
    first = project.export()[-1]
    project.rules("-- no policy\n")
    [second] = project.export()
    project.rules("create policy p on public.notes using (true);\n")
    [third] = project.export()
    assert first < second < third
    assert project.export() == []


def test_other_rules_never_pass_for_pushed_ones_in_a_new_folder(project: Project, tmp_path: Path) -> None:
    first = project.export()[-1]
    project.rules("-- no policy\n")
    assert project.export(tmp_path / "elsewhere")[-1] != first


def test_a_new_migration_brings_the_rules_after_it(project: Project) -> None:
    first = project.export()[-1]
    project.migration("20260202000000_more", "create table public.more (id int primary key);\n")
    more, rules = project.export()
    assert first < more == "20260202000000_more.sql" < rules


def test_the_versions_suit_the_cli(project: Project) -> None:
    # Versions of more than 19 digits are applied, but `supabase migration list` cannot read them.
    assert all(len(name.split("_")[0]) <= 19 for name in project.export()[1:])


def test_config_and_migrations_of_yours_stay(project: Project) -> None:
    folder = project.directory / "supabase"
    (folder / "migrations").mkdir(parents=True)
    (folder / "config.toml").write_text('project_id = "mine"\n')
    (folder / "migrations" / "20250101000000_mine.sql").write_text("select 1;\n")
    assert len(project.export()) == 2
    assert "mine" in (folder / "config.toml").read_text()


def test_another_text_of_a_migration_is_refused(project: Project) -> None:
    project.export()
    project.migration("20260101000000_house", "create table public.other (id int primary key);\n")
    with pytest.raises(CannotMigrate, match=r"is not Vently's 20260101000000_house.sql"):
        project.export()
