"""The indicators of the campaign. Attackers' addresses are in 198.51.100.0/24, 203.0.113.0/26 and 2001:db8:bad::/48."""

from stix import both, digest

SPRING = "2025-11-04T01:00:00.000Z"
SUMMER = "2025-12-09T02:30:00.000Z"
AUTUMN = "2026-01-20T04:15:00.000Z"
LATEST = "2026-02-03T08:00:00.000Z"

LOADER = digest("sha256", "berth schedule loader")
BACKDOOR = digest("sha256", "takotsubo stage two")
RANSOMWARE = digest("sha256", "yamifuda encryptor")

INDICATORS = []


def add(key, ja, en, pattern, *, malware, tlp="green", severity=3, confidence=80, when=SUMMER, phase="command-and-control",
        types=("malicious-activity",), note=None, until=None, revoked=False, partner=False, campaign=True):
    INDICATORS.append({
        "key": key, "name": f"{ja} / {en}", "pattern": pattern, "malware": malware, "tlp": tlp, "severity": severity,
        "confidence": confidence, "when": (when, LATEST) if revoked else when, "from": when, "phase": phase, "types": list(types),
        "description": both(*note) if note else None, "until": until, "revoked": revoked, "partner": partner, "campaign": campaign})


def domain(name):
    return f"[domain-name:value = '{name}']"


def address(text):
    return f"[{'ipv6' if ':' in text else 'ipv4'}-addr:value = '{text}']"


def network(text):
    return f"[{'ipv6' if ':' in text else 'ipv4'}-addr:value ISSUBSET '{text}']"


def url(text):
    return f"[url:value = '{text}']"


def sha256(text):
    return f"[file:hashes.'SHA-256' = '{text}']"


# Command servers of TAKOTSUBO.
add("c2 nami", "蛸壺の指令サーバー（海運会社を装う）", "TAKOTSUBO command server posing as a carrier", domain("update.nami-shipping.example"),
    malware="takotsubo", confidence=90, note=("正規の「nami-shipping-line.example」とは別のものです。", "Not the legitimate nami-shipping-line.example."))
add("c2 nami address", "蛸壺の指令サーバーのアドレス", "Address of a TAKOTSUBO command server", address("198.51.100.23"), malware="takotsubo", confidence=85)
add("c2 kirikabu", "蛸壺の指令サーバー（医療機器会社を装う）", "TAKOTSUBO command server posing as a maker of medical equipment",
    domain("gate.kirikabu-med.example"), malware="takotsubo", confidence=90)
add("c2 kirikabu address", "蛸壺の指令サーバーのアドレス（予備）", "Address of a spare TAKOTSUBO command server", address("198.51.100.77"), malware="takotsubo")
add("c2 v6", "蛸壺の指令サーバー（IPv6）", "TAKOTSUBO command server (IPv6)", address("2001:db8:bad:7::53"), malware="takotsubo", tlp="amber")
add("c2 dns tunnel", "蛸壺のDNS通信", "TAKOTSUBO over DNS", "[domain-name:value LIKE '%.t.uzushio-cdn.example']", malware="takotsubo", tlp="amber",
    severity=4, note=("ラベルに分割した指令を載せた問い合わせです。", "Queries that carry orders cut into labels."))
add("c2 pair", "蛸壺の指令サーバーの組", "A pair of TAKOTSUBO command servers",
    "[domain-name:value = 'sync.hamakaze-cloud.example' OR domain-name:value = 'sync2.hamakaze-cloud.example']", malware="takotsubo")
add("c2 list", "蛸壺の指令サーバー（11月分）", "TAKOTSUBO command servers of November",
    "[ipv4-addr:value IN ('198.51.100.101', '198.51.100.102', '198.51.100.103')]", malware="takotsubo", when=SPRING)
add("c2 range", "蛸壺の指令サーバーの区画", "A range of TAKOTSUBO command servers", network("203.0.113.32/28"), malware="takotsubo", tlp="amber", confidence=60)
add("c2 range v6", "蛸壺の指令サーバーの区画（IPv6）", "A range of TAKOTSUBO command servers (IPv6)", network("2001:db8:bad:40::/60"), malware="takotsubo",
    tlp="amber", confidence=55)
add("c2 beacon url", "蛸壺の定期通信", "TAKOTSUBO beacon", url("http://update.nami-shipping.example/api/v2/berth/sync"), malware="takotsubo")
for number, name in enumerate(["hoshi-meter.example", "tide-table-api.example", "yoru-no-akari.example", "kaze-telemetry.example"], start=1):
    add(f"c2 name {number}", f"蛸壺の指令サーバー {number}号", f"TAKOTSUBO command server no. {number}", domain(name), malware="takotsubo",
        confidence=70, when=AUTUMN)
for number, text in enumerate(["198.51.100.140", "198.51.100.141", "203.0.113.5", "203.0.113.9"], start=1):
    add(f"c2 address {number}", f"蛸壺の指令サーバーのアドレス {number}", f"Address of TAKOTSUBO command server no. {number}", address(text),
        malware="takotsubo", confidence=65, when=AUTUMN, partner=True)
add("takotsubo file", "蛸壺の本体", "TAKOTSUBO itself", sha256(BACKDOOR), malware="takotsubo", severity=4, confidence=95, phase="persistence")
add("takotsubo file older", "蛸壺の旧版", "TAKOTSUBO, an older build",
    f"[file:hashes.MD5 = '{digest('md5', 'takotsubo older')}' OR file:hashes.'SHA-1' = '{digest('sha1', 'takotsubo older')}']",
    malware="takotsubo", when=SPRING, phase="persistence")

# Delivery by FUNAUTA.
add("delivery url", "偽の停泊予定表の配布元", "Where the forged berth schedule comes from",
    url("http://files.berth-schedule.example/2026/berth-schedule.docm"), malware="funauta", phase="initial-access")
add("delivery name", "舟唄の配布サイト", "FUNAUTA delivery site", domain("files.berth-schedule.example"), malware="funauta", phase="initial-access", tlp="clear")
add("delivery update", "偽の機器更新の配布元", "Where the forged equipment update comes from",
    url("http://dl.kirikabu-med.example/viewer/update-3.1.exe"), malware="funauta", phase="initial-access")
add("delivery address", "舟唄の配布サイトのアドレス", "Address of a FUNAUTA delivery site", address("198.51.100.40"), malware="funauta", phase="initial-access")
add("loader file", "舟唄（偽の停泊予定表）", "FUNAUTA (forged berth schedule)", sha256(LOADER), malware="funauta", phase="initial-access", confidence=95)
add("loader file 2", "舟唄（偽の機器更新）", "FUNAUTA (forged equipment update)", sha256(digest("sha256", "equipment update loader")), malware="funauta",
    phase="initial-access")
add("mail sender", "標的型メールの送信元", "Sender of the spear-phishing mails", "[email-addr:value = 'yoyaku@berth-schedule.example']", malware="funauta",
    phase="initial-access", severity=2, confidence=60)
add("phishing name", "認証情報を盗む偽サイト", "Site that steals credentials", domain("login.port-community.example"), malware="funauta",
    phase="credential-access", tlp="clear")
add("scan source", "VPN装置を探る通信元", "Source of scans for VPN gateways", address("203.0.113.17"), malware="funauta", severity=1, confidence=40,
    types=("anomalous-activity",), phase="reconnaissance", tlp="clear", campaign=False)

# The YAMIFUDA Crew.
add("ransomware file", "闇札の本体", "YAMIFUDA itself", sha256(RANSOMWARE), malware="yamifuda", tlp="amber", severity=5, confidence=95, phase="impact")
add("ransomware file older", "闇札の旧版", "YAMIFUDA, an older build", sha256(digest("sha256", "yamifuda encryptor of autumn")), malware="yamifuda",
    severity=4, phase="impact", when=SPRING)
add("drop range", "闇札の持ち出し先の区画", "YAMIFUDA drop range", network("198.51.100.208/28"), malware="yamifuda", tlp="amber", severity=4, phase="exfiltration")
add("drop name", "闇札の持ち出し先", "YAMIFUDA drop", domain("vault.okizari-storage.example"), malware="yamifuda", severity=4, phase="exfiltration")
add("drop url", "持ち出しの受け口", "Where the data is handed in", url("https://vault.okizari-storage.example/put"), malware="yamifuda", severity=4,
    phase="exfiltration")
add("negotiation", "闇札の交渉サイト", "YAMIFUDA negotiation site", domain("fuda-kosho.example"), malware="yamifuda", phase="impact", when=AUTUMN)
add("crew remote", "闇札組の操作元", "Where the YAMIFUDA Crew works from", address("198.51.100.186"), malware="yamifuda", tlp="amber", severity=4,
    phase="lateral-movement")

# Not for everybody.
add("relay address", "中継用VPNの出口", "Exit of the relay VPN", address("203.0.113.50"), malware="takotsubo", tlp="amber+strict", confidence=50)
add("relay address 2", "中継用VPNの出口 2", "Exit of the relay VPN, no. 2", address("203.0.113.51"), malware="takotsubo", tlp="amber+strict", confidence=50)
add("wiper file", "火伏の本体", "HIBUSE itself", sha256(digest("sha256", "hibuse")), malware="hibuse", tlp="amber+strict", severity=5, phase="impact",
    when=LATEST)
add("informant", "情報提供者の接続先", "Where the informant connects", domain("tsubame-no-su.example"), malware="takotsubo", tlp="red", severity=2,
    types=("unknown",), confidence=30, when=LATEST)

# What has ended.
add("expired", "使われなくなった指令サーバー", "A command server that is no longer used", address("198.51.100.9"), malware="takotsubo", when=SPRING,
    until="2026-01-31T00:00:00.000Z")
add("withdrawn", "撤回：誤って登録した配信サービス", "Withdrawn: a content service, listed by mistake", domain("static.hamabe-cdn.example"),
    malware="takotsubo", when=SPRING, revoked=True, confidence=10,
    note=("正規の配信サービスと判明したため撤回しました。", "Withdrawn: it turned out to be a legitimate content service."))
