/** Chapter 9 of the guide: what to do when something does not work. */
import type { GuideCommand } from "./command.ts";

const up = "docker compose -f /opt/mem0-docker-compose.yaml --env-file /opt/.env up -d";
const restart = "docker compose -f /opt/mem0-docker-compose.yaml --env-file /opt/.env restart";
const models = "docker exec mem0 curl -I https://api.openai.com/v1/models";
const wantsInternet = "wants the internet; the program is there, see 8.34";
const keyInFile =
  "the key is in .env, which is read at every start, and not in the container's environment, which `restart` keeps";
const nothingCloned = "nothing is cloned or installed at a start";
const shipped = "not an image of this stack: its images are named in docker-compose.yaml, with their versions";
const limits = "the compose files have limits already";

export const trouble: readonly GuideCommand[] = [
  { id: "9.1", written: "docker volume ls | grep mem0_data", shows: /mem0_data/ },
  {
    id: "9.2",
    written: "docker volume rm mem0_data",
    instead: {
      command:
        "docker compose -f /opt/mem0-docker-compose.yaml down && docker rm -f mem0-volumes mem0-backup && docker volume rm mem0_data",
      why: "a volume goes when no container has it; with it goes the API key that was made, where .env sets none",
    },
  },
  { id: "9.3", written: "docker volume create mem0_data", shows: /mem0_data/ },
  {
    id: "9.4",
    written: up,
  },
  { id: "9.5", written: "docker ps -a | grep mem0", shows: /\bmem0\b/, isAfterStart: true },
  { id: "9.6", written: "docker rm -f mem0", shows: /mem0/ },
  { id: "9.7", written: up },
  { id: "9.8", written: "docker network inspect app-network", shows: /postgres/, isAfterStart: true },
  { id: "9.9", written: 'docker run --rm alpine sh -c "ping -c 3 github.com"', notRun: nothingCloned },
  { id: "9.10", written: "docker exec mem0 ping -c 3 github.com", notRun: nothingCloned },
  { id: "9.11", written: "docker ps | grep postgres", shows: /postgres/ },
  { id: "9.12", written: "docker network inspect app-network", shows: /postgres/ },
  { id: "9.13", written: "docker exec mem0 nc -zv postgres 5432", shows: /succeeded|open/ },
  { id: "9.14", written: 'docker exec -i postgres psql -U postgres -c "SELECT 1;"', shows: /1 row/ },
  { id: "9.15", written: "docker ps | grep qdrant", shows: /qdrant/ },
  { id: "9.16", written: "docker exec mem0 nc -zv qdrant 6333", shows: /succeeded|open/ },
  { id: "9.17", written: "docker logs qdrant" },
  {
    id: "9.18",
    written: "docker exec mem0 sh -c 'echo $DATABASE_URL'",
    shows: /postgresql:\/\/.+@postgres:5432\/mem0/,
  },
  {
    id: "9.19",
    written: "docker exec -i postgres psql -U postgres -c \"ALTER USER postgres WITH PASSWORD 'your_password';\"",
    shows: /ALTER ROLE/,
  },
  { id: "9.20", written: 'sudo sed -i "s/POSTGRES_PASSWORD=.*/POSTGRES_PASSWORD=your_password/" /opt/.env' },
  {
    id: "9.21",
    written: restart,
    instead: {
      command: up,
      why: "the password is part of DATABASE_URL, which compose fills in: `restart` keeps the old one",
    },
  },
  {
    id: "9.22",
    written: 'curl -v -H "Authorization: Bearer YOUR_MEM0_API_KEY" https://mem0.yourdomain.com/api/health',
    shows: /"status":"ok"/,
    isAfterStart: true,
  },
  {
    id: "9.23",
    written: "docker exec mem0 sh -c 'echo $MEM0_API_KEY'",
    instead: { command: "docker exec mem0 grep '^MEM0_API_KEY=' .env", why: keyInFile },
    shows: /MEM0_API_KEY=.+/,
  },
  {
    id: "9.24",
    written: `curl -X POST https://mem0.yourdomain.com/api/memories \\
  -H "Authorization: Bearer YOUR_MEM0_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "user_id": "user123",
    "content": "Тестовое воспоминание",
    "type": "fact"
  }'`,
    shows: /"content":"Тестовое воспоминание"/,
  },
  {
    id: "9.25",
    written: "docker exec mem0 sh -c 'echo $OPENAI_API_KEY'",
    instead: { command: "docker exec mem0 grep '^OPENAI_API_KEY=' .env", why: keyInFile },
    shows: /OPENAI_API_KEY=/,
  },
  { id: "9.26", written: models, notRun: wantsInternet },
  {
    id: "9.27",
    written: 'sudo sed -i "s/OPENAI_API_KEY=.*/OPENAI_API_KEY=your_openai_api_key/" /opt/.env',
    notRun: "the drill has no key; 8.26 does the same with another",
  },
  { id: "9.28", written: restart },
  { id: "9.29", written: "docker stats mem0 postgres qdrant", shows: /MEM/, isEndless: true, isAfterStart: true },
  {
    id: "9.30",
    written: 'docker exec -i postgres psql -U postgres -d mem0 -c "SELECT COUNT(*) FROM memories;"',
    shows: /count/,
  },
  {
    id: "9.31",
    written: `docker exec -i postgres psql -U postgres -d mem0 -c "
CREATE INDEX IF NOT EXISTS idx_memories_user_id ON memories(user_id);
CREATE INDEX IF NOT EXISTS idx_memories_type ON memories(type);
"`,
    shows: /CREATE INDEX/,
  },
  { id: "9.32", written: "deploy: resources: limits: cpus: '1'", notRun: limits },
  { id: "9.33", written: "deploy: resources: limits: memory: 1G", notRun: limits },
  {
    id: "9.34",
    written: `docker exec -i postgres psql -U postgres -d mem0 -c "
DELETE FROM memories WHERE created_at < NOW() - INTERVAL '6 months';
VACUUM FULL ANALYZE;
"`,
    instead: {
      command: `docker exec -i postgres psql -U postgres -d mem0 \\
  -c "DELETE FROM memories WHERE created_at < NOW() - INTERVAL '6 months';" -c "VACUUM FULL ANALYZE;"`,
      why: "several statements in one -c are one transaction, in which VACUUM does not run",
    },
    shows: /VACUUM/,
  },
  {
    id: "9.35",
    written: "docker exec n8n curl -I https://mem0.yourdomain.com/api/health",
    notRun: "wants an n8n of one's own",
  },
  { id: "9.36", written: "docker network connect app-network n8n", notRun: "wants an n8n of one's own" },
  { id: "9.37", written: "docker exec caddy cat /etc/caddy/Caddyfile | grep mem0", shows: /mem0/ },
  {
    id: "9.38",
    written: 'docker exec mem0 curl -H "Authorization: Bearer $OPENAI_API_KEY" https://api.openai.com/v1/models',
    notRun: wantsInternet,
  },
  { id: "9.39", written: 'docker run --rm alpine sh -c "ping -c 3 docker.io"', notRun: wantsInternet },
  { id: "9.40", written: "docker pull docker.io/library/node:18-alpine", notRun: shipped },
  { id: "9.41", written: up },
  {
    id: "9.42",
    written: 'docker exec -i postgres psql -U postgres -d mem0 -c "\\dt"',
    shows: /memories/,
    isAfterStart: true,
  },
  { id: "9.43", written: "docker exec mem0 npm run migrate", shows: /schema|migrat/i },
  {
    id: "9.44",
    written:
      "docker run --rm -v mem0_data:/data -v $(pwd):/backup alpine tar -czf /backup/mem0_backup_$(date +%Y%m%d).tar.gz /data",
  },
  { id: "9.45", written: "docker exec mem0 cat CHANGELOG.md", shows: /Unreleased/ },
  { id: "9.46", written: "docker logs mem0", shows: /"level":/ },
  { id: "9.47", written: "docker logs postgres", shows: /ready to accept connections/ },
  { id: "9.48", written: "docker logs qdrant" },
  { id: "9.49", written: "docker logs caddy", shows: /"level"/ },
  {
    id: "9.50",
    written: "docker compose -f /opt/mem0-docker-compose.yaml --env-file /opt/.env config",
    shows: /mem0_data/,
  },
  { id: "9.51", written: "docker network inspect app-network", shows: /postgres/ },
  { id: "9.52", written: "docker volume inspect mem0_data", shows: /Mountpoint/ },
  { id: "9.53", written: restart },
  {
    id: "9.54",
    written: "docker compose -f /opt/docker-compose.yaml --env-file /opt/.env restart",
    isAfterStart: true,
  },
  { id: "9.55", written: "docker exec mem0 nc -zv postgres 5432", shows: /succeeded|open/, isAfterStart: true },
  { id: "9.56", written: "docker exec mem0 nc -zv qdrant 6333", shows: /succeeded|open/ },
  { id: "9.57", written: models, notRun: wantsInternet },
  { id: "9.58", written: "docker pull node:18-alpine", notRun: shipped },
  { id: "9.59", written: "docker pull postgres:latest", notRun: shipped },
  { id: "9.60", written: "docker pull qdrant/qdrant:latest", notRun: shipped },
];
