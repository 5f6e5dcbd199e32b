/**
 * What a person has one of at a time, by the words in which it is told, in Russian and English; each in every form that
 * occurs, since the words are looked for here as they stand. "I have moved to Moscow" shares no word with "Lives in Kazan":
 * without this the two would not meet.
 */
const MATTERS: readonly ReadonlySet<string>[] = [
  `зовут имя имени фамилия фамилию name named called surname nickname`,
  `живу живем живет живут жил жила жили проживаю проживает переехал переехала переехали переезжаю переезжаем переезжает
   переезд перебрался перебралась вернулся вернулась live lives living lived reside resides move moved moves moving relocate
   relocated relocates hometown`,
  `работаю работает работал работала работой работе работу работа устроился устроилась уволился уволилась уволили должность
   профессия программист сменил сменила пенсии пенсию work works working worked job jobs employed employer hired fired quit
   resigned promoted retired profession occupation position`,
  `учусь учится учился училась поступил поступила окончил окончила закончил закончила студент студентка study studies
   studying studied student graduate graduated enrolled university`,
  `женат женился замужем замуж развелся развелась развод жена муж женой мужем невеста жених встречаюсь расстался рассталась
   расстались холост married divorced divorce wife husband spouse engaged fiance girlfriend boyfriend partner single dating
   broke`,
  `лет возраст родился родилась рождения age aged old born birthday`,
  `телефон телефона номер почта почту почты адрес адреса phone number email mail address`,
  `пояс timezone зона язык языке languages language`,
  `вес вешу весит рост диета диету веган веганка вегетарианец вегетарианка weigh weighs weight height diet vegan vegetarian
   pescatarian`,
  `машина машину езжу водит car drive drives driving`,
].map((words) => new Set(words.split(/\s+/u)));

/** The words of every such matter that the text touches; empty where it touches none. */
export function wordsOfMatters(text: string): string {
  const said =
    text
      .toLowerCase()
      .replaceAll("ё", "е")
      .match(/\p{L}+/gu) ?? [];
  const touched = MATTERS.filter((words) => said.some((word) => words.has(word)));
  return touched.flatMap((words) => [...words]).join(" ");
}
