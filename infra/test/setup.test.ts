import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { loadConfig } from "../../packages/config/src/index.ts";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const random = /^[0-9a-f]{48}$/;

/** Without an engine, whose volumes would be looked at. */
const env = { ...process.env, DOCKER_HOST: "unix:///nowhere/docker.sock" };

let copy: string;
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "engram-test-setup-"));
  mkdirSync(join(copy, "infra"));
  for (const file of [".env.example", "infra/setup.sh", "infra/mem0-docker-compose.yaml"])
    cpSync(join(root, file), join(copy, file));
});
afterEach(() => {
  rmSync(copy, { recursive: true, force: true });
});

const setup = (...args: string[]) => run("sh", [join(copy, "infra", "setup.sh"), ...args, "--no-start"], { env });
const read = (...path: string[]): string => readFileSync(join(copy, ...path), "utf8");
const settings = (path = ".env"): Record<string, string> =>
  Object.fromEntries([...read(path).matchAll(/^(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]));

describe("infra/setup.sh", () => {
  test("writes .env with secrets of its own making that need no escape in an address, and leaves the rest as it was", async () => {
    await setup();
    const { POSTGRES_PASSWORD, QDRANT_API_KEY, MEM0_API_KEY, GRAFANA_PASSWORD } = settings();
    const made = [POSTGRES_PASSWORD, QDRANT_API_KEY, MEM0_API_KEY, GRAFANA_PASSWORD];
    for (const secret of made) expect(secret).toMatch(random);
    expect(new Set(made).size).toBe(4);
    const blank = (text: string): string =>
      text.replace(/^(POSTGRES_PASSWORD|QDRANT_API_KEY|MEM0_API_KEY|GRAFANA_PASSWORD)=.*/gm, "$1=");
    expect(blank(read(".env"))).toBe(blank(read(".env.example")));
  });

  test("only its owner may write .env", async () => {
    await setup();
    expect(statSync(join(copy, ".env")).mode & 0o022).toBe(0);
  });

  test("a second run changes nothing, and what is set stays", async () => {
    writeFileSync(join(copy, ".env"), 'MEM0_API_KEY="mine"\nOPENAI_API_KEY=sk-1\n');
    await setup("--small");
    const before = read(".env");
    expect(settings()).toMatchObject({ MEM0_API_KEY: '"mine"', OPENAI_API_KEY: "sk-1" });
    await setup("--small");
    expect(read(".env")).toBe(before);
  });

  test("--hardened moves the secrets into files that nobody else may reach", async () => {
    writeFileSync(
      join(copy, ".env"),
      "POSTGRES_PASSWORD=old1\nMEM0_API_KEY=old2\nOPENAI_API_KEY=sk-1\nGRAFANA_PASSWORD=old3\n",
    );
    await setup("--hardened");
    await setup("--hardened");
    expect(read("secrets", "postgres_password")).toBe("old1\n");
    expect(read("secrets", "mem0_api_key")).toBe("old2\n");
    expect(read("secrets", "openai_api_key")).toBe("sk-1\n");
    expect(read("secrets", "grafana_password")).toBe("old3\n");
    expect(read("secrets", "database_url")).toBe("postgresql://postgres:old1@postgres:5432/mem0\n");
    expect(read("secrets", "redis_url")).toBe(`redis://:${read("secrets", "redis_password").trim()}@redis:6379\n`);
    expect(read("secrets", "qdrant_api_key").trim()).toMatch(random);
    expect(settings()).toMatchObject({
      POSTGRES_PASSWORD: "in-secrets",
      MEM0_API_KEY: "",
      OPENAI_API_KEY: "",
      GRAFANA_PASSWORD: "",
    });
    expect(statSync(join(copy, "secrets")).mode & 0o777).toBe(0o700);
    await expect(setup()).rejects.toMatchObject({ stderr: expect.stringContaining("add --hardened") });
  });

  test.each([
    { options: [], place: ".env" },
    { options: ["--small"], place: ".env" },
    { options: ["--hardened"], place: "secrets/openai_api_key" },
  ])("without a key of OpenAI it says that Engram works offline, and where a key belongs: $options", async (given) => {
    const told = `OPENAI_API_KEY is empty: Engram works offline, memories are found by their words; for their meaning put a key into ${join(copy, given.place)}`;
    expect((await setup(...given.options)).stderr).toContain(told);
    writeFileSync(join(copy, ".env"), `${read(".env")}\nOPENAI_API_KEY=sk-1\n`);
    expect((await setup(...given.options)).stderr).not.toContain("offline");
  });

  test("--hardened without a key of OpenAI writes an empty file, which a key in .env fills later", async () => {
    await setup("--hardened");
    expect(read("secrets", "openai_api_key")).toBe("\n");
    expect(loadConfig({ OPENAI_API_KEY_FILE: "secrets/openai_api_key" }, { cwd: copy }).models.openaiApiKey).toBe(
      undefined,
    );
    writeFileSync(join(copy, ".env"), read(".env").replace(/^OPENAI_API_KEY=.*/m, "OPENAI_API_KEY=sk-1"));
    await setup("--hardened");
    expect(read("secrets", "openai_api_key")).toBe("sk-1\n");
    expect(statSync(join(copy, "secrets", "openai_api_key")).mode & 0o777).toBe(0o444);
  });

  test("a server of one's own needs no key, and is not called offline", async () => {
    await setup();
    writeFileSync(join(copy, ".env"), `${read(".env")}\nOPENAI_BASE_URL=http://ollama:11434/v1\n`);
    expect((await setup()).stderr).not.toContain("offline");
  });

  test("--beside asks for the password of the PostgreSQL that is there, and adds only a key", async () => {
    const opt = join(copy, "opt");
    mkdirSync(opt);
    await expect(setup("--beside", opt)).rejects.toMatchObject({
      stderr: expect.stringContaining("POSTGRES_PASSWORD must be"),
    });
    writeFileSync(join(opt, ".env"), "POSTGRES_PASSWORD=theirs\n");
    await setup("--beside", opt);
    expect(read("opt", "mem0-docker-compose.yaml")).toBe(read("infra", "mem0-docker-compose.yaml"));
    expect(settings("opt/.env")).toEqual({ POSTGRES_PASSWORD: "theirs", MEM0_API_KEY: expect.stringMatching(random) });
  });

  describe("with an engine", () => {
    /** Answers as an engine does on which all goes well, and notes what it was asked. */
    const engine = `#!/bin/sh
printf '%s\\n' "$*" >> "$NOTES"
case "$1 $2" in
  "network inspect") [ -n "$NETWORK" ] && printf '%s\\n' "\${NETWORK#-}" ;;
  "volume inspect") exit 1 ;;
  inspect*) echo healthy ;;
esac`;
    const start = async (given: Record<string, string>) => {
      mkdirSync(join(copy, "bin"), { recursive: true });
      writeFileSync(join(copy, "bin", "docker"), engine, { mode: 0o755 });
      const path = `${join(copy, "bin")}:${process.env["PATH"]}`;
      const asked = join(copy, "asked");
      rmSync(asked, { force: true });
      const { stderr } = await run("sh", [join(copy, "infra", "setup.sh"), "--small"], {
        env: { ...process.env, PATH: path, NOTES: asked, NETWORK: "", ...given },
      });
      return { stderr, asked: readFileSync(asked, "utf8") };
    };

    test("a network that was made by hand is taken as somebody else's, which compose asks for", async () => {
      const { stderr } = await start({ NETWORK: "-" });
      expect(stderr).toContain("app-network was made by hand");
      expect(settings()).toMatchObject({ APP_NETWORK_EXTERNAL: "true" });
      // Gone meanwhile: compose would not make it.
      expect((await start({})).asked).toContain("network create app-network\n");
    });

    test.each([{ NETWORK: "app-network" }, {}])(
      "compose makes its own otherwise, or has made it: %o",
      async (given) => {
        const { asked } = await start(given);
        expect(settings()).not.toHaveProperty("APP_NETWORK_EXTERNAL");
        expect(asked).not.toContain("network create");
      },
    );
  });

  test("an unknown option is named and nothing is written", async () => {
    await expect(setup("--smal")).rejects.toMatchObject({ stderr: expect.stringContaining("unknown option --smal") });
    expect(() => read(".env")).toThrow("ENOENT");
  });
});
