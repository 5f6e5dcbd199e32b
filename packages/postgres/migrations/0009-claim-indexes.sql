-- A claim reads the outbox by two orders, each by an index of its own. A collation that only the one index has keeps the
-- planner from the other one and from the primary key, which it took, with a sort of the whole backlog for each user, while
-- the statistics were of an outbox that stood empty. (Topics are compared for equality alone: every collation says the same.)
DROP INDEX engram.outbox_due;
DROP INDEX engram.outbox_fair;
CREATE INDEX outbox_due ON engram.outbox (topic COLLATE "POSIX", lane, due_at) WHERE parked_at IS NULL;
CREATE INDEX outbox_fair ON engram.outbox (topic COLLATE "C", lane, fair, due_at) WHERE parked_at IS NULL;
