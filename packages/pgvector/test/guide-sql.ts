/** What the guide's reader runs in Supabase's SQL editor, word for word. */
export const GUIDE_SQL = `-- Проверить pgvector extension
CREATE EXTENSION IF NOT EXISTS vector;

-- Mem0 создаст таблицу автоматически при первом запуске,
-- но можно создать вручную для контроля:

CREATE TABLE IF NOT EXISTS public.mem0_memories (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id TEXT NOT NULL,
    memory TEXT NOT NULL,
    hash TEXT UNIQUE NOT NULL,
    embedding VECTOR(1536),
    metadata JSONB DEFAULT '{}'::jsonb,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);

-- Индекс для быстрого семантического поиска
CREATE INDEX IF NOT EXISTS idx_mem0_embedding 
    ON public.mem0_memories 
    USING hnsw (embedding vector_cosine_ops);

CREATE INDEX IF NOT EXISTS idx_mem0_user_id 
    ON public.mem0_memories(user_id);
`;
