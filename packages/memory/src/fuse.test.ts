import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { scoreOf as scoreOfEvidence } from "./calibration.ts";
import { candidatesOf, fuse, rankCandidates, TEXT_OF_RIGHT, type FuseInput, type Ranked } from "./fuse.ts";

const calibration = { background: 0.2, related: 0.5 };
/** In billionths: sums that differ by less are equal. */
const evidenceOf = ({ vectorEvidence, textEvidence }: Pick<Ranked, "vectorEvidence" | "textEvidence">): number =>
  Math.round((vectorEvidence + textEvidence) * 1e9);
const text = (scores: Readonly<Record<string, number>>) => new Map(Object.entries(scores));
const scoreOf = (input: FuseInput, id: string): number => fuse(input).find((one) => one.id === id)?.score ?? -1;

describe("fuse", () => {
  test("lets either arm alone carry a right answer over 0.7", () => {
    const vectors = [{ id: "meant", cosine: 0.55 }];
    expect(scoreOf({ vectorHits: vectors, textScores: text({}), calibration }, "meant")).toBeGreaterThan(0.7);
    expect(scoreOf({ vectorHits: undefined, textScores: text({ said: 0.2 }), calibration }, "said")).toBeGreaterThan(
      0.7,
    );
  });

  test("adds what both arms half believe", () => {
    const half = [{ id: "a", cosine: 0.4 }];
    expect(scoreOf({ vectorHits: half, textScores: text({}), calibration }, "a")).toBeLessThan(0.7);
    expect(scoreOf({ vectorHits: undefined, textScores: text({ a: 0.1 }), calibration }, "a")).toBeLessThan(0.7);
    expect(scoreOf({ vectorHits: half, textScores: text({ a: 0.1 }), calibration }, "a")).toBeGreaterThan(0.7);
  });

  test("keeps one scale when the vector arm is away", () => {
    const textScores = text({ a: 0.25 });
    const degraded = scoreOf({ vectorHits: undefined, textScores, calibration }, "a");
    const background = scoreOf({ vectorHits: [{ id: "a", cosine: 0.2 }], textScores, calibration }, "a");
    expect(degraded).toBeCloseTo(background);
  });

  test("says where a score comes from", () => {
    const ranked = fuse({ vectorHits: [{ id: "a", cosine: 0.5 }], textScores: text({ b: 0.3 }), calibration });
    const [a, b] = ["a", "b"].map((wanted) => ranked.find(({ id }) => id === wanted));
    expect(a).toEqual({ id: "a", score: expect.any(Number), cosine: 0.5, vectorEvidence: 1, textEvidence: 0 });
    expect(b).toMatchObject({ id: "b", lexical: 0.3, textEvidence: expect.closeTo(0.3 / TEXT_OF_RIGHT) });
    for (const one of ranked) expect(one.score).toBeCloseTo(scoreOfEvidence(one.vectorEvidence + one.textEvidence));
  });

  test("takes a missing cosine for the least of the pool", () => {
    const vectorHits = [
      { id: "a", cosine: 0.6 },
      { id: "b", cosine: -0.1 },
    ];
    const textScores = text({ missing: 0.2, b: 0.2 });
    expect(scoreOf({ vectorHits, textScores, calibration }, "missing")).toBe(
      scoreOf({ vectorHits, textScores, calibration }, "b"),
    );
  });

  test("takes what has no vector yet for as near as its words are the query's", () => {
    const alike = Array.from({ length: 5 }, (_, n) => ({ id: `alike ${n}`, cosine: 0.95 }));
    const textScores = text({ ...Object.fromEntries(alike.map(({ id }) => [id, 0.3])), meant: 0.5, other: 0.1 });
    const input = { vectorHits: alike, textScores, calibration };
    expect(fuse(input).at(-2)?.id).toBe("meant");
    const ranked = fuse({ ...input, hasVector: () => false }).map(({ id }) => id);
    expect([ranked[0], ranked.at(-1)]).toEqual(["meant", "other"]);
  });

  test("never takes a missing cosine for a right answer's", () => {
    const vectorHits = [{ id: "a", cosine: 0.6 }];
    expect(scoreOf({ vectorHits, textScores: text({ missing: 0.01 }), calibration }, "missing")).toBeLessThan(0.2);
  });

  test("orders by cosines of an embedder that was never probed, and believes none", () => {
    const vectorHits = [
      { id: "a", cosine: 0.8 },
      { id: "b", cosine: 0.99 },
    ];
    const ranked = fuse({ vectorHits, textScores: text({}), calibration: null });
    expect(ranked.map(({ id }) => id)).toEqual(["b", "a"]);
    expect(ranked.every(({ score }) => score < 0.7)).toBe(true);
  });

  test("passes over cosines that are no numbers, and gives nothing for nothing", () => {
    expect(fuse({ vectorHits: [{ id: "a", cosine: Number.NaN }], textScores: text({}), calibration })).toEqual([]);
    expect(fuse({ vectorHits: undefined, textScores: text({}), calibration: null })).toEqual([]);
  });

  const id = fc.constantFrom("a", "b", "c", "d", "e");
  const cosine = fc.double({ min: -1, max: 1, noNaN: true });
  const lexical = fc.double({ min: 0, max: 1, noNaN: true });
  const hits = fc.uniqueArray(fc.record({ id, cosine }), { selector: (hit) => hit.id });
  const words = fc.uniqueArray(fc.tuple(id, lexical), { selector: ([of]) => of });
  const scale = fc.option(fc.record({ background: cosine, related: cosine }), { nil: null });

  test("tells apart what scores as high as can be", () => {
    const vectorHits = [
      { id: "a", cosine: 0.8 },
      { id: "b", cosine: 0.9 },
    ];
    const narrow = { background: 0, related: 0.1 };
    const textScores = text({ a: 1.5, b: 1.5 });
    const ranked = fuse({ vectorHits, textScores, calibration: narrow });
    expect(ranked).toMatchObject([
      { id: "b", score: 1 },
      { id: "a", score: 1 },
    ]);
  });

  test("takes two for equally good that differ in the last digit of a sum", () => {
    const [less, more] = [0.1 + 0.7, 0.8];
    expect(less).toBeLessThan(more);
    const ranked = fuse({ vectorHits: undefined, textScores: text({ a: less, b: more }), calibration });
    expect(ranked.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("scores within 0 and 1, best first, equally good ones by id, whatever the order of what comes in", () => {
    fc.assert(
      fc.property(fc.option(hits, { nil: undefined }), words, scale, (vectorHits, scores, measured) => {
        const ranked = fuse({ vectorHits, textScores: new Map(scores), calibration: measured });
        ranked.forEach(({ id: own, score, ...parts }, at) => {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
          const next = ranked[at + 1];
          if (next === undefined) return;
          expect(score).toBeGreaterThanOrEqual(next.score);
          const lead = evidenceOf(parts) - evidenceOf(next);
          expect(lead > 0 || (lead === 0 && own < next.id)).toBe(true);
        });
        const turned = { vectorHits: vectorHits?.toReversed(), textScores: new Map(scores.toReversed()) };
        expect(fuse({ ...turned, calibration: measured })).toEqual(ranked);
      }),
    );
  });

  test("ranks alike whether it is known where the vector hits stand or has to be looked up", () => {
    const rows = fc.array(
      fc.record({ cosine: fc.option(cosine, { nil: undefined }), said: fc.option(lexical, { nil: Number.NaN }) }),
    );
    fc.assert(
      fc.property(rows, scale, fc.integer({ min: 1, max: 12 }), (all, calibration, count) => {
        const ids = all.map((_, at) => `id ${at}`);
        const text = { ids, scores: all.map(({ said }) => said) };
        const places = [...all.keys()].filter((at) => all[at]?.cosine !== undefined).toReversed();
        const vectorHits = places.map((at) => ({ id: ids[at] ?? "", cosine: all[at]?.cosine ?? 0 }));
        const [placed, elsewhere] = [
          { ids, places, versions: ids.map((_, at) => at) },
          { ids: [...ids], places: places.map(() => 0), versions: [] },
        ];
        const looked = rankCandidates(candidatesOf(vectorHits, text), { calibration, count });
        const held = rankCandidates(candidatesOf(vectorHits, text, placed), { calibration, count });
        expect(held.map((one) => ({ ...one, version: undefined }))).toEqual(looked);
        expect(held.map(({ version }) => version)).toEqual(held.map((one) => ids.indexOf(one.id)));
        expect(rankCandidates(candidatesOf(vectorHits, text, elsewhere), { calibration, count })).toEqual(looked);
      }),
    );
  });

  test("never lowers a memory for a greater cosine or more words", () => {
    fc.assert(
      fc.property(hits, words, scale, id, cosine, lexical, (vectorHits, scores, measured, of, more, said) => {
        const textScores = new Map(scores);
        const rest = vectorHits.filter((hit) => hit.id !== of);
        const low = vectorHits.find((hit) => hit.id === of)?.cosine ?? -1;
        const high = Math.max(low, more);
        const base = { textScores, calibration: measured };
        const before = scoreOf({ ...base, vectorHits: [...rest, { id: of, cosine: low }] }, of);
        expect(scoreOf({ ...base, vectorHits: [...rest, { id: of, cosine: high }] }, of)).toBeGreaterThanOrEqual(
          before,
        );

        const louder = new Map(textScores).set(of, Math.max(said, textScores.get(of) ?? 0));
        const quiet = { vectorHits: [...rest, { id: of, cosine: low }], calibration: measured };
        expect(scoreOf({ ...quiet, textScores: louder }, of)).toBeGreaterThanOrEqual(before);
      }),
    );
  });
});
