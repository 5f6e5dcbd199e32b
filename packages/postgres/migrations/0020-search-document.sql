-- What a memory is found by, in one column that every writer fills, psql included: stems of Russian and English, codes as
-- a whole and in parts, n-grams of scripts without spaces, the days it may be asked for by, and who speaks in it.

-- Plain words in lower case, without accents and marks. By hand, because a database of the locale C (many a managed one,
-- the embedded one of old) takes « and — for letters and leaves Ж as it is.
CREATE FUNCTION engram.search_fold(content text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN content ~ '[^\x01-\x7f]' THEN
    translate(CASE WHEN content ~ '[À-ÖØ-öø-ž]' THEN translate(content,
      'ÀÁÂÃÄÅĀĂĄàáâãäåāăąÇĆČçćčĎĐďđÈÉÊËĒĖĘĚèéêëēėęěĞğÌÍÎÏĪĮİìíîïīįıŁłÑŃŇñńňÒÓÔÕÖØŌŐòóôõöøōőŘřŚŞŠśşšŤťÙÚÛÜŪŮŰùúûüūůűÝýÿŹŻŽźżž',
      'aaaaaaaaaaaaaaaaaaccccccddddeeeeeeeeeeeeeeeeggiiiiiiiiiiiiiillnnnnnnoooooooooooooooorrssssssttuuuuuuuuuuuuuuyyyzzzzzz') ELSE content END,
      'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁёІЇЄҐЎ«»„“”‘—–…№•·،。、，！？：；（）「」 -_/.:@#+=*|\',
      'абвгдежзийклмнопрстуфхцчшщъыьэюяееіїєґў                                              ')
    ELSE translate(content, '-_/.:@#+=*|\', '            ') END;

-- Signs and pairs of signs of the scripts that are written without spaces, and of Korean, whose words take endings.
-- `singles`: also the single ones, of a run of any length; else only of a run of one.
CREATE FUNCTION engram.search_grams(content text, singles boolean) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT array_to_tsvector(coalesce(array_agg(DISTINCT gram), '{}')) FROM (
    SELECT unnest(CASE WHEN next IS NULL THEN CASE WHEN singles OR at = 1 THEN ARRAY[sign] END
      WHEN singles THEN ARRAY[sign, sign || next] ELSE ARRAY[sign || next] END) AS gram
    FROM (SELECT sign, at, lead(sign) OVER (PARTITION BY run ORDER BY at) AS next
      FROM regexp_matches(content, '[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+', 'g')
        WITH ORDINALITY AS found (match, run), unnest(string_to_array(match[1], NULL)) WITH ORDINALITY AS signs (sign, at)) AS pairs) AS grams);
END $$;

-- Numbers, versions, addresses, paths and names such as `c++` as they are written; their parts are words besides.
CREATE FUNCTION engram.search_codes(content text) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT array_to_tsvector(coalesce(array_agg(DISTINCT code), '{}')) FROM (
    SELECT lower(match[1]) AS code FROM regexp_matches(content, '([0-9A-Za-zÀ-ӿ]+(?:[-._:/@+][0-9A-Za-zÀ-ӿ]+)+|[A-Za-z]+(?:\+\+|#))', 'g') AS found (match)) AS codes
  WHERE length(code) <= 128 AND code ~ '[0-9._:/@+#]');
END $$;

-- The days a memory may be asked for by: its year, month and day, and both without the year. UTC.
CREATE FUNCTION engram.search_days(occurred_at timestamptz) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN isfinite(occurred_at) THEN array_to_tsvector(ARRAY[
    '@' || extract(year FROM occurred_at AT TIME ZONE 'UTC')::text,
    '@' || extract(year FROM occurred_at AT TIME ZONE 'UTC')::text || '-' || lpad(extract(month FROM occurred_at AT TIME ZONE 'UTC')::text, 2, '0'),
    '@' || extract(year FROM occurred_at AT TIME ZONE 'UTC')::text || '-' || lpad(extract(month FROM occurred_at AT TIME ZONE 'UTC')::text, 2, '0')
        || '-' || lpad(extract(day FROM occurred_at AT TIME ZONE 'UTC')::text, 2, '0'),
    '@-' || lpad(extract(month FROM occurred_at AT TIME ZONE 'UTC')::text, 2, '0'),
    '@-' || lpad(extract(month FROM occurred_at AT TIME ZONE 'UTC')::text, 2, '0') || '-' || lpad(extract(day FROM occurred_at AT TIME ZONE 'UTC')::text, 2, '0')
  ]) ELSE ''::tsvector END;

-- The stems of plain words. PostgreSQL's configuration "russian" stems ASCII words with the English stemmer and the rest
-- with the Russian one, so that both languages live in one sentence.
CREATE FUNCTION engram.search_stems(content text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_tsvector('pg_catalog.russian'::regconfig, engram.search_fold(content));

CREATE FUNCTION engram.search_words(content text, singles boolean) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN content ~ '[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3005-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]'
      THEN engram.search_stems(regexp_replace(content,
        '[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+', ' ', 'g'))
        || engram.search_grams(content, singles)
      ELSE engram.search_stems(content) END
    || CASE WHEN content ~ '[0-9A-Za-z][-._:/@+#]' THEN engram.search_codes(content) ELSE ''::tsvector END;

-- Who speaks in "Caroline: I went …", as `@who:` and the stem of the name.
CREATE FUNCTION engram.search_speaker(content text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN content ~ '^[^\s:]{1,32}( [^\s:]{1,32})?: ' THEN
    regexp_replace(strip(engram.search_stems(split_part(content, ': ', 1)))::text, '(^| )''', '\1''@who:', 'g')::tsvector
    ELSE ''::tsvector END;

-- What is stored, and what a question is looked up by.
CREATE FUNCTION engram.search_document(content text, occurred_at timestamptz) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN engram.search_words(content, true) || engram.search_speaker(content) || engram.search_days(occurred_at);
CREATE FUNCTION engram.search_terms(query text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN tsvector_to_array(engram.search_words(query, false));

ALTER TABLE public.memories DROP COLUMN search;
ALTER TABLE public.memories ADD COLUMN search tsvector GENERATED ALWAYS AS (engram.search_document(content, occurred_at)) STORED;
CREATE INDEX idx_memories_search ON public.memories USING gin (search);
DROP FUNCTION engram.search_vector(text);
