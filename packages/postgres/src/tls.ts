import { readFileSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { MemoryError } from "@engram/memory";

/** What the driver is told: an address without its TLS settings, and these as Node's own. */
export interface Reach {
  readonly connectionString: string;
  readonly ssl: false | { rejectUnauthorized: boolean; ca?: string; checkServerIdentity?: () => undefined };
}

const TLS_PARAMETERS = ["sslmode", "sslrootcert", "ssl", "uselibpqcompat"];
/** Addresses that no public network routes, and the loopback. */
const PRIVATE_IPV4 = /^(127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
const PRIVATE_IPV6 = /^(::1$|f[cd]|fe[89ab]|::ffff:)/i;
const PRIVATE_NAME = /(^[^.]*|\.(local|localhost|internal|lan|home|svc|docker))$/i;

/** True for a host that other people's networks lie before: all but loopback, private ranges and names of one's own network. */
export function isPublicHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  if (isIPv4(bare)) return !PRIVATE_IPV4.test(bare);
  if (isIPv6(bare)) return !PRIVATE_IPV6.test(bare);
  return !bare.startsWith("/") && !PRIVATE_NAME.test(bare);
}

/**
 * `sslmode` as libpq means it (postgresql.org/docs/current/libpq-ssl.html), which the driver reads otherwise: `require`
 * encrypts and checks nothing, since a provider's own authority is known to no machine; with `sslrootcert`, and as
 * `verify-ca` or `verify-full`, the certificate is checked. A public host is never talked to in clear, whatever is set.
 * Throws `invalid` when `sslrootcert` cannot be read, with the `variable` that names it.
 */
export function reachOf(address: string, variable = "DATABASE_URL"): Reach {
  const url = new URL(address);
  const given = url.searchParams.get("sslmode") ?? (url.searchParams.get("ssl") === "true" ? "require" : "prefer");
  const rootCertificate = url.searchParams.get("sslrootcert");
  const host = url.hostname === "" ? (url.searchParams.get("host") ?? "") : url.hostname;
  for (const name of TLS_PARAMETERS) url.searchParams.delete(name);
  const connectionString = url.toString();
  const isWanted = ["require", "verify-ca", "verify-full", "no-verify"].includes(given);
  if (!isWanted && !isPublicHost(host)) return { connectionString, ssl: false };

  const ca =
    rootCertificate === null || rootCertificate === "system" ? undefined : readCertificate(rootCertificate, variable);
  const isChecked = given.startsWith("verify-") || (ca !== undefined && given !== "no-verify");
  if (!isChecked) return { connectionString, ssl: { rejectUnauthorized: false } };
  return {
    connectionString,
    ssl: {
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
      ...(given === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
    },
  };
}

function readCertificate(path: string, variable: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new MemoryError(
      "invalid",
      `${variable}: sslrootcert: ${path} cannot be read. Name a file with the certificate`,
      {
        cause,
      },
    );
  }
}
