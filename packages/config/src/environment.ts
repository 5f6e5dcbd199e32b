import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ConfigFault } from "./config-error.ts";
import { parseEnvFile, stripQuotes } from "./env-file.ts";
import { errorCode } from "./error-code.ts";
import { VARIABLES, type Variable } from "./variables.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The text of every variable that is set: from `env`, from `.env` in `cwd` where `env` is silent, from the file that
 * `NAME_FILE` names. Empty is unset. What cannot be read is told as faults.
 */
export function readEnvironment(
  env: Environment,
  cwd: string,
): { values: Record<string, string>; faults: ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const layers = [clean(env), clean(readEnvFile(join(cwd, ".env"), faults))];
  const values: Record<string, string> = {};
  for (const [name, variable] of Object.entries<Variable>(VARIABLES)) {
    // The first layer that has the value or its file decides, so that a stale line in `.env` cannot win or collide.
    const layer = layers.find(
      (one) => one[name] !== undefined || (variable.secret && one[`${name}_FILE`] !== undefined),
    );
    const value = layer?.[name];
    const file = variable.secret ? layer?.[`${name}_FILE`] : undefined;
    if (value !== undefined && file !== undefined) {
      faults.push({
        variable: name,
        problem: `is set, and so is ${name}_FILE; keep one of them`,
        example: `${name}=${variable.example}`,
      });
    } else if (file !== undefined) {
      const text = readSecretFile(`${name}_FILE`, resolve(cwd, file), { faults, mayBeEmpty: variable.fileMayBeEmpty });
      if (text !== undefined) values[name] = text;
    } else if (value !== undefined) {
      values[name] = value;
    }
  }
  return { values, faults };
}

function clean(env: Environment): Record<string, string> {
  const entries = Object.entries(env).map(([name, value]) => [name, stripQuotes((value ?? "").trim())] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

/** No file is no fault, and neither is the folder that Docker makes where a file to mount was missing. */
function readEnvFile(path: string, faults: ConfigFault[]): Environment {
  try {
    return parseEnvFile(readFileSync(path, "utf8"));
  } catch (error) {
    const code = errorCode(error);
    if (code !== "ENOENT" && code !== "EISDIR") {
      faults.push({ variable: ".env", problem: `is there but cannot be read (${code})`, example: "chmod 644 .env" });
    }
    return {};
  }
}

function readSecretFile(
  variable: string,
  path: string,
  { faults, mayBeEmpty = false }: { faults: ConfigFault[]; mayBeEmpty?: boolean | undefined },
): string | undefined {
  const example = `${variable}=/run/secrets/${variable.toLowerCase().replace(/_file$/, "")}`;
  try {
    const text = readFileSync(path, "utf8")
      .replace(/^\uFEFF/, "")
      .trim();
    if (text !== "") return text;
    if (mayBeEmpty) return undefined;
    faults.push({ variable, problem: `names a file that is empty: ${path}`, example });
  } catch (error) {
    faults.push({ variable, problem: `names a file that cannot be read (${errorCode(error)}): ${path}`, example });
  }
  return undefined;
}
