import { LRUCache } from "lru-cache";
import { daysOfQuery } from "./days-of-query.ts";
import type { TextQuery } from "./ports/index.ts";

const ASKS_WHEN =
  /(?<![\p{L}\p{N}])(?:when|how long|since when|(?:what|which) (?:date|day|week|month|year|time)|how many (?:days|weeks|months|years)|когда|как давно|как долго|с каких пор|до какого|сколько (?:дней|недель|месяцев|лет|времени)|(?:в )?как(?:ой|ом|ого|ую) (?:день|дня|числа|числе|месяце?|году?|неделе|неделю)|во сколько)(?![\p{L}\p{N}])/iu;

/** Of memories that say when something was, most say it in one of these; each once, in any form. */
const TIME_WORDS = `yesterday today tonight tomorrow last next ago week weekend month year recent
january february march april june july august september october november december
monday tuesday wednesday thursday friday saturday sunday
вчера сегодня завтра позавчера назад прошлый следующий недавно неделя выходной месяц год
январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь
понедельник вторник среда четверг пятница суббота воскресенье`;

/** Questions that are remembered, none of more characters or lexemes of days than this: 5 MB at most. */
const REMEMBERED_MAX = 1_000;
const REMEMBERED_LENGTH_MAX = 500;
const REMEMBERED_DAYS_MAX = 100;
const DAY_MS = 86_400_000;
const remembered = new LRUCache<string, TextQuery>({ max: REMEMBERED_MAX });

/**
 * What a question is looked up by, its phrases of time read as at `now` by a clock that is so far ahead of UTC. They mean the
 * same on all of a day.
 */
export function textQueryOf(text: string, now: Date, offsetMinutes = 0): TextQuery {
  if (text.length > REMEMBERED_LENGTH_MAX) return readQuery(text, now, offsetMinutes);
  const day = Math.floor((now.getTime() + offsetMinutes * 60_000) / DAY_MS);
  const asked = `${day} ${offsetMinutes} `;
  const key = `${asked}${text}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  // A part of the key: `text` may be a part of a whole request, which would be held with it.
  const query = readQuery(key.slice(asked.length), now, offsetMinutes);
  if (query.days.reduce((sum, { lexemes }) => sum + lexemes.length, 0) > REMEMBERED_DAYS_MAX) return query;
  remembered.set(key, query);
  return query;
}

function readQuery(text: string, now: Date, offsetMinutes: number): TextQuery {
  return { text, days: daysOfQuery(text, now, offsetMinutes), marks: ASKS_WHEN.test(text) ? TIME_WORDS : "" };
}
