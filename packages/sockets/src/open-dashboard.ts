import type { Config } from "@engram/config";
import type { InternalRoute } from "@engram/telemetry";

/** What the internal port serves beside the metrics. */
export interface Dashboard {
  readonly routes: readonly InternalRoute[];
  close(): Promise<void>;
}

const PATH = "/queues";

/** The queue's dashboard, where there is a queue; loaded when somebody asks for it, since most processes never are. */
export function openDashboard(config: Config): Dashboard {
  const { redisUrl } = config.queue;
  if (redisUrl === undefined) return { routes: [], close: () => Promise.resolve() };
  const create = async () => (await import("@engram/bullmq")).createQueueDashboard(redisUrl, PATH);
  let opened: ReturnType<typeof create> | undefined;
  return {
    routes: [
      {
        path: PATH,
        async handle(request, response) {
          opened ??= create();
          (await opened).handle(request, response);
        },
      },
    ],
    close: async () => (await opened)?.close(),
  };
}
