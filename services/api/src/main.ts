import { ensureApiKey } from "@engram/config";
import { runProcess } from "@engram/sockets";
import { startApi } from "./start-api.ts";

await runProcess("api", async ({ config, ...parts }) => {
  const api = await startApi({ config, keys: ensureApiKey(config).keys, ...parts });
  return () => api.stop();
});
