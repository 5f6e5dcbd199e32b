-- Words that were lost: what stands in angle brackets or behind an ampersand (PostgreSQL's parser takes it for a tag or an entity
-- and drops it), AT&T, emoji, letters in another width, and in a database of the locale C what a sign that it takes for a letter
-- glues together: Москва→Казань, User’s, 500₽.

-- One form for what is written in several: NFKC, without signs that are part of no word. Signs that NFKC would make letters of
-- (№, ™) go before it; the commonest have the faster way. What nobody sees (soft hyphens, variation selectors) leaves no space.
CREATE FUNCTION engram.search_plain(content text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF content ~ '[’«»„“”‘—–…№™℠·،。、，！？：；（）「」\u00ad\u200b\u2060\ufe0e\ufe0f\ufeff]' THEN
    content := translate(content, E'’«»„“”‘—–…№™℠·،。、，！？：；（）「」\u00ad\u200b\u2060\ufe0e\ufe0f\ufeff', '''                         ');
  END IF;
  IF content ~ '[^\x01-\x7fЀ-ӿ]' THEN
    IF content IS NOT NFKC NORMALIZED THEN content := normalize(content, NFKC); END IF;
    IF content ~ '[\u0080-\u00bf\u00d7\u00f7\u2000-\u200b\u200e-\u206f\u20a0-\u20cf\u20e3\u2190-\u25ff\u27c0-\u2aff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030]' THEN content := regexp_replace(content, '[\u0080-\u00bf\u00d7\u00f7\u2000-\u200b\u200e-\u206f\u20a0-\u20cf\u20e3\u2190-\u25ff\u27c0-\u2aff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030]', ' ', 'g'); END IF;
  END IF;
  RETURN content;
END $$;

-- As it stood, but for what is plain before it, and for < > & among the separators.
CREATE OR REPLACE FUNCTION engram.search_fold(content text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF content ~ '[^\x01-\x7f]' THEN
    IF content ~ '[^\x01-\x7fЀ-ӿ]' THEN content := engram.search_plain(content); END IF;
    IF content ~ '[À-ÖØ-öø-ž]' THEN
      content := translate(content,
        'ÀÁÂÃÄÅĀĂĄàáâãäåāăąÇĆČçćčĎĐďđÈÉÊËĒĖĘĚèéêëēėęěĞğÌÍÎÏĪĮİìíîïīįıŁłÑŃŇñńňÒÓÔÕÖØŌŐòóôõöøōőŘřŚŞŠśşšŤťÙÚÛÜŪŮŰùúûüūůűÝýÿŹŻŽźżž',
        'aaaaaaaaaaaaaaaaaaccccccddddeeeeeeeeeeeeeeeeggiiiiiiiiiiiiiillnnnnnnoooooooooooooooorrssssssttuuuuuuuuuuuuuuyyyzzzzzz');
    END IF;
    IF content ~ '[А-ЯЁёІЇЄҐЎ]' THEN
      content := translate(content,
        ' оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁёІЇЄҐЎ',
        ' оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъабвгдежзийклмнопрстуфхцчшщъыьэюяееіїєґў');
    END IF;
  END IF;
  IF content ~ '[-_/.:@#+=*|\\<>&]' THEN
    content := translate(content, '-_/.:@#+=*|\<>&', '               ');
  END IF;
  RETURN content;
END $$;

-- As it stood, with emoji among the signs; the tone of a skin is none.
CREATE OR REPLACE FUNCTION engram.search_grams(content text, singles boolean) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT array_to_tsvector(coalesce(array_agg(DISTINCT gram), '{}')) FROM (
    SELECT unnest(CASE WHEN next IS NULL THEN CASE WHEN singles OR at = 1 THEN ARRAY[sign] END
      WHEN singles THEN ARRAY[sign, sign || next] ELSE ARRAY[sign || next] END) AS gram
    FROM (SELECT sign, at, lead(sign) OVER (PARTITION BY run ORDER BY at) AS next
      FROM regexp_matches(content, '[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2600-\u27bf\u2b00-\u2bff\u3005\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U0001f000-\U0001f3fa\U0001f400-\U0001faff\U00020000-\U0003ffff]+', 'g')
        WITH ORDINALITY AS found (match, run), unnest(string_to_array(match[1], NULL)) WITH ORDINALITY AS signs (sign, at)) AS pairs) AS grams);
END $$;

-- As it stood, with & among what joins: AT&T, R&D.
CREATE OR REPLACE FUNCTION engram.search_codes(content text) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT array_to_tsvector(coalesce(array_agg(DISTINCT code), '{}')) FROM (
    SELECT lower(match[1]) AS code FROM regexp_matches(content, '([0-9A-Za-zÀ-ӿ]+(?:[-._:/@+&][0-9A-Za-zÀ-ӿ]+)+|[A-Za-z]+(?:\+\+|#))', 'g') AS found (match)) AS codes
  WHERE length(code) <= 128 AND code ~ '[0-9._:/@+#&]');
END $$;

-- What joins emoji or tints them goes with them; it is no word.
CREATE OR REPLACE FUNCTION engram.search_words(content text, singles boolean) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  words tsvector;
BEGIN
  IF content ~ '[^\x01-\x7fЀ-ӿ«»„“”—–…№]' THEN
    content := engram.search_plain(content);
    IF content ~ '[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2600-\u27bf\u2b00-\u2bff\u3005\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U0001f000-\U0001f3fa\U0001f400-\U0001faff\U00020000-\U0003ffff]' THEN
      words := engram.search_stems(regexp_replace(content, '(?:[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2600-\u27bf\u2b00-\u2bff\u3005\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U0001f000-\U0001f3fa\U0001f400-\U0001faff\U00020000-\U0003ffff][\u200d\U0001f3fb-\U0001f3ff]*)+', ' ', 'g')) || engram.search_grams(content, singles);
    END IF;
  END IF;
  words := coalesce(words, engram.search_stems(content));
  IF content ~ '[0-9A-Za-z][-._:/@+#&]' THEN words := words || engram.search_codes(content); END IF;
  RETURN words;
END $$;

-- What is stored is made anew where it differs. Nobody is told: neither the text nor the index has changed.
ALTER TABLE public.memories DISABLE TRIGGER USER;
UPDATE public.memories SET content = content WHERE search IS DISTINCT FROM engram.search_document(content, occurred_at);
ALTER TABLE public.memories ENABLE TRIGGER USER;
ALTER TABLE engram.messages DISABLE TRIGGER USER;
UPDATE engram.messages SET content = content WHERE search IS DISTINCT FROM engram.search_document(content, said_at);
ALTER TABLE engram.messages ENABLE TRIGGER USER;
