import { Caller, type CallerDeps } from "./caller.ts";
import { contend, SHARED_USERS } from "./contender.ts";
import { observe } from "./observer.ts";
import { Owner } from "./owner.ts";
import { seeded } from "./random.ts";
import type { Stack } from "./stack.ts";

export interface CrowdOptions {
  readonly seed: number;
  readonly owners: number;
  readonly contenders: number;
  readonly observers: number;
}

export interface CrowdDeps extends Pick<CallerDeps, "journal" | "witness" | "tally"> {
  readonly stack: Stack;
}

/** All clients of a storm. */
export interface Crowd {
  readonly owners: readonly Owner[];
  /** One more, which does nothing by itself. */
  newOwner(name: string): Owner;
  /** Lets all of them loose; resolves when the last has ended its call. */
  run(stop: AbortSignal): Promise<void>;
  close(): void;
}

/** Makes the clients, each with chances and connections of its own. */
export function gather(options: CrowdOptions, { stack, journal, witness, tally }: CrowdDeps): Crowd {
  const callers: Caller[] = [];
  const part = (name: string) => {
    const random = seeded(options.seed, name);
    const caller = new Caller(name, { apis: stack.apis, key: stack.key, journal, witness, tally }, random);
    callers.push(caller);
    return { name, random, caller, journal, witness };
  };
  const newOwner = (name: string): Owner => new Owner(part(name));
  const owners = names("o", options.owners).map(newOwner);
  const shared = { filled: new Set<string>(), ids: new Map<string, string>() };
  const users = (): string[] => [...SHARED_USERS, ...owners.flatMap((owner) => owner.users)];
  return {
    owners,
    newOwner,
    async run(stop) {
      await Promise.all([
        ...owners.map((owner) => owner.run(stop)),
        ...names("c", options.contenders).map((name) => contend({ ...part(name), ...shared }, stop)),
        ...names("r", options.observers).map((name) => observe({ ...part(name), users }, stop)),
      ]);
    },
    close: () => callers.forEach((caller) => caller.close()),
  };
}

function names(kind: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${kind}${i + 1}`);
}
