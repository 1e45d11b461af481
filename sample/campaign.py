"""The campaign: a state-aligned group opens the door, a ransomware group goes through it. Told as a CSIRT would, in both languages."""

import re

from indicators import INDICATORS
from stix import CASE_EXTENSION, TLP, both, id_of, sdo, strictest, tlp_definition

OFFICE = id_of("identity", "office")
PARTNER = id_of("identity", "partner")
STATEMENT = id_of("marking-definition", "council terms")

SPRING = "2025-11-04T01:00:00.000Z"
SUMMER = "2025-12-09T02:30:00.000Z"
AUTUMN = "2026-01-20T04:15:00.000Z"
LATEST = "2026-02-03T08:00:00.000Z"


def identities():
    def identity(key, name, kind, sectors=None, description=None):
        # STIX §10.7 has no word for ports; `transportation` comes nearest.
        return sdo("identity", key, "clear", SPRING, None if key == "office" else OFFICE, name=name, description=description,
                   identity_class=kind, sectors=sectors)

    yield identity("office", "サイバー安全保障調整室 / Cyber Security Coordination Office", "organization", ["government-national"],
                   both("見本用の架空の組織です。", "An invented organisation, for the sample."))
    yield identity("partner", "オーロラ国家CERT / Aurora National CERT", "organization", ["government-national"],
                   both("見本用の架空の協力機関です。", "An invented partner, for the sample."))
    yield identity("sector ports", "港湾分野 / Ports and harbours", "class", ["transportation"])
    yield identity("sector medical", "医療分野 / Medical services", "class", ["healthcare"])
    yield identity("sector power", "電力分野 / Electric power", "class", ["energy", "utilities"])


def actors():
    yield sdo(
        "intrusion-set", "umigiri", "green", (SPRING, LATEST), OFFICE,
        name="海霧（うみぎり） / UMIGIRI",
        description=both(
            "重要インフラの保守用接続を足掛かりに長期間潜伏する、国家の関与が疑われる攻撃グループです。正規の保守通信に似せた通信を用い、"
            "平日日中に活動を集中させる特徴があります。侵入後の破壊活動は自ら行わず、得た接続を別のグループに渡した形跡があります。",
            "A group suspected of state backing that enters critical infrastructure through maintenance links and stays for months. It "
            "imitates maintenance traffic and keeps office hours. It does not destroy; there are signs that it hands its access to others."),
        aliases=["海霧", "UMIGIRI", "Sea Fog", "CSCO-G-07"], first_seen="2024-05-13T00:00:00Z", last_seen="2026-02-02T00:00:00Z",
        goals=["重要インフラへの継続的な接続の確保 / lasting access to critical infrastructure", "運用情報の窃取 / theft of operational information"],
        resource_level="government", primary_motivation="organizational-gain", secondary_motivations=["dominance"], lang="ja")
    yield sdo(
        "intrusion-set", "yamifuda crew", "green", (SUMMER, LATEST), OFFICE,
        name="闇札組（やみふだぐみ） / YAMIFUDA Crew",
        description=both(
            "二重脅迫型のランサムウェア「闇札」を運用する犯罪グループです。侵入口を自ら開くことは少なく、他のグループから入手した接続を用います。",
            "A criminal group that runs the double-extortion ransomware YAMIFUDA. It rarely opens the door itself and buys access from others."),
        aliases=["闇札組", "YAMIFUDA Crew"], first_seen="2025-08-01T00:00:00Z", goals=["身代金の獲得 / ransom"],
        resource_level="organization", primary_motivation="personal-gain", lang="ja")
    yield sdo(
        "campaign", "mist gate", "green", (SUMMER, LATEST), OFFICE,
        name="霧の水門作戦 / Operation Mist Gate",
        description=both(
            "港湾・医療・電力の三分野を対象とした一連の攻撃です。海霧が保守用VPN装置の脆弱性から侵入して遠隔操作ツール「蛸壺」を設置し、"
            "数週間後に闇札組が同じ接続から入り、データを持ち出したうえで「闇札」を実行します。",
            "A series of attacks on ports, medical services and electric power. UMIGIRI enters through a flaw in maintenance VPN gateways "
            "and plants the backdoor TAKOTSUBO; weeks later the YAMIFUDA Crew comes through the same door, takes data out and runs YAMIFUDA."),
        aliases=["霧の水門", "Mist Gate"], first_seen="2025-10-27T00:00:00Z", last_seen="2026-02-02T00:00:00Z",
        objective=both("重要インフラの運用を止める能力の保持と、身代金の獲得。", "To hold the means to stop critical infrastructure, and ransom."), lang="ja")


def malware():
    def one(key, name, types, ja, en, tlp="green", family=True):
        return sdo("malware", key, tlp, (SPRING, AUTUMN), OFFICE, name=name, description=both(ja, en), malware_types=types, is_family=family)

    yield one("takotsubo", "蛸壺 / TAKOTSUBO", ["backdoor", "remote-access-trojan"],
              "保守用プログラムに偽装した遠隔操作ツールです。HTTPSとDNSの二つの経路で指令を受け、片方が塞がれてももう一方で通信を続けます。",
              "A remote-access tool disguised as maintenance software. It takes orders over HTTPS and DNS, and keeps one when the other is blocked.")
    yield one("funauta", "舟唄 / FUNAUTA", ["downloader"],
              "偽の停泊予定表（文書ファイル）から起動し、蛸壺を取得して実行するダウンローダーです。",
              "A downloader that starts from a forged berth schedule (a document), fetches TAKOTSUBO and runs it.")
    yield one("yamifuda", "闇札 / YAMIFUDA", ["ransomware"],
              "拡張子「.fuda」を付けてファイルを暗号化し、復旧用の複製を消去するランサムウェアです。医用画像と業務データベースを優先して暗号化します。",
              "Ransomware that encrypts files under the ending `.fuda` and deletes shadow copies. Medical images and databases come first.", "amber")
    yield one("hibuse", "火伏 / HIBUSE", ["wiper"],
              "変電設備の監視端末で見つかった消去ツールです。実行された例は確認していません。",
              "A wiper found on a monitoring terminal of a substation. No execution has been observed.", "amber+strict", False)


def tools():
    yield sdo("tool", "harborassist", "clear", SPRING, OFFICE, name="HarborAssist 遠隔保守 / HarborAssist Remote Maintenance", tool_types=["remote-access"],
              description=both("正規の遠隔保守ソフトウェア（架空）です。攻撃者が接続維持のために悪用します。",
                               "Legitimate remote maintenance software (invented), abused to keep access."))
    yield sdo("tool", "maguro-sync", "clear", SUMMER, OFFICE, name="MaguroSync ファイル同期 / MaguroSync", tool_types=["information-gathering"],
              description=both("正規のファイル同期ツール（架空）です。データの持ち出しに悪用されます。", "A legitimate file synchroniser (invented), abused to take data out."))


# key, Japanese, English, ATT&CK id, matrix, tactics
TECHNIQUES = [
    ("T1190", "公開アプリケーションの悪用", "Exploit Public-Facing Application", "enterprise", ["initial-access"]),
    ("T1133", "外部リモートサービスの悪用", "External Remote Services", "enterprise", ["initial-access", "persistence"]),
    ("T1566.001", "添付ファイルによる標的型メール", "Spearphishing Attachment", "enterprise", ["initial-access"]),
    ("T1105", "外部からのツール取得", "Ingress Tool Transfer", "enterprise", ["command-and-control"]),
    ("T1071.001", "Web通信による指令の授受", "Application Layer Protocol: Web Protocols", "enterprise", ["command-and-control"]),
    ("T1071.004", "DNSによる指令の授受", "Application Layer Protocol: DNS", "enterprise", ["command-and-control"]),
    ("T1021.001", "リモートデスクトップによる横展開", "Remote Desktop Protocol", "enterprise", ["lateral-movement"]),
    ("T1567.002", "クラウドストレージへの持ち出し", "Exfiltration to Cloud Storage", "enterprise", ["exfiltration"]),
    ("T1490", "復旧手段の妨害", "Inhibit System Recovery", "enterprise", ["impact"]),
    ("T1486", "身代金目的の暗号化", "Data Encrypted for Impact", "enterprise", ["impact"]),
    ("T0886", "制御系のリモートサービス悪用", "Remote Services", "ics", ["initial-access", "lateral-movement"]),
]


def techniques():
    for number, ja, en, matrix, tactics in TECHNIQUES:
        chain = "mitre-attack" if matrix == "enterprise" else "mitre-ics-attack"
        page = number.replace(".", "/")
        yield sdo("attack-pattern", number, "clear", SPRING, OFFICE, name=f"{ja} / {en}",
                  kill_chain_phases=[{"kill_chain_name": chain, "phase_name": tactic} for tactic in tactics],
                  external_references=[{"source_name": "mitre-attack", "external_id": number,
                                        "url": f"https://attack.mitre.org/techniques/{page}/"}])


def infrastructure():
    def one(key, name, types, ja, en, tlp="amber"):
        return sdo("infrastructure", key, tlp, (SUMMER, AUTUMN), OFFICE, name=name, description=both(ja, en), infrastructure_types=types,
                   first_seen="2025-10-20T00:00:00Z")

    yield one("c2 takotsubo", "蛸壺の指令サーバー群 / TAKOTSUBO command servers", ["command-and-control"],
              "海運会社や医療機器会社を装った名前を持つサーバー群です。", "Servers under names that imitate shipping and medical equipment companies.")
    yield one("delivery", "舟唄の配布サイト / FUNAUTA delivery sites", ["hosting-malware", "phishing"],
              "偽の停泊予定表や機器更新を配布します。", "They deliver forged berth schedules and equipment updates.", "green")
    yield one("leak site", "闇札の持ち出し先 / YAMIFUDA drop", ["exfiltration"],
              "持ち出したデータの一次保管に使われる区画です。", "A range that receives the data taken out.")
    yield one("relay", "中継用VPN / Relay VPN", ["anonymization"],
              "国内の乗っ取られた装置を経由する中継網です。", "Relays through hijacked devices within the country.", "amber+strict")


def vulnerabilities():
    yield sdo("vulnerability", "fictivpn", "clear", SPRING, OFFICE,
              name="FictiVPN ゲートウェイの認証回避（架空） / FictiVPN gateway authentication bypass (invented)",
              description=both("保守用VPN装置の管理画面で、認証を経ずに設定を読み出せる脆弱性です。修正版 8.2.4 以降へ更新してください。",
                               "The management page of the maintenance VPN gateway gives its configuration away without sign-in. Update to 8.2.4."),
              external_references=[{"source_name": "cve", "external_id": "CVE-2025-999901", "description": "invented; no such entry exists"}])
    yield sdo("vulnerability", "berthview", "clear", SUMMER, OFFICE,
              name="BerthView 文書表示部品の任意コード実行（架空） / BerthView code execution (invented)",
              description=both("停泊予定表の表示部品が、細工された文書を開くと任意のコードを実行します。", "The viewer for berth schedules runs code from a crafted document."),
              external_references=[{"source_name": "cve", "external_id": "CVE-2025-999917", "description": "invented; no such entry exists"}])


def courses():
    def one(key, ja, en, text_ja, text_en):
        return sdo("course-of-action", key, "clear", AUTUMN, OFFICE, name=f"{ja} / {en}", description=both(text_ja, text_en))

    yield one("patch", "VPN装置の更新と設定の再発行", "Update the gateways and renew their secrets",
              "修正版へ更新し、更新前に漏れた可能性のある認証情報と証明書をすべて再発行してください。",
              "Update, then renew every credential and certificate that may have leaked before.")
    yield one("block", "指令サーバーへの通信の遮断", "Block traffic to the command servers",
              "本件の指標を境界とDNSの両方で遮断してください。片方だけでは通信が継続します。",
              "Block the indicators at the perimeter and in DNS; blocking one leaves the other.")
    yield one("maintenance", "保守用接続の棚卸し", "Take stock of maintenance links",
              "常時開いている保守用接続を洗い出し、必要な時間だけ開く運用に改めてください。",
              "Find maintenance links that are always open, and open them only when needed.")
    yield one("backup", "復旧用データの切り離し", "Keep a backup offline",
              "復旧用データの一つを網から切り離して保管し、戻せることを確かめてください。", "Keep one copy off the network, and try to restore it.")
    yield one("hunt", "過去90日の通信記録の確認", "Look back 90 days",
              "DNSとプロキシの記録を90日分さかのぼり、指標との一致を確認してください。", "Search 90 days of DNS and proxy records for the indicators.")


def relationships(known):
    """`known` gives an object by (type, key). A tie is marked as strictly as its stricter end."""
    level = {identifier: tlp for tlp, identifier in TLP.items()}

    def tie(source, kind, target, when=AUTUMN, note=None):
        a, b = known[source], known[target]
        tlp = strictest(*(level[end["object_marking_refs"][0]] for end in (a, b)))
        return sdo("relationship", f"{source} {kind} {target}", tlp, when, OFFICE, relationship_type=kind, description=note,
                   source_ref=a["id"], target_ref=b["id"])

    umigiri, crew, mist = ("intrusion-set", "umigiri"), ("intrusion-set", "yamifuda crew"), ("campaign", "mist gate")
    yield tie(mist, "attributed-to", umigiri, note=both("確度は中程度です。", "With medium confidence."))
    yield tie(mist, "attributed-to", crew)
    for sector in ("ports", "medical", "power"):
        yield tie(mist, "targets", ("identity", f"sector {sector}"))
    for key in ("takotsubo", "funauta", "hibuse"):
        yield tie(umigiri, "uses", ("malware", key))
    yield tie(crew, "uses", ("malware", "yamifuda"))
    for key in ("takotsubo", "funauta", "yamifuda"):
        yield tie(mist, "uses", ("malware", key))
    yield tie(umigiri, "uses", ("tool", "harborassist"))
    yield tie(crew, "uses", ("tool", "maguro-sync"))
    for number in ("T1190", "T1133", "T1566.001", "T1105", "T1071.001", "T1071.004", "T0886"):
        yield tie(umigiri, "uses", ("attack-pattern", number))
    for number in ("T1021.001", "T1567.002", "T1490", "T1486"):
        yield tie(crew, "uses", ("attack-pattern", number))
    for key in ("fictivpn", "berthview"):
        yield tie(mist, "targets", ("vulnerability", key))
    yield tie(("malware", "funauta"), "downloads", ("malware", "takotsubo"))
    yield tie(("malware", "funauta"), "exploits", ("vulnerability", "berthview"))
    yield tie(("malware", "takotsubo"), "communicates-with", ("infrastructure", "c2 takotsubo"))
    yield tie(("malware", "yamifuda"), "communicates-with", ("infrastructure", "leak site"))
    yield tie(umigiri, "uses", ("infrastructure", "c2 takotsubo"))
    yield tie(umigiri, "uses", ("infrastructure", "delivery"))
    yield tie(umigiri, "uses", ("infrastructure", "relay"))
    yield tie(crew, "uses", ("infrastructure", "leak site"))
    yield tie(("course-of-action", "patch"), "mitigates", ("vulnerability", "fictivpn"))
    yield tie(("course-of-action", "block"), "mitigates", ("malware", "takotsubo"))
    yield tie(("course-of-action", "maintenance"), "mitigates", ("attack-pattern", "T1133"))
    yield tie(("course-of-action", "backup"), "mitigates", ("malware", "yamifuda"))
    yield tie(("course-of-action", "hunt"), "mitigates", ("malware", "takotsubo"))
    for row in INDICATORS:
        yield tie(("indicator", row["key"]), "indicates", ("malware", row["malware"]), row["when"])
        if row["campaign"]:
            yield tie(("indicator", row["key"]), "indicates", mist, row["when"])


def indicators():
    for row in INDICATORS:
        severity = {CASE_EXTENSION: {"extension_type": "property-extension", "severity": row["severity"]}}
        yield sdo("indicator", row["key"], row["tlp"], row["when"], PARTNER if row["partner"] else OFFICE,
                  name=row["name"], description=row["description"], indicator_types=row["types"], pattern=row["pattern"],
                  pattern_type="stix", pattern_version="2.1", valid_from=row["from"], valid_until=row["until"],
                  kill_chain_phases=[{"kill_chain_name": "mitre-attack", "phase_name": row["phase"]}],
                  confidence=row["confidence"], revoked=True if row["revoked"] else None, extensions=severity)


def reports(known):
    ids = lambda *keys: [known[key]["id"] for key in keys]  # noqa: E731
    campaign_parts = ids(("campaign", "mist gate"), ("intrusion-set", "umigiri"), ("malware", "takotsubo"), ("malware", "funauta"))
    yield sdo("report", "alert", "clear", SUMMER, OFFICE,
              name="【注意喚起】保守用VPN装置を狙う攻撃について / Alert: attacks on maintenance VPN gateways",
              description=both("港湾・医療・電力の各分野で、保守用VPN装置への攻撃が続いています。装置の更新と、保守用接続の棚卸しを至急お願いします。",
                               "Maintenance VPN gateways of ports, hospitals and power companies are under attack. Please update them and "
                               "take stock of maintenance links without delay."),
              report_types=["vulnerability", "attack-pattern"], published=SUMMER,
              object_refs=ids(("vulnerability", "fictivpn"), ("vulnerability", "berthview"), ("course-of-action", "patch"),
                              ("course-of-action", "maintenance"), ("attack-pattern", "T1190"), ("attack-pattern", "T1133")))
    yield sdo("report", "analysis", "amber", (AUTUMN, LATEST), OFFICE,
              name="霧の水門作戦の分析（第2版） / Analysis of Operation Mist Gate (second edition)",
              description=both(
                  "侵入から暗号化までの期間は、確認した5件で最短19日、最長47日でした。この間の通信は少量で規則的です。指標との一致が1件でもあれば、"
                  "同じ区画の端末を含めて確認し、結果を当室へお知らせください。",
                  "From entry to encryption it took 19 to 47 days in the five cases known. Traffic in between is little and regular. With a single "
                  "match, please check every terminal of the segment and tell us what you find."),
              report_types=["campaign", "threat-actor", "indicator"], published=AUTUMN,
              object_refs=campaign_parts + ids(("intrusion-set", "yamifuda crew"), ("malware", "yamifuda"), ("infrastructure", "c2 takotsubo"),
                                               *(("indicator", row["key"]) for row in INDICATORS if row["tlp"] in ("clear", "green", "amber"))))
    yield sdo("report", "attribution", "red", LATEST, OFFICE,
              name="海霧の帰属に関する評価 / Assessment of who is behind UMIGIRI",
              description=both("出席者限りの評価です。活動時間帯、過去の接続の譲渡先、資金の流れから、二つのグループの間に仲介者がいるとみています。",
                               "For the participants only. Hours of activity, earlier hand-overs and flows of money point to a broker between the two groups."),
              report_types=["threat-actor", "identity"], published=LATEST, confidence=55,
              object_refs=ids(("intrusion-set", "umigiri"), ("intrusion-set", "yamifuda crew"), ("infrastructure", "relay"), ("malware", "hibuse")))


def notes(known):
    yield sdo("note", "false alarm", "green", LATEST, OFFICE,
              abstract="似た名前の正規サイトにご注意ください / Mind the legitimate look-alikes",
              content=both("「nami-shipping.example」（攻撃者）と「nami-shipping-line.example」（正規の海運会社）は別のものです。後者を遮断しないでください。",
                           "nami-shipping.example is the attacker's; nami-shipping-line.example is a legitimate carrier. Do not block the latter."),
              object_refs=[known[("indicator", "c2 nami")]["id"]], lang="ja")
    yield sdo("opinion", "analysis", "amber", LATEST, PARTNER, opinion="agree",
              explanation=both("当機関の観測とも一致します。", "This agrees with what we have observed."), object_refs=[known[("report", "analysis")]["id"]])


# Clean texts in one language each, for clients that show one.
TRANSLATED = {
    ("intrusion-set", "umigiri"): ("海霧（うみぎり）", "UMIGIRI"),
    ("intrusion-set", "yamifuda crew"): ("闇札組（やみふだぐみ）", "YAMIFUDA Crew"),
    ("campaign", "mist gate"): ("霧の水門作戦", "Operation Mist Gate"),
    ("malware", "takotsubo"): ("蛸壺", "TAKOTSUBO"),
    ("malware", "funauta"): ("舟唄", "FUNAUTA"),
    ("malware", "yamifuda"): ("闇札", "YAMIFUDA"),
    ("report", "alert"): ("【注意喚起】保守用VPN装置を狙う攻撃について", "Alert: attacks on maintenance VPN gateways"),
    ("report", "analysis"): ("霧の水門作戦の分析（第2版）", "Analysis of Operation Mist Gate (second edition)"),
}


def translations(known):
    level = {identifier: tlp for tlp, identifier in TLP.items()}
    for key, (ja, en) in TRANSLATED.items():
        told = known[key]
        text_ja, text_en = re.split("\n\n", told["description"], maxsplit=1)
        yield sdo("language-content", f"{key}", level[told["object_marking_refs"][0]], LATEST, OFFICE, object_ref=told["id"],
                  object_modified=told["modified"],
                  contents={"ja": {"name": ja, "description": text_ja}, "en": {"name": en, "description": text_en}})


def statement():
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": STATEMENT,
        "created_by_ref": OFFICE,
        "created": SPRING,
        "definition_type": "statement",
        "definition": {"statement": "協議会規約第7条により、防御の目的に限って利用できます。 / For defence only, under article 7 of the council's terms."},
        "object_marking_refs": [TLP["clear"]],
    }


def extension():
    """The extension that the severities use, as the program publishes it."""
    identity = "identity--755c8f28-9c74-5e1d-b071-dbd793f62da8"
    common = {"spec_version": "2.1", "created": "2025-11-01T00:00:00.000Z", "modified": "2025-11-01T00:00:00.000Z"}
    clear = {"object_marking_refs": [TLP["clear"]]}
    yield {"type": "identity", "id": identity, **common, "name": "The Yagura project", "identity_class": "organization", **clear}
    yield {
        "type": "extension-definition", "id": CASE_EXTENSION, "created_by_ref": identity, **common, "name": "Yagura case and severity",
        "description": "On an incident: the working state of a case (`realm`, `number`, `severity` 0 to 5, `assignee`, `members`, "
                       "`object_refs`, `opened`, `changed`, `last_seen`, `revision`, `timeline`), beside the incident core extension. On an "
                       "indicator: `severity`, an integer from 0 (nothing of concern) to 5 (critical). "
                       "インシデントでは事案の作業状態、指標では重大度（0〜5）を表す。",
        "schema": "urn:yagura:stix:extension:case-and-severity:1.0.0", "version": "1.0.0", "extension_types": ["property-extension"], **clear,
    }


def bundle():
    objects = [tlp_definition(level) for level in TLP] + [statement(), *extension()]
    known = {}
    for part in (identities, actors, malware, tools, techniques, infrastructure, vulnerabilities, courses, indicators):
        for made in part():
            objects.append(made)
    keys = {}
    for source, rows in (
        ("identity", ["office", "partner", "sector ports", "sector medical", "sector power"]),
        ("intrusion-set", ["umigiri", "yamifuda crew"]), ("campaign", ["mist gate"]),
        ("malware", ["takotsubo", "funauta", "yamifuda", "hibuse"]), ("tool", ["harborassist", "maguro-sync"]),
        ("attack-pattern", [row[0] for row in TECHNIQUES]), ("infrastructure", ["c2 takotsubo", "delivery", "leak site", "relay"]),
        ("vulnerability", ["fictivpn", "berthview"]), ("course-of-action", ["patch", "block", "maintenance", "backup", "hunt"]),
        ("indicator", [row["key"] for row in INDICATORS]), ("report", ["alert", "analysis", "attribution"]),
    ):
        keys.update({id_of(source, key): (source, key) for key in rows})
    remember = lambda made: known.update({keys[one["id"]]: one for one in made if one["id"] in keys})  # noqa: E731
    remember(objects)
    for part in (relationships, reports, notes, translations):
        made = list(part(known))
        remember(made)
        objects += made
    # The terms in words go on what the partner shared, beside its level.
    for made in objects:
        if made.get("created_by_ref") == PARTNER and made["type"] == "indicator":
            made["object_marking_refs"].append(STATEMENT)
    assert len({made["id"] for made in objects}) == len(objects), "an identifier is used twice"
    return {"type": "bundle", "id": id_of("bundle", "mist gate"), "objects": objects}
