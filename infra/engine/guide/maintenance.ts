/** Chapter 8 of the guide: running the service. */
import type { GuideCommand } from "./command.ts";

const up = "docker compose -f /opt/mem0-docker-compose.yaml --env-file /opt/.env up -d";
const restart = "docker compose -f /opt/mem0-docker-compose.yaml --env-file /opt/.env restart";
const down = "docker compose -f /opt/mem0-docker-compose.yaml down";

export const maintenance: readonly GuideCommand[] = [
  { id: "8.1", written: "docker ps | grep mem0", shows: /\bmem0\b/, isAfterStart: true },
  { id: "8.2", written: "docker logs mem0", shows: /"level":/ },
  { id: "8.3", written: "docker logs -f mem0", shows: /"level":/, isEndless: true },
  { id: "8.4", written: "docker stats mem0", shows: /MEM/, isEndless: true },
  { id: "8.5", written: "curl -I https://mem0.yourdomain.com/api/health", shows: /HTTP\/2 200/ },
  { id: "8.6", written: up },
  { id: "8.7", written: down },
  { id: "8.8", written: up },
  { id: "8.9", written: restart },
  { id: "8.10", written: down },
  {
    id: "8.11",
    written: "docker rmi node:18-alpine",
    instead: {
      command: "docker build --tag engram:local /opt/",
      why: "no such image is used; a new version is a `git pull` and a build, or another MEM0_IMAGE",
    },
  },
  { id: "8.12", written: up },
  {
    id: "8.13",
    written:
      "docker run --rm -v mem0_data:/data -v $(pwd):/backup alpine tar -czf /backup/mem0_backup_$(date +%Y%m%d).tar.gz /data",
    isAfterStart: true,
  },
  {
    id: "8.14",
    written: "docker exec postgres pg_dump -U postgres -d mem0 > mem0_db_backup_$(date +%Y%m%d).sql",
  },
  {
    id: "8.15",
    written:
      "docker run --rm -v qdrant_storage:/data -v $(pwd):/backup alpine tar -czf /backup/qdrant_backup_$(date +%Y%m%d).tar.gz /data",
    instead: {
      command:
        "docker stop qdrant && docker run --rm -v qdrant_storage:/data -v $(pwd):/backup alpine tar -czf /backup/qdrant_backup_$(date +%Y%m%d).tar.gz /data; docker start qdrant",
      why: "a copy of files that are written to may not be whole; or backup_mem0.sh, whose snapshot needs no stop",
    },
  },
  {
    id: "8.16",
    written: "0 2 * * * /opt/backup_mem0.sh",
    instead: {
      command: "BACKUP_DIR=/opt/backups bash /opt/infra/backup/backup_mem0.sh",
      why: "the shipped script, which checks what it writes; in crontab: 0 2 * * * /opt/engram/infra/backup/backup_mem0.sh",
    },
    shows: /mem0_db_backup_\d{8}\.sql: \d+ bytes/,
  },
  { id: "8.17", written: down },
  {
    id: "8.18",
    written:
      'docker run --rm -v mem0_data:/data -v $(pwd):/backup alpine sh -c "rm -rf /data/* && tar -xzf /backup/mem0_backup_20250518.tar.gz -C /"',
  },
  {
    id: "8.19",
    written: "cat mem0_db_backup_20250518.sql | docker exec -i postgres psql -U postgres -d mem0",
    instead: {
      command: "bash /opt/infra/backup/restore_mem0.sh mem0_db_backup_20250518.sql",
      why: "over a live database it mixes old rows with new ones; the script loads beside it and exchanges the names",
    },
    shows: /Restored/,
  },
  { id: "8.20", written: up },
  {
    id: "8.21",
    written:
      'curl -X GET "https://mem0.yourdomain.com/api/memories/user/user123?created_before=2024-11-18T00:00:00Z" -H "Authorization: Bearer YOUR_MEM0_API_KEY" > old_memories.json',
    isAfterStart: true,
  },
  {
    id: "8.22",
    written:
      'cat old_memories.json | jq -r \'.memories[].id\' | while read id; do curl -X DELETE "https://mem0.yourdomain.com/api/memories/$id" -H "Authorization: Bearer YOUR_MEM0_API_KEY"; done',
  },
  {
    id: "8.23",
    written:
      "docker exec -i postgres psql -U postgres -d mem0 -c \"DELETE FROM memories WHERE created_at < NOW() - INTERVAL '6 months';\"",
    shows: /DELETE \d/,
  },
  {
    id: "8.24",
    written: 'docker exec -i postgres psql -U postgres -d mem0 -c "VACUUM FULL ANALYZE;"',
    shows: /VACUUM/,
  },
  {
    id: "8.25",
    written:
      "NEW_API_KEY=$(openssl rand -base64 32 | tr -dc 'a-zA-Z0-9' | fold -w 32 | head -n 1)\necho \"Новый API ключ: $NEW_API_KEY\"",
    shows: /ключ: \w{32}/,
  },
  {
    id: "8.26",
    written: 'sudo sed -i "s/MEM0_API_KEY=.*/MEM0_API_KEY=$NEW_API_KEY/" /opt/.env',
    instead: {
      command: 'NEW_API_KEY=YOUR_MEM0_API_KEY; sudo sed -i "s/MEM0_API_KEY=.*/MEM0_API_KEY=$NEW_API_KEY/" /opt/.env',
      why: "as written, in one shell with 8.25; here with a key that the drill knows",
    },
  },
  { id: "8.27", written: restart },
  {
    id: "8.28",
    written: `docker exec -i postgres psql -U postgres -d mem0 -c "
ALTER SYSTEM SET shared_buffers = '256MB';
ALTER SYSTEM SET work_mem = '16MB';
ALTER SYSTEM SET maintenance_work_mem = '128MB';
ALTER SYSTEM SET random_page_cost = 1.1;
ALTER SYSTEM SET effective_cache_size = '512MB';
"`,
    instead: {
      command:
        "echo POSTGRES_WORK_MEM=16MB >> /opt/.env && docker compose -f /opt/docker-compose.yaml --env-file /opt/.env up -d --no-deps postgres",
      why: "several statements in one -c are one transaction, in which ALTER SYSTEM does not run; and the command line of the compose file wins over it",
    },
  },
  {
    id: "8.29",
    written: 'docker exec -i postgres psql -U postgres -c "SELECT pg_reload_conf();"',
    shows: /\bt\b/,
    isAfterStart: true,
  },
  {
    id: "8.30",
    written: `docker exec -i postgres psql -U postgres -d mem0 -c "
CREATE INDEX IF NOT EXISTS idx_memories_user_id ON memories(user_id);
CREATE INDEX IF NOT EXISTS idx_memories_type ON memories(type);
CREATE INDEX IF NOT EXISTS idx_memories_created_at ON memories(created_at);
"`,
    shows: /CREATE INDEX/,
  },
  { id: "8.31", written: "docker logs mem0", shows: /"level":/ },
  {
    id: "8.32",
    written: "docker compose -f /opt/mem0-docker-compose.yaml --env-file /opt/.env config",
    shows: /mem0_data/,
  },
  { id: "8.33", written: 'docker exec -i postgres psql -U postgres -c "\\l" | grep mem0', shows: /mem0/ },
  {
    id: "8.34",
    written: "curl -I http://qdrant:6333/collections",
    instead: {
      command: "docker exec mem0 curl -i http://qdrant:6333/readyz",
      why: "the name exists inside of the network alone, and all but the probes want the key",
    },
    shows: /HTTP\/1\.\d 200/,
  },
  { id: "8.35", written: "docker network inspect app-network", shows: /"mem0"/ },
  { id: "8.36", written: "docker exec mem0 netstat -tulpn | grep 3456", shows: /3456/ },
  { id: "8.37", written: "docker exec caddy cat /etc/caddy/Caddyfile | grep mem0", shows: /mem0/ },
  { id: "8.38", written: "docker stats mem0 postgres qdrant", shows: /MEM/, isEndless: true },
  {
    id: "8.39",
    written: 'docker exec -i postgres psql -U postgres -d mem0 -c "SELECT COUNT(*) FROM memories;"',
    shows: /count/,
  },
  {
    id: "8.40",
    written: `docker exec -i postgres psql -U postgres -d mem0 -c "
SELECT query, calls, total_time, mean_time
FROM pg_stat_statements
ORDER BY mean_time DESC
LIMIT 10;
"`,
    instead: {
      command: `docker exec -i postgres psql -U postgres -d mem0 -c "
SELECT query, calls, total_exec_time, mean_exec_time
FROM pg_stat_statements
ORDER BY mean_exec_time DESC
LIMIT 10;
"`,
      why: "the columns have these names since PostgreSQL 13",
    },
    shows: /mean_exec_time/,
  },
  {
    id: "8.41",
    written: "docker exec mem0 curl -I https://api.openai.com/v1/models",
    notRun: "wants the internet; the program is there, see 8.34",
  },
  {
    id: "8.42",
    written: "docker exec mem0 sh -c 'echo $OPENAI_API_KEY | wc -c'",
    instead: {
      command: "docker exec mem0 grep '^OPENAI_API_KEY=' .env | wc -c",
      why: "the key is in .env, which is read at every start, and not in the container's environment, which `restart` keeps",
    },
    shows: /\d/,
  },
];
