-- A session that ends with `promote`: its own memories go when the event is done, which has taken out of them what lasts.
ALTER TABLE engram.events ADD COLUMN ends_session boolean NOT NULL DEFAULT false;
