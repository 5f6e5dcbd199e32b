export interface Claimed {
  readonly key: string;
  readonly generation: number;
  readonly attempts: number;
  /** True: an earlier effect on this key may still land. */
  readonly inDoubt: boolean;
  /** True: an earlier attempt died with it or found it invalid, so it is worked by itself. */
  readonly alone: boolean;
  /** How long the work has been waiting when it was claimed. */
  readonly waitedSeconds: number;
  readonly requestId: string | null;
}

export interface ClaimOptions {
  readonly topic: string;
  readonly limit: number;
  readonly token: string;
  readonly leaseSeconds: number;
  readonly horizonSeconds: number;
  /** `absent`: of memories that are gone from the truth alone, whose points are to be deleted. Default: `all`. */
  readonly only?: "all" | "absent";
}

export interface Failure {
  readonly key: string;
  readonly generation: number;
  /** Never memory content: it is shown to operators. */
  readonly error: string;
  readonly retryInSeconds: number;
  /** The effect may still land: keep the row, and look again after the horizon. */
  readonly doubt: boolean;
  /** Do not try again until somebody asks for it. */
  readonly park: boolean;
}

export interface OutboxDepth {
  readonly topic: string;
  readonly pending: number;
  /** Of the pending, those of single writes (lane 0); the others are bulk, rebuilt or swept. */
  readonly pendingSingle: number;
  readonly parked: number;
  /** Age of the oldest pending work, in seconds; 0 when there is none. */
  readonly oldestSeconds: number;
}

/** The keyed set of dirty things. Only the holder of a token may acknowledge, fail or release what it claimed. */
export interface Outbox {
  claim(options: ClaimOptions): Promise<readonly Claimed[]>;
  /** Rows that went away, and rows that must be worked again (dirtied meanwhile, or in doubt). */
  acknowledge(topic: string, token: string, done: readonly Claimed[]): Promise<{ gone: number; kept: number }>;
  fail(topic: string, token: string, failures: readonly Failure[], horizonSeconds: number): Promise<number>;
  /** Gives claimed work back untouched, for a graceful stop. */
  release(topic: string, token: string, claimed: readonly Claimed[]): Promise<number>;
  depth(): Promise<readonly OutboxDepth[]>;
}
