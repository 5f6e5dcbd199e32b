export type { Executor, Row } from "./executor.ts";
export { codeOf, isTlsFault, translateSqlError } from "./errors.ts";
export { filterSql } from "./filter-sql.ts";
export { Values } from "./values.ts";
export { conditionSql } from "./condition-sql.ts";
