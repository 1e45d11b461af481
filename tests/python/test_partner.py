"""A foreign party without a hub polls ours with OASIS' taxii2-client: it is given TLP:CLEAR and TLP:GREEN, and what an agreement in
force gives, as long as all parties give."""

import os
import subprocess
import unittest
import uuid
from urllib.parse import urljoin

import requests
from taxii2client.v21 import Server, as_pages

from hub import Hub

LEVELS = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
}


class Bearer(requests.auth.AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + self.token
        return request


def indicator(level):
    time = "2026-01-01T00:00:00.000Z"
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--" + str(uuid.uuid4()),
        "created": time,
        "modified": time,
        "name": level,
        "pattern": "[ipv4-addr:value = '198.51.100.7']",
        "pattern_type": "stix",
        "valid_from": time,
        "object_marking_refs": [LEVELS[level]],
    }


class PartnerWithTaxiiClient(unittest.TestCase):
    def setUp(self):
        self.hub = Hub()
        self.ready = self.hub.__enter__().ready
        self.addCleanup(self.hub.__exit__)
        self.admin("org", "add", "aurora", "--name-ja", "オーロラ", "--name-en", "Aurora", "--role", "partner")
        token = self.admin("token", "add", "--org", "aurora", "--role", "analyst")
        self.partner = Server(urljoin(self.ready["address"], "/taxii2/"), auth=Bearer(token))

    def admin(self, *arguments):
        data = os.path.join(self.hub.folder.name, "data")
        command = [os.environ["YAGURA_BIN"], "admin", "--data", data, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def person(self, organisation):
        """A signed-in approver; gives what sends its requests."""
        login = organisation + "-" + uuid.uuid4().hex
        arguments = ["--name", login, "--org", organisation, "--role", "approver"]
        link = self.admin("user", "add", login, *arguments).split("#link=")[1].splitlines()[0]
        session = requests.Session()
        answer = session.post(self.ready["address"] + "/api/v1/session/link", json={"link": link})
        self.assertEqual(answer.status_code, 200, answer.text)
        csrf = answer.json()["csrf"]

        def post(path, body):
            done = session.post(self.ready["address"] + path, json=body, headers={"X-Yagura-CSRF": csrf})
            self.assertLess(done.status_code, 300, done.text)
            return done.json()

        return post

    def given(self, **match):
        collection = next(c for c in self.partner.api_roots[0].collections if c.id == self.ready["collection"])
        names = []
        for page in as_pages(collection.get_objects, per_request=1, **match):
            names += [one["name"] for one in page.get("objects", []) if one["type"] == "indicator"]
        return names

    def test_what_is_polled_is_what_the_level_and_the_agreement_give(self):
        objects = [indicator(level) for level in LEVELS]
        auth = Bearer(self.ready["token"])
        done = requests.post(self.ready["address"] + "/api/v1/objects", json={"objects": objects}, auth=auth)
        self.assertEqual(done.json()["accepted"], 4, done.text)
        self.assertEqual(self.given(), ["clear", "green"])

        council, aurora = self.person("coordinator"), self.person("aurora")
        text = {
            "id": "aurora-2026",
            "title_ja": "合意",
            "title_en": "Agreement",
            "parties": ["coordinator", "aurora"],
            "from": "2020-01-01T00:00:00Z",
            "until": "2100-01-01T00:00:00Z",
            "reciprocal": True,
            "terms": [
                {
                    "from": ["coordinator:members"],
                    "to": ["aurora"],
                    "classes": ["indicator"],
                    "tlp": "amber",
                    "pap": "amber",
                    "purposes": ["collective-defence"],
                    "onward": "none",
                    "originator_control": False,
                }
            ],
        }
        signature = {"state": "signed", "hash": council("/api/v1/agreements", text)["hash"]}
        side = "/api/v1/agreements/aurora-2026/side"
        council(side, signature)
        self.assertEqual(self.given(), ["clear", "green"], "one of two has signed")
        aurora(side, signature)
        self.assertEqual(self.given(), ["clear", "green", "amber"])
        council(side, {**signature, "state": "suspended", "reason": "a test"})
        self.assertEqual(self.given(), ["clear", "green"])


if __name__ == "__main__":
    unittest.main()
