/** Starts the Qdrant stand-in (server.py), or takes the real server that `QDRANT_URL` names. */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { mkdirSync, rmSync } from "node:fs";
import { makeDataDirectory } from "../cache.ts";
import { qdrantControl, type QdrantControl } from "../control.ts";
import { fetchPython, pythonCommand } from "../fetch-python.ts";
import { ask, startProcess, startServer, type RunningProcess } from "../process.ts";

const SERVER = fileURLToPath(new URL("server.py", import.meta.url));

export type QdrantOptions = {
  /** When given, every route but `/` and the health checks asks for it in the header `api-key`. */
  readonly apiKey?: string;
};

export type Qdrant = QdrantControl & {
  readonly url: string;
  /** False against a real server: it takes no faults, counts nothing and is not ours to restart. */
  readonly isStandIn: boolean;
  /** As long as it is not restarted; undefined of a real server, as is the folder of its data. */
  readonly pid?: number;
  readonly storage?: string;
  /** SIGKILL, then a new process on the same port and data: a crash of the server. */
  readonly restart: () => Promise<void>;
  /** SIGKILL; `restart` brings it back. */
  readonly kill: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** A stand-in that belongs to one test alone, which may do to it what it likes. */
export type OwnQdrant = Qdrant & {
  /** SIGSTOP: connections stand, nothing is answered, and all that came meanwhile is done after `resume`. */
  readonly pause: () => void;
  /** SIGCONT. */
  readonly resume: () => void;
};

/** Starts the stand-in, or takes the real server that `QDRANT_URL` names (then `stop` does nothing). */
export async function startQdrant(options: QdrantOptions = {}): Promise<Qdrant> {
  const given = process.env["QDRANT_URL"];
  return given !== undefined && given !== "" ? givenQdrant(given) : startOwnQdrant(options);
}

/** Starts the stand-in with a data folder of its own on a free port, whatever `QDRANT_URL` says. */
export async function startOwnQdrant(options: QdrantOptions = {}): Promise<OwnQdrant> {
  const engine = await fetchPython("qdrant");
  const storage = makeDataDirectory("qdrant-storage");
  const start = async (port?: number): Promise<{ port: number; running: RunningProcess }> =>
    startServer({
      name: "Qdrant stand-in",
      ...(port === undefined ? {} : { port }),
      start: async (port) => {
        mkdirSync(storage, { recursive: true });
        return startProcess({
          command: pythonCommand(),
          // -B: this folder is the repository's, and no place for bytecode.
          args: ["-B", SERVER, "--port", String(port), "--storage", join(storage, "data")],
          directory: storage,
          keepDirectory: true,
          stopSignal: "SIGTERM",
          env: { PYTHONPATH: engine, ENGRAM_TEST_QDRANT_API_KEY: options.apiKey },
        });
      },
      isReady: async (port) => (await ask(port, "GET /readyz HTTP/1.0\r\n\r\n")).includes(" 200 "),
    });
  const first = await start();
  const url = `http://127.0.0.1:${first.port}`;
  let running = first.running;
  return {
    url,
    isStandIn: true,
    pid: first.running.pid,
    storage: join(storage, "data"),
    ...qdrantControl(url),
    kill: () => running.kill(),
    restart: async () => {
      await running.kill();
      running = (await start(first.port)).running;
    },
    pause: () => running.signal("SIGSTOP"),
    resume: () => running.signal("SIGCONT"),
    stop: async () => {
      running.signal("SIGCONT");
      await running.stop();
      rmSync(storage, { recursive: true, force: true });
    },
  };
}

function givenQdrant(url: string): Qdrant {
  const refuse = async (): Promise<never> => {
    throw new Error("QDRANT_URL names a real server: it takes no test faults; guard such tests with isStandIn");
  };
  return {
    url,
    isStandIn: false,
    fault: refuse,
    clearFaults: refuse,
    counters: refuse,
    buildGraphs: refuse,
    kill: refuse,
    restart: refuse,
    stop: async () => undefined,
  };
}
