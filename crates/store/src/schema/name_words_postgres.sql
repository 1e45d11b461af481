-- The words of names become words of their own, which begin with `=`, and those of everything else lose their weight (module
-- `objects::fulltext`).
UPDATE words SET words = CAST((
    SELECT COALESCE(string_agg(entry, ' '), '') FROM (
        SELECT '''' || lexeme || '''' AS entry FROM unnest(words.words) WHERE positions IS NULL
        UNION ALL
        SELECT '''=' || lexeme || ''':' || array_to_string(positions, ',') FROM unnest(ts_filter(words.words, '{a}'))
        UNION ALL
        SELECT '''' || lexeme || ''':' || array_to_string(positions, ',') FROM unnest(ts_filter(words.words, '{b}'))
    ) AS entries
) AS TSVECTOR);
