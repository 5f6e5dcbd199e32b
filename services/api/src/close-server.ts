import { once } from "node:events";
import type { Server, ServerResponse } from "node:http";

/** Ends a server; resolves when no connection is left. */
export type CloseServer = (options: { readonly timeoutMs: number }) => Promise<void>;

/**
 * Gives the way to end this server under load: nobody new gets in, whoever is being answered gets the answer, and each
 * answer is the last one of its connection, else clients that keep theirs busy would hold a stop up for as long as they
 * like. What is left after `timeoutMs` is cut.
 */
export function closable(server: Server): CloseServer {
  const answering = new Set<ServerResponse>();
  let isClosing = false;
  server.prependListener("request", (_request, response) => {
    if (isClosing) endWith(server, response);
    answering.add(response);
    response.once("close", () => answering.delete(response));
  });

  return async ({ timeoutMs }) => {
    isClosing = true;
    for (const response of answering) endWith(server, response);
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
    await closed;
    clearTimeout(cut);
  };
}

/** Makes an answer the last one of its connection: by its headers, or, where they are out already, when it has ended. */
function endWith(server: Server, response: ServerResponse): void {
  if (response.headersSent) response.once("close", () => setImmediate(() => server.closeIdleConnections()));
  else response.setHeader("Connection", "close");
}
