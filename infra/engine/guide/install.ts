/** Chapter 2 of the guide: installation. Its files (.env, the compose file, Caddy's) are those of infra/. */
import type { GuideCommand } from "./command.ts";

export const installation: readonly GuideCommand[] = [
  { id: "2.1", written: "docker volume create mem0_data", shows: /mem0_data/ },
  {
    id: "2.2",
    written: "docker compose -f mem0-docker-compose.yaml --env-file .env up -d",
  },
  {
    id: "2.3",
    written: "sudo nano /opt/.env",
    notRun: "an editor; `restart` after it is 2.4",
  },
  {
    id: "2.4",
    written: "sudo docker compose -f /opt/mem0-docker-compose.yaml --env-file /opt/.env restart",
  },
  { id: "2.5", written: "docker ps | grep mem0", shows: /\bmem0\b/, isAfterStart: true },
  { id: "2.6", written: "docker logs mem0", shows: /"level":/ },
  { id: "2.7", written: "curl -I http://localhost:3456/api/health", shows: /HTTP\/1\.1 200 OK/ },
  { id: "2.8", written: "curl -I https://mem0.yourdomain.com/api/health", shows: /HTTP\/2 200/ },
];
