"""How often a kiosk, a person's number or an address may try something.

Counted in the database: a limit holds over all workers and machines, and a restart does not
forget it. One small write per scan is nothing next to what a scan asks of the HIS.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from backend.errors import RateLimited
from backend.storage.database import Database
from backend.storage.request_tables import RateLimit
from backend.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most `tries` per window of `window_s` seconds, windows starting at full multiples."""

    name: str
    tries: int
    window_s: int


# A person at a kiosk needs half a minute; 100 scans a minute is a machine at work.
SCANS_PER_KIOSK = Limit(name="scan-kiosk", tries=90, window_s=60)
SCANS_PER_PERSON = Limit(name="scan-person", tries=90, window_s=600)
# Typing a number and a birth date is guessing when it is done often.
TYPED_PER_KIOSK = Limit(name="typed-kiosk", tries=20, window_s=600)
TYPED_PER_NUMBER = Limit(name="typed-number", tries=5, window_s=900)
# A partner's kiosks share one name: thirty of them, each with a person every half minute.
REQUESTS_PER_PARTNER = Limit(name="partner", tries=900, window_s=60)
LOOKUPS_PER_PARTNER = Limit(name="partner-lookup", tries=300, window_s=60)
LOOKUPS_PER_PERSON = Limit(name="partner-person", tries=20, window_s=900)
# A hospital sets up its kiosks in one morning, often from behind one address.
ENROLMENTS_PER_ADDRESS = Limit(name="enrol-address", tries=100, window_s=60)
# A shift begins, and forty people sign in from behind one address within minutes.
LOGINS_PER_ADDRESS = Limit(name="login-address", tries=60, window_s=300)
# Beside the lock of the account, and for names nobody has just the same.
LOGINS_PER_NAME = Limit(name="login-name", tries=20, window_s=900)
# What somebody may not open, as often as it is written down.
REFUSALS_NOTED = Limit(name="refusal-noted", tries=60, window_s=600)
PASSWORD_CHANGES_PER_USER = Limit(name="password-user", tries=10, window_s=900)
# A code of twelve letters read from a console; guessing it takes longer than it lives.
SET_UP_CODES_PER_ADDRESS = Limit(name="set-up-address", tries=10, window_s=900)
SET_UP_CODES_TOTAL = Limit(name="set-up", tries=100, window_s=900)


def count_tries(database: Database, *tries: tuple[Limit, str]) -> None:
    """Counts one try of each subject; raises RateLimited when any has had too many.

    `subject` is an id or a keyed hash, never a number of a person.
    """

    def count(unit: UnitOfWork) -> list[int]:
        return [
            _seconds_left(limit, unit.now)
            for limit, subject in tries
            if _count(unit, limit, subject) > limit.tries
        ]

    if waits := database.transact(count):
        raise RateLimited(max(waits))


def _count(unit: UnitOfWork, limit: Limit, subject: str) -> int:
    insert = unit.insert_into(RateLimit).values(
        subject=f"{limit.name}:{subject}",
        window_start=_window_start(limit, unit.now),
        facility_id=unit.facility_id,
        count=1,
    )
    counted = insert.on_conflict_do_update(
        index_elements=[RateLimit.subject, RateLimit.window_start],
        set_={"count": RateLimit.count + 1},
    ).returning(RateLimit.count)
    return int(unit.connection.execute(counted).scalar_one())


def _window_start(limit: Limit, now: datetime) -> datetime:
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % limit.window_s, UTC)


def _seconds_left(limit: Limit, now: datetime) -> int:
    return limit.window_s - int(now.timestamp()) % limit.window_s
