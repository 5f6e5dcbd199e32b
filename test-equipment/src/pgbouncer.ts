/** A real PgBouncer in transaction mode that takes nothing but TLS, before a PostgreSQL: what a hosted database looks like. */
import { execFile } from "node:child_process";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findUnprivilegedUser, makeDataDirectory } from "./cache.ts";
import { ask, startProcess, startServer } from "./process.ts";
import { findTool } from "./tools.ts";

const run = promisify(execFile);
/** Fewer than a service's pool has, so that statements of one session really go to several servers. */
const SERVER_CONNECTIONS = "6";
/** SSLRequest, answered with one letter (postgresql.org/docs/current/protocol-message-formats.html). */
const TLS_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

export type PgBouncer = {
  /** Without TLS settings: they are the client's to choose. */
  readonly urlOf: (login: { readonly user: string; readonly password: string; readonly database: string }) => string;
  /** Of the authority that signed the certificate, which is for `localhost`. */
  readonly certificateFile: string;
  readonly stop: () => Promise<void>;
};

/**
 * Starts one before the server of `serverUrl`, to which it gives everybody in `passwords` access. Undefined, said aloud,
 * where no PgBouncer can be had; under `CI=true` that throws.
 */
export async function startPgBouncer(options: {
  readonly serverUrl: string;
  readonly passwords: Readonly<Record<string, string>>;
}): Promise<PgBouncer | undefined> {
  const command = await findTool("pgbouncer");
  if (command === undefined) return undefined;
  const user = findUnprivilegedUser();
  const directory = makeDataDirectory("pgbouncer", user);
  const [key, certificateFile] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  await run("openssl", [...kind, "-keyout", key, "-out", certificateFile, ...subject]);
  const users = join(directory, "users.txt");
  const lines = Object.entries(options.passwords).map(([name, password]) => `"${name}" "${password}"\n`);
  writeFileSync(users, lines.join(""));
  const settings = join(directory, "pgbouncer.ini");
  const server = new URL(options.serverUrl);
  const { port, running } = await startServer({
    name: "PgBouncer",
    start: (port) => {
      writeFileSync(
        settings,
        [
          "[databases]",
          `* = host=${server.hostname} port=${server.port}`,
          "[pgbouncer]",
          "listen_addr = 127.0.0.1",
          `listen_port = ${port}`,
          "unix_socket_dir =",
          "pool_mode = transaction",
          `default_pool_size = ${SERVER_CONNECTIONS}`,
          "auth_type = scram-sha-256",
          `auth_file = ${users}`,
          "client_tls_sslmode = require",
          `client_tls_key_file = ${key}`,
          `client_tls_cert_file = ${certificateFile}`,
          "",
        ].join("\n"),
      );
      if (user !== undefined) for (const file of [key, certificateFile, users, settings]) own(file, user);
      return startProcess({ command, args: [settings], directory, stopSignal: "SIGINT", user });
    },
    isReady: async (port) => (await ask(port, TLS_REQUEST)) === "S",
  });
  return {
    urlOf: ({ user, password, database }) => `postgresql://${user}:${password}@localhost:${port}/${database}`,
    certificateFile,
    stop: () => running.stop(),
  };
}

function own(file: string, { uid, gid }: { uid: number; gid: number }): void {
  chownSync(file, uid, gid);
  chmodSync(file, 0o600);
}
