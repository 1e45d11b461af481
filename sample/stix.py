"""Helpers for writing STIX 2.1 objects."""

import hashlib
import uuid

CASE_EXTENSION = "extension-definition--9c539667-3c16-59c4-aa6c-aa3c7d9343bb"
TLP_2_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

TLP = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
LEVELS = list(TLP)


def id_of(object_type, key):
    """A version 4 identifier that is the same at every run."""
    digest = hashlib.sha256(f"yagura sample: {object_type}: {key}".encode()).digest()
    return f"{object_type}--{uuid.UUID(bytes=digest[:16], version=4)}"


def digest(algorithm, words):
    """The hash of made-up words, for a file that never was."""
    return hashlib.new(algorithm, f"yagura sample file: {words}".encode()).hexdigest()


def strictest(*levels):
    return max(levels, key=LEVELS.index)


def both(ja, en):
    """A text in both languages."""
    return f"{ja}\n\n{en}"


def sdo(object_type, key, tlp, when, by, /, **properties):
    """One object. `when` is its creation, or creation and modification."""
    created, modified = when if isinstance(when, tuple) else (when, when)
    return {
        "type": object_type,
        "spec_version": "2.1",
        "id": id_of(object_type, key),
        **({"created_by_ref": by} if by else {}),
        "created": created,
        "modified": modified,
        **{name: value for name, value in properties.items() if value is not None},
        "object_marking_refs": [TLP[tlp]],
    }


def tlp_definition(level):
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP[level],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{level.upper()}",
        "extensions": {TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}},
    }
