import type { Route } from "../route.ts";
import { addConversation } from "./add-conversation.ts";
import { discardJobs, retryJobs } from "./change-jobs.ts";
import { createChat } from "./create-chat.ts";
import { createContext } from "./create-context.ts";
import { createMemories } from "./create-memories.ts";
import { createMemory } from "./create-memory.ts";
import { deleteMemory } from "./delete-memory.ts";
import { deleteUserMemories } from "./delete-user-memories.ts";
import { endSession } from "./end-session.ts";
import { eraseUser } from "./erase-user.ts";
import { exportUser } from "./export-user.ts";
import { getErasure } from "./get-erasure.ts";
import { getEvent } from "./get-event.ts";
import { getHistory } from "./get-history.ts";
import { getMemory } from "./get-memory.ts";
import { listAgentMemories } from "./list-agent-memories.ts";
import { listJobs } from "./list-jobs.ts";
import { listUserMemories } from "./list-user-memories.ts";
import { listUsers } from "./list-users.ts";
import { getStats } from "./get-stats.ts";
import { getReconcile, postReconcile } from "./reconcile.ts";
import { previewRetention } from "./preview-retention.ts";
import { restoreMemory } from "./restore-memory.ts";
import { searchMemories, searchMemory } from "./search-memories.ts";
import { patchMemory, replaceMemory } from "./update-memory.ts";

/** Fixed paths before those with a parameter in the same place. */
export const ROUTES: readonly Route[] = [
  createMemory,
  createMemories,
  searchMemories,
  addConversation,
  searchMemory,
  getEvent,
  createContext,
  createChat,
  listUserMemories,
  deleteUserMemories,
  getMemory,
  replaceMemory,
  patchMemory,
  deleteMemory,
  getHistory,
  restoreMemory,
  listAgentMemories,
  endSession,
  previewRetention,
  listJobs,
  retryJobs,
  discardJobs,
  getReconcile,
  postReconcile,
  getStats,
  listUsers,
  exportUser,
  eraseUser,
  getErasure,
];
