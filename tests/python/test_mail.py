"""Mail of saved searches and emergencies, taken by a mail server that we did not write (aiosmtpd): STARTTLS with a certificate, sign-in, Japanese."""

import json
import logging
import os
import ssl
import subprocess
import tempfile
import time
import unittest
import uuid
from email import message_from_bytes, policy

import requests
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from hub import Hub

PATIENCE_SECONDS = 60
USER, PASSWORD = "yagura", "pass word 合言葉"
TLP_GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


class Inbox:
    """Keeps what comes, with how it came; refuses one recipient for good."""

    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((session, envelope))
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=right)


class Server(Controller):
    def __init__(self, inbox, certificate):
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(self.tls)
        super().__init__(inbox, hostname="127.0.0.1", port=0)

    def factory(self):
        return SMTP(
            self.handler,
            tls_context=self.tls,
            require_starttls=True,
            auth_required=True,
            authenticator=authenticate,
            hostname="localhost",
        )

    def _trigger_server(self):
        # The controller looks whether it answers at its port, which is known only now.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class TestMail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A connection that the hub breaks off is what one of these tests asks for.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        cls.folder = tempfile.TemporaryDirectory(prefix="yagura-mail-")
        cls.addClassCleanup(cls.folder.cleanup)
        authority = trustme.CA()
        cls.authority = os.path.join(cls.folder.name, "authority.pem")
        authority.cert_pem.write_to_path(cls.authority)
        cls.password = os.path.join(cls.folder.name, "password")
        with open(cls.password, "w", encoding="utf-8") as file:
            file.write(PASSWORD + "\n")
        cls.certificate = authority.issue_cert("localhost", "127.0.0.1")

    def serve(self):
        inbox = Inbox()
        server = Server(inbox, self.certificate)
        server.start()
        self.addCleanup(server.stop)
        return inbox, server.port

    def hub(self, port, trusts=True, more=()):
        lines = ["[mail]", 'server = "127.0.0.1"', f"port = {port}", f'user = "{USER}"', f'password_file = "{self.password}"']
        lines += ['from = "やぐら <yagura@cert.example.jp>"', 'domains = ["cert.example.jp"]']
        if trusts:
            lines.append(f'certificate = "{self.authority}"')
        hub = Hub("\n".join([*lines, *more])).__enter__()
        self.addCleanup(hub.__exit__)
        return hub

    def address(self, hub):
        return hub.ready["address"].rstrip("/")

    def admin(self, hub, *arguments):
        command = [os.environ["YAGURA_BIN"], "admin", "--data", os.path.join(hub.folder.name, "data"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def organisation(self, hub, name):
        self.admin(hub, "org", "add", name, "--name-ja", name, "--name-en", name, "--role", "agency")

    def token(self, hub, organisation):
        self.organisation(hub, organisation)
        return self.admin(hub, "token", "add", "--org", organisation, "--role", "analyst")

    def officer(self, hub, organisation):
        """A duty officer in person, just signed in by a one-time link."""
        self.organisation(hub, organisation)
        link = self.admin(hub, "user", "add", "officer", "--name", "officer", "--org", organisation, "--role", "duty_officer")
        session = requests.Session()
        session.headers["Origin"] = self.address(hub)
        answer = session.post(self.address(hub) + "/api/v1/session/link", json={"link": link.split("#link=")[1].split()[0]})
        self.assertTrue(answer.ok, answer.text)
        session.headers["X-Yagura-CSRF"] = answer.json()["csrf"]
        return session

    def ask(self, hub, token, method, path, body=None):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = requests.request(method, self.address(hub) + path, data=body and json.dumps(body), headers=headers)
        self.assertTrue(answer.ok, answer.text)
        return answer.json()

    def search_and_publish(self, hub, mail, name="赤い霧の監視"):
        """A search of one organisation, and an object of another that it finds; gives the searcher's token and the object."""
        searcher, publisher = self.token(hub, "cert-a"), self.token(hub, "police")
        new = {"name": name, "terms": {"query": "赤い霧"}, "alerts": True, "mail": mail}
        self.ask(hub, searcher, "POST", "/api/v1/searches", new)
        time_of = "2026-01-01T00:00:00.000Z"
        campaign = {"type": "campaign", "spec_version": "2.1", "id": f"campaign--{uuid.uuid4()}", "created": time_of, "modified": time_of,
                    "name": "赤い霧作戦", "object_marking_refs": [TLP_GREEN]}
        self.ask(hub, publisher, "POST", "/api/v1/objects", campaign)
        return searcher, campaign

    def until(self, what, found):
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            value = found()
            if value:
                return value
            time.sleep(0.1)
        self.fail(f"waited too long: {what}")

    def notice(self, hub, token, trouble):
        def found():
            notices = self.ask(hub, token, "GET", "/api/v1/searches")[0]["notices"]
            return [one for one in notices if one["way"] == "mail" and one.get("trouble") == trouble]

        return self.until(f"the alert is on record with {trouble}", found)

    def test_a_hit_is_told_by_mail_and_says_nothing_of_it(self):
        inbox, port = self.serve()
        hub = self.hub(port)
        searcher, campaign = self.search_and_publish(hub, "当直 <duty@cert.example.jp>")
        session, envelope = self.until("mail comes", lambda: inbox.mails and inbox.mails[0])
        self.assertIsNotNone(session.ssl, "it came by STARTTLS")
        self.assertTrue(session.authenticated)
        self.assertEqual((envelope.mail_from, envelope.rcpt_tos), ("yagura@cert.example.jp", ["duty@cert.example.jp"]))
        raw = envelope.content
        head, _, _ = raw.partition(b"\r\n\r\n")
        self.assertTrue(head.isascii(), "headers are encoded (RFC 2047)")
        self.assertTrue(all(len(line) <= 998 for line in raw.split(b"\r\n")))
        mail = message_from_bytes(raw, policy=policy.default)
        self.assertEqual(mail["subject"], "[Yagura] 赤い霧の監視: 新着 1 件 / 1 new")
        self.assertEqual((mail["from"].addresses[0].display_name, mail["to"].addresses[0].display_name), ("やぐら", "当直"))
        text = mail.get_content()
        self.assertIn("保存した検索「赤い霧の監視」に新しい結果が 1 件あります", text)
        for withheld in (campaign["id"], campaign["name"], "police"):
            self.assertNotIn(withheld, text)
        self.assertEqual(self.notice(hub, searcher, None)[0]["state"], "sent")

    def test_a_name_begins_no_other_header(self):
        inbox, port = self.serve()
        hub = self.hub(port)
        self.search_and_publish(hub, "duty@cert.example.jp", name="監視\r\nBcc: all@evil.example" + "長" * 60)
        _, envelope = self.until("mail comes", lambda: inbox.mails and inbox.mails[0])
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.assertEqual(envelope.rcpt_tos, ["duty@cert.example.jp"])
        self.assertIsNone(mail["bcc"])
        self.assertIn("長" * 60, mail["subject"])

    def test_a_server_that_nobody_vouches_for_is_told_nothing(self):
        inbox, port = self.serve()
        hub = self.hub(port, trusts=False)
        searcher, _ = self.search_and_publish(hub, "duty@cert.example.jp")
        self.assertEqual(self.notice(hub, searcher, "mail-unreachable")[0]["state"], "waiting")
        self.assertEqual(inbox.mails, [])

    def test_a_recipient_that_is_not_there_is_said(self):
        inbox, port = self.serve()
        hub = self.hub(port)
        searcher, _ = self.search_and_publish(hub, "gone@cert.example.jp")
        self.assertEqual(self.notice(hub, searcher, "mail-refused")[0]["state"], "failed", "and not tried again")
        self.assertEqual(inbox.mails, [])

    def test_an_emergency_is_told_by_mail_without_who_or_what_for(self):
        inbox, port = self.serve()
        duty = '[emergency]\nmail = ["ciso@cert.example.jp", "gone@cert.example.jp", "night@cert.example.jp"]'
        hub = self.hub(port, more=[duty])
        officer = self.officer(hub, "police")
        scope = {"class": "report", "reason": "the interlocking is under attack", "minutes": 30}
        answer = officer.post(self.address(hub) + "/api/v1/emergencies", json=scope)
        self.assertTrue(answer.ok, answer.text)
        self.until("both are told", lambda: len(inbox.mails) >= 2)
        told = {envelope.rcpt_tos[0]: envelope for _, envelope in inbox.mails}
        self.assertEqual(set(told), {"ciso@cert.example.jp", "night@cert.example.jp"}, "a recipient that is gone keeps it from nobody")
        mail = message_from_bytes(told["night@cert.example.jp"].content, policy=policy.default)
        self.assertEqual(mail["subject"], "[Yagura] 緊急アクセス / emergency access: police")
        text = mail.get_content()
        self.assertIn("/administration/emergencies", text)
        for withheld in ("interlocking", "officer", "report"):
            self.assertNotIn(withheld, text)
        time.sleep(3)
        self.assertEqual(len(inbox.mails), 2, "each is told once")


if __name__ == "__main__":
    unittest.main()
