"""Our TAXII client against a server that is not ours: OASIS' medallion, as a process of its own.

`yagura import --from-taxii` reads it, `yagura export --to-taxii` feeds it; what goes through both must be the same objects.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from pathlib import Path
from urllib.parse import urljoin

import requests

from hub import Hub

READY_SECONDS_MAX = 60
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
LOCKED = "52892447-4d7e-4f70-b94d-d7f22742ff63"
MEDIA_TYPE = "application/taxii+json;version=2.1"
USER, PASSWORD = "reader", "Password0"


class Medallion:
    """Runs medallion on a free port while the `with` block lasts, over its memory backend."""

    def __init__(self, page=20):
        self.page = page

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="medallion-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        folder = Path(self.folder.name)
        (folder / "data.json").write_text(json.dumps(self.data()))
        (folder / "config.json").write_text(json.dumps({
            "backend": {
                "module": "medallion.backends.memory_backend",
                "module_class": "MemoryBackend",
                "filename": str(folder / "data.json"),
            },
            "users": {USER: PASSWORD},
            "taxii": {"max_page_size": self.page},
        }))
        program = Path(sys.executable).with_name("medallion")
        self.log = open(folder / "log", "w+b")
        command = [program, "--host", "127.0.0.1", "--port", str(port), "--log-level", "ERROR", folder / "config.json"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                requests.get(self.address, timeout=5)
                return self
            except requests.ConnectionError:
                time.sleep(0.1)
        self.__exit__()
        raise AssertionError("medallion did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=READY_SECONDS_MAX)
        self.log.close()
        self.folder.cleanup()

    def data(self):
        collection = {"title": "c", "can_read": True, "can_write": True, "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": []}
        root = {
            "information": {"title": "r", "versions": [MEDIA_TYPE], "max_content_length": 20_000},
            "status": [],
            "collections": [{**collection, "id": LOCKED, "can_read": False, "can_write": False}, {**collection, "id": COLLECTION}],
        }
        # An absolute address, where our own hub gives a relative one.
        return {"/discovery": {"title": "m", "default": self.address + "/r/", "api_roots": [self.address + "/r/"]}, "r": root}

    def objects(self):
        """Everything in it, by another client than ours."""
        url = f"{self.address}/r/collections/{COLLECTION}/objects/"
        # Without a limit, medallion stumbles over its own `next`.
        found, query = [], {"match[version]": "all", "limit": self.page}
        while True:
            reply = requests.get(url, params=query, headers={"Accept": MEDIA_TYPE}, auth=(USER, PASSWORD), timeout=60)
            reply.raise_for_status()
            envelope = reply.json()
            found += envelope.get("objects", [])
            if not envelope.get("more"):
                return found
            query["next"] = envelope["next"]

    def add(self, objects):
        url = f"{self.address}/r/collections/{COLLECTION}/objects/"
        headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
        for one in objects:
            # One by one: medallion gives one date to a request, and dates are how it is read on.
            reply = requests.post(url, json={"objects": [one]}, headers=headers, auth=(USER, PASSWORD), timeout=60)
            self_check = reply.json()
            assert reply.status_code == 202 and self_check["failure_count"] == 0, self_check


def campaign(number, **more):
    return {
        "type": "campaign",
        "spec_version": "2.1",
        "id": "campaign--" + str(uuid.uuid5(uuid.NAMESPACE_URL, "other" + str(number))),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "霧 " + str(number),
        "object_marking_refs": ["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"],
        **more,
    }


class WithMedallion(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        hub, other = Hub(), Medallion()
        self.hub = hub.__enter__().ready
        self.addCleanup(hub.__exit__)
        self.other = other.__enter__()
        self.addCleanup(other.__exit__)

    def yagura(self, *arguments, code=0, **more):
        environment = {**os.environ, "YAGURA_HUB": self.hub["address"], "YAGURA_TOKEN": self.hub["token"]}
        environment.update({"YAGURA_TAXII_USER": USER, "YAGURA_TAXII_PASSWORD": PASSWORD, **more})
        done = subprocess.run([os.environ["YAGURA_BIN"], *arguments], capture_output=True, text=True, env=environment, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def exported(self):
        """What the hub gives, without the definitions and identities that it made itself."""
        lines = self.yagura("export", "--form", "lines", "--quiet").splitlines()
        return [json.loads(line) for line in lines if json.loads(line)["type"] == "campaign"]

    def test_a_collection_is_read_to_its_end_and_on_from_there(self):
        discovery = self.other.address + "/taxii2/"
        sent = [campaign(number, x_number=number / 8) for number in range(50)]
        self.other.add(sent[:45])
        cursor = os.path.join(self.other.folder.name, "cursor")
        self.yagura("import", "--from-taxii", discovery, "--cursor", cursor)
        self.assertEqual(self.exported(), sent[:45])
        self.other.add(sent[45:])
        told = self.yagura("import", "--from-taxii", discovery, "--cursor", cursor, "--json")
        totals = json.loads(told.splitlines()[0])
        self.assertEqual(totals, {"accepted": 5, "duplicates": 0, "refused": 0}, "only what is new was read")
        self.assertEqual(self.exported(), sent)

    def test_a_collection_is_fed(self):
        sent = [campaign(number, description="x" * 900) for number in range(60)]
        envelope = json.dumps({"objects": sent}).encode()
        url = urljoin(self.hub["address"], f"{self.hub['api_root']}collections/{self.hub['collection']}/objects/")
        headers = {"Authorization": "Bearer " + self.hub["token"], "Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
        self.assertEqual(requests.post(url, data=envelope, headers=headers, timeout=60).json()["success_count"], 60)
        # Several requests, for the other server takes 20,000 bytes at once.
        self.yagura("export", "--to-taxii", self.other.address + "/taxii2/", "--taxii-collection", COLLECTION)
        found = {one["id"]: one for one in self.other.objects()}
        self.assertEqual([found.get(one["id"]) for one in sent], sent)
        # Medallion calls refused what it has already; that is told, and changes nothing.
        self.yagura("export", "--to-taxii", self.other.address + "/taxii2/", code=1)
        self.assertEqual(len(self.other.objects()), len(found), "once more is no change")

    def test_whose_fault_it_is(self):
        discovery = self.other.address + "/taxii2/"
        told = self.yagura("import", "--from-taxii", discovery, code=2, YAGURA_TAXII_PASSWORD="wrong")
        self.assertIn("taxii-refused", told)
        self.assertNotIn("wrong", told)
        self.assertIn("taxii-unreachable", self.yagura("import", "--from-taxii", "http://127.0.0.1:1/taxii2/", code=3))
        self.assertIn("taxii-address", self.yagura("import", "--from-taxii", "http://taxii.example/taxii2/", code=2))
        absent = ["--taxii-collection", str(uuid.uuid4())]
        self.assertIn("no-collection", self.yagura("import", "--from-taxii", discovery, *absent, code=1))


if __name__ == "__main__":
    unittest.main()
