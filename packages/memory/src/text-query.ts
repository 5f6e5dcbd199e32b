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

/** What a question is looked up by, its phrases of time read as at `now` by a clock that is so far ahead of UTC. */
export function textQueryOf(text: string, now: Date, offsetMinutes = 0): TextQuery {
  return { text, days: daysOfQuery(text, now, offsetMinutes), marks: ASKS_WHEN.test(text) ? TIME_WORDS : "" };
}
