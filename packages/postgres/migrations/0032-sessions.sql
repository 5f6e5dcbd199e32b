-- A session that ends with `promote`: its own memories go when the event is done, which has taken out of them what lasts.
ALTER TABLE engram.events ADD COLUMN ends_session boolean NOT NULL DEFAULT false;
-- Looked for with every batch that is read, and hardly ever there.
CREATE INDEX events_ends_session ON engram.events (owner) WHERE ends_session;
