/** Runs programs for the drill, and tells what they said and how long they took. */
import { spawn } from "node:child_process";

/** What a program gave: both its streams in one, as a terminal shows them. `code` is 124 after a timeout, as `timeout` has it. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Runs even after `abandonAll`. */
  readonly isCleanup?: true;
}

/** Most commands end in seconds; what may take longer, such as a build, says so. */
const TIMEOUT_MS = 120_000;
const TIMED_OUT = 124;
/** Of a program that talks without end, the last of what it said is enough. */
const OUTPUT_CHARACTERS_MAX = 4_000_000;

/** What runs now, each the leader of a group of its own. */
const groups = new Set<number>();
let isAbandoned = false;

/**
 * Ends what runs, and begins nothing more but what cleans up. Whoever waits for a program then waits for ever: the drill is over,
 * and must not go on beside its own end.
 */
export function abandonAll(): void {
  isAbandoned = true;
  for (const pid of groups) endGroup(pid);
}

/** Never rejects: a program that cannot be started has the code 127. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const started = Date.now();
  const isMeant = (): boolean => options.isCleanup === true || !isAbandoned;
  return new Promise((resolve) => {
    if (!isMeant()) return;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined && options.isCleanup !== true) groups.add(pid);
    let output = "";
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      if (pid !== undefined) endGroup(pid);
    }, options.timeoutMs ?? TIMEOUT_MS);
    const settle = (code: number): void => {
      clearTimeout(timer);
      if (pid !== undefined) groups.delete(pid);
      if (!isMeant()) return;
      resolve({ code: isLate ? TIMED_OUT : code, output, seconds: (Date.now() - started) / 1000 });
    };
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => {
        output = (output + data.toString()).slice(-OUTPUT_CHARACTERS_MAX);
      });
    child.on("error", (error) => {
      output += error.message;
      settle(127);
    });
    child.on("close", (code) => settle(code ?? 1));
  });
}

/** The output of what has to go well. Throws with the end of it otherwise. */
export async function must(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${lastLines(output)}`);
  return output.trim();
}

/** The last lines, for a message. */
export function lastLines(output: string, count = 8): string {
  return output.trim().split("\n").slice(-count).join("\n");
}

/** With what it has started: a shell's children outlive it otherwise. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
