#!/usr/bin/env python3
"""Writes the sample: council, campaign and telemetry. Standard library only; the same output at every run.

    python3 sample/generate.py            writes the files beside this script
    python3 sample/generate.py --check    fails if they are not what would be written

Everything is invented. Addresses are those of documentation (RFC 5737, RFC 3849) and of private networks (RFC 1918), names end
in `.example` (RFC 2606), hashes are hashes of made-up words.
"""

import json
import pathlib
import sys

import campaign
import council
import telemetry

HERE = pathlib.Path(__file__).resolve().parent


def outputs():
    """Every file of the sample: its path and its text."""
    yield "council.json", pretty(council.council())
    yield "campaign.ja-en.json", pretty(campaign.bundle())
    yield "telemetry/edge-port/eve.json", telemetry.port()
    for name, text in telemetry.hospital():
        yield f"telemetry/edge-hospital/{name}", text


def pretty(value):
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def main():
    stale = []
    for path, text in outputs():
        file = HERE / path
        if "--check" in sys.argv:
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                stale.append(path)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        print(f"{path}: {len(text.encode()):,} bytes")
    if stale:
        sys.exit(f"not what generate.py writes: {', '.join(stale)}; run python3 sample/generate.py")


if __name__ == "__main__":
    main()
