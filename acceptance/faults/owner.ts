import { setTimeout as sleep } from "node:timers/promises";
import type { Caller } from "./caller.ts";
import { collide, remove, removeMany, update } from "./changes.ts";
import { create, createMany, repeat, retry } from "./creates.ts";
import type { Hand } from "./hand.ts";
import type { Journal } from "./journal.ts";
import { UserModel, type Entry } from "./model.ts";
import type { Random } from "./random.ts";
import { readAll, verify } from "./reads.ts";
import type { Witness } from "./witness.ts";

/** A user with more memories than this is mostly deleted from, with fewer mostly written to. */
const LIVE_MAX = 60;
const PAUSE_MS = { min: 5, max: 60 } as const;

interface Act {
  /** How often it is chosen, by a user that is to grow and by one that is to shrink. */
  readonly growing: number;
  readonly shrinking: number;
  /** Gives a memory that the service has just acknowledged, to be read at once. */
  run(hand: Hand): Promise<Entry | undefined>;
}

const ACTS = {
  create: { growing: 30, shrinking: 10, run: create },
  repeat: { growing: 6, shrinking: 4, run: repeat },
  retry: { growing: 4, shrinking: 3, run: retry },
  createMany: { growing: 3, shrinking: 0, run: createMany },
  update: { growing: 22, shrinking: 20, run: update },
  collide: { growing: 2, shrinking: 2, run: collide },
  remove: { growing: 8, shrinking: 25, run: remove },
  removeMany: { growing: 0, shrinking: 4, run: removeMany },
  read: { growing: 6, shrinking: 6, run: readAll },
} as const satisfies Record<string, Act>;
type ActName = keyof typeof ACTS;

export interface OwnerDeps {
  readonly name: string;
  readonly caller: Caller;
  readonly random: Random;
  readonly journal: Journal;
  readonly witness: Witness;
}

/** A client that alone writes to its users, so that it knows at every moment what each of them must show. */
export class Owner {
  /** All its users, those that were given up too. */
  readonly users: string[] = [];
  /** Those whose state is known. */
  readonly models: UserModel[] = [];
  readonly #deps: OwnerDeps;
  #words = 0;

  constructor(deps: OwnerDeps) {
    this.#deps = deps;
    this.#nextUser();
  }

  /** Its users whose state is known, for the last checks. */
  get hands(): readonly Hand[] {
    return this.models.map((model) => this.#handOf(model));
  }

  async run(stop: AbortSignal): Promise<void> {
    const { random } = this.#deps;
    while (!stop.aborted) {
      const model = this.models.at(-1);
      if (model === undefined) return;
      const hand = this.#handOf(model);
      const entry = await ACTS[random.weigh(weightsOf(model))].run(hand);
      if (entry !== undefined) await verify(hand, entry);
      if (model.isGivenUp) {
        this.models.pop();
        this.#nextUser();
      }
      await sleep(random.between(PAUSE_MS.min, PAUSE_MS.max));
    }
  }

  #nextUser(): void {
    const { name, journal, witness } = this.#deps;
    this.#words += 1;
    const user = `${name}-u${this.#words}`;
    this.users.push(user);
    this.models.push(
      new UserModel(
        user,
        (check, detail, mention) => journal.violate(check, user, detail, mention),
        (ids) => witness.deleted(ids, performance.now()),
      ),
    );
  }

  #handOf(model: UserModel): Hand {
    const { name, caller, random, journal } = this.#deps;
    return {
      caller,
      random,
      model,
      newWord: () => `${name}x${(this.#words += 1)}`,
      complain: (check, detail, mention) => journal.violate(check, model.user, detail, mention),
    };
  }
}

function weightsOf(model: UserModel): Record<ActName, number> {
  const mood = model.settled.length > LIVE_MAX ? "shrinking" : "growing";
  return Object.fromEntries(Object.entries(ACTS).map(([name, act]) => [name, act[mood]])) as Record<ActName, number>;
}
