/**
 * The other side of the write benchmark, in a process of its own: Express 5 and a pool of 10, one INSERT of one row for
 * each POST, no keys, no checks, no log. `node bare-express.ts DATABASE_URL TABLE`; the id is the database's.
 */
import express from "express";
import pg from "pg";

const POOL_SIZE = 10;

const [databaseUrl, table] = process.argv.slice(2);
if (databaseUrl === undefined || table === undefined) throw new Error("usage: bare-express.ts DATABASE_URL TABLE");

const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE });
const app = express();
app.use(express.json());
app.post("/api/memories", async (req, res) => {
  const { user_id, type, content, metadata } = req.body as Record<string, unknown>;
  const { rows } = await pool.query(
    `INSERT INTO ${table} (user_id, type, content, metadata) VALUES ($1, $2, $3, $4)
     RETURNING id, user_id, type, content, metadata, created_at, updated_at`,
    [user_id, type, content, metadata],
  );
  res.status(201).json(rows[0]);
});
const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
