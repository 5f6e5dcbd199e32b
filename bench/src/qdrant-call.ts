import type { Connection } from "./connection.ts";

/** One call of Qdrant's REST interface; a body makes it a POST. Gives `result`, and throws what is not 200. */
export async function callQdrant<T>(line: Connection, path: string, body?: object): Promise<T> {
  const asked =
    body === undefined ? { method: "GET" as const } : { method: "POST" as const, body: JSON.stringify(body) };
  const answer = await line.ask({ path, ...asked });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body.toString("utf8").slice(0, 200)}`);
  return (JSON.parse(answer.body.toString("utf8")) as { result: T }).result;
}

/** The path of the one collection that is there. Throws where there is none, or more than one. */
export async function findCollection(line: Connection): Promise<string> {
  const { collections } = await callQdrant<{ collections: { name: string }[] }>(line, "/collections");
  const [collection] = collections;
  if (collection === undefined || collections.length > 1)
    throw new Error(`expected one collection, found ${collections.length}`);
  return `/collections/${collection.name}`;
}
