import type { BatchReport, Bell } from "./ports/index.ts";

/**
 * The bell of one process, without Redis: a ring calls those who answer in this process, and nobody else. Workers in
 * other processes look by themselves.
 */
export function createLocalBell(options: { onError?: (error: unknown) => void } = {}): Bell {
  const answering = new Map<string, Set<() => void>>();

  return {
    ring(topic) {
      for (const wake of answering.get(topic) ?? []) wake();
    },

    answer(topic, handler, { concurrency }) {
      const running = new Set<Promise<BatchReport | void>>();
      let again = false;
      const wake = (): void => {
        if (running.size >= concurrency) {
          again = true; // a ring that comes while all hands are full must not be lost
          return;
        }
        const run = handler()
          .catch((error: unknown) => options.onError?.(error))
          .finally(() => {
            running.delete(run);
            if (again) {
              again = false;
              wake();
            }
          });
        running.add(run);
      };
      const wakes = answering.get(topic) ?? new Set();
      answering.set(topic, wakes.add(wake));
      return Promise.resolve({
        async stop() {
          wakes.delete(wake);
          again = false;
          await Promise.all(running);
        },
      });
    },

    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
