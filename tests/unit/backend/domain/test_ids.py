from __future__ import annotations

import re
import uuid

from backend.domain.ids import new_id, new_token


def test_ids_are_uuids_of_version_7_in_order_of_time() -> None:
    ids = [new_id() for _ in range(5_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    parsed = uuid.UUID(ids[0])
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


def test_tokens_fit_a_url_and_do_not_repeat() -> None:
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20,30}", token) for token in tokens)
