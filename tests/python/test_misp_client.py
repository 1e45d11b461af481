"""The hub's MISP surface as a client sees it that we did not write: PyMISP.

What it pushes must come back the same, to those who may have it and to nobody else.
"""

import gzip
import json
import logging
import os
import subprocess
import unittest

import requests
from pymisp import MISPEvent, MISPObject, MISPSharingGroup, MISPSighting, PyMISP

from hub import Hub

EVENT = "5a6f1f2e-0000-4000-8000-000000000001"
DOMAIN = "5a6f1f2e-0000-4000-8000-000000000002"
SECRET = "5a6f1f2e-0000-4000-8000-000000000003"
GROUP = "5a6f1f2e-0000-4000-8000-0000000000cc"


def sent_event():
    event = MISPEvent()
    event.from_dict(
        uuid=EVENT,
        info="港湾への攻撃 / attack on ports",
        date="2026-01-02",
        distribution=3,
        threat_level_id=1,
        analysis=1,
        Orgc={"uuid": "5a6f1f2e-0000-4000-8000-0000000000aa", "name": "CERT Test"},
    )
    event.add_tag("tlp:green")
    event.add_tag('admiralty-scale:source-reliability="b"')
    event.add_attribute("domain", "evil.example", uuid=DOMAIN, to_ids=True, comment="C2")
    event.add_attribute("ip-dst|port", "198.51.100.7|443", to_ids=True)
    event.add_attribute("comment", "自由記述 free text", to_ids=False)
    event.add_attribute("btc", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", to_ids=False)
    secret = event.add_attribute("domain", "secret.example", uuid=SECRET, to_ids=True)
    secret.add_tag("tlp:amber")
    file = MISPObject("file", standalone=False)
    file.add_attribute("filename", value="dropper.exe", to_ids=False)
    file.add_attribute("sha256", value="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    file.add_reference(DOMAIN, "connects-to", "when it starts")
    event.add_object(file)
    event.add_event_report("Summary", "# 概要\n\nWhat happened.")
    whole = json.loads(event.to_json())
    whole["Galaxy"] = [
        {
            "uuid": "698774c7-8022-42c4-917f-8d6e4f06ada3",
            "name": "Threat Actor",
            "type": "threat-actor",
            "description": "Threat actors",
            "GalaxyCluster": [
                {"uuid": "5a6f1f2e-0000-4000-8000-00000000beef", "type": "threat-actor", "value": "APT 0", "description": "An actor"}
            ],
        }
    ]
    event = MISPEvent()
    event.from_dict(**whole)
    return event


def facts(event):
    """What must be the same: everything that the sender said, without what a server adds."""
    whole = json.loads(event.to_json())

    def attribute(item):
        tags = sorted(tag["name"] for tag in item.get("Tag", []))
        return (item["uuid"], item["type"], item["category"], item["value"], item.get("to_ids"), item.get("comment"), tuple(tags))

    return {
        "head": tuple(str(whole.get(name)) for name in ("uuid", "info", "date", "distribution", "threat_level_id", "analysis")),
        "tags": sorted(tag["name"] for tag in whole.get("Tag", [])),
        "attributes": sorted(attribute(item) for item in whole.get("Attribute", [])),
        "objects": sorted(
            (item["uuid"], item["name"], tuple(sorted(attribute(inner) for inner in item["Attribute"])),
             tuple((r["uuid"], r["referenced_uuid"], r["relationship_type"]) for r in item.get("ObjectReference", [])))
            for item in whole.get("Object", [])
        ),
        "reports": [(item["uuid"], item["name"], item["content"]) for item in whole.get("EventReport", [])],
        "clusters": [c["value"] for g in whole.get("Galaxy", []) for c in g["GalaxyCluster"]],
    }


class TestMisp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logging.getLogger("pymisp").setLevel(logging.CRITICAL)
        cls.hub = Hub().__enter__()
        cls.addClassCleanup(cls.hub.__exit__)
        cls.address = cls.hub.ready["address"].rstrip("/") + "/"
        cls.own = PyMISP(cls.address, cls.token("cert-a", "agency"), False)
        cls.operator = PyMISP(cls.address, cls.token("plant-b", "operator"), False)
        cls.partner = PyMISP(cls.address, cls.token("abroad-c", "partner"), False)
        cls.sent = sent_event()
        cls.first = cls.own.add_event(cls.sent, pythonify=True)
        assert isinstance(cls.first, MISPEvent), cls.first

    @classmethod
    def admin(cls, *arguments):
        command = [os.environ["YAGURA_BIN"], "admin", "--data", os.path.join(cls.hub.folder.name, "data"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    @classmethod
    def token(cls, organisation, role):
        sector = ["--sector", "power"] if role == "operator" else []
        cls.admin("org", "add", organisation, "--name-ja", organisation, "--name-en", organisation, "--role", role, *sector)
        return cls.admin("token", "add", "--org", organisation, "--role", "analyst", "--role", "duty_officer")

    def get(self, client, uuid=EVENT):
        return client.get_event(uuid, pythonify=True)

    def refused(self, answer, status):
        self.assertIsInstance(answer, dict)
        self.assertEqual(answer["errors"][0], status, answer)
        self.assertIn("message", answer["errors"][1])

    def test_01_an_event_comes_back_as_it_was_pushed(self):
        self.assertEqual(facts(self.get(self.own)), facts(self.sent))
        self.assertEqual(self.own.get_event(self.first.id, pythonify=True).uuid, EVENT)
        self.assertTrue(self.own.event_exists(EVENT))
        self.refused(self.own.get_event("5a6f1f2e-0000-4000-8000-00000000ffff"), 404)
        self.refused(self.own.add_event(sent_event()), 409)
        limited = MISPEvent()
        limited.info, limited.uuid = "limited", "5a6f1f2e-0000-4000-8000-00000000000d"
        for tag in ("tlp:amber", "PAP:AMBER"):
            limited.add_tag(tag)
        self.own.add_event(limited)
        self.assertEqual(sorted(tag.name for tag in self.get(self.own, limited.uuid).tags), ["PAP:AMBER", "tlp:amber"])

    def test_02_others_get_what_they_may_and_nothing_else(self):
        seen = self.get(self.operator)
        self.assertIn("secret.example", [a.value for a in seen.attributes])
        raw = json.dumps(self.partner.get_event(EVENT))
        self.assertIn("evil.example", raw)
        for withheld in ("secret.example", SECRET):
            self.assertNotIn(withheld, raw)
            for controller in ("events", "attributes"):
                found = self.partner.search(controller, value=withheld)
                self.assertNotIn("secret.example", json.dumps(found))
                self.assertFalse(found.get("Attribute") if controller == "attributes" else found, found)
        self.refused(self.partner.get_attribute(SECRET), 404)
        hidden = MISPEvent()
        hidden.info, hidden.uuid = "for cert-a alone", "5a6f1f2e-0000-4000-8000-000000000009"
        hidden.distribution = 0
        hidden.add_attribute("domain", "own.example", to_ids=True)
        self.assertNotIn("errors", self.own.add_event(hidden))
        self.assertEqual(len(self.own.search("attributes", value="own.example")["Attribute"]), 1)
        for client in (self.operator, self.partner):
            self.refused(client.get_event(hidden.uuid), 404)
            self.assertEqual(client.search(value="own.example"), [])
            self.assertNotIn(hidden.uuid, json.dumps(client.events()))
            self.refused(client.add_sighting({"type": "0"}, hidden.attributes[0].uuid), 404)

    def test_03_search(self):
        def found(**query):
            answer = self.operator.search(pythonify=True, **query)
            return [event.uuid for event in answer]

        self.assertEqual(found(value="evil.example"), [EVENT])
        self.assertEqual(found(value="198.51.100.7|443"), [EVENT])
        self.assertEqual(found(value="evil.%"), [EVENT])
        self.assertEqual(found(value="1BoatSLRHtKNngkdXEeobR76b53LETtpyT"), [EVENT])
        self.assertEqual(found(value="nowhere.example"), [])
        self.assertEqual(found(tags=["tlp:green"]), [EVENT])
        self.assertNotIn(EVENT, found(tags=["!tlp:green"]))
        self.assertEqual(found(type_attribute="btc"), [EVENT])
        self.assertEqual(found(type_attribute="yara"), [])
        self.assertEqual(found(date_from="2026-01-01", date_to="2026-01-03"), [EVENT])
        self.assertNotIn(EVENT, found(date_from="2026-01-03"))
        self.assertEqual(found(eventinfo="港湾"), [EVENT])
        self.assertEqual(found(uuid=EVENT), [EVENT])
        self.assertEqual(found(org="CERT Test"), [EVENT])
        self.assertEqual(found(timestamp="1h", value="evil.example", limit=1, page=1), [EVENT])
        self.assertEqual(found(value="evil.example", limit=1, page=2), [])
        attributes = self.operator.search("attributes", type_attribute=["domain"], to_ids=1, pythonify=True)
        self.assertEqual(sorted(a.value for a in attributes), ["evil.example", "secret.example"])
        self.assertEqual(attributes[0].Event.uuid, EVENT)
        files = self.operator.search("attributes", value="dropper.exe")["Attribute"]
        self.assertEqual(files[0]["object_relation"], "filename")
        self.assertIn(EVENT, [event["uuid"] for event in self.operator.events()])
        self.refused(self.operator.search(value="x", return_format="json", nonsense="y"), 400)

    def test_04_update(self):
        event = self.get(self.own)
        next(a for a in event.attributes if a.value == "evil.example").comment = "sinkholed"
        next(a for a in event.attributes if a.type == "btc").delete()
        event.add_attribute("url", "http://evil.example/x", to_ids=True)
        event.info = "changed"
        changed = self.own.update_event(event, pythonify=True)
        self.assertIsInstance(changed, MISPEvent, changed)
        again = self.get(self.operator)
        self.assertEqual(again.info, "changed")
        self.assertEqual({a.value: a.comment for a in again.attributes if a.uuid == DOMAIN}, {"evil.example": "sinkholed"})
        self.assertNotIn("btc", [a.type for a in again.attributes])
        with_deleted = self.operator.get_event(EVENT, deleted=True, pythonify=True)
        self.assertTrue(next(a for a in with_deleted.attributes if a.type == "btc").deleted)
        self.assertIn("http://evil.example/x", [a.value for a in again.attributes])
        event = self.get(self.own)
        flipped = next(a for a in event.attributes if a.value == "198.51.100.7|443")
        flipped.to_ids = False
        self.own.update_event(event)
        kept = [a for a in self.get(self.operator).attributes if a.uuid == flipped.uuid and not a.get("deleted")]
        self.assertEqual([a.to_ids for a in kept], [False])
        stale = self.get(self.own)
        old = next(a for a in stale.attributes if a.uuid == DOMAIN)
        old.comment, old.timestamp = "backdated", 1
        body = json.loads(stale.to_json())
        for item in body["Attribute"]:
            if item["uuid"] == DOMAIN:
                item["timestamp"] = "1"
        self.own.direct_call("events/edit/" + EVENT, body)
        comments = [a.comment for a in self.get(self.own).attributes if a.uuid == DOMAIN]
        self.assertEqual(comments, ["sinkholed"], "an older version changes nothing")

    def test_05_only_the_author_changes_an_event(self):
        for client in (self.operator, self.partner):
            event = self.get(client)
            event.info = "mine now"
            self.refused(client.update_event(event), 403)
            self.refused(client.delete_event(EVENT), 403)
        stolen = sent_event()
        stolen.info = "stolen"
        answer = self.operator.add_event(stolen)
        self.assertIn("errors", answer)
        self.assertNotEqual(self.get(self.own).info, "stolen")

    def test_06_attributes_tags_and_objects_one_by_one(self):
        made = self.own.add_attribute(EVENT, {"type": "domain", "value": "third.example", "to_ids": True}, pythonify=True)
        self.assertEqual(made.value, "third.example")
        self.own.tag(made, "kill-chain:Delivery")
        self.assertEqual([t.name for t in self.operator.get_attribute(made.uuid, pythonify=True).tags], ["kill-chain:Delivery"])
        self.own.untag(made.uuid, "kill-chain:Delivery")
        self.assertEqual(self.operator.get_attribute(made.uuid, pythonify=True).tags, [])
        self.own.tag(made, "tlp:red")
        self.refused(self.operator.get_attribute(made.uuid), 404)
        file = MISPObject("file", standalone=False)
        file.add_attribute("md5", value="d41d8cd98f00b204e9800998ecf8427e")
        added = self.own.add_object(EVENT, file, pythonify=True)
        self.assertIn(added.uuid, [item.uuid for item in self.get(self.operator).objects])
        self.assertTrue(any(tag.name == "tlp:green" for tag in self.operator.tags(pythonify=True)))

    def test_07_sightings(self):
        seen = MISPSighting()
        seen.from_dict(type="0", source="sensor-7")
        answer = self.operator.add_sighting(seen, DOMAIN, pythonify=True)
        self.assertIsInstance(answer, MISPSighting, answer)
        self.assertNotIn("errors", self.operator.add_sighting({"type": "1", "value": "evil.example"}))
        sightings = next(a for a in self.get(self.own).attributes if a.uuid == DOMAIN).Sighting
        told = sorted((s["type"], s.get("source"), s["Organisation"]["name"]) for s in map(as_dict, sightings))
        self.assertEqual(told, [("0", "sensor-7", "plant-b"), ("1", "", "plant-b")])
        self.refused(self.operator.add_sighting({"type": "2"}, DOMAIN), 422)

    def test_08_sharing_groups(self):
        event = MISPEvent()
        event.info, event.uuid, event.distribution = "for a circle", "5a6f1f2e-0000-4000-8000-00000000000a", 4
        group = MISPSharingGroup()
        group.from_dict(uuid=GROUP, name="Circle", releasability="the circle", active=True)
        event.SharingGroup = group
        event.sharing_group_id = 7
        event.add_tag("tlp:amber")
        event.add_attribute("domain", "circle.example", to_ids=True)
        pushed = json.loads(event.to_json())
        pushed["SharingGroup"] = {"uuid": GROUP, "name": "Circle", "releasability": "the circle", "id": "7"}
        self.assertNotIn("errors", self.own.direct_call("events/add", pushed))
        self.assertEqual(self.get(self.own, event.uuid).SharingGroup.uuid, GROUP)
        self.assertEqual([group.uuid for group in self.own.sharing_groups(pythonify=True)], [GROUP])
        for client in (self.operator, self.partner):
            self.refused(client.get_event(event.uuid), 404)
            self.assertEqual(client.search("attributes", value="circle.example")["Attribute"], [])
            self.assertEqual(client.sharing_groups(), [])

    def test_09_hostile_bodies(self):
        headers = {"Authorization": self.own.key, "Accept": "application/json", "Content-Type": "application/json"}
        add = self.address + "events/add"

        def post(body, **more):
            return requests.post(add, data=body, headers={**headers, **more})

        bomb = post(gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"})
        self.assertEqual(bomb.status_code, 415)
        for body in (b"{", b"[]", b"7", b'{"Event": 7}', b"[" * 100_000, b"\xff\xfe"):
            answer = post(body)
            self.assertIn(answer.status_code, (400, 413), body[:20])
            self.assertIn("message", answer.json())
        strange = {"Event": {"info": 7, "date": ["x"], "Attribute": [{"type": 1, "value": {"a": None}}, None, "x"], "Tag": "tlp:red"}}
        self.assertEqual(post(json.dumps(strange)).status_code, 200)
        for key in ("yg_wrong", "x" * 40):
            answer = requests.get(self.address + "events/index", headers={"Authorization": key})
            self.assertEqual(answer.status_code, 401)
        deceiving = {"Event": {"uuid": "5a6f1f2e-0000-4000-8000-00000000000b", "info": "homograph", "Tag": [{"name": "tlp:green"}],
                               "Attribute": [{"type": "domain", "value": "аpple.com", "to_ids": True}]}}
        self.assertEqual(post(json.dumps(deceiving)).status_code, 200)
        kept = self.get(self.operator, deceiving["Event"]["uuid"])
        self.assertEqual([a.value for a in kept.attributes], ["аpple.com"])

    def test_10_delete(self):
        event = MISPEvent()
        event.info, event.uuid = "to go", "5a6f1f2e-0000-4000-8000-00000000000c"
        event.add_tag("tlp:green")
        event.add_attribute("domain", "gone.example", to_ids=True)
        self.own.add_event(event)
        self.assertEqual(len(self.operator.search("attributes", value="gone.example")["Attribute"]), 1)
        self.assertNotIn("errors", self.own.delete_event(event.uuid))
        self.refused(self.operator.get_event(event.uuid), 404)
        self.assertEqual(self.operator.search("attributes", value="gone.example")["Attribute"], [])


def as_dict(item):
    return item if isinstance(item, dict) else json.loads(item.to_json())


if __name__ == "__main__":
    unittest.main()
