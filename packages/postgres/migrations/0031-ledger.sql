-- What providers were paid for: one row for each day, project, operation, model and outcome, however many calls there were
-- (the query of every search is one).
CREATE TABLE engram.provider_calls (
  -- UTC.
  day date NOT NULL,
  -- NULL: of several projects, or of none.
  project_id uuid,
  operation text NOT NULL,
  model text NOT NULL,
  outcome text NOT NULL,
  calls bigint NOT NULL,
  prompt_tokens bigint NOT NULL,
  completion_tokens bigint NOT NULL,
  dollars numeric NOT NULL,
  seconds double precision NOT NULL
);
-- An expression, since NULLs are never equal (NULLS NOT DISTINCT came with PostgreSQL 15).
CREATE UNIQUE INDEX provider_calls_day ON engram.provider_calls
  (day, (coalesce(project_id, '00000000-0000-0000-0000-000000000000'::uuid)), operation, model, outcome);
