import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { calibrationFrom, isCurrent, PROBE_TEXTS } from "./calibration-probe.ts";
import { calibrateCosine, scaleFor } from "./calibration.ts";
import { MemoryError } from "./errors.ts";

const score = (cosine: number, background: number, related: number): number =>
  calibrateCosine(cosine, { background, related });

/** Vectors whose right pairs have one cosine and whose wrong pairs have another. */
function vectorsOf({ right, wrong }: { right: number; wrong: number }): number[][] {
  const subjects = PROBE_TEXTS.length / 2;
  return PROBE_TEXTS.map((_, at) => {
    const subject = Math.floor(at / 2);
    const own = 2 + subjects * (at % 2) + subject;
    const vector = new Array<number>(2 + 2 * subjects).fill(0);
    // One direction for all, one for the subject's pair, and what is left for the text alone.
    vector[0] = Math.sqrt(wrong);
    vector[2 + subject] = Math.sqrt(right - wrong);
    vector[own] = (vector[own] ?? 0) + (at % 2 === 0 ? 0 : Math.sqrt(1 - right));
    return vector;
  });
}

describe("calibrationFrom", () => {
  test("asks at least ten pairs in Russian and English and ten in Chinese, each text once", () => {
    const chinese = PROBE_TEXTS.filter((text) => /\p{Script=Han}/u.test(text));
    expect(chinese.length).toBeGreaterThanOrEqual(20);
    expect(PROBE_TEXTS.length - chinese.length).toBeGreaterThanOrEqual(20);
    expect(new Set(PROBE_TEXTS).size).toBe(PROBE_TEXTS.length);
  });

  test.each([
    { right: 0.5, wrong: 0.15 },
    { right: 0.86, wrong: 0.75 },
  ])("finds where wrong pairs lie ($wrong), and right ones above", ({ right, wrong }) => {
    const { background, related } = calibrationFrom(vectorsOf({ right, wrong }));
    expect(background).toBeLessThan(related);
    expect(calibrateCosine(background, { background, related })).toBeCloseTo(0.15);
    expect(calibrateCosine(related, { background, related })).toBeCloseTo(0.7);
  });

  test("sees no difference in a model that makes none", () => {
    const { background, related } = calibrationFrom(PROBE_TEXTS.map(() => [1, 0, 0]));
    expect([background, related]).toEqual([1, 1]);
    const none = { background: 0, related: 0 };
    expect(calibrationFrom(PROBE_TEXTS.map(() => [0, 0]))).toEqual({ ...none, eastAsian: none });
  });

  test("a model to which all Chinese sentences are alike has a scale for them, and keeps its own for the rest", () => {
    const vectors = vectorsOf({ right: 0.5, wrong: 0.15 });
    const alike = vectors.map((vector, at) =>
      /\p{Script=Han}/u.test(PROBE_TEXTS[at] ?? "") ? (vectors[0] ?? []) : vector,
    );
    const { eastAsian, ...rest } = calibrationFrom(alike);
    expect(eastAsian).toEqual({ background: expect.closeTo(1), related: expect.closeTo(1) });
    expect({ ...calibrationFrom(vectors), eastAsian: undefined }).toEqual({ ...rest, eastAsian: undefined });
    for (const question of ["她在哪里工作？", "かのじょはどこですか", "어디에 살아요?"])
      expect(calibrateCosine(0.87, scaleFor(calibrationFrom(alike), question))).toBeLessThan(0.5);
    expect(calibrateCosine(0.87, scaleFor(calibrationFrom(alike), "Where does she work?"))).toBeGreaterThan(0.7);
  });

  test("refuses another number of vectors", () => {
    expect(() => calibrationFrom([[1]])).toThrow(MemoryError);
  });
});

describe("scaleFor", () => {
  const [latin, cyrillic, eastAsian] = [
    { background: 0.2, related: 0.5 },
    { background: 0.3, related: 0.6 },
    { background: 0.6, related: 0.7 },
  ];

  test.each([
    ["What is the user's favourite colour?", latin],
    ["What is the β of this share?", latin],
    ["42?", latin],
    ["Какой VPS provider?", cyrillic],
    ["她用 Fedora Linux 做什么？", eastAsian],
    ["東京はどこ", eastAsian],
    ["서울에서", eastAsian],
  ])("%p is asked on the scale of its script", (question, scale) => {
    expect(scaleFor({ ...latin, cyrillic, eastAsian }, question)).toEqual(scale);
  });

  test.each(["Πού μένει ο χρήστης;", "أين يعيش المستخدم؟", "ผู้ใช้อยู่ที่ไหน", "उपयोगकर्ता कहाँ रहता है?"])(
    "%p, in a script that was not probed, has the most careful scale of those that were",
    (question) => {
      expect(scaleFor({ ...latin, cyrillic, eastAsian }, question)).toEqual(eastAsian);
      expect(scaleFor({ ...latin, cyrillic: { background: 0.7, related: 0.69 }, eastAsian }, question).related).toBe(
        0.69,
      );
    },
  );

  test("a calibration of before Chinese was asked for is read, and is not current", () => {
    expect(scaleFor(latin, "Где?")).toEqual(latin);
    expect(scaleFor({ ...latin, cyrillic }, "她在哪里")).toEqual(cyrillic);
    expect(isCurrent({ ...latin, cyrillic })).toBe(false);
    expect(isCurrent({ ...latin, eastAsian })).toBe(true);
  });
});

describe("calibrateCosine", () => {
  test.each([
    { model: "text-embedding-3-small", background: 0.22, related: 0.45, right: 0.5, wrong: 0.15 },
    { model: "text-embedding-ada-002", background: 0.78, related: 0.84, right: 0.86, wrong: 0.74 },
    { model: "offline-lexical-v1", background: 0.09, related: 0.34, right: 0.5, wrong: 0.05 },
  ])("lets right answers of $model over 0.7 and no wrong ones", ({ background, related, right, wrong }) => {
    expect(score(right, background, related)).toBeGreaterThan(0.7);
    expect(score(related, background, related)).toBeCloseTo(0.7);
    expect(score(wrong, background, related)).toBeLessThan(0.2);
  });

  test.each([
    { background: 0.7, related: 0.7 },
    { background: 0.7, related: 0.6 },
    { background: 1, related: 1 },
    { background: 0, related: -0.1 },
  ])("is confident of nothing when the model sees no difference ($background, $related)", ({ background, related }) => {
    expect(score(1, background, related)).toBeLessThan(0.7);
  });

  const cosine = fc.double({ min: -1, max: 1, noNaN: true });

  test("is within 0 and 1 and grows with the cosine, whatever the calibration", () => {
    fc.assert(
      fc.property(cosine, cosine, cosine, cosine, (one, other, background, related) => {
        const [low, high] = one < other ? [one, other] : [other, one];
        const scores = [low, high].map((value) => score(value, background, related));
        expect(scores[0]).toBeGreaterThanOrEqual(0);
        expect(scores[1]).toBeLessThanOrEqual(1);
        expect(scores[0]).toBeLessThanOrEqual(scores[1] ?? -1);
      }),
    );
  });
});
