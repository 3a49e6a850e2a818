"""transcripts.json: exchanges step by step (SPEC.md 5, 6.6, 7, 8.1)."""

from typing import Any

import transcript_broker
import transcript_partner
import transcript_talk
from transcript_consortium import CHECKPOINTS, OPERATOR


def transcript_file() -> dict[str, Any]:
    policies = {**transcript_broker.POLICIES, **transcript_partner.POLICIES, **transcript_talk.POLICIES}
    return {
        "about": "Exchanges, step by step. How they are to be read is in tests/vectors/v1/README.md.",
        "operator": {"signing": OPERATOR.hex(), "checkpoint": CHECKPOINTS.hex()},
        "policies": {name: one.to_json() for name, one in policies.items()},
        "broker": transcript_broker.transcripts() + transcript_talk.transcripts(),
        "partner": transcript_partner.transcripts(),
    }
