"""The hub's TAXII server as a client sees it that we did not write: OASIS' taxii2-client.

What it publishes must come back byte for byte, in order, whatever the size of a page.
"""

import json
import os
import sys
import unittest
import uuid
from pathlib import Path
from urllib.parse import urljoin

import requests
from taxii2client.v21 import Server, as_pages

from hub import Hub

# Small enough for any server's limit on a body, large enough for few requests.
OBJECTS_PER_POST = 5000
PAGE = 1000
MEDIA_TYPE = "application/taxii+json;version=2.1"


class Bearer(requests.auth.AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + self.token
        return request


def written(value):
    """The bytes that taxii2-client sends for a value."""
    return json.dumps(value, ensure_ascii=False)


def raw_objects(text):
    """The texts of the objects in an envelope, as they stand there."""
    decoder = json.JSONDecoder()
    at, found = text.index("[", text.index('"objects"')) + 1, []
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "]":
            return found
        _, end = decoder.raw_decode(text, at)
        found.append(text[at:end])
        at = end


def indicator(number, modified="2026-01-01T00:00:00.000Z", **more):
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--" + str(uuid.uuid5(uuid.NAMESPACE_URL, "test" + str(number))),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": modified,
        "name": "踏み台の疑い " + str(number),
        "pattern": "[ipv4-addr:value = '198.51.100." + str(number) + "']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


class WithTaxiiClient(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        hub = Hub()
        self.ready = hub.__enter__().ready
        self.addCleanup(hub.__exit__)
        self.auth = Bearer(self.ready["token"])
        self.server = Server(urljoin(self.ready["address"], "/taxii2/"), auth=self.auth)
        self.texts = []
        self.root = self.server.api_roots[0]
        self.collection = next(c for c in self.root.collections if c.id == self.ready["collection"])
        # The client gives parsed JSON only; this keeps what really came.
        self.collection._conn.session.hooks["response"].append(lambda reply, *_, **__: self.texts.append(reply.content.decode()))

    def publish(self, objects):
        for start in range(0, len(objects), OBJECTS_PER_POST):
            part = objects[start : start + OBJECTS_PER_POST]
            status = self.collection.add_objects({"objects": part}, poll_interval=0.1, timeout=300)
            self.assertEqual((status.status, status.failure_count), ("complete", 0), status.failures[:3])
            self.assertEqual(status.success_count, len(part))

    def collect(self, **filters):
        """All objects that match, as texts."""
        del self.texts[:]
        count = sum(len(page.get("objects", [])) for page in as_pages(self.collection.get_objects, PAGE, **filters))
        found = [text for page in self.texts if '"objects"' in page for text in raw_objects(page)]
        self.assertEqual(len(found), count)
        return found

    def test_discovery(self):
        self.assertEqual(self.root.url.rstrip("/"), urljoin(self.ready["address"], self.ready["api_root"]).rstrip("/"))
        self.assertIn(MEDIA_TYPE, self.root.versions)
        self.assertTrue(self.collection.can_read and self.collection.can_write)

    def test_a_stranger_is_refused(self):
        for auth in [None, Bearer("yg_wrong")]:
            with self.assertRaises(requests.HTTPError) as refused:
                Server(urljoin(self.ready["address"], "/taxii2/"), auth=auth).refresh()
            self.assertEqual(refused.exception.response.status_code, 401)

    def test_what_is_published_comes_back_as_it_was(self):
        sent = [indicator(n, x_number=0.1, x_text="\u2028 𠮟る <&>") for n in range(1, 201)]
        self.publish(sent)
        self.assertEqual(self.collect(), [written(o) for o in sent])
        # Once more is no change and no error.
        self.publish(sent)
        self.assertEqual(len(self.collect()), len(sent))

    def test_versions_filters_and_delete(self):
        later = "2026-02-01T00:00:00.000001Z"
        self.publish([indicator(1), indicator(1, modified=later, name="second"), indicator(2)])
        one = indicator(1)["id"]
        self.assertEqual([json.loads(o)["modified"] for o in self.collect(id=one)], [later])
        self.assertEqual(len(self.collect(id=one, version="all")), 2)
        self.assertEqual(len(self.collect(type="malware")), 0)
        versions = self.collection.object_versions(one)["versions"]
        self.assertEqual(versions, ["2026-01-01T00:00:00.000Z", later])
        manifest = self.collection.get_manifest(version="all")["objects"]
        self.assertEqual(len(manifest), 3)
        added = [entry["date_added"] for entry in manifest]
        self.assertEqual(added, sorted(set(added)), "unique and rising")
        self.assertEqual(len(self.collect(added_after=added[1])), 1)
        self.collection.delete_object(one)
        self.assertEqual([json.loads(o)["id"] for o in self.collect(version="all")], [indicator(2)["id"]])

    def test_one_bad_object_does_not_spoil_the_good(self):
        bad = {**indicator(3), "modified": "yesterday"}
        status = self.collection.add_objects({"objects": [indicator(1), bad, indicator(2)]}, poll_interval=0.1)
        self.assertEqual((status.status, status.success_count, status.failure_count), ("complete", 2, 1))
        self.assertEqual(status.failures[0]["id"], bad["id"])
        self.assertTrue(status.failures[0].get("message"))
        self.assertEqual(len(self.collect()), 2)

    def test_attack_ics(self):
        self.whole_bundle("stix/attack-stix-data/ics-attack/ics-attack.json", 1826)

    def test_attack_enterprise(self):
        self.whole_bundle("stix/attack-enterprise-derived/enterprise-attack-stix21-derived.json", 24771)

    def whole_bundle(self, path, count):
        corpus = os.environ.get("YAGURA_CORPUS")
        if not corpus:
            print("SKIPPED: " + self.id() + " needs YAGURA_CORPUS", file=sys.stderr)
            self.skipTest("needs YAGURA_CORPUS")
        sent = json.loads(Path(corpus, path).read_text(encoding="utf-8"))["objects"]
        self.assertEqual(len(sent), count)
        self.publish(sent)
        found = self.collect(version="all")
        self.assertEqual(len(found), count)
        for was, now in zip(sent, found):
            self.assertEqual(written(was), now)


if __name__ == "__main__":
    unittest.main()
