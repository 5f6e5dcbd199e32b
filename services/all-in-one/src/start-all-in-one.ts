import { startApi } from "@engram/api";
import { ensureApiKey } from "@engram/config";
import { runProcess, type Process } from "@engram/sockets";
import { startWorker } from "@engram/worker";
import { welcome } from "./welcome.ts";

/** API and worker in one process: what `npm start` gives, on embedded defaults where nothing is configured. */
export function startAllInOne(): Promise<void> {
  return runProcess("engram", async (parts: Process) => {
    const apiKeys = ensureApiKey(parts.config);
    const worker = startWorker(parts);
    const api = await startApi({ keys: apiKeys.keys, ...parts });
    void worker.prepared.then(() => welcome(api.url, apiKeys));
    return async () => {
      await api.stop();
      await worker.stop();
    };
  });
}
