//! One request as Cedar is asked it, and what it looks like in words: for telling people where a policy does what.

use cedar_policy::{Context, Entities, Entity, EvalResult, Request};

use crate::compile::Words;

/// Who asks what of what, under which circumstances.
#[derive(Debug, Clone)]
pub struct Situation {
    request: Request,
    entities: Entities,
}

impl Situation {
    /// Of a request and the entities in it, whoever thought of them.
    #[must_use]
    pub fn new(request: Request, entities: Entities) -> Self {
        Self { request, entities }
    }

    pub(crate) fn parts(&self) -> (&Request, &Entities) {
        (&self.request, &self.entities)
    }

    /// The situation in words.
    #[must_use]
    pub fn told(&self) -> Words {
        let action = self.request.action().map(|action| action.id().unescaped().to_owned());
        let action = action.unwrap_or_default();
        let reader = self.reader();
        let (what_ja, what_en) = self.target();
        match word(ACTIONS, &action) {
            Some((ja, en)) => Words {
                ja: format!("{}が、{what_ja}{ja}", reader.ja),
                en: format!("{} {en}{what_en}", reader.en),
            },
            None => Words {
                ja: format!("{}が、{what_ja}「{action}」を行う", reader.ja),
                en: format!("{} does \"{action}\"{what_en}", reader.en),
            },
        }
    }

    fn reader(&self) -> Words {
        let entity = self.request.principal().and_then(|principal| self.entities.get(principal));
        let kind = self.request.principal().map(|principal| principal.type_name().basename().to_owned());
        let kind = kind.unwrap_or_default();
        let role = entity.and_then(|entity| id_of(entity, "organisation_role")).unwrap_or_default();
        let (kind_ja, kind_en) = word(KINDS, &kind).unwrap_or((kind.as_str(), kind.as_str()));
        let (role_ja, role_en) = word(ORGANISATIONS, &role).unwrap_or((role.as_str(), role.as_str()));
        let roles = entity.map(|entity| ids_of(entity, "roles")).unwrap_or_default();
        let (mut ja, mut en) = (format!("{role_ja}の{kind_ja}"), format!("{kind_en} of {role_en}"));
        if !roles.is_empty() {
            let named = |pick: fn((&'static str, &'static str)) -> &'static str| -> Vec<String> {
                let name = |role: &String| {
                    word(ROLES, role).map_or_else(|| role.clone(), |both| pick(both).to_owned())
                };
                roles.iter().map(name).collect()
            };
            ja.push_str(&format!("（{}）", named(|(ja, _)| ja).join("、")));
            en.push_str(&format!(" ({})", named(|(_, en)| en).join(", ")));
        }
        Words { ja, en }
    }

    /// What it is about: nothing to say of the node, a purpose, or an object with all that is true between it and the reader.
    fn target(&self) -> (String, String) {
        let Some(resource) = self.request.resource() else { return Default::default() };
        if resource.type_name().basename() == "Purpose" {
            let name = resource.id().unescaped();
            let (ja, en) = word(PURPOSES, name).unwrap_or((name, name));
            return (format!("{ja}のために"), format!(" for {en}"));
        }
        let Some(object) = self.entities.get(resource) else { return Default::default() };
        if object.attr("tlp").is_none() {
            return Default::default();
        }
        let told = self.object(object);
        let (ja, en): (Vec<String>, Vec<String>) = told.into_iter().unzip();
        (format!("「{}」という情報を", ja.join("、")), format!(" an object that is {}", en.join(", ")))
    }

    fn object(&self, object: &Entity) -> Vec<(String, String)> {
        let reader = self.request.principal().and_then(|principal| self.entities.get(principal));
        let same = |of_reader: &str, of_object: &str| {
            let one = reader.and_then(|reader| value(reader, of_reader));
            one.is_some() && one == value(object, of_object)
        };
        let mut told = Vec::new();
        let mut say = |ja: &str, en: &str| told.push((ja.to_owned(), en.to_owned()));
        if same("organisation", "originator") {
            say("自組織の情報", "its own organisation's");
        } else {
            say("他の組織の情報", "another organisation's");
        }
        if !same("realm", "realm") {
            say("別の世界（本番・訓練）の情報", "of another world (live, or another exercise)");
        }
        let tlp = id_of(object, "tlp").unwrap_or_default();
        if tlp == "unmarked" {
            say("TLPの表示なし", "without a TLP level");
        } else {
            let tlp = format!("TLP:{}", tlp.to_uppercase());
            say(&tlp, &tlp);
        }
        match id_of(object, "pap") {
            Some(pap) if pap != "unmarked" => {
                let pap = format!("PAP:{}", pap.to_uppercase());
                say(&pap, &pap);
            }
            _ => {}
        }
        if let Some((ja, en)) = id_of(object, "class").and_then(|class| word(CLASSES, &class)) {
            say(ja, en);
        }
        for (attribute, ja, en) in FLAGS {
            if is_true(object, attribute) {
                say(ja, en);
            }
        }
        for (attribute, ja, en) in DEMANDS {
            let demanded = texts_of(object, attribute);
            let held = reader.map(|reader| texts_of(reader, attribute)).unwrap_or_default();
            if !demanded.is_empty() {
                let lacks = demanded.iter().any(|one| !held.contains(one));
                let (lacks_ja, lacks_en) = if lacks { LACKS } else { HOLDS };
                say(&format!("{ja}を要する（{lacks_ja}）"), &format!("for those with {en} ({lacks_en})"));
            }
        }
        told.extend(self.between(is_true(object, "limited_to_groups")));
        told
    }

    /// What is true between reader and object.
    fn between(&self, is_limited: bool) -> Vec<(String, String)> {
        let Some(context) = self.request.context() else { return Vec::new() };
        let mut told = Vec::new();
        let mut say = |ja: &str, en: &str| told.push((ja.to_owned(), en.to_owned()));
        let holds = |name: &str| matches!(context.get(name), Some(EvalResult::Bool(true)));
        match (is_limited, holds("in_every_group")) {
            (true, true) => say("閲覧者の組織はその構成員", "of which the reader's organisation is a member"),
            (true, false) => {
                say("閲覧者の組織は構成員でない", "of which the reader's organisation is no member");
            }
            (false, _) => {}
        }
        if holds("granted") {
            say("提供元が個別に提供を認めた", "released to that organisation by its originator");
        }
        if holds("emergency") {
            say("閲覧者が緊急アクセスで開いた", "opened by the reader in an emergency");
        }
        if let Some(EvalResult::EntityUid(purpose)) = context.get("purpose")
            && let Some((ja, en)) = word(PURPOSES, purpose.id().unescaped())
        {
            say(&format!("目的は{ja}"), &format!("asked for {en}"));
        }
        if context.get("term").is_some() {
            say("発効中の合意の条項がある", "with a term of an agreement in force");
        }
        told.extend(received(context));
        told
    }
}

/// What the agreement says under which an object came in.
fn received(context: &Context) -> Option<(String, String)> {
    let Some(EvalResult::Record(received)) = context.get("received") else { return None };
    let holds = |name: &str| matches!(received.get(name), Some(EvalResult::Bool(true)));
    let (mut ja, mut en) = if holds("in_force") {
        ("発効中の合意に基づき受領".to_owned(), "received under an agreement in force".to_owned())
    } else {
        ("終了した合意に基づき受領".to_owned(), "received under an agreement that has ended".to_owned())
    };
    let further = [
        ("is_recipient", "提供先に含まれる", "given to the reader's organisation"),
        ("is_named", "再提供先として名指し", "to be handed on to it by name"),
        ("same_terms", "同一条件での再提供可", "to be handed on under the same terms"),
    ];
    for (name, told_ja, told_en) in further {
        if holds(name) {
            ja.push_str(&format!("（{told_ja}）"));
            en.push_str(&format!(" ({told_en})"));
        }
    }
    Some((ja, en))
}

fn value(entity: &Entity, attribute: &str) -> Option<EvalResult> {
    entity.attr(attribute)?.ok()
}

fn id_of(entity: &Entity, attribute: &str) -> Option<String> {
    match value(entity, attribute)? {
        EvalResult::EntityUid(uid) => Some(uid.id().unescaped().to_owned()),
        _ => None,
    }
}

fn ids_of(entity: &Entity, attribute: &str) -> Vec<String> {
    let Some(EvalResult::Set(members)) = value(entity, attribute) else { return Vec::new() };
    let id = |member: &EvalResult| match member {
        EvalResult::EntityUid(uid) => Some(uid.id().unescaped().to_owned()),
        _ => None,
    };
    members.iter().filter_map(id).collect()
}

fn texts_of(entity: &Entity, attribute: &str) -> Vec<String> {
    let Some(EvalResult::Set(members)) = value(entity, attribute) else { return Vec::new() };
    let text = |member: &EvalResult| match member {
        EvalResult::String(text) => Some(text.clone()),
        _ => None,
    };
    members.iter().filter_map(text).collect()
}

fn is_true(entity: &Entity, attribute: &str) -> bool {
    matches!(value(entity, attribute), Some(EvalResult::Bool(true)))
}

/// Names in policies, and what they are called in Japanese and in English.
type Dictionary = &'static [(&'static str, &'static str, &'static str)];

fn word(dictionary: Dictionary, name: &str) -> Option<(&'static str, &'static str)> {
    dictionary.iter().find(|(known, _, _)| *known == name).map(|(_, ja, en)| (*ja, *en))
}

const KINDS: Dictionary = &[
    ("Person", "人", "a person"),
    ("Program", "プログラム", "a program"),
    ("Edge", "エッジ", "an edge"),
    ("Peer", "ハブ", "a hub"),
];

const ORGANISATIONS: Dictionary = &[
    ("coordinator", "調整機関", "the coordinator"),
    ("agency", "行政機関", "an agency"),
    ("operator", "事業者", "an operator"),
    ("partner", "外国の相手先", "a foreign partner"),
    ("oversight", "監督機関", "an oversight organisation"),
    ("academy", "研究・教育機関", "an academy"),
];

const ROLES: Dictionary = &[
    ("analyst", "分析官", "analyst"),
    ("duty_officer", "当直", "duty officer"),
    ("approver", "承認者", "approver"),
    ("commissioner", "監理官", "commissioner"),
    ("planner", "訓練企画", "planner"),
    ("administrator", "管理者", "administrator"),
    ("trainee", "研修生", "trainee"),
];

const PURPOSES: Dictionary = &[
    ("own-defence", "自組織の防御", "its own defence"),
    ("collective-defence", "共同防御", "collective defence"),
    ("incident-response", "事案対処", "incident response"),
    ("oversight", "監督", "oversight"),
    ("administration", "運用管理", "administration"),
    ("exercise", "訓練", "an exercise"),
];

const CLASSES: Dictionary = &[
    ("indicator", "指標", "an indicator"),
    ("observable", "観測対象", "an observable"),
    ("sighting", "目撃", "a sighting"),
    ("threat", "脅威", "a threat"),
    ("vulnerability", "脆弱性", "a vulnerability"),
    ("incident", "事案", "an incident"),
    ("report", "報告", "a report"),
    ("marking", "表示の定義", "a marking's definition"),
    ("other", "その他の種別", "of another class"),
    ("several", "複数の種別から導かれたもの", "made of several classes"),
];

const FLAGS: [(&str, &str, &str); 4] = [
    ("has_statement", "文章による条件あり", "under terms in words"),
    ("has_unknown_marking", "解釈できない表示あり", "under a marking that this node does not understand"),
    ("originator_control", "提供元が統制", "controlled by its originator"),
    ("limited_to_groups", "共有グループに限定", "limited to sharing groups"),
];

const DEMANDS: [(&str, &str, &str); 2] =
    [("clearances", "適性評価", "a clearance"), ("oaths", "宣誓", "an oath")];

const LACKS: (&str, &str) = ("閲覧者は備えていない", "which the reader lacks");
const HOLDS: (&str, &str) = ("閲覧者は備えている", "which the reader holds");

const ACTIONS: Dictionary = &[
    ("read", "見る", "sees"),
    ("withdraw_object", "取り下げる", "withdraws"),
    ("widen_object", "より広く見せる", "lets more organisations see"),
    ("restrict_object", "より狭くする", "lets fewer organisations see"),
    ("receive_for", "情報を受け取る", "is given information"),
    ("browse", "閲覧・検索する", "browses and searches"),
    ("publish", "情報を登録する", "publishes"),
    ("withdraw", "コレクションから取り下げる", "withdraws from collections"),
    ("work_cases", "事案を扱う", "works cases"),
    ("report_sightings", "目撃を報告する", "reports sightings"),
    ("see_edges", "エッジの状態を見る", "sees the state of edges"),
    ("administer", "ノードを運用管理する", "administers the node"),
    ("inspect", "行為の記録を検査する", "inspects the record of acts"),
    ("see_releases", "提供の記録を見る", "sees who was given what"),
    ("ask_release", "開示を求める", "asks for release"),
    ("widen_release", "提供先を広げる決定をする", "decides to let more organisations see something"),
    ("restrict_release", "提供先を狭める決定をする", "decides to let fewer organisations see something"),
    ("ask_questions", "照会・回答する", "asks and answers questions"),
    ("submit_anonymously", "匿名で提供する", "reports with its name withheld"),
    ("open_seals", "匿名の提供者を確認する", "learns who reported with its name withheld"),
    ("agree", "合意を結ぶ", "makes agreements"),
    ("manage_groups", "共有グループを管理する", "manages sharing groups"),
    ("request_authorisation", "監視の承認を申請する", "asks for an authorisation of monitoring"),
    ("see_authorisations", "承認を見る", "sees authorisations"),
    ("see_selections", "選別情報を見る", "sees what was selected"),
    ("decide_authorisation", "承認を決定する", "decides on authorisations"),
    ("constitute_commission", "委員会を構成する", "constitutes the commission"),
    ("publish_statistics", "統計を公表する", "publishes statistics"),
    ("use_authorisations", "承認を使用する", "uses authorisations"),
    ("write_reports", "事案の報告を作成する", "writes reports of incidents"),
    ("file_reports", "事案の報告を提出する", "files reports of incidents"),
    ("answer_reports", "提出された報告に回答する", "answers reports that were filed"),
    ("raise_emergency", "緊急アクセスを行う", "opens what it may not see, in an emergency"),
    ("review_emergencies", "緊急アクセスを検証する", "reviews emergencies"),
    ("read_runs", "プレイブックの実行と命令を見る", "sees runs of playbooks and orders"),
    ("run_playbooks", "プレイブックを登録・実行する", "brings and runs playbooks"),
    ("approve_actions", "措置を承認する", "agrees to actions"),
    ("undo_actions", "措置を取り消す", "has actions undone"),
    ("receive_orders", "エッジとして命令を受け取る", "receives orders as an edge"),
    ("see_evidence", "証拠とその保管記録を見る", "sees evidence and its custody"),
    ("handle_evidence", "証拠を取り扱う", "handles evidence"),
    ("keep_evidence", "証拠の保全と廃棄を決める", "decides what evidence is kept"),
    ("request_evidence", "証拠の保全・提出を求める", "asks for evidence"),
    ("answer_evidence", "証拠の保全・提出の求めに応じる", "answers requests for evidence"),
    ("qualify_people", "適性評価と宣誓を登録・確認する", "enters and confirms clearances and oaths"),
];

#[cfg(test)]
mod tests {
    use oversight::{OrganisationRole, PersonRole, Purpose};

    use super::*;
    use crate::{ObjectClass, Operation};

    /// A name that is missing here would be told as it stands in policies.
    #[test]
    fn every_name_of_the_policies_has_words() {
        let known = |dictionary: Dictionary, name: &str| assert!(word(dictionary, name).is_some(), "{name}");
        Operation::ALL.iter().for_each(|operation| known(ACTIONS, operation.name()));
        OrganisationRole::ALL.iter().for_each(|role| known(ORGANISATIONS, role.name()));
        PersonRole::ALL.iter().for_each(|role| known(ROLES, role.name()));
        Purpose::ALL.iter().for_each(|purpose| known(PURPOSES, purpose.name()));
        ObjectClass::ALL.iter().chain([&ObjectClass::Several]).for_each(|class| known(CLASSES, class.name()));
    }
}
