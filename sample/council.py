"""The council: who is in it. All organisations are invented."""

# id, Japanese name, English name, role, sectors, prefecture (JIS X 0401)
ORGANISATIONS = [
    ("coordinator", "サイバー安全保障調整室", "Cyber Security Coordination Office", "coordinator", [], 13),
    ("cyber-investigation", "サイバー捜査庁", "Cyber Investigation Agency", "agency", [], 13),
    ("joint-protection", "統合サイバー防護隊", "Joint Cyber Protection Unit", "agency", [], 14),
    ("akatsuki-telecom", "あかつき通信", "Akatsuki Telecom", "operator", ["telecommunications"], 13),
    ("minamoto-trust", "みなもと信託銀行", "Minamoto Trust Bank", "operator", ["finance"], 27),
    ("shirasagi-air", "しらさぎ航空", "Shirasagi Airways", "operator", ["aviation"], 13),
    ("kitahama-airport", "北浜国際空港", "Kitahama International Airport", "operator", ["airports"], 40),
    ("torei-rail", "東嶺鉄道", "Torei Railway", "operator", ["railways"], 23),
    ("hokuto-power", "北斗電力", "Hokuto Electric Power", "operator", ["power"], 1),
    ("seiran-power", "晴嵐電力", "Seiran Electric Power", "operator", ["power"], 38),
    ("wakakusa-gas", "若草ガス", "Wakakusa Gas", "operator", ["gas"], 29),
    ("shiranami-city", "白浪市", "City of Shiranami", "operator", ["government"], 4),
    ("hakuai-hospital", "博愛中央病院", "Hakuai Central Hospital", "operator", ["medical"], 26),
    ("ryokufu-hospital", "緑風大学病院", "Ryokufu University Hospital", "operator", ["medical"], 34),
    ("seiryu-water", "清流水道企業団", "Seiryu Waterworks Authority", "operator", ["water"], 33),
    ("hokaze-logistics", "帆風ロジスティクス", "Hokaze Logistics", "operator", ["logistics"], 11),
    ("takamine-chemical", "高嶺化学", "Takamine Chemical", "operator", ["chemical"], 35),
    ("sakuragi-card", "さくらぎカード", "Sakuragi Card", "operator", ["credit-card"], 13),
    ("kuroshio-oil", "黒潮石油", "Kuroshio Petroleum", "operator", ["petroleum"], 12),
    ("shiomi-port", "汐見港湾", "Shiomi Port Authority", "operator", ["ports"], 28),
    ("asanagi-terminal", "朝凪コンテナターミナル", "Asanagi Container Terminal", "operator", ["ports", "logistics"], 22),
    ("aurora-cert", "オーロラ国家CERT", "Aurora National CERT", "partner", [], None),
    ("oversight-board", "通信情報監督会議", "Communications Information Oversight Board", "oversight", [], 13),
    ("horai-institute", "蓬莱工科大学サイバー研究所", "Horai Institute of Technology, Cyber Laboratory", "academy", [], 8),
]

EDGES = [
    ("edge-port", "shiomi-port", "汐見港湾 境界監視 / Shiomi Port perimeter (Suricata)"),
    ("edge-hospital", "hakuai-hospital", "博愛中央病院 院内網監視 / Hakuai Hospital network (Zeek)"),
]


def council():
    def organisation(id, name_ja, name_en, role, sectors, prefecture):
        written = {"id": id, "name_ja": name_ja, "name_en": name_en, "role": role, "sectors": sectors}
        return written if prefecture is None else {**written, "prefecture": prefecture}

    return {
        "organisations": [organisation(*row) for row in ORGANISATIONS],
        "edges": [{"id": id, "organisation": of, "name": name} for id, of, name in EDGES],
    }
