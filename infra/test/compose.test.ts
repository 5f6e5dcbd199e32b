import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { findTool } from "../../test-equipment/src/index.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const first = (await findTool("docker-compose")) ?? "";
const second = (await findTool("docker-compose-v2")) ?? "";
const whenFirst = first === "" ? describe.skip : describe;
const whenSecond = second === "" ? describe.skip : describe;

const from = (...files: readonly string[]): readonly string[] => files.flatMap((file) => ["-f", file]);
const MONITORING = ["--profile", "monitoring"];
/** What follows `docker compose`, for each way to start. */
const STACKS: Readonly<Record<string, readonly string[]>> = {
  whole: from("docker-compose.yaml"),
  small: from("docker-compose.small.yaml"),
  scale: from("docker-compose.yaml", "docker-compose.scale.yaml"),
  hardened: from("docker-compose.yaml", "docker-compose.hardened.yaml"),
  beside: from("infra/mem0-docker-compose.yaml"),
  monitored: [...from("docker-compose.yaml", "docker-compose.exporters.yaml"), ...MONITORING],
  "hardened, monitored": [...from("docker-compose.yaml", "docker-compose.hardened.yaml"), ...MONITORING],
  "monitored, then hardened": [
    ...from("docker-compose.yaml", "docker-compose.exporters.yaml", "docker-compose.hardened.yaml"),
    ...MONITORING,
  ],
  "hardened, then monitored": [
    ...from("docker-compose.yaml", "docker-compose.hardened.yaml", "docker-compose.exporters.yaml"),
    ...MONITORING,
  ],
};
const names = Object.keys(STACKS);
const secrets = { POSTGRES_PASSWORD: "letters1", QDRANT_API_KEY: "letters2", GRAFANA_PASSWORD: "letters3" };
/** Ended once their work is done, so nobody asks after their health. */
const JOBS = ["mem0-volumes", "mem0-migrate"];
/** Has its HEALTHCHECK in the image. */
const OF_OUR_IMAGE = ["mem0", "mem0-more"];
/** Published on 127.0.0.1, with their ports. */
const OF_THIS_MACHINE: Readonly<Record<string, string>> = { mem0: "3456", prometheus: "9090", grafana: "3000" };

type Service = {
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly init?: boolean;
  readonly container_name?: string;
  readonly user?: string;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly logging?: { readonly options?: Readonly<Record<string, string>> };
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly cpus?: number; readonly memory?: string } } };
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly { readonly source: string }[];
  readonly volumes?: readonly { readonly target: string; readonly read_only?: boolean }[];
  readonly ports?: readonly { readonly host_ip?: string; readonly published?: string }[];
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
};

whenFirst("docker-compose 1.29", () => {
  const config = (options: readonly string[], env: Readonly<Record<string, string>>) =>
    run(first, [...options, "config"], {
      cwd: root,
      env: { PATH: process.env["PATH"] ?? "", ...env },
    });

  test.each(names)("takes the stack: %s", async (name) => {
    const { stdout, stderr } = await config(STACKS[name] ?? [], secrets);
    expect(stdout).toContain("container_name: mem0\n");
    // It only warns of variables that nobody set and of what it passes over.
    expect(stderr).toBe("");
  });

  test.each(["POSTGRES_PASSWORD", "QDRANT_API_KEY"])("the whole stack says that %s is missing", async (name) => {
    const env = Object.fromEntries(Object.entries(secrets).filter(([known]) => known !== name));
    await expect(config(from("docker-compose.yaml"), env)).rejects.toMatchObject({
      stderr: expect.stringContaining(`${name} must be set in .env`),
    });
  });

  test("the container beside a stack can be stopped from anywhere, with nothing set", async () => {
    await expect(config(from("infra/mem0-docker-compose.yaml"), {})).resolves.toBeDefined();
  });
});

whenSecond("docker compose v2", () => {
  const services = async (name: string, options: readonly string[] = []): Promise<[string, Service][]> => {
    const { stdout } = await run(second, [...(STACKS[name] ?? []), ...options, "config", "--format", "json"], {
      cwd: root,
      env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...secrets },
    });
    const model: unknown = JSON.parse(stdout);
    return Object.entries((model as { readonly services: Record<string, Service> }).services);
  };

  describe.each(names)("takes the stack: %s", (name) => {
    test("every container is locked and limited, and comes back", async () => {
      for (const [service, parts] of await services(name)) {
        expect({ service, ...parts }).toMatchObject({
          service,
          restart: JOBS.includes(service) ? "no" : "unless-stopped",
          read_only: true,
          cap_drop: ["ALL"],
          security_opt: ["no-new-privileges:true"],
          logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "3" } },
          deploy: { resources: { limits: { memory: expect.stringMatching(/^\d+$/) } } },
        });
        expect({ service, cpus: parts.deploy?.resources?.limits?.cpus }).toEqual({
          service,
          cpus: service.endsWith("-exporter") ? 0.5 : 1,
        });
      }
    });

    test("nobody is root but the job that hands out the volumes; only that and Caddy have a right of the kernel's", async () => {
      for (const [service, { image, user = "", cap_add = [] }] of await services(name)) {
        // Our own image says who it runs as.
        if (image !== "engram:local" && service !== "mem0-volumes")
          expect({ service, user }).toEqual({
            service,
            user: expect.stringMatching(/^([1-9]\d*:\d+|postgres|redis)$/),
          });
        if (service === "caddy") expect(cap_add).toEqual(["NET_BIND_SERVICE"]);
        else if (service === "mem0-volumes") expect(cap_add).toEqual(["CHOWN", "DAC_OVERRIDE"]);
        else expect({ service, cap_add }).toEqual({ service, cap_add: [] });
      }
    });

    test("our own image has an init as its first process, which hears a stop from the beginning", async () => {
      const ours = (await services(name)).filter(([, { image }]) => image === "engram:local");
      expect(ours.length).toBeGreaterThan(0);
      for (const [service, { init }] of ours) expect({ service, init }).toEqual({ service, init: true });
    });

    test("whatever runs on has a healthcheck", async () => {
      const asked = (await services(name)).filter(([service]) => ![...JOBS, ...OF_OUR_IMAGE].includes(service));
      for (const [service, { healthcheck }] of asked)
        expect({ service, test: healthcheck?.test ?? [] }).not.toEqual({ service, test: [] });
    });

    test("no store and no exporter is published: Caddy is for everybody, what people ask is for this machine", async () => {
      for (const [service, { ports = [] }] of await services(name)) {
        if (service === "caddy") expect(ports.map((port) => port.published)).toEqual(["80", "443", "443"]);
        else if (service in OF_THIS_MACHINE)
          expect(ports).toMatchObject([{ host_ip: "127.0.0.1", published: OF_THIS_MACHINE[service] }]);
        else expect({ service, ports }).toEqual({ service, ports: [] });
      }
    });
  });

  test("the start order is stores, migrate, API and worker, Caddy", async () => {
    const orders = Object.fromEntries(
      (await services("whole")).map(([name, { depends_on = {} }]) => [
        name,
        Object.fromEntries(Object.entries(depends_on).map(([other, { condition }]) => [other, condition])),
      ]),
    );
    const [done, healthy] = ["service_completed_successfully", "service_healthy"];
    expect(orders).toMatchObject({
      "mem0-migrate": { postgres: healthy },
      mem0: { "mem0-migrate": done, qdrant: healthy, redis: healthy },
      "mem0-worker": { "mem0-migrate": done, qdrant: healthy, redis: healthy },
      qdrant: { "mem0-volumes": done },
      caddy: { "mem0-volumes": done, mem0: healthy },
    });
  });

  test("the small profile fits into 1 GB, and has neither Redis nor Qdrant", async () => {
    const all = await services("small");
    expect(all.map(([name]) => name).sort()).toEqual(["caddy", "mem0", "mem0-backup", "mem0-volumes", "postgres"]);
    const bytes = all
      .filter(([name]) => !JOBS.includes(name))
      .map(([, { deploy }]) => Number.parseInt(deploy?.resources?.limits?.memory ?? "", 10));
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(920 * 1024 * 1024);
  });

  test("both profiles are backed up every night, the small one without an index apart; what runs on tells how that went", async () => {
    const [whole, small] = await Promise.all(
      ["whole", "small"].map(async (name) => Object.fromEntries(await services(name))["mem0-backup"]),
    );
    const { QDRANT_URL, QDRANT_API_KEY, MEM0_COLLECTION_NAME, ...rest } = whole?.environment ?? {};
    expect([QDRANT_URL, QDRANT_API_KEY, MEM0_COLLECTION_NAME].every((value) => value !== undefined)).toBe(true);
    expect(small?.environment).toEqual(rest);
    expect(rest).toMatchObject({ BACKUP_AT: "02:00", KEEP_DAYS: "30", TZ: "UTC" });
    const shared = ({ image, command, user, healthcheck, volumes }: Service) => ({
      image,
      command,
      user,
      healthcheck,
      volumes,
    });
    expect(small && shared(small)).toEqual(whole && shared(whole));
    for (const [profile, reader] of [
      ["whole", "mem0-worker"],
      ["small", "mem0"],
      ["beside", "mem0"],
    ] as const) {
      const { environment, volumes } = Object.fromEntries(await services(profile))[reader] ?? {};
      expect({ profile, directory: environment?.["BACKUP_DIR"] }).toEqual({ profile, directory: "/opt/backups" });
      expect(volumes).toContainEqual(expect.objectContaining({ target: "/opt/backups", read_only: true }));
    }
  });

  test("Caddy is told every variable that its files read", async () => {
    const folder = join(root, "infra", "caddy");
    const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
    const readByCaddy = [...texts.join("\n").matchAll(/\{\$([A-Z0-9_]+)/g)].map(([, name]) => name);
    for (const name of ["whole", "small"]) {
      const { environment = {} } = Object.fromEntries(await services(name))["caddy"] ?? {};
      expect({ name, told: Object.keys(environment).sort() }).toEqual({ name, told: [...new Set(readByCaddy)].sort() });
    }
  });

  test("Redis keeps what it was told and never evicts; PostgreSQL counts statements; Qdrant reports to nobody", async () => {
    for (const name of ["whole", "hardened"]) {
      const stack = Object.fromEntries(await services(name));
      expect(stack["redis"]?.command?.join(" ")).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/);
      expect(stack["postgres"]?.command).toContain("shared_preload_libraries=pg_stat_statements");
      expect(stack["qdrant"]?.environment).toMatchObject({ QDRANT__TELEMETRY_DISABLED: "true" });
    }
  });

  test.each(["hardened", "hardened, monitored", "monitored, then hardened"])(
    "%s: no secret is in an environment or an argument",
    async (name) => {
      for (const [service, { environment = {}, command, entrypoint }] of await services(name)) {
        const visible = JSON.stringify([environment, command, entrypoint]);
        const seen = Object.values(secrets).filter((secret) => visible.includes(secret));
        expect({ service, seen }).toEqual({ service, seen: [] });
      }
    },
  );

  test.each(["monitored, then hardened", "hardened, then monitored"])(
    "%s: the exporters are the same, with the passwords that the stores want",
    async (name) => {
      const [plain, hardened] = await Promise.all(
        ["monitored", name].map(async (each) => Object.fromEntries(await services(each))),
      );
      for (const exporter of ["node-exporter", "postgres-exporter", "redis-exporter"])
        expect(hardened?.[exporter]?.image).toBe(plain?.[exporter]?.image);
      expect(hardened?.["postgres-exporter"]).toMatchObject({
        environment: { DATA_SOURCE_USER: "postgres", DATA_SOURCE_PASS_FILE: "/run/secrets/postgres_password" },
        secrets: [{ source: "postgres_password" }],
      });
      expect(hardened?.["redis-exporter"]).toMatchObject({
        environment: { REDIS_ADDR: "redis://redis:6379" },
        secrets: [{ source: "redis_password" }],
      });
      expect(hardened?.["redis-exporter"]?.entrypoint?.join(" ")).toContain("cat /run/secrets/redis_password");
    },
  );

  test("hardened, monitored: without their file there are no exporters", async () => {
    const started = (await services("hardened, monitored")).map(([name]) => name);
    expect(started).toContain("prometheus");
    expect(started.filter((name) => name.endsWith("-exporter"))).toEqual([]);
  });

  test("hardened: what `docker exec mem0-backup` runs has its secrets as the nightly backup has them, by file", async () => {
    const [whole, hardened] = await Promise.all(
      ["whole", "hardened"].map(async (name) => Object.fromEntries(await services(name))["mem0-backup"]),
    );
    expect(hardened?.command).toEqual(whole?.command);
    expect(hardened?.environment).toMatchObject({
      PGPASSWORD: "",
      PGPASSWORD_FILE: "/run/secrets/postgres_password",
      QDRANT_API_KEY: "",
      QDRANT_API_KEY_FILE: "/run/secrets/qdrant_api_key",
    });
    expect(hardened?.secrets?.map(({ source }) => source).toSorted()).toEqual(["postgres_password", "qdrant_api_key"]);
  });

  test.each(["whole", "small"])("a network that was made by hand can be taken as it is: %s", async (name) => {
    const isExternal = async (env: Readonly<Record<string, string>>) => {
      const files = STACKS[name] ?? [];
      const options = { cwd: root, env: { ...process.env, ...secrets, ...env } };
      const { stdout } = await run(second, [...files, "config", "--format", "json"], options);
      const { networks } = JSON.parse(stdout) as { networks: Record<string, { external?: boolean }> };
      return networks["app-network"]?.external ?? false;
    };
    expect(await isExternal({ APP_NETWORK_EXTERNAL: "true" })).toBe(true);
    expect(await isExternal({})).toBe(false);
  });

  test("scale: what may be many has no name and no port of its own", async () => {
    const more = (await services("scale")).filter(([name]) => name.endsWith("-more"));
    expect(more.map(([name]) => name).sort()).toEqual(["mem0-more", "mem0-worker-more"]);
    for (const [, { container_name, ports = [] }] of more) {
      expect(container_name).toBeUndefined();
      expect(ports).toEqual([]);
    }
  });

  test("scale: every API and every worker answers to a name that Prometheus looks up", async () => {
    const config = readFileSync(join(root, "infra", "prometheus", "prometheus.yaml"), "utf8");
    const lookedUp = [...config.matchAll(/- names: \[([\w-]+)\]/g)].map(([, name]) => name);
    const ours = (await services("scale")).filter(
      ([name, { image }]) => image === "engram:local" && !JOBS.includes(name),
    );
    expect(ours.map(([name]) => name).sort()).toEqual(["mem0", "mem0-more", "mem0-worker", "mem0-worker-more"]);
    for (const [service, { networks }] of ours) {
      const answersTo = [service, ...(networks?.["app-network"]?.aliases ?? [])];
      expect({ service, known: answersTo.filter((name) => lookedUp.includes(name)) }).toEqual({
        service,
        known: [service.replace("-more", "")],
      });
    }
  });
});
