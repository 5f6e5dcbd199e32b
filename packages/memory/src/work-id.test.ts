import { describe, expect, test } from "@jest/globals";
import { uuidv7 } from "./ids.ts";
import { formatWorkId, parseWorkId } from "./work-id.ts";

describe("the id of a piece of work", () => {
  test("comes back as it went out, whatever colons its topic has", () => {
    const id = { topic: "index:mem0_memories__all_minilm__384", key: uuidv7() };
    expect(formatWorkId(id)).toMatch(/^index:mem0_memories__all_minilm__384:mem_[0-9a-z]{26}$/);
    expect(parseWorkId(formatWorkId(id))).toEqual(id);
  });

  test.each([
    "",
    "index:main",
    ":mem_01h455vb4pex5vsknk084sn02q",
    "mem_01h455vb4pex5vsknk084sn02q",
    "index:main:mem_x",
  ])("%p is none", (text) => {
    expect(parseWorkId(text)).toBeUndefined();
  });
});
