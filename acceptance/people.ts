import { expect } from "@jest/globals";
import { api } from "./client.ts";
import { until } from "./until.ts";

/** The answer to `DELETE /api/users/:user_id`. */
export interface Receipt {
  erasure_id: string;
  status: string;
  requested_at: string;
  completed_at: string | null;
  erased: Record<string, number>;
  proof: string;
}

/** The answer to `GET /api/erasures/:id`. */
export interface Proof {
  id: string;
  status: string;
  requested_at: string;
  completed_at: string | null;
  erased: Record<string, number>;
  left: Record<string, number | "unknown">;
  remains: string;
}

/** Erases a person, expecting a receipt. */
export async function erase(userId: string): Promise<Receipt> {
  const answer = await api<Receipt>("DELETE", `/api/users/${encodeURIComponent(userId)}`);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 202 });
  return answer.body;
}

/** Reads the proof of an erasure that exists. */
export async function prove(erasureId: string): Promise<Proof> {
  const answer = await api<Proof>("GET", `/api/erasures/${erasureId}`);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.body;
}

/** Waits until an erasure is done. */
export async function erased(erasureId: string): Promise<Proof> {
  let seen: Proof | undefined;
  return until(
    "the erasure to be done",
    async () => {
      seen = await prove(erasureId);
      return seen.status === "done" ? seen : undefined;
    },
    { timeoutMs: 30_000, describe: () => JSON.stringify(seen) },
  );
}
