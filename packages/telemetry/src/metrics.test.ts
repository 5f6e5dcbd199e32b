import { describe, expect, test } from "@jest/globals";
import { createMetrics } from "./index.ts";

/** What `promtool check metrics` would say, as far as it concerns us. */
function lint(page: string): string[] {
  const faults: string[] = [];
  for (const [, name = "", type] of page.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (!/^engram_[a-z0-9_]+$/.test(name)) faults.push(`${name}: prefix or letters`);
    if ((type === "counter") !== name.endsWith("_total"))
      faults.push(`${name}: _total is for counters, and only for them`);
    if (/_(count|sum|bucket|milliseconds|ms|kilobytes|minutes)(_total)?$/.test(name))
      faults.push(`${name}: unit or suffix`);
  }
  return faults;
}

describe("createMetrics", () => {
  test("every metric of the contract is on the page, with its unit", async () => {
    const page = await createMetrics({ version: "1.2.3" }).registry.metrics();
    const names = [...page.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
    expect(names).toEqual(
      expect.arrayContaining([
        "engram_build_info",
        "engram_http_request_duration_seconds",
        "engram_http_requests_in_flight",
        "engram_writes_total",
        "engram_put_group_size",
        "engram_outbox_pending",
        "engram_outbox_parked",
        "engram_outbox_oldest_seconds",
        "engram_rings_total",
        "engram_redis_problem",
        "engram_queue_consumers_replaced_total",
        "engram_batches_total",
        "engram_batch_duration_seconds",
        "engram_batch_size",
        "engram_searchable_seconds",
        "engram_provider_calls_total",
        "engram_provider_tokens_total",
        "engram_provider_call_duration_seconds",
        "engram_searches_total",
        "engram_search_duration_seconds",
        "engram_search_arm_duration_seconds",
        "engram_search_cache_lookups_total",
        "engram_search_cache_users",
        "engram_search_cache_bytes",
        "engram_process_resident_memory_bytes",
      ]),
    );
    expect(page).toContain('engram_build_info{version="1.2.3"} 1');
    expect(lint(page)).toEqual([]);
  });

  test("two of them in one process stay apart", async () => {
    const [one, two] = [createMetrics({ version: "1" }), createMetrics({ version: "1" })];
    one.searches.inc({ outcome: "degraded" });
    expect(await one.registry.metrics()).toContain('engram_searches_total{outcome="degraded"} 1');
    expect(await two.registry.metrics()).not.toContain('outcome="degraded"');
  });
});
