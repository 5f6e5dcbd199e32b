export { ensureApiKey, type ApiKeys } from "./api-key.ts";
export { ConfigError, type ConfigFault } from "./config-error.ts";
export type { BacklogLimit, Config } from "./config.ts";
export { renderConfigurationPage, renderEnvExample } from "./documents.ts";
export type { Environment } from "./environment.ts";
export { loadConfig } from "./load-config.ts";
export { isPlaceholder, placeholderProblems, type Problem } from "./placeholders.ts";
export { COMPOSE_VARIABLES, VARIABLES, type LogLevel, type Variable, type VariableName } from "./variables.ts";
