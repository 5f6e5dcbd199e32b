-- What a provider of models allows, shared by every process: for each operation of a model the times from which it may be
-- called again. A call moves them on by what it takes (a request, so many tokens), so that a debt is a time that has not
-- come yet, and paying it off takes no writer.
--
-- Unlogged, because a debt is seconds old when it is forgotten, and a reservation then needs no flush of the log. What a
-- crash of the database empties is made anew by the first who asks.
CREATE UNLOGGED TABLE engram.provider_budgets (
  provider text NOT NULL,
  model text NOT NULL,
  operation text NOT NULL,
  -- From when on requests, and tokens, are paid for.
  requests_at timestamptz NOT NULL DEFAULT to_timestamp(0),
  tokens_at timestamptz NOT NULL DEFAULT to_timestamp(0),
  -- As the provider has asked for (Retry-After).
  paused_until timestamptz NOT NULL DEFAULT to_timestamp(0),
  -- The turn that was given last.
  turn_at timestamptz NOT NULL DEFAULT to_timestamp(0),
  PRIMARY KEY (provider, model, operation)
) WITH (fillfactor = 20);
