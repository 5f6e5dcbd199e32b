// ASK=closed|open; starts the API of this tree on the held database, measures
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./connection.ts";
import { startService } from "./processes.ts";
import { readFamilyCpuSeconds, familyOf } from "./process-usage.ts";
void familyOf;
const hold = JSON.parse(readFileSync(process.env.HOLD ?? "/tmp/cpu/hold.json", "utf8"));
const n = Number(process.env.N ?? "1500"), rounds = Number(process.env.ROUNDS ?? "3");
const extra = JSON.parse(process.env.APIENV ?? "{}");
const api = await startService("api", { DATABASE_URL: hold.databaseUrl, ...extra });
const qs = hold.questions;
const pct = (a: number[], p: number) => { const s = a.toSorted((x, y) => x - y); return s[Math.min(s.length - 1, Math.ceil((p / 100) * s.length) - 1)]!; };
async function search(line: Connection, q: any) {
  const { status, body, timings } = await line.ask({ method: "POST", path: "/api/memories/search", body: JSON.stringify({ user_id: q.userId, query: q.question, limit: 10 }) });
  if (status !== 200) throw new Error(body.toString());
  const a = JSON.parse(body.toString());
  return { v: (timings["embed"] ?? 0) + (timings["vectors"] ?? 0), found: a.memories.some((m: any) => m.content === q.content), deg: (a.degraded ?? []).some((d: any) => d.code !== "lexical_embeddings") };
}
const lines = await Promise.all(Array.from({ length: 8 }, () => Connection.open(api.url)));
for (let w = 0; w < 3; w++) { for (const q of qs) await search(lines[0]!, q); await sleep(500); }
const res: Record<string, any[]> = {};
async function load(name: string, askers: number, perSecond: number, count: number) {
  const tot: number[] = [], ov: number[] = []; let left = count, found = 0, deg = 0;
  const c0 = [await readFamilyCpuSeconds(hold.pgPid), await readFamilyCpuSeconds(api.pid), process.cpuUsage()] as const;
  const t0 = performance.now();
  await Promise.all(lines.slice(0, askers).map(async (line, w) => {
    const every = perSecond ? (askers * 1000) / perSecond : 0; let due = performance.now() + (every * w) / askers;
    while (left-- > 0) {
      if (every) await sleep(Math.max(0, due - performance.now())); due += every;
      const s = performance.now(); const r = await search(line, qs[Math.floor(Math.random() * qs.length)]);
      const t = performance.now() - s; tot.push(t); ov.push(t - r.v); if (r.found) found++; if (r.deg) deg++;
    }
  }));
  const secs = (performance.now() - t0) / 1000;
  const me = process.cpuUsage(c0[2]);
  const row = { rate: +(count / secs).toFixed(0), p50: +pct(tot, 50).toFixed(1), p95: +pct(tot, 95).toFixed(1), p99: +pct(tot, 99).toFixed(1), ov50: +pct(ov, 50).toFixed(1), ov95: +pct(ov, 95).toFixed(1), pgMs: +(((await readFamilyCpuSeconds(hold.pgPid)) - c0[0]) * 1000 / count).toFixed(2), apiMs: +(((await readFamilyCpuSeconds(api.pid)) - c0[1]) * 1000 / count).toFixed(2), meMs: +((me.user + me.system) / 1000 / count).toFixed(2), found, deg };
  (res[name] ??= []).push(row); console.log(name.padEnd(6), JSON.stringify(row));
}
for (let r = 0; r < rounds; r++) {
  await load("1", 1, 0, Math.min(n, 500)); 
  if (process.env.OPEN) { await load("8@40", 8, 40, 300); await load("8@80", 8, 80, 400); }
  await load("8", 8, 0, n);
}
await api.stop(); process.exit(0);
