//! By another hub, about copies of reports: one that was altered, one in somebody else's name, one put into another one's thread, an answer that
//! nobody may give.

use super::{Attack, noticed};
use crate::reports_abroad::{COPY, Note, Played, hash};

pub async fn all() -> Vec<Attack> {
    vec![lies().await]
}

async fn lies() -> Attack {
    let mut attack = Attack::new("a hub lies about a report", "peers' port");
    let played = Played::new(64).await;
    let good = played.given("kinki", "ministry");
    assert!(!played.keeps_out(&good).await, "the honest act");
    let (own, theirs) =
        (|name: &str| format!("{}{name}", played.own), |name: &str| format!("{}{name}", played.theirs));
    let note = |from: &str, to: &str, sha256: &str| Note::given(from, to, COPY, sha256);
    let answered = Note {
        says: r#"{"kind":"answered","answer":{"answer":"acknowledged"}}"#.to_owned(),
        ..note(&theirs("ministry"), &own("kinki"), "")
    };
    let mut another = played.given("kanto", "ministry");
    another.filing = hex::encode([8; 32]);
    let lies = [
        (
            "a copy that is not the one whose hash it bears",
            note(&theirs("kinki"), &own("ministry"), &hash("another")),
        ),
        (
            "a copy in the name of an organisation of this hub",
            note(&own("kinki"), &own("ministry"), &hash(COPY)),
        ),
        (
            "a copy in the name of a third hub's",
            note("0123456789abcdef-kinki", &own("ministry"), &hash(COPY)),
        ),
        ("a copy for whoever is given none", note(&theirs("kinki"), &own("kinki"), &hash(COPY))),
        ("a copy of a report that is another one's", another),
        ("an answer to what was never given", answered),
    ];
    for (what, lie) in &lies {
        attack.refused(*what, noticed(played.keeps_out(lie).await, "kept out"));
    }
    attack
}
