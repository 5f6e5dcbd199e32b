/** Kills the first process of a container from outside, so that the engine's restart policy acts as it does after a crash. */
import { until } from "./engine.ts";
import { must, run } from "./shell.ts";
import { search } from "./searches.ts";
import { ask, healthOf, type Stack } from "./stack.ts";

export interface Recovery {
  readonly isBack: boolean;
  /** From the kill until the container was healthy again and the API wrote and found. */
  readonly seconds: number;
  readonly note: string;
}

const RECOVERY_MS = 180_000;
const POLL_MS = 250;
const WAIT_SECONDS = 20;

/** `docker kill` would count as the operator's wish, after which nothing is restarted. */
export async function killOnce(stack: Stack, container: string, key: string): Promise<Recovery> {
  const { env } = stack;
  const format = "{{.State.Pid}} {{.RestartCount}}";
  const [pid = "", restarts = ""] = (await must("docker", ["inspect", "--format", format, container], { env })).split(
    " ",
  );
  const started = Date.now();
  // From the machine's own process tree: inside of a container its first process cannot be killed.
  const killer = ["--rm", "--pid=host", "--network=none", "--user=0", "--entrypoint=sh"];
  await must("docker", ["run", ...killer, "engram:local", "-c", `kill -9 ${pid}`], { env });
  const hasRestarted = async (): Promise<boolean> => {
    const { output } = await run("docker", ["inspect", "--format", "{{.RestartCount}}", container], { env });
    return Number(output) > Number(restarts);
  };
  let note = "not restarted";
  const isBack = await until(
    async () => {
      if (!(await hasRestarted())) return false;
      const health = await healthOf(stack, container);
      note = `health: ${health}`;
      if (health !== "healthy") return false;
      note = await tryService(key);
      return note === "";
    },
    RECOVERY_MS,
    POLL_MS,
  );
  return { isBack, seconds: (Date.now() - started) / 1000, note };
}

/** Empty when the API writes and finds with everything that it has; else why not. */
async function tryService(key: string): Promise<string> {
  try {
    const memory = { user_id: "recovery", content: `The recovery at ${Date.now()}`, type: "fact", wait: WAIT_SECONDS };
    const { index_status } = (await ask(key, "POST", "/api/memories", memory)) as { index_status?: string };
    if (index_status !== "indexed") return `the memory is ${index_status}`;
    const body = { user_id: "recovery", query: "recovery" };
    const { found, lacks } = await search(key, body);
    return found.length > 0 && lacks.length === 0
      ? ""
      : `the search finds ${found.length} and lacks ${lacks.join(", ")}`;
  } catch (error) {
    return String(error);
  }
}
