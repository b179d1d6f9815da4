from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.errors import BundleRefused, ReleaseRefused, ReleaseRolledBack
from tests.factories import releases
from tests.factories.machine import KEY, Machine
from tests.factories.releases import MADE_AT, make_release
from tiepdon.release.install import Rules, install_bundle, roll_back, run, settle
from tiepdon.release.layout import RELEASE_FILE, Change, Release, State
from tiepdon.release.service import _began

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("real_environment")
def test_a_first_release_runs_from_an_empty_folder(machine: Machine) -> None:
    assert machine.install(machine.make()) == "1.0.0"
    assert (machine.answers, machine.linked) == ("1.0.0", "1.0.0")
    place = machine.root.release_folder("1.0.0")
    assert (place / ".venv/share/tiepdon/fonts/BeVietnamPro_400Regular.ttf").is_file()
    assert (place / "sbom.cdx.json").is_file()
    assert (place / "deploy/install.sh").stat().st_mode & 0o777 == 0o755
    assert (place / "deploy/tiepdon-alert@.service").stat().st_mode & 0o777 == 0o644
    assert str(machine.root.current.readlink()) == "releases/1.0.0"
    assert not (machine.root.folder / ".incoming").exists()


def test_an_update_takes_over_and_can_be_taken_back(machine: Machine) -> None:
    machine.install(machine.make())
    machine.install(machine.make("1.1.0"))
    assert (machine.answers, machine.linked) == ("1.1.0", "1.1.0")
    roll_back(machine.root, machine.service, machine.rules, None)
    assert (machine.answers, machine.linked) == ("1.0.0", "1.0.0")


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (releases.SILENT, "not ready within 6 s .status 503."),
        (releases.CRASHES, "status 3: cannot"),
    ],
)
def test_a_broken_release_is_rolled_back_by_itself(
    machine: Machine, manner: str, words: str
) -> None:
    machine.install(machine.make())
    broken = machine.make("1.1.0", manner)
    with pytest.raises(ReleaseRolledBack, match=words) as rolled_back:
        machine.install(broken)
    assert "1.0.0 runs again" in rolled_back.value.detail
    assert (machine.answers, machine.linked) == ("1.0.0", "1.0.0")
    assert machine.root.state.change is None
    with pytest.raises(ReleaseRefused, match="failed here before"):
        machine.install(broken, again=False)
    assert (machine.root.folder / "ran.txt").read_text().split() == ["1.0.0", "1.1.0", "1.0.0"]


def test_a_kiosk_says_ready_by_itself(machine: Machine) -> None:
    machine.role, machine.notifies = "kiosk", True
    machine.install(machine.make("1.0.0", releases.NOTIFIES))
    assert machine.answers == "1.0.0"
    for version, manner in (("1.1.0", releases.GOOD), ("1.2.0", releases.STUMBLES)):
        with pytest.raises(ReleaseRolledBack, match=r"1\.0\.0 runs again"):
            machine.install(machine.make(version, manner), wait_s=2)
        assert machine.answers == "1.0.0"


def test_the_first_release_of_all_may_be_broken(machine: Machine) -> None:
    with pytest.raises(ReleaseRolledBack, match="nothing runs"):
        machine.install(machine.make("1.0.0", releases.CRASHES))
    assert machine.linked is None
    machine.install(machine.make("1.0.1"))
    assert machine.answers == "1.0.1"


def test_a_wrong_signature_changes_nothing(machine: Machine) -> None:
    machine.install(machine.make())
    foreign = make_release(machine.folder / "b", Ed25519PrivateKey.generate(), "1.1.0")
    with pytest.raises(BundleRefused, match="signature"):
        machine.install(foreign)
    assert (machine.answers, machine.linked) == ("1.0.0", "1.0.0")
    assert [each.version for each in machine.root.list_releases()] == ["1.0.0"]


def test_a_bundle_with_a_damaged_file_changes_nothing(machine: Machine) -> None:
    machine.install(machine.make())
    bundle = machine.make("1.1.0")
    content = bundle.read_bytes()
    place = content.index(b"Wheel-Version")
    bundle.write_bytes(content[:place] + b"w" + content[place + 1 :])
    with pytest.raises(BundleRefused, match="changed"):
        machine.install(bundle)
    assert (machine.answers, machine.linked) == ("1.0.0", "1.0.0")
    assert not (machine.root.folder / ".incoming").exists()
    assert not machine.root.release_folder("1.1.0").exists()


def test_a_version_never_changes(machine: Machine) -> None:
    machine.install(machine.make())
    other = make_release(machine.folder / "b", KEY, "1.0.0", releases.CRASHES)
    with pytest.raises(ReleaseRefused, match="versions never change"):
        machine.install(other)
    assert machine.answers == "1.0.0"


def test_twice_is_once(machine: Machine) -> None:
    bundle = machine.make()
    machine.install(bundle)
    machine.install(bundle)
    assert (machine.root.folder / "ran.txt").read_text().split() == ["1.0.0"]


def test_two_at_once_are_refused(machine: Machine) -> None:
    bundle = machine.make()
    with machine.root.locked(), pytest.raises(ReleaseRefused, match="another release"):
        machine.install(bundle)


def test_a_killed_installation_leaves_nothing_in_the_way(machine: Machine) -> None:
    machine.install(machine.make())
    half = machine.root.release_folder("1.1.0")
    (half / ".venv/bin").mkdir(parents=True)
    (half / ".venv/bin/tiepdon").write_text("half")
    (machine.root.folder / ".incoming").mkdir()
    assert machine.install(machine.make("1.1.0")) == "1.1.0"
    assert machine.answers == "1.1.0"


def test_a_power_cut_after_the_link_is_settled(machine: Machine) -> None:
    """The machine starts again with a release nobody has seen ready."""
    machine.install(machine.make())
    machine.install(machine.make("1.1.0", releases.GOOD))
    machine.service.stop()
    machine.root.write_state(State(change=Change(version="1.1.0", before="1.0.0")))
    assert settle(machine.root, machine.service, machine.rules) == "1.1.0"
    assert (machine.answers, machine.root.state.change) == ("1.1.0", None)
    assert settle(machine.root, machine.service, machine.rules) is None


def test_a_power_cut_with_a_broken_release_goes_back(machine: Machine) -> None:
    machine.install(machine.make())
    with pytest.raises(ReleaseRolledBack):
        machine.install(machine.make("1.1.0", releases.CRASHES))
    machine.service.stop()
    machine.root.switch("1.1.0")
    machine.root.write_state(State(change=Change(version="1.1.0", before="1.0.0")))
    with pytest.raises(ReleaseRolledBack, match=r"1\.0\.0 runs again"):
        settle(machine.root, machine.service, machine.rules)
    assert (machine.answers, machine.linked) == ("1.0.0", "1.0.0")


def test_a_power_cut_before_the_link_goes_back(machine: Machine) -> None:
    machine.install(machine.make())
    machine.service.stop()
    machine.root.write_state(State(change=Change(version="1.1.0", before="1.0.0")))
    with pytest.raises(ReleaseRolledBack, match=r"1\.0\.0 runs again"):
        settle(machine.root, machine.service, machine.rules)
    assert machine.answers == "1.0.0"


class TestWhenTheDatabaseChangesItsShape:
    def test_a_folder_for_the_backup_is_asked_for(self, machine: Machine) -> None:
        machine.install(machine.make())
        with pytest.raises(ReleaseRefused, match="--backup"):
            machine.install(machine.make("2.0.0", shapes=2))
        assert (machine.answers, machine.linked) == ("1.0.0", "1.0.0")

    def test_it_is_tried_on_a_copy_then_backed_up_at_rest(self, machine: Machine) -> None:
        machine.install(machine.make())
        machine.install(machine.make("2.0.0", shapes=2), backup_folder=machine.folder)
        assert machine.answers == "2.0.0"
        assert [call.split()[:2] for call in machine.calls if "backup" in call] == [
            ["1.0.0", "backup"],
            ["2.0.0", "backup"],
            ["1.0.0", "backup"],
        ]

    def test_what_fails_on_the_copy_stops_nothing(self, machine: Machine) -> None:
        machine.install(machine.make())
        bundle = machine.make("2.0.0", "bad_migration", shapes=2)
        with pytest.raises(ReleaseRefused, match="tried on a copy failed: column"):
            machine.install(bundle, backup_folder=machine.folder)
        assert (machine.root.folder / "ran.txt").read_text().split() == ["1.0.0"]

    def test_taken_back_the_database_is_as_it_was(self, machine: Machine) -> None:
        machine.install(machine.make())
        bundle = machine.make("2.0.0", releases.CRASHES, shapes=2)
        with pytest.raises(ReleaseRolledBack, match=r"1\.0\.0 runs again"):
            machine.install(bundle, backup_folder=machine.folder)
        restores = [call for call in machine.calls if "restore" in call]
        assert restores == [f"1.0.0 restore {machine.folder} --at tiepdon-one"]

    def test_the_link_goes_back_before_the_database(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A command that waits for the restore would otherwise change the shape once more."""
        machine.install(machine.make())
        bundle = machine.make("2.0.0", releases.CRASHES, shapes=2)
        linked = []

        def look(command: list[str], what: str, rules: Rules | None = None) -> str:
            if "restore" in command:
                linked.append(machine.linked)
            return run(command, what, rules)

        monkeypatch.setattr("tiepdon.release.install.run", look)
        with pytest.raises(ReleaseRolledBack):
            machine.install(bundle, backup_folder=machine.folder)
        assert linked == ["1.0.0"]

    def test_newer_rows_are_never_lost_silently(self, machine: Machine) -> None:
        machine.install(machine.make("1.0.0", "cannot_restore"))
        bundle = machine.make("2.0.0", releases.CRASHES, shapes=2)
        with pytest.raises(ReleaseRolledBack, match="newer than the backup; nothing was started"):
            machine.install(bundle, backup_folder=machine.folder)
        assert (machine.answers, machine.linked) == (None, "1.0.0")

    def test_older_code_does_not_meet_a_newer_shape(self, machine: Machine) -> None:
        machine.install(machine.make())
        machine.install(machine.make("2.0.0", shapes=2), backup_folder=machine.folder)
        with pytest.raises(ReleaseRefused, match="newer shape"):
            machine.install(machine.make("1.0.1"))
        with pytest.raises(ReleaseRefused, match="newer shape"):
            roll_back(machine.root, machine.service, machine.rules, None)
        assert machine.answers == "2.0.0"
        assert not machine.root.release_folder("1.0.1").exists()

    def test_a_standby_leaves_it_to_the_other_machine(self, machine: Machine) -> None:
        machine.role = "standby"
        for bundle in (machine.make(), machine.make("2.0.0", shapes=2)):
            install_bundle(bundle, KEY.public_key(), machine.root, None, machine.rules)
        assert machine.linked == "2.0.0"
        assert not (machine.folder / "calls.txt").exists(), "nothing was run on the database"

    def test_a_kiosk_has_no_database(self, machine: Machine) -> None:
        machine.role = "kiosk"
        machine.install(machine.make("2.0.0", shapes=2))
        machine.install(machine.make("1.0.0"))
        assert machine.answers == "1.0.0"
        assert not [call for call in machine.calls if "backup" in call]


def test_old_releases_leave_the_disk(machine: Machine) -> None:
    for number in range(1, 6):
        folder = machine.root.release_folder(f"1.{number}")
        folder.mkdir(parents=True)
        release = Release(
            version=f"1.{number}",
            migrations=("0001",),
            digest=f"{number}" * 64,
            installed_at=MADE_AT + timedelta(days=number),
        )
        (folder / RELEASE_FILE).write_text(release.model_dump_json())
    machine.root.switch("1.2")
    assert machine.root.prune() == ["1.3", "1.1"]
    assert {each.version for each in machine.root.list_releases()} == {"1.2", "1.4", "1.5"}
    assert not machine.root.release_folder("1.1").exists()


def test_a_release_file_of_another_hand_is_not_a_release(machine: Machine) -> None:
    folder = machine.root.release_folder("9.9")
    folder.mkdir(parents=True)
    (folder / RELEASE_FILE).write_text("{}")
    assert machine.root.find_release("9.9") is None


def test_another_process_that_got_the_number_is_left_alone(machine: Machine) -> None:
    machine.install(machine.make())
    record = machine.root.folder / "service.pid"
    process = record.read_text().split()[0]
    record.write_text(f"{process} 12345\n")
    machine.service.stop()
    assert machine.answers == "1.0.0"
    record.write_text(f"{process} {_began(int(process))}\n")
    machine.service.stop()
    assert machine.answers is None
