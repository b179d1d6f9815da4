"""Whatever happens to a message on its way, it is taken in, or refused: nothing else is raised."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from his_adapter.errors import BrokenReply
from his_adapter.hl7_v2.messages import Message, decode
from tests.unit.his_adapter.hl7_v2.test_mapping import HEADER, PID, SAMPLE_RESULT, make_mapping

NOW = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
SAMPLES = (
    HEADER.format("ORU^R01^ORU_R01") + SAMPLE_RESULT,
    HEADER.format("OML^O21^OML_O21") + PID + "PV1|1|O\rORC|NW|CD1^HIS\rOBR|1|CD1||CTM\rNTE|1||x\r",
    HEADER.format("SRR^S01^SRR_S01")
    + "SCH|K1|HEN7^99001|||S1|NEW|||||^^^20261202080000+0700^20261202081500+0700"
    + "|||||HT||||HT|||||Booked\r"
    + PID
    + "RGS|1|A\rAIS|1|A|KB02\rAIL|1|A|P1\rZTD|||||||||4|2\r",
    HEADER.format("ACK^A04^ACK") + PID + "PV1|1|O" + "|" * 17 + "LK1\rZTD|||24|P|LK1|1|arrived|0\r",
    HEADER.format("ACK^P03^ACK") + "FT1|1|R1||20261201||PY|T||||45000\rZTD|||||||||||R1|balanced\r",
)
damage = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from([b"", b"|", b"^", b"&", b"~", b"\\", b"\r", b"\n", b"\xff", b"9", b"\x00"])
        | st.binary(max_size=5),
        st.integers(0, 6),
    ),
    max_size=6,
)


@given(st.sampled_from(SAMPLES), damage)
def test_damaged_messages(sample: str, places: list[tuple[float, bytes, int]]) -> None:
    content = sample.encode()
    for place, new, cut in places:
        at = int(place * len(content))
        content = content[:at] + new + content[at + cut :]
    mapping = make_mapping()
    readers = (
        mapping.read_patient,
        mapping.read_appointment,
        mapping.read_slot,
        mapping.read_visit,
        mapping.read_receipt,
        mapping.booking_refs,
        lambda message: mapping.read_orders(message, NOW),
        lambda message: mapping.read_reports(message, NOW),
        Message.encode,
    )
    try:
        message = decode(content)
    except BrokenReply:
        return
    for read in readers:
        try:
            read(message)
        except BrokenReply:
            continue
