import type { Users } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { exportHistory, exportMemories } from "./export-person.ts";
import { listUsers } from "./list-users.ts";
import { exportMessages } from "./talk/messages.ts";

/** People, as PostgreSQL knows them by their memories. */
export function createUsers(db: Executor): Users {
  return {
    list: (query) => listUsers(db, query),
    exportMemories: (person) => exportMemories(db, person),
    exportHistory: (person) => exportHistory(db, person),
    exportMessages: (person) => exportMessages(db, person),
  };
}
