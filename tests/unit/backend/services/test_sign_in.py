from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from statistics import median

import pytest
from argon2 import PasswordHasher

from backend.bootstrap import assemble
from backend.domain.roles import StaffRole
from backend.errors import RateLimited, SignInRefused
from backend.services import hash_password
from backend.services import sign_in as module
from backend.services.resources import Resources
from backend.services.sign_in import sign_in
from backend.storage.crypto import demo_keys
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories import accounts as accounts_of_tests
from tests.factories.accounts import PASSWORD, Accounts
from tests.factories.his import ScriptedHis
from tests.factories.hospital import make_config


@pytest.fixture
def server(database: Database) -> Resources:
    return assemble(make_config(), database=database, keys=demo_keys(), his=ScriptedHis())  # type: ignore[arg-type]  # never asked


def attempt(server: Resources, name: str, password: str, *, address: str = "a") -> bool:
    try:
        sign_in(server, untrusted_name=name, untrusted_password=password, address=address)
    except (SignInRefused, RateLimited):
        return False
    return True


def test_tries_at_once_are_counted_one_by_one(
    server: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SE-03: sixteen guesses side by side look at five passwords at most."""
    Accounts(server.database).add("lan", StaffRole.HEAD)
    looked_at = []

    def matches(password_hash: str | None, password: str) -> bool:
        time.sleep(0.05)
        return password == PASSWORD

    def begin(unit: object, user: object) -> module.Try:
        tried = real(unit, user)  # type: ignore[arg-type]
        looked_at.append(tried.open)
        return tried

    real = module.begin_try
    monkeypatch.setattr(module, "begin_try", begin)
    monkeypatch.setattr(module, "matches", matches)
    threads = [
        threading.Thread(target=attempt, args=(server, "lan", f"guess {number}"))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(looked_at) == [False] * 3 + [True] * 5
    assert not attempt(server, "lan", PASSWORD)


def test_a_server_that_dies_at_the_fifth_try_leaves_a_lock_that_ends(
    server: Resources, monkeypatch: pytest.MonkeyPatch, clock: SettableClock
) -> None:
    Accounts(server.database).add("lan", StaffRole.HEAD)
    for _ in range(4):
        attempt(server, "lan", "wrong")

    def die(*_: object) -> bool:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(module, "matches", die)
        with pytest.raises(MemoryError):
            attempt(server, "lan", PASSWORD)
    assert not attempt(server, "lan", PASSWORD)
    clock.advance(minutes=15)
    assert attempt(server, "lan", PASSWORD)


def test_the_right_password_at_the_fifth_try_is_right(server: Resources) -> None:
    Accounts(server.database).add("lan", StaffRole.HEAD)
    for _ in range(4):
        attempt(server, "lan", "wrong")
    assert attempt(server, "lan", PASSWORD)
    for _ in range(4):
        attempt(server, "lan", "wrong")
    assert attempt(server, "lan", PASSWORD)


@pytest.fixture
def full_hashes(light_hashes: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashes are as much work as in a hospital."""
    monkeypatch.setattr(hash_password, "_hasher", light_hashes)
    for kept in (hash_password._unused_hash, accounts_of_tests._hash):
        kept.cache_clear()
    yield
    for kept in (hash_password._unused_hash, accounts_of_tests._hash):
        kept.cache_clear()


@pytest.mark.usefixtures("full_hashes")
def test_a_name_nobody_has_takes_as_long(server: Resources) -> None:
    """SE-03: the hash is the work, and it is done for both."""
    accounts = Accounts(server.database)
    for number in range(6):
        accounts.add(f"u{number}", StaffRole.HEAD)
    attempt(server, "warm", "up")

    def seconds(name: str) -> float:
        start = time.thread_time()
        assert not attempt(server, name, "wrong", address=name)
        return time.thread_time() - start

    known = median(seconds(f"u{number}") for number in range(6))
    unknown = median(seconds(f"nobody{number}") for number in range(6))
    assert 0.5 < known / unknown < 2


def test_a_name_may_be_tried_twenty_times(server: Resources) -> None:
    """SE-16: whether it exists or not, from however many addresses."""
    for number in range(20):
        with pytest.raises(SignInRefused):
            sign_in(
                server,
                untrusted_name="nobody",
                untrusted_password="x",
                address=f"address {number}",
            )
    with pytest.raises(RateLimited):
        sign_in(server, untrusted_name=" NOBODY", untrusted_password="x", address="another")
