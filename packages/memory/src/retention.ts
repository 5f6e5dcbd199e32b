/** How long memories are kept since they were last told, in days: the rule of a type, else of a level, else of all. */
export interface RetentionRules {
  /** Undefined: what no other rule names is kept for good. */
  readonly days: number | undefined;
  readonly daysByType: Readonly<Record<string, number>>;
  readonly daysByLevel: Readonly<Record<string, number>>;
}

export interface RetentionCount {
  readonly type: string;
  readonly level: string;
  readonly memories: number;
  readonly oldest: Date;
}

/** Whether the rules let anything go at all. */
export function isRetaining({ days, daysByType, daysByLevel }: RetentionRules): boolean {
  return days === undefined && Object.keys(daysByType).length === 0 && Object.keys(daysByLevel).length === 0;
}
