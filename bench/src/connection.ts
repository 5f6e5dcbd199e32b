/**
 * One keep-alive HTTP/1.1 connection that asks and waits for the answer. By hand over a socket: node's own client costs
 * more than the servers measured, on cores that it shares with them. Knows only answers with a Content-Length, which is
 * what both sides send, and refuses others.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Of the header Server-Timing: milliseconds of each part. */
  readonly timings: Readonly<Record<string, number>>;
}

/** A body goes out as JSON. */
export interface Ask {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
}

/** The key that every request carries and that the services are started with. */
export const KEY = "bench-key-0123456789abcdef0123456789abcdef";

const HEADER_END = "\r\n\r\n";
/** Nothing measured takes as long; a hang must end the run with a reason. */
const ANSWER_TIMEOUT_MS = 60_000;

interface Pending {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #host: string;
  #received: Buffer = Buffer.alloc(0);
  #pending: Pending | undefined;
  #fault: Error | undefined;

  private constructor(socket: Socket, url: URL) {
    this.#socket = socket;
    this.#host = url.host;
    socket.setNoDelay(true);
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => {
      if (this.#pending !== undefined) this.#fail(new Error("no answer in time"));
    });
    socket.on("data", (data) => this.#take(data));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("connection closed")));
  }

  /** Opens a connection to `url`'s host. */
  static async open(url: string): Promise<Connection> {
    const parsed = new URL(url);
    const socket = connect(Number(parsed.port), parsed.hostname);
    await once(socket, "connect");
    const connection = new Connection(socket, parsed);
    // A server gives a connection that has not asked yet some seconds only; one that has asked, a minute.
    await connection.ask({ method: "GET", path: "/api/health" });
    return connection;
  }

  /** One question at a time. Rejects when the connection breaks or the answer is none that we can read. */
  ask({ method, path, body = "" }: Ask): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined || this.#pending !== undefined) {
        reject(this.#fault ?? new Error("a question is open already"));
        return;
      }
      this.#pending = { resolve, reject };
      const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nAuthorization: Bearer ${KEY}\r\n`;
      const rest =
        method === "POST"
          ? `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
          : "\r\n";
      this.#socket.write(head + rest);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const end = this.#received.indexOf(HEADER_END);
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const length = /^content-length: *(\d+)\r?$/im.exec(head)?.[1];
    if (length === undefined) {
      this.#fail(new Error(`an answer without Content-Length: ${head.slice(0, 200)}`));
      return;
    }
    const begin = end + HEADER_END.length;
    const total = begin + Number(length);
    if (this.#received.length < total) return;
    const answer = {
      status: Number(head.slice(9, 12)),
      body: this.#received.subarray(begin, total),
      timings: timingsOf(head),
    };
    this.#received = this.#received.subarray(total);
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve(answer);
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
    this.#socket.destroy();
  }
}

function timingsOf(head: string): Readonly<Record<string, number>> {
  const line = /^server-timing: *(.*?)\r?$/im.exec(head)?.[1] ?? "";
  return Object.fromEntries(
    Array.from(line.matchAll(/(\w+);dur=([\d.]+)/g), ([, name = "", ms]) => [name, Number(ms)]),
  );
}
