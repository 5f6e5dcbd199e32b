const DAY_MS = 86_400_000;

/** A day by its date and from today: `2026-05-18, 3 weeks ago`. The same all day long, so that a prompt stays the same. */
export function relativeDay(time: Date, now: Date): string {
  const days = Math.floor(now.getTime() / DAY_MS) - Math.floor(time.getTime() / DAY_MS);
  return `${time.toISOString().slice(0, 10)}, ${inWords(days)}`;
}

function inWords(days: number): string {
  if (days < 0) return days === -1 ? "tomorrow" : `in ${count(-days)}`;
  return days === 0 ? "today" : days === 1 ? "yesterday" : `${count(days)} ago`;
}

function count(days: number): string {
  if (days < 14) return days === 1 ? "1 day" : `${days} days`;
  if (days < 60) return `${Math.floor(days / 7)} weeks`;
  if (days < 730) return `${Math.floor(days / 30.44)} months`;
  return `${Math.floor(days / 365.25)} years`;
}
