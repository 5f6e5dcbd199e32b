-- Lexemes of a question that are one word, each group as a JSON array: what several languages make of it. With Russian and
-- English, which share no letters, there are none. SEARCH_LANGUAGES replaces this function and engram.search_stems.
CREATE FUNCTION engram.search_alike(query text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN '[]'::jsonb;

-- Both, a lexeme of both as it stands in the first: added up, it would seem to be said twice.
CREATE FUNCTION engram.search_union(one tsvector, other tsvector) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN one || ts_delete(other, tsvector_to_array(one));
