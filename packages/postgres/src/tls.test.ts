import { describe, expect, test } from "@jest/globals";
import { isPublicHost, reachOf } from "./tls.ts";

describe("isPublicHost", () => {
  test.each([
    "localhost",
    "postgres",
    "127.0.0.1",
    "10.1.2.3",
    "172.20.0.2",
    "192.168.1.5",
    "100.64.0.1",
    "[::1]",
    "[fd00::1]",
    "db.internal",
    "db.local",
    "/var/run/postgresql",
    "",
  ])("%p is not", (host) => expect(isPublicHost(host)).toBe(false));
  test.each(["db.abcdefgh.supabase.co", "172.32.0.1", "8.8.8.8", "[2a05:d014::1]"])("%p is", (host) =>
    expect(isPublicHost(host)).toBe(true),
  );
});

describe("reachOf", () => {
  const publicly = "postgresql://u:p%40ss@db.example.com:6543/mem0";
  const privately = "postgresql://u:p@localhost:5432/mem0";

  test.each(["", "?sslmode=disable", "?sslmode=prefer", "?sslmode=require"])(
    "a public host is encrypted, with %p",
    (query) =>
      expect(reachOf(publicly + query)).toEqual({ connectionString: publicly, ssl: { rejectUnauthorized: false } }),
  );

  test.each(["", "?sslmode=disable", "?sslmode=prefer"])("a private host is not, with %p", (query) =>
    expect(reachOf(privately + query)).toEqual({ connectionString: privately, ssl: false }),
  );

  test("a private host is, when that is asked for; other parameters stay", () =>
    expect(reachOf(`${privately}?sslmode=require&application_name=x`)).toEqual({
      connectionString: `${privately}?application_name=x`,
      ssl: { rejectUnauthorized: false },
    }));

  test("verify-full checks the certificate and its name; verify-ca the certificate alone", () => {
    expect(reachOf(`${publicly}?sslmode=verify-full`).ssl).toEqual({ rejectUnauthorized: true });
    expect(reachOf(`${publicly}?sslmode=verify-ca`).ssl).toMatchObject({
      rejectUnauthorized: true,
      checkServerIdentity: expect.any(Function),
    });
  });

  test("a certificate that cannot be read is named", () =>
    expect(() => reachOf(`${publicly}?sslmode=verify-full&sslrootcert=/nowhere/ca.crt`)).toThrow(
      /^DATABASE_URL: sslrootcert: \/nowhere\/ca\.crt/,
    ));

  test("and so is the variable that names it", () =>
    expect(() => reachOf(`${publicly}?sslrootcert=/nowhere/ca.crt`, "MEM0_DATABASE_URL")).toThrow(
      /^MEM0_DATABASE_URL: sslrootcert/,
    ));
});
