"""Holds patterns against observed data with OASIS' own matcher. Each line of standard input is an object of `pattern` and `objects`, each
line of standard output is `match`, `no-match` or `error`. Run by the test `the_oasis_matcher_says_the_same` of the crate `stix`."""

import json
import sys

from stix2matcher.matcher import match

for line in sys.stdin:
    case = json.loads(line)
    bundle = {"type": "bundle", "id": "bundle--0a1b2c3d-0000-4000-8000-000000000001", "objects": case["objects"]}
    try:
        print("match" if match(case["pattern"], [bundle], stix_version="2.1") else "no-match")
    except Exception as reason:
        print(f"error: {reason}".replace("\n", " "))
