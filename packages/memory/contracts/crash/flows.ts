import { createPutQueue } from "@engram/memory";
import { draft } from "../draft.ts";
import type { Process } from "./process.ts";
import type { Run } from "./run.ts";
import { OPTIONS, REFUSED_TEXT } from "./world.ts";

/** Something that a process does, and the scene that it finds. */
export interface Flow {
  readonly name: string;
  /** Sets the scene; nothing is interrupted yet. */
  given?(run: Run): Promise<void>;
  /** What is interrupted at every call. */
  act(process: Process, run: Run): Promise<unknown>;
  /** Contents that may end parked. */
  readonly mayPark?: (content: string) => boolean;
}

const TOPIC = "embed";

/** The client comes again until it knows that its memory stands; its second request is nobody's to interrupt. */
async function insist(first: () => Promise<void>, again: () => Promise<void>): Promise<void> {
  await first().catch(again);
}

/** One memory, told and indexed. */
async function indexed(run: Run): Promise<void> {
  await run.client.tell("раз");
  await run.settle();
}

const work = (process: Process): Promise<unknown> => process.workBatch();

export const FLOWS: readonly Flow[] = [
  {
    name: "put and ring",
    async act({ parts }, { client }) {
      const queue = createPutQueue(parts.store);
      const put = async (): Promise<void> => {
        const result = await queue.put(draft({ content: "раз" }));
        client.hears([result]);
      };
      await insist(put, () => client.tell("раз"));
      parts.bell.ring(TOPIC, { pending: 1 });
    },
  },
  {
    name: "put of a group: new, told again, the newer state of a slot",
    async given({ client }) {
      await client.tell("раз");
      await client.tell("тёмная", { key: "theme" });
    },
    async act({ parts }, { client }) {
      const drafts = [
        draft({ content: "раз" }),
        draft({ content: "два" }),
        draft({ content: "светлая", key: "theme" }),
      ];
      await insist(
        () => client.put(drafts, parts),
        () => client.put(drafts.map((one) => ({ ...one, id: draft().id }))),
      );
      parts.bell.ring(TOPIC, { pending: 2 });
    },
  },
  {
    name: "change and ring",
    given: indexed,
    async act({ parts }, { client }) {
      await client.change(client.subject, parts);
      parts.bell.ring(TOPIC, { pending: 1 });
    },
  },
  {
    name: "delete and ring",
    given: indexed,
    async act({ parts }, { client }) {
      await client.remove(client.subject, parts);
      parts.bell.ring(TOPIC, { pending: 1 });
    },
  },
  { name: "work: a new memory", given: ({ client }) => client.tell("раз"), act: work },
  {
    name: "work: a changed text",
    async given(run) {
      await indexed(run);
      await run.client.change();
    },
    act: work,
  },
  {
    name: "work: a payload that has changed",
    async given(run) {
      await indexed(run);
      await run.client.describe();
    },
    act: work,
  },
  {
    name: "work: a deleted memory",
    async given(run) {
      await indexed(run);
      await run.client.remove();
    },
    act: work,
  },
  { name: "work: a batch of everything", given: everything, act: work },
  {
    name: "work: a text that the provider refuses, among good ones",
    async given({ client }) {
      await client.tell("раз");
      await client.tell(REFUSED_TEXT);
      await client.tell("два");
    },
    async act(process) {
      await process.workBatch(); // all fail together
      await process.workBatch(); // each by itself
    },
    mayPark: (content) => content === REFUSED_TEXT,
  },
  {
    name: "work: a provider that is away, and comes back",
    async given({ client, world }) {
      await client.tell("раз");
      world.isProviderAway = true;
    },
    async act(process, { world }) {
      await process.workBatch();
      world.isProviderAway = false;
    },
  },
  {
    name: "work: a graceful stop in the middle of a batch",
    given: everything,
    act(process) {
      process.meanwhile("index.upsert", () => Promise.resolve(process.stopping.abort()));
      return process.workBatch();
    },
  },
  {
    name: "work: a delete while an upsert is under way",
    given: ({ client }) => client.tell("раз"),
    act(process, { client }) {
      process.meanwhile("index.upsert", () => client.remove());
      return process.workBatch();
    },
  },
  {
    name: "work: a truncation while a batch is under way",
    given: everything,
    act(process, { client }) {
      process.meanwhile("index.delete", () => client.truncate());
      return process.workBatch();
    },
  },
  {
    name: "work: the lease is lost while an upsert is under way",
    given: ({ client }) => client.tell("раз"),
    act(process, run) {
      process.meanwhile("index.upsert", () => run.takeOver(OPTIONS.leaseSeconds + 5));
      return process.workBatch();
    },
  },
  {
    name: "work: lost and deleted while an upsert is under way",
    given: ({ client }) => client.tell("раз"),
    act(process, run) {
      process.meanwhile("index.upsert", async () => {
        await run.client.remove();
        await run.takeOver(OPTIONS.leaseSeconds + 5);
      });
      return process.workBatch();
    },
  },
];

/** All that one batch may find: of each kind one, and one whose lease was lost and which is worked alone. */
async function everything(run: Run): Promise<void> {
  const { client } = run;
  for (const content of ["раз", "два", "три", "четыре"]) await client.tell(content);
  const [, described, removed] = client.acknowledged;
  await run.settle();
  await client.tell("пять");
  await client.loseLease();
  await client.change();
  await client.describe(described);
  await client.remove(removed);
  await client.tell("шесть");
}
