import { runProcess } from "@engram/sockets";
import { startWorker } from "./start-worker.ts";

await runProcess("worker", (parts) => {
  const worker = startWorker(parts);
  return Promise.resolve(() => worker.stop());
});
