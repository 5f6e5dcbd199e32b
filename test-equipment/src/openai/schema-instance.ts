type Schema = {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, unknown>>;
};

/** The plainest value that a JSON schema takes: its own names as texts, so that a test sees where it went. */
export function instanceOf(schema: unknown, name = "value"): unknown {
  const { type, enum: values, properties } = (schema ?? {}) as Schema;
  if (values !== undefined) return values[0];
  switch (typeof type === "string" ? type : type?.[0]) {
    case "object":
      return Object.fromEntries(Object.entries(properties ?? {}).map(([key, one]) => [key, instanceOf(one, key)]));
    case "array":
      return [];
    case "number":
    case "integer":
      return 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return name;
  }
}
