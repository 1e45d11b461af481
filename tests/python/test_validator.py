"""What the hub gives is STIX to programs that are not ours: OASIS' validator finds no error in it, and python-stix2 reads it."""

import json
import subprocess
import tempfile
import os
import unittest
from pathlib import Path

import requests
import stix2
from stix2validator import ValidationOptions, validate_instance
from urllib.parse import urljoin

from hub import Hub

MEDIA_TYPE = "application/taxii+json;version=2.1"
ACS = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"


class WithValidator(unittest.TestCase):
    def setUp(self):
        hub = Hub()
        self.ready = hub.__enter__().ready
        self.addCleanup(hub.__exit__)
        self.headers = {"Authorization": "Bearer " + self.ready["token"]}

    def rest(self, method, path, body=None, **headers):
        reply = requests.request(method, urljoin(self.ready["address"], path), json=body, headers={**self.headers, **headers}, timeout=60)
        self.assertLess(reply.status_code, 300, reply.text)
        return reply.json() if reply.content else None

    def work(self):
        """Has the hub make one of everything that it makes itself: identities, a sighting, a case, definitions, an ACS marking."""
        self.rest("POST", "/api/v1/organisations", {"id": "rail", "name_ja": "鉄道", "name_en": "Rail", "role": "operator", "sectors": ["railways"], "prefecture": 27})
        edge = self.rest("POST", "/api/v1/edges", {"id": "rail-1", "organisation": "rail", "name": "駅"})
        indicator = stix2.v21.Indicator(
            name="踏み台", pattern="[ipv4-addr:value = '198.51.100.1']", pattern_type="stix", valid_from="2026-01-01T00:00:00Z",
            object_marking_refs=["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"], indicator_types=["malicious-activity"],
        )
        self.rest("POST", "/api/v1/objects?acs=true", json.loads(stix2.v21.Bundle(indicator).serialize()))
        now = "2026-04-01T00:00:00Z"
        sighting = {
            "id": "7f1c1a52-3a3b-4d6e-9d5a-0a1b2c3d4e5f", "indicator": indicator.id, "indicator_version": json.loads(indicator.serialize())["modified"],
            "first_seen": now, "last_seen": now, "count": 1, "purpose": "collective-defence", "marking": "green",
            "addresses": ["198.51.100.1"], "domains": ["evil.example"], "hashes": [], "ports": [443], "protocol": "tcp", "bytes": 1200,
        }
        done = self.rest("POST", "/edge/v1/sightings", {"sightings": [sighting]}, Authorization="Bearer " + edge["token"])
        self.assertEqual(done["outcomes"][0], "accepted" if isinstance(done["outcomes"][0], str) else done["outcomes"][0])
        case = self.rest("POST", "/api/v1/cases", {"title": "様子を見る", "severity": 3, "objects": [indicator.id]})
        self.rest("POST", f"/api/v1/cases/{case['summary']['id']}/entries", {"text": "電話で確認した"})
        return indicator

    def given(self):
        """Everything in the log, the hub's own definitions with it."""
        found, query = [], ""
        while True:
            page = self.rest("GET", "/api/v1/objects?limit=200&revoked=true" + query)
            for summary in page["objects"]:
                found.append(self.rest("GET", f"/api/v1/objects/{summary['id']}")["object"])
            if page.get("next") is None:
                break
            query = "&next=" + page["next"]
        envelope = self.rest("GET", f"{self.ready['api_root']}collections/{self.ready['collection']}/objects/", Accept=MEDIA_TYPE)
        found += envelope.get("objects", [])
        for one in list(found):
            for marking in one.get("object_marking_refs", []):
                found.append(self.rest("GET", f"/api/v1/objects/{marking}")["object"])
            if one.get("created_by_ref"):
                found.append(self.rest("GET", f"/api/v1/objects/{one['created_by_ref']}")["object"])
        return {one["id"]: one for one in found}

    def test_no_error_is_found(self):
        self.work()
        given = self.given()
        types = {one["type"] for one in given.values()}
        self.assertLessEqual({"indicator", "sighting", "incident", "identity", "marking-definition"}, types)
        self.assertTrue(any(ACS in one.get("extensions", {}) for one in given.values()))
        faults = []
        for one in given.values():
            result = validate_instance(one, ValidationOptions(version="2.1"))
            faults += [f"{one['id']}: {error}" for error in result.errors]
        self.assertEqual(faults, [])

    def test_python_stix2_reads_it(self):
        self.work()
        for one in self.given().values():
            # TLP 2.0 and the incident extension came after this package's classes; they are read as custom content.
            read = stix2.parse(one, allow_custom=True)
            self.assertEqual(json.loads(read.serialize())["id"] if hasattr(read, "serialize") else read["id"], one["id"])

    def test_an_exported_bundle_is_valid(self):
        self.work()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "all.json")
            environment = {**os.environ, "YAGURA_HUB": self.ready["address"], "YAGURA_TOKEN": self.ready["token"]}
            subprocess.run([os.environ["YAGURA_BIN"], "export", "--quiet", "--output", path], check=True, env=environment, timeout=60)
            bundle = json.loads(path.read_text(encoding="utf-8"))
        result = validate_instance(bundle, ValidationOptions(version="2.1"))
        faults = [str(error) for part in (result if isinstance(result, list) else [result]) for error in part.errors]
        self.assertEqual(faults, [])
        self.assertGreaterEqual(len(bundle["objects"]), 3)


if __name__ == "__main__":
    unittest.main()
