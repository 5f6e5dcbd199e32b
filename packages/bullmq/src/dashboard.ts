import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Queue } from "bullmq";
import { JOBS, PREFIX } from "./catalogue.ts";
import { connectProducer } from "./connection.ts";

export interface QueueDashboard {
  /** Answers a GET below the base path: the page, its own assets and its questions. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

/** The page asks for fonts at a public host; it looks well without, and an operator's browser tells nobody. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/**
 * bull-board over the queues, read-only: what each job did (batches, counts, seconds), what waits, who works. It has no
 * login, so it belongs on a port that is not published. Loaded with its first use, since it brings a web framework along.
 */
export async function createQueueDashboard(url: string, basePath: string): Promise<QueueDashboard> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import("@bull-board/api"),
    import("@bull-board/api/bullMQAdapter"),
    import("@bull-board/express"),
  ]);
  const connection = connectProducer(url, { lazyConnect: true });
  // What is wrong with Redis the bell tells; here a question fails and the page says so.
  connection.on("error", () => undefined);
  await connection.connect().catch(() => undefined);
  const queues = Object.values(JOBS).map(({ queue }) => {
    const opened = new Queue(queue, { connection, prefix: PREFIX, skipWaitingForReady: true, skipVersionCheck: true });
    opened.on("error", () => undefined);
    return opened;
  });
  const serverAdapter = new ExpressAdapter().setBasePath(basePath);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter,
    options: { uiConfig: { boardTitle: "Engram", hideDocsLink: true } },
  });
  // An Express application, which the adapter does not say in its types.
  const answer = serverAdapter.getRouter() as RequestListener;

  return {
    handle(request, response) {
      response.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
      request.url = (request.url ?? "").slice(basePath.length) || "/";
      answer(request, response);
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close().catch(() => undefined)));
      connection.disconnect();
    },
  };
}
