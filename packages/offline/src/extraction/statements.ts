/*
 * The plain statements of a text, and what is none: questions, thanks, small talk, orders, code. Rules for Russian and
 * English; what they are not sure of they leave out, since a message that says nothing is better lost than a lie kept.
 */

/** Greetings and fillers before a statement, which say nothing; once and again. */
const FILLERS =
  /^(?:(?:ну|кстати|в общем|вообще(?:-то)?|короче|слушай(?:те)?|знаешь|так вот|привет(?:ик)?|здравствуй(?:те)?|добр(?:ый|ое|ой) (?:день|утро|вечер)|доброго (?:дня|времени суток)|да|нет|ага|хорошо|окей|ок|и ещё|ещё|well|by the way|btw|so|ok|okay|anyway|hi|hello|hey(?: there)?|good (?:morning|evening|afternoon)|actually|you know|yes|yeah|no|also|oh|look)(?=[\s,.!:;—–-]))[\s,.!:;—–-]+/iu;
const REMEMBER =
  /^(?:пожалуйста[,\s]+)?(?:запомни(?:те)?|помни(?:те)?|имей(?:те)? в виду|учти(?:те)?|(?:please[,\s]+)?(?:remember|note|keep in mind))(?:[\s,:]+(?:что|that))?[\s,:]+/iu;

const QUESTION =
  /^(?:как|что|чего|чем|где|куда|откуда|когда|почему|зачем|сколько|кто|кого|кому|какой|какая|какое|какие|чей|можешь|можете|можно ли|не знаешь|есть ли|what|how|why|where|when|who|whose|which|can (?:you|i|we)|could (?:you|i|we)|would you|will you|do (?:you|i|we)|does|did|is (?:it|there|this)|are (?:you|there)|should i|may i)(?!\p{L})/iu;
const ORDER =
  /^(?:пожалуйста|напиши|расскажи|покажи|найди|сделай|помоги|объясни|переведи|составь|дай|подскажи|напомни|посоветуй|скажи|создай|придумай|исправь|проверь|посчитай|сравни|перечисли|продолжай|попробуй|ответь|удали|забудь|добавь|открой|давай(?:те)?|write|tell|show|find|make|help|explain|translate|give|remind|suggest|create|fix|check|calculate|compare|list|continue|try|answer|delete|forget|add|open|please|let(?:'s| us))(?:те)?(?!\p{L})/iu;
const CONDITION = /^(?:если|когда бы|if|suppose|imagine|представь)(?!\p{L})/iu;
const THANKS = /(?:^|[\s,])(?:спасибо|благодарю|thanks|thank you)(?!\p{L})/iu;

/** Somebody speaks of themselves or of theirs. */
const FIRST_PERSON =
  /(?<!\p{L})(?:я|мне|меня|мной|мною|мой|моя|моё|мое|мои|моего|моей|моему|моих|моим|мою|мы|нас|нам|наш|наша|наше|наши|нашу|нашей|нашего|i|i'm|i've|i'd|i'll|me|my|mine|we|we're|we've|us|our)(?!\p{L})/iu;
/** "Работаю в банке": Russian leaves "я" out before such verbs. */
const FIRST_PERSON_VERB =
  /^(?:не |уже |сейчас |раньше |обычно |всегда |часто |вчера |сегодня |недавно )*(?:живу|работаю|люблю|учусь|занимаюсь|предпочитаю|обожаю|ненавижу|хочу|планирую|собираюсь|мечтаю|езжу|хожу|бегаю|играю|пью|ем|курю|болею|пользуюсь|пишу на|говорю на|изучаю|держу|увлекаюсь|воспитываю|купила?|переехала?|устроил(?:ся|ась)|родил(?:ся|ась)|женился|вышла замуж|закончила?|окончила?|бросила?|перестала?|уволил(?:ся|ась)|сменила?|завела?|завёл|решила?|поступила?|разв[её]л(?:ся|ась)|побывала?|съездила?|пробежала?|посадила?|выучила?|прочитала?)(?!\p{L})/iu;

const CHARACTERS_MIN = 6;
const CHARACTERS_MAX = 500;
const WORDS_MIN = 2;

export interface Statement {
  readonly text: string;
  /** True: the speaker has asked for it to be kept. */
  readonly isWanted: boolean;
}

const sentences = new Intl.Segmenter("ru", { granularity: "sentence" });

/** The statements that a speaker makes of themselves, each as it was said, fillers before it cut off. */
export function statementsOf(text: string): readonly Statement[] {
  return plainLines(text).flatMap((line) => {
    const parts = joinAbbreviations(Array.from(sentences.segment(line), (one) => one.segment));
    return parts.flatMap((part) => toStatement(part) ?? []);
  });
}

/** Lines without code, quotations and marks of lists. */
function plainLines(text: string): readonly string[] {
  return text
    .replaceAll(/```[\s\S]*?(?:```|$)/gu, "\n")
    .split(/[\n\r\u2028\u2029]+/u)
    .filter((line) => !/^\s*[>|]/u.test(line))
    .map((line) => line.replace(/^\s*(?:[-*•–—]|\d{1,2}[.)])\s+/u, "").trim())
    .filter((line) => line !== "");
}

/** "г. Казань", "т. е. так", "Mr. Smith": the segmenter ends a sentence there. */
const ABBREVIATION =
  /(?:^|[\s(])(?:г|гг|ул|д|кв|им|т|т\.\s?[депк]|и т|стр|руб|тыс|млн|mr|mrs|ms|dr|st|vs|e\.g|i\.e|etc|no)\.\s*$/iu;

function joinAbbreviations(parts: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (last !== undefined && ABBREVIATION.test(last)) joined[joined.length - 1] = last + part;
    else joined.push(part);
  }
  return joined;
}

function toStatement(sentence: string): Statement | undefined {
  let text = sentence.trim();
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replace(FILLERS, "");
  }
  const isWanted = REMEMBER.test(text);
  text = tidy(text.replace(REMEMBER, ""));
  if (text.length < CHARACTERS_MIN || text.length > CHARACTERS_MAX) return undefined;
  if (text.split(/\s+/u).length < WORDS_MIN || !/\p{L}/u.test(text)) return undefined;
  if (
    /[?？]["»”)]*$/u.test(text) ||
    QUESTION.test(text) ||
    ORDER.test(text) ||
    CONDITION.test(text) ||
    THANKS.test(text)
  )
    return undefined;
  if (!isWanted && !FIRST_PERSON.test(text) && !FIRST_PERSON_VERB.test(text)) return undefined;
  return { text, isWanted };
}

/** Marks, quotes and emoji (with what joins and colours them) behind a statement. */
const TAIL = /(?:[.!…\s,;:"»”)—–-]|\p{Extended_Pictographic}|\u{200d}|\u{fe0f})+$/u;

/** Without what stands around it, the first letter large. */
function tidy(text: string): string {
  const bare = text.replace(/^[\s"«“(—–-]+/u, "").replace(TAIL, "");
  return bare.charAt(0).toLocaleUpperCase("ru") + bare.slice(1);
}
