"""What a package for a court says in CASE and UCO conforms to the shapes that CASE and UCO themselves publish, read by their validator."""

import copy
import json
import os
import socket
import subprocess
import tempfile
import unittest
import warnings
import zipfile
from pathlib import Path
from unittest import mock
from urllib.parse import urljoin

import requests
from case_utils.case_validate import validate

from hub import Hub

# The version that is claimed, and the newest one that the validator brings.
VERSIONS = ("case-1.4.0", "case-1.5.0")
COLLECTED = "2026-11-02T09:30:00+09:00"


class WithPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="yagura-evidence-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        with Hub() as hub:
            cls.ready = hub.ready
            cls.document = cls.packaged()

    @classmethod
    def rest(cls, path, body):
        headers = {"Authorization": "Bearer " + cls.ready["token"]}
        reply = requests.post(urljoin(cls.ready["address"], path), json=body, headers=headers, timeout=60)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    @classmethod
    def evidence(cls, *arguments):
        environment = {**os.environ, "YAGURA_HUB": cls.ready["address"], "YAGURA_TOKEN": cls.ready["token"]}
        command = [os.environ["YAGURA_BIN"], "--lang", "en", "evidence", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout.strip()

    @classmethod
    def packaged(cls):
        """Has two items go through what a token may do with them, and gives what their package says in CASE and UCO."""
        cls.rest("/api/v1/organisations", {"id": "rail", "name_ja": "鉄道", "name_en": "Rail", "role": "operator", "sectors": ["railways"], "prefecture": 27})
        case = str(cls.rest("/api/v1/cases", {"title": "踏み台にされた端末", "severity": 3, "objects": []})["summary"]["number"])
        password = cls.folder / "password"
        password.write_text("seal-2026-of-night\n", encoding="utf-8")
        for name, kind, basis in (("disk.img", "disk-image", ["--legal-basis", "刑訴法218条"]), ("通信 記録.log", "log", [])):
            path = cls.folder / name
            path.write_bytes(name.encode() * 1000)
            secured = ["--kind", kind, "--description", "端末の記録", "--collector", "警部補 山田", "--seized-at", COLLECTED, "--seized-where", "東京港 計算機室", "--reason", "捜索差押え"]
            item = cls.evidence("add", case, str(path), *secured, *basis, "--tlp", "amber")
            cls.evidence("download", item, "--reason", "解析", "--out", str(cls.folder / f"{item}.zip"))
            cls.rest(f"/api/v1/evidence/{item}/offer", {"organisation": "rail", "reason": "還付", "legal_basis": "刑訴法123条"})
            cls.rest(f"/api/v1/evidence/{item}/answer", {"answer": "withdraw", "reason": "誤り"})
            cls.rest(f"/api/v1/evidence/{item}/label", {"label": {"tlp": "red"}, "reason": "関係者に限る"})
        package = cls.folder / "package.zip"
        cls.evidence("export", case, "--reason", "公判への提出", "--legal-basis", "刑訴法321条", "--password-file", str(password), "--out", str(package))
        with zipfile.ZipFile(package) as archive:
            return json.loads(archive.read("case-uco.jsonld"))

    def found(self, document, version):
        """What the validator finds: violations, warnings, hints, and names that CASE and UCO do not have. No shape comes over the network."""
        path = self.folder / "held-against-shapes.jsonld"
        path.write_text(json.dumps(document), encoding="utf-8")
        no_network = mock.patch.object(socket.socket, "connect", side_effect=AssertionError("the validator went to the network"))
        with no_network, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = validate(str(path), case_version=version)
        return None if result.conforms else f"{version}: {result.text} {sorted(result.undefined_concepts)}"

    def nodes(self, document, kind):
        return [node for node in document["@graph"] if node["@type"] == kind]

    def test_it_conforms(self):
        actions = {node["uco-core:name"] for node in self.nodes(self.document, "case-investigation:InvestigativeAction")}
        # Were one of them not in it, less would have been tried than is claimed.
        self.assertLessEqual({"seized", "custody-receive", "sealed", "downloaded", "custody-offer", "withdrawn", "labelled", "exported"}, actions)
        for version in VERSIONS:
            self.assertIsNone(self.found(self.document, version))

    def test_what_does_not_conform_is_found(self):
        """That nothing is found says something only where a fault is."""
        def wrong_hash(document):
            facet = self.nodes(document, "uco-observable:File")[0]["uco-core:hasFacet"][1]
            facet["uco-observable:hash"][0]["uco-types:hashValue"] = "no digest"

        def unknown_name(document):
            self.nodes(document, "case-investigation:ProvenanceRecord")[0]["uco-core:custodian"] = "rail"

        def two_performers(document):
            organisation = self.nodes(document, "uco-identity:Organization")[0]["@id"]
            action = self.nodes(document, "case-investigation:InvestigativeAction")[0]
            action["uco-action:performer"] = [action["uco-action:performer"], {"@id": organisation}]

        for spoil in (wrong_hash, unknown_name, two_performers):
            document = copy.deepcopy(self.document)
            spoil(document)
            self.assertIsNotNone(self.found(document, VERSIONS[0]), spoil.__name__)

    def test_an_item_was_secured_when_and_by_whom_it_is_said(self):
        people = {node["@id"]: node["uco-core:name"] for node in self.nodes(self.document, "uco-identity:Person")}
        seized = [node for node in self.nodes(self.document, "case-investigation:InvestigativeAction") if node["uco-core:name"] == "seized"]
        self.assertEqual(len(seized), 2)
        for node in seized:
            self.assertEqual(node["uco-action:startTime"]["@value"], "2026-11-02T00:30:00Z")
            self.assertEqual(people[node["uco-action:performer"]["@id"]], "警部補 山田")
            self.assertGreater(node["uco-core:objectCreatedTime"]["@value"], node["uco-action:endTime"]["@value"])


if __name__ == "__main__":
    unittest.main()
