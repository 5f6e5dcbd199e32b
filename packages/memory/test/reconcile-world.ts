import {
  newReconcileRun,
  reconcileStep,
  type CollectionRef,
  type ExaminedRow,
  type IndexableRows,
  type IndexTarget,
  type PointState,
  type ReconcileDeps,
  type ReconcileReport,
  type RowState,
  type StepBudget,
} from "@engram/memory";

export const plenty: StepBudget = { signal: new AbortController().signal, spent: () => false };

/** An id that sorts as its number does. */
export function id(n: number): string {
  return `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
}

export function target(given: Partial<IndexTarget> = {}): IndexTarget {
  return {
    name: "main",
    state: "live",
    model: "m",
    dims: 4,
    requestedDims: null,
    calibration: null,
    filledAt: new Date(0),
    retireAt: null,
    ...given,
  };
}

/** Both sides in memory. `after…` are called behind each read, so that a test may change the world in between. */
export class World {
  readonly rows = new Map<string, RowState>();
  readonly points = new Map<string, PointState>();
  readonly work = new Map<string, ExaminedRow["work"]>();
  targets: IndexTarget[] = [target()];
  dims: number | undefined = 4;
  sequence = 1_000;
  prepared: string[] = [];
  rewoundTo: number[] = [];
  compared = 0;
  afterScan = (): void => undefined;
  afterExamine = (): void => undefined;
  afterFetch = (): void => undefined;

  add(n: number, given: Partial<RowState> = {}): void {
    this.rows.set(id(n), { id: id(n), version: n, tenant: "t", hash: "h", expired: false, ...given });
  }
  put(n: number, given: Partial<PointState> = {}): void {
    this.points.set(id(n), { version: n, tenant: "t", hash: "h", ...given });
  }

  /** What a worker does about the work that waits. */
  converge(): void {
    for (const key of this.work.keys()) {
      const row = this.rows.get(key);
      if (row === undefined) this.points.delete(key);
      else this.points.set(key, { version: row.version, tenant: row.tenant, hash: row.hash });
      this.work.delete(key);
    }
  }

  get deps(): ReconcileDeps {
    const page = <T extends { readonly id: string }>(
      all: readonly T[],
      { after = "", limit }: { after?: string; limit: number },
    ): readonly T[] =>
      all
        .filter((one) => one.id > after)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit);
    const examine = (ids: readonly string[]) =>
      ids.map((key) => ({ id: key, row: this.rows.get(key), work: this.work.get(key) ?? ("none" as const) }));
    const rows: IndexableRows = {
      scan: async (query) => page([...this.rows.values()], query),
      examine: async (_target, ids) => {
        const examined = examine(ids);
        this.afterExamine();
        return examined;
      },
      touch: async (_target, seen) => {
        const versions = new Map(seen.map((one) => [one.id, one.version]));
        const touched = examine([...versions.keys()])
          .filter((one) => one.work === "none" && (one.row?.version ?? null) === versions.get(one.id))
          .map((one) => one.id);
        for (const key of touched) this.work.set(key, "waiting");
        return touched;
      },
      advanceVersions: async (version) => {
        if (this.sequence >= version) return false;
        this.sequence = version + 1_000_000;
        return true;
      },
    };
    const fail = (): Promise<never> => Promise.reject(new Error("reconcile repairs nothing"));
    return {
      rows,
      base: "test",
      targets: { followed: async () => this.targets },
      onCompared: (n) => {
        this.compared += n;
      },
      onRewound: (version) => {
        this.rewoundTo.push(version);
      },
      index: {
        prepare: async (collection: CollectionRef) => {
          this.prepared.push(collection.name);
        },
        publish: async (collection: CollectionRef) => {
          this.prepared.push(`alias of ${collection.name}`);
          return undefined;
        },
        drop: fail,
        inspect: async () => {
          const versions = [...this.points.values()].map(({ version }) => version);
          const greatestVersion = versions.length === 0 ? undefined : Math.max(...versions);
          return this.dims === undefined ? undefined : { dims: this.dims, greatestVersion };
        },
        scan: async (_collection, query) => {
          const found = page(
            [...this.points].map(([key, point]) => ({ id: key, ...point })),
            query,
          );
          this.afterScan();
          return found;
        },
        fetchStates: async (_collection, ids) => {
          const found = new Map(
            ids.flatMap((key) => (this.points.has(key) ? [[key, this.points.get(key) as PointState] as const] : [])),
          );
          this.afterFetch();
          return found;
        },
        upsert: fail,
        setPayload: fail,
        delete: fail,
        search: fail,
        listTenant: fail,
        ping: () => Promise.resolve(),
        close: () => Promise.resolve(),
      },
    };
  }

  /** A whole run, by steps that take in as little as they can, or all. */
  async run(budget = plenty, state: unknown = newReconcileRun({ dryRun: false })): Promise<ReconcileReport> {
    for (let steps = 0; steps < 100; steps++) {
      const step = await reconcileStep(this.deps, state, budget);
      if (step.done) return step.result as ReconcileReport;
      state = JSON.parse(JSON.stringify(step.state));
    }
    throw new Error("the run does not end");
  }
}
