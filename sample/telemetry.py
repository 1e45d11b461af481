"""The telemetry of two edges, as scripts (see README.md): what happens on ordinary days, and the attack.

Inside is 10.20.0.0/16 and fd20:20::/32 (port), and 10.40.0.0/16 (hospital); the outside world of ordinary days is 192.0.2.0/24, 203.0.113.128/25
and 2001:db8:100::/48. What the campaign's indicators name is elsewhere, and the ordinary part must never touch it.
"""

import json
import random

from indicators import BACKDOOR, LOADER, RANSOMWARE
from stix import digest

# Length of the ordinary part in seconds; it is played again and again.
ORDINARY_SECONDS = 300
# What ordinary days must not hold.
ATTACKERS = ["198.51.100.", "2001:db8:bad", "nami-shipping.example", "kirikabu-med", "uzushio-cdn", "hamakaze-cloud", "berth-schedule",
             "okizari-storage", "fuda-kosho", "hoshi-meter", "tide-table-api", "yoru-no-akari", "kaze-telemetry", "port-community",
             "tsubame-no-su", LOADER, BACKDOOR, RANSOMWARE, *(f"203.0.113.{last}\"" for last in range(64))]

# Names and addresses of the ordinary outside world.
WORLD = {
    "www.nami-shipping-line.example": "192.0.2.10",  # a look-alike of the attackers' name, and legitimate
    "api.vessel-tracking.example": "192.0.2.11",
    "tiles.chart-service.example": "192.0.2.12",
    "weather.kaijo-yoho.example": "192.0.2.13",
    "edi.customs-gateway.example": "192.0.2.20",
    "booking.hokaze-logistics.example": "192.0.2.21",
    "mail.office-suite.example": "192.0.2.30",
    "login.office-suite.example": "192.0.2.31",
    "files.office-suite.example": "192.0.2.32",
    "update.os-vendor.example": "203.0.113.140",
    "dl.os-vendor.example": "203.0.113.141",
    "definitions.antivirus.example": "203.0.113.150",
    "static.hamabe-cdn.example": "203.0.113.160",  # once listed by mistake, withdrawn since
    "fonts.hamabe-cdn.example": "203.0.113.161",
    "news.asahi-kawaraban.example": "203.0.113.170",
    "ocsp.trust-ca.example": "203.0.113.180",
    "time.jikoku.example": "203.0.113.190",
    "search.sagashimono.example": "192.0.2.40",
    "video.douga-hiroba.example": "192.0.2.41",
    "www.shiranami-city.example": "192.0.2.50",
    "receipt.iryo-seikyu.example": "192.0.2.60",
    "viewer.gazo-shindan.example": "192.0.2.61",
    "portal.kusuri-jiten.example": "192.0.2.62",
    "remote.kirikabu-dental.example": "192.0.2.63",  # shares a word with the attackers
}
PORT_NAMES = [*list(WORLD)[:20]]
HOSPITAL_NAMES = [*list(WORLD)[6:]]
AGENTS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) SampleBrowser/128.0", "SampleUpdate/10.4", "SampleBrowser/127.2 (Macintosh)"]
PATHS = ["/", "/index.html", "/assets/app.js", "/assets/site.css", "/favicon.ico", "/api/v1/status", "/news/today.html", "/images/top.png"]
MIME = {"js": "text/javascript", "css": "text/css", "ico": "image/x-icon", "html": "text/html", "png": "image/png"}


def line(part, at, record):
    return (part != "ordinary", at, f"{part} {at:.3f}\t{record}")


def script(lines, header=()):
    """The lines in order of time within each part, after the header; checked against what ordinary days must not hold."""
    for is_attack, _, text in lines:
        touched = [value for value in ATTACKERS if value in text]
        assert is_attack or not touched, f"an ordinary record touches {touched}: {text}"
    ordered = [text for *_, text in sorted(lines, key=lambda one: one[:2])]
    return "\n".join([*header, *ordered]) + "\n"


# ---------------------------------------------------------------------------------------------------------------------------
# The port: Suricata EVE.

RESOLVER = "10.20.0.53"


def event(kind, src, dst, proto, body, app=None, sport=None, dport=None):
    sport = sport if sport is not None else 50000
    record = {"timestamp": "{{iso}}", "flow_id": "@number@", "in_iface": "ens192", "event_type": kind, "src_ip": src, "src_port": sport,
              "dest_ip": dst, "dest_port": dport, "proto": proto, **({"app_proto": app} if app else {}), **body}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace('"@number@"', "{{number}}")


def eve_dns(rng, client, name, answer):
    sport, number = rng.randrange(49152, 65535), rng.randrange(65536)
    kind = "AAAA" if ":" in (answer or "") else "A"
    query = {"dns": {"type": "query", "id": number, "rrname": name, "rrtype": kind, "tx_id": 0, "opcode": 0}}
    yield event("dns", client, RESOLVER, "UDP", query, sport=sport, dport=53)
    found = {"rcode": "NOERROR", "answers": [{"rrname": name, "rrtype": kind, "ttl": 300, "rdata": answer}]} if answer else {"rcode": "NXDOMAIN"}
    reply = {"dns": {"version": 2, "type": "answer", "id": number, "flags": "8180", "qr": True, "rd": True, "ra": True, "opcode": 0,
                     "rrname": name, "rrtype": kind, **found}}
    yield event("dns", RESOLVER, client, "UDP", reply, sport=53, dport=sport)


def eve_tls(rng, client, name, server, issuer="CN=Sample Trust CA, O=Sample Trust, C=JP"):
    body = {"tls": {"subject": f"CN={name}", "issuerdn": issuer, "serial": "0A:1B:2C:3D", "sni": name, "version": "TLS 1.3",
                    "ja3": {"hash": digest("md5", f"ja3 {client}")}}}
    return event("tls", client, server, "TCP", body, "tls", rng.randrange(49152, 65535), 443)


def eve_http(rng, client, name, server, path, status=200, length=None, agent=None, mime=None, method="GET"):
    body = {"tx_id": 0, "http": {"hostname": name, "url": path, "http_user_agent": agent or rng.choice(AGENTS), "http_method": method,
                                 "http_content_type": mime or "text/html", "protocol": "HTTP/1.1", "status": status,
                                 "length": length if length is not None else rng.randrange(300, 90000)}}
    return event("http", client, server, "TCP", body, "http", rng.randrange(49152, 65535), 80)


def eve_file(rng, client, name, server, path, sha256, size, mime):
    body = {"http": {"hostname": name, "url": path, "http_user_agent": rng.choice(AGENTS), "http_method": "GET", "protocol": "HTTP/1.1",
                     "status": 200, "length": size},
            "fileinfo": {"filename": path, "magic": mime, "gaps": False, "state": "CLOSED", "sha256": sha256, "stored": False, "size": size, "tx_id": 0}}
    return event("fileinfo", server, client, "TCP", body, "http", 80, rng.randrange(49152, 65535))


def eve_flow(rng, client, server, dport, out, back, proto="TCP", app=None):
    body = {"flow": {"pkts_toserver": out // 900 + 3, "pkts_toclient": back // 1200 + 3, "bytes_toserver": out, "bytes_toclient": back,
                     "start": "{{iso}}", "end": "{{iso}}", "age": rng.randrange(1, 60), "state": "closed", "reason": "timeout", "alerted": False}}
    return event("flow", client, server, proto, body, app, rng.randrange(49152, 65535), dport)


def port():
    rng = random.Random("port")
    clients = [f"10.20.{third}.{last}" for third in (4, 5, 6) for last in range(21, 39)]
    lines = []

    def ordinary(at, record):
        lines.append(line("ordinary", min(at, ORDINARY_SECONDS - 0.001), record))

    for _ in range(230):
        at, client, name = rng.uniform(0, ORDINARY_SECONDS), rng.choice(clients), rng.choice(PORT_NAMES)
        server = WORLD[name]
        for step, record in enumerate(eve_dns(rng, client, name, server)):
            ordinary(at + 0.004 * step, record)
        if rng.random() < 0.7:
            ordinary(at + 0.05, eve_tls(rng, client, name, server))
            ordinary(at + rng.uniform(1, 20), eve_flow(rng, client, server, 443, rng.randrange(800, 40000), rng.randrange(2000, 900000), app="tls"))
        else:
            path = rng.choice(PATHS)
            mime = MIME.get(path.rsplit(".", 1)[-1], "text/html")
            ordinary(at + 0.06, eve_http(rng, client, name, server, path, rng.choice([200, 200, 200, 304, 404]), mime=mime))
            if "." in path and rng.random() < 0.5:
                ordinary(at + 0.2, eve_file(rng, client, name, server, path, digest("sha256", f"{name}{path}"), rng.randrange(400, 80000), mime))
    for _ in range(40):  # names that do not exist, IPv6, and the cranes' own protocol
        at, client = rng.uniform(0, ORDINARY_SECONDS), rng.choice(clients)
        for step, record in enumerate(eve_dns(rng, client, f"printer{rng.randrange(9)}.shiomi-port.example", None)):
            ordinary(at + 0.003 * step, record)
        ordinary(at + 1, eve_flow(rng, "10.20.9.5", f"10.20.9.{rng.randrange(100, 120)}", 502, 240, 260, app="modbus"))
        ordinary(at + 2, eve_flow(rng, "fd20:20:4::21", f"2001:db8:100:{rng.randrange(1, 9)}::{rng.randrange(1, 99)}", 443, 3000, 40000, app="tls"))

    infected, crane_v6 = "10.20.4.27", "fd20:20:9::5"
    agent = "HarborAssist/5.2"

    def attack(at, *records):
        lines.extend(line("attack", at + 0.01 * step, record) for step, record in enumerate(records))

    nami, nami_at = "update.nami-shipping.example", "198.51.100.23"
    attack(1.0, *eve_dns(rng, infected, nami, nami_at))
    attack(1.4, eve_tls(rng, infected, nami, nami_at, "CN=Sample Free CA"))
    forged = "/2026/berth-schedule.docm"
    attack(8.0, *eve_dns(rng, infected, "files.berth-schedule.example", "198.51.100.40"))
    attack(8.3, eve_http(rng, infected, "files.berth-schedule.example", "198.51.100.40", forged, 200, 184320,
                         mime="application/vnd.ms-word.document.macroEnabled.12"))
    attack(8.6, eve_file(rng, infected, "files.berth-schedule.example", "198.51.100.40", forged, LOADER, 184320, "Microsoft Word 2007+"))
    attack(14.0, eve_http(rng, infected, nami, nami_at, "/api/v2/berth/sync", 200, 96, agent, "application/octet-stream", "POST"))
    attack(19.0, eve_file(rng, infected, nami, nami_at, "/api/v2/berth/part", BACKDOOR, 733184, "PE32+ executable"))
    for beat in range(4):
        attack(26.0 + 9 * beat, eve_http(rng, infected, nami, nami_at, "/api/v2/berth/sync", 200, 96, agent, "application/octet-stream", "POST"))
    attack(31.0, eve_tls(rng, "10.20.5.30", "sync.hamakaze-cloud.example", "198.51.100.141", "CN=Sample Free CA"))
    for step, order in enumerate(["mzxw6ytb", "oi2gk3tu", "nfxgo43p"]):
        attack(38.0 + 3 * step, *eve_dns(rng, infected, f"{order}.t.uzushio-cdn.example", "203.0.113.40"))
    attack(49.0, eve_flow(rng, crane_v6, "2001:db8:bad:7::53", 443, 5100, 18800, app="tls"))
    attack(57.0, eve_flow(rng, infected, "203.0.113.9", 8443, 40960, 9100, app="tls"))
    return script(lines)


# ---------------------------------------------------------------------------------------------------------------------------
# The hospital: Zeek, tab-separated.

FIELDS = {
    "conn": "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port proto:enum service:string duration:interval "
            "orig_bytes:count resp_bytes:count conn_state:string local_orig:bool local_resp:bool missed_bytes:count history:string "
            "orig_pkts:count orig_ip_bytes:count resp_pkts:count resp_ip_bytes:count tunnel_parents:set[string]",
    "dns": "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port proto:enum trans_id:count rtt:interval query:string "
           "qclass:count qclass_name:string qtype:count qtype_name:string rcode:count rcode_name:string AA:bool TC:bool RD:bool RA:bool Z:count "
           "answers:vector[string] TTLs:vector[interval] rejected:bool",
    "http": "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port trans_depth:count method:string host:string uri:string "
            "referrer:string version:string user_agent:string origin:string request_body_len:count response_body_len:count status_code:count "
            "status_msg:string info_code:count info_msg:string tags:set[enum] username:string password:string proxied:set[string] "
            "orig_fuids:vector[string] orig_filenames:vector[string] orig_mime_types:vector[string] resp_fuids:vector[string] "
            "resp_filenames:vector[string] resp_mime_types:vector[string]",
    "ssl": "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port version:string cipher:string curve:string "
           "server_name:string resumed:bool last_alert:string next_protocol:string established:bool ssl_history:string "
           "cert_chain_fps:vector[string] client_cert_chain_fps:vector[string] sni_matches_cert:bool",
    "files": "ts:time fuid:string uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port source:string depth:count "
             "analyzers:set[string] mime_type:string filename:string duration:interval local_orig:bool is_orig:bool seen_bytes:count "
             "total_bytes:count missing_bytes:count overflow_bytes:count timedout:bool parent_fuid:string md5:string sha1:string sha256:string",
}


def zeek_header(path):
    fields = [field.split(":") for field in FIELDS[path].split()]
    return ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{path}", "#open\t2026-01-01-00-00-00",
            "\t".join(["#fields", *(name for name, _ in fields)]), "\t".join(["#types", *(kind for _, kind in fields)])]


class Hospital:
    """Writes the five logs side by side, a connection in each that it belongs to."""

    def __init__(self):
        self.rng = random.Random("hospital")
        self.logs = {path: [] for path in FIELDS}

    def write(self, path, part, at, **values):
        names = [field.split(":")[0].replace(".", "_") for field in FIELDS[path].split()]
        unknown = set(values) - set(names)
        assert not unknown, f"{path} has no {unknown}"
        row = {"ts": "{{epoch}}", **values}
        at = at if part == "attack" else min(at, ORDINARY_SECONDS - 0.001)
        self.logs[path].append(line(part, at, "\t".join(str(row.get(name, "-")) for name in names)))

    def uid(self, letter="C"):
        return letter + "".join(self.rng.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=17))

    def conn(self, part, at, client, server, port, service, out, back, proto="tcp"):
        """A connection; gives what its other records share."""
        ends = {"uid": self.uid(), "id_orig_h": client, "id_orig_p": self.rng.randrange(49152, 65535), "id_resp_h": server, "id_resp_p": port}
        inside = server.startswith("10.")
        self.write("conn", part, at, **ends, proto=proto, service=service, duration=f"{self.rng.uniform(0.01, 9):.6f}", orig_bytes=out,
                   resp_bytes=back, conn_state="SF", local_orig="T", local_resp="T" if inside else "F", missed_bytes=0,
                   history="ShADadFf" if proto == "tcp" else "Dd", orig_pkts=out // 900 + 2, orig_ip_bytes=out + 120, resp_pkts=back // 1200 + 2,
                   resp_ip_bytes=back + 120, tunnel_parents="(empty)")
        return ends

    def dns(self, part, at, client, name, answer):
        ends = self.conn(part, at, client, "10.40.0.53", 53, "dns", 45, 90, "udp")
        kind = (28, "AAAA") if ":" in (answer or "") else (1, "A")
        found = dict(answers=answer, TTLs="300.000000", rcode=0, rcode_name="NOERROR") if answer else dict(rcode=3, rcode_name="NXDOMAIN")
        self.write("dns", part, at, **ends, proto="udp", trans_id=self.rng.randrange(65536), rtt=f"{self.rng.uniform(0.001, 0.03):.6f}", query=name,
                   qclass=1, qclass_name="C_INTERNET", qtype=kind[0], qtype_name=kind[1], AA="F", TC="F", RD="T", RA="T", Z=0, rejected="F", **found)

    def ssl(self, part, at, client, name, server, out, back):
        ends = self.conn(part, at, client, server, 443, "ssl", out, back)
        self.write("ssl", part, at + 0.03, **ends, version="TLSv13", cipher="TLS_AES_128_GCM_SHA256", curve="x25519", server_name=name, resumed="F",
                   next_protocol="h2", established="T", ssl_history="CsiI", sni_matches_cert="T")

    def http(self, part, at, client, name, server, path, size, mime, sha256=None, method="GET", agent=None):
        ends = self.conn(part, at, client, server, 80, "http", 400, size + 300)
        fuid = self.uid("F") if sha256 else "-"
        self.write("http", part, at + 0.02, **ends, trans_depth=1, method=method, host=name, uri=path, version="1.1",
                   user_agent=agent or self.rng.choice(AGENTS), request_body_len=0, response_body_len=size, status_code=200, status_msg="OK",
                   tags="(empty)", resp_fuids=fuid, resp_mime_types=mime)
        if sha256:
            self.write("files", part, at + 0.05, **ends, fuid=fuid, source="HTTP", depth=0, analyzers="SHA256", mime_type=mime,
                       filename=path.rsplit("/", 1)[-1] or "-", duration="0.040000", local_orig="F", is_orig="F", seen_bytes=size, total_bytes=size,
                       missing_bytes=0, overflow_bytes=0, timedout="F", sha256=sha256)


def hospital():
    log = Hospital()
    rng = log.rng
    clients = [f"10.40.{third}.{last}" for third in (10, 11, 20) for last in range(31, 49)]
    for _ in range(190):
        at, client, name = rng.uniform(0, ORDINARY_SECONDS), rng.choice(clients), rng.choice(HOSPITAL_NAMES)
        server = WORLD[name]
        log.dns("ordinary", at, client, name, server)
        if rng.random() < 0.72:
            log.ssl("ordinary", at + 0.05, client, name, server, rng.randrange(900, 30000), rng.randrange(2000, 700000))
        else:
            path = rng.choice(PATHS)
            mime = MIME.get(path.rsplit(".", 1)[-1], "text/html")
            known = digest("sha256", f"{name}{path}") if "." in path else None
            log.http("ordinary", at + 0.05, client, name, server, path, rng.randrange(300, 60000), mime, known)
    for _ in range(45):  # images and records stay inside
        at, client = rng.uniform(0, ORDINARY_SECONDS), rng.choice(clients)
        log.conn("ordinary", at, client, "10.40.30.5", 11112, "-", rng.randrange(9000, 4000000), 800)
        log.conn("ordinary", at + 1, client, "10.40.30.9", 1521, "-", rng.randrange(500, 9000), rng.randrange(900, 60000))
        if rng.random() < 0.4:
            log.dns("ordinary", at + 2, client, f"ward{rng.randrange(1, 9)}.hakuai-hospital.example", None)

    viewer, images = "10.40.11.36", "10.40.30.5"
    gate, gate_at = "gate.kirikabu-med.example", "198.51.100.77"
    log.dns("attack", 4.5, viewer, gate, gate_at)
    log.ssl("attack", 4.9, viewer, gate, gate_at, 5200, 61000)
    forged = "/viewer/update-3.1.exe"
    log.dns("attack", 11.0, viewer, "dl.kirikabu-med.example", "198.51.100.40")
    log.http("attack", 11.2, viewer, "dl.kirikabu-med.example", "198.51.100.40", forged, 412672, "application/x-dosexec",
             digest("sha256", "equipment update loader"))
    log.ssl("attack", 18.0, viewer, gate, gate_at, 1900, 2400)
    log.http("attack", 23.0, "10.40.20.44", gate, gate_at, "/r/fuda.bin", 958464, "application/x-dosexec", RANSOMWARE, agent="HarborAssist/5.2")
    log.conn("attack", 29.0, images, "198.51.100.186", 3389, "rdp", 90000, 610000)
    log.dns("attack", 36.0, images, "vault.okizari-storage.example", "198.51.100.212")
    log.ssl("attack", 36.4, images, "vault.okizari-storage.example", "198.51.100.212", 73400320, 41000)
    for beat in range(3):
        log.ssl("attack", 44.0 + 7 * beat, viewer, gate, gate_at, 1900, 2400)
    for path, lines in log.logs.items():
        yield f"{path}.log", script(lines, zeek_header(path))
