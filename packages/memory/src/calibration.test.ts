import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { calibrateCosine, calibrationFrom, PROBE_TEXTS } from "./calibration.ts";
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
  test("asks at least ten pairs in Russian and English, each text once", () => {
    expect(PROBE_TEXTS.length).toBeGreaterThanOrEqual(20);
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
    expect(calibrationFrom(PROBE_TEXTS.map(() => [0, 0]))).toEqual({ background: 0, related: 0 });
  });

  test("refuses another number of vectors", () => {
    expect(() => calibrationFrom([[1]])).toThrow(MemoryError);
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
