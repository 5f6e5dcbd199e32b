/** The code of a system error such as `ENOENT`, else what was thrown, as text. By shape: every realm has its own `Error`. */
export function errorCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error);
}
