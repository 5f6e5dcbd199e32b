-- Another model becomes a second target that fills while searches stay on the live one.
ALTER TABLE engram.index_targets
  -- The dimensions that were asked of the model; NULL: what it gives by itself.
  ADD COLUMN requested_dims integer,
  -- When every memory had got its work row; NULL: the backfill is at cursor_id.
  ADD COLUMN filled_at timestamptz,
  -- A target that was replaced is followed until then, so that going back costs nothing.
  ADD COLUMN retire_at timestamptz,
  ADD COLUMN live_since timestamptz;

-- Targets of before have had a work row for every memory.
UPDATE engram.index_targets SET filled_at = now(), live_since = CASE WHEN state = 'live' THEN now() END WHERE state <> 'retired';
