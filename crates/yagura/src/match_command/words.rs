//! Why an indicator is not used or a line not read, in Japanese; the English comes with the code.

/// The reason behind a stable code.
pub(crate) fn japanese(code: &str) -> Option<&'static str> {
    Some(match code {
        "confidence-low" => "作成者の確信度が指定より低い",
        "line-cut-off" => "行が途中で切れている",
        "line-no-header" => "既知の形式の行でないか、列の定義（`#fields`）がまだない",
        "line-not-json" => "JSON ではない",
        "line-not-utf8" => "UTF-8 ではない",
        "line-other-format" => "この形式の記録ではない",
        "line-too-deep" => "入れ子が深すぎる",
        "line-too-long" => "行が長すぎる",
        "pattern-expression" => "`MATCHES` の正規表現に、照合できない構文がある",
        "pattern-missing" => "パターンがない",
        "pattern-never-matches" => "パターンを満たすものがあり得ない",
        "pattern-no-anchor" => "アドレス・ドメイン名・URL・ハッシュ・メールアドレスのいずれも含まない",
        "pattern-not-stix" => "STIX 以外の言語のパターン",
        "pattern-operator" => "照合できない演算子を使っている",
        "pattern-property" => "ネットワークの記録に現れない属性を使っている",
        "pattern-syntax" => "パターンの文法が正しくない",
        "pattern-too-complex" => "パターンが複雑すぎる",
        "pattern-value" => "比較する値がその種類の値ではない",
        "revoked" => "取り消されている",
        "set-full" => "指標が多すぎる",
        "stix-json" => "JSON のオブジェクトではない",
        "unanchored-many" => "すべての記録と照合する必要のある比較が上限を超える",
        "too-broad" => "範囲が広すぎて意味をなさない",
        "validity" => "有効期間の日時が読めない",
        "value-unknown" => "アドレス・ドメイン名・URL・ハッシュ・メールアドレスのいずれでもない",
        "version-missing" => "`modified` も `created` もない",
        "warning-list" => "警告リストにある無害な値",
        _ => return None,
    })
}
