-- What a restore looks for: what a memory took the place of, and what came back when it went.
CREATE INDEX idx_memories_superseded_by ON public.memories (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX history_restored ON engram.history ((snapshot ->> 'superseded_by')) WHERE event = 'restored';
