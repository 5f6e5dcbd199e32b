-- The order in which a user's memories were told, both ways: what stands beside a memory is one step of this index, which
-- with created_at and id in opposite directions was a sort of everything that one statement had written.
DROP INDEX public.idx_memories_user_id;
CREATE INDEX idx_memories_user_id ON public.memories (user_id, project_id, created_at, id);
