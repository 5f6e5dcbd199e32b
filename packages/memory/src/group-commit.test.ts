import { expect, test } from "@jest/globals";
import { createGroupCommit } from "./group-commit.ts";

test("what is not chosen waits until a group under way has ended", async () => {
  const groups: (readonly string[])[] = [];
  const underWay = new Set<string>();
  const ends: (() => void)[] = [];
  const commits = createGroupCommit<string, string>({
    choose: (waiting) => waiting.filter((one) => !underWay.has(one)),
    write: async (items) => {
      groups.push(items);
      for (const one of items) underWay.add(one);
      await new Promise<void>((resolve) => ends.push(resolve));
      for (const one of items) underWay.delete(one);
      return items.map((one) => one.toUpperCase());
    },
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  const first = commits.put("a");
  await turn();
  const rest = ["a", "b"].map((one) => commits.put(one));
  await turn();
  expect(groups).toEqual([["a"], ["b"]]);
  expect(commits.depth).toBe(3);
  ends[1]?.();
  expect(await rest[1]).toBe("B");
  await turn();
  expect(groups).toHaveLength(2);
  ends[0]?.();
  expect(await first).toBe("A");
  await turn();
  expect(groups).toEqual([["a"], ["b"], ["a"]]);
  ends[2]?.();
  expect(await rest[0]).toBe("A");
  await turn();
  expect(commits.depth).toBe(0);
});

test("an answer that a write does not give is an error, and nothing is written again", async () => {
  let writes = 0;
  const commits = createGroupCommit<string, string>({
    choose: (waiting) => waiting,
    write: (items) => {
      writes += 1;
      return Promise.resolve(items.slice(1));
    },
  });
  const settled = await Promise.allSettled(["a", "b"].map((one) => commits.put(one)));
  expect(settled.map((one) => one.status)).toEqual(["fulfilled", "rejected"]);
  expect(writes).toBe(1);
});
