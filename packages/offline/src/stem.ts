/** What stays of a word at least; shorter stems fall together by accident. */
const STEM_LETTERS_MIN = 3;

const RUSSIAN_REFLEXIVE = /(?<=[аеиоуыюяйтьл])(?:ся|сь)$/u;
const RUSSIAN_ENDING = new RegExp(
  `(?:${[
    "иями|ями|ами|иях|ах|ях|иям|ям|ам|ием|ем|ом|ией|ей|ой|ов|ев|ию|ью|ия|ии|ие|ье|ьи|ья", // nouns
    "ого|его|ому|ему|ыми|ими|ый|ий|ая|яя|ое|ее|ые|ую|юю|ых|их|ым|им", // adjectives
    "ала|али|ало|ал|ила|или|ило|ил|ела|ели|ело|ел|ула|ули|ул|ла|ли|ло", // past
    "ает|ают|аю|яет|яют|яю|ует|уют|ую|еет|еют|ешь|ишь|ете|ите|ет|ют|ут|ит|ят|ат|ать|ять|ить|еть|уть|ти|ть", // present
    "[аеиоуыьюяй]",
  ].join("|")})$`,
  "u",
);
const ENGLISH_ENDING = /(?:ations?|ings?|edly|ments?|ness|ions?|ies|ied|ers?|ed|es|ly|al|s|y|e)$/u;
const DOUBLED = /([bdgklmnprt])\1$/u;

/**
 * A word (lower case) without its ending: rough and cheap, one regular expression per alphabet. It only has to treat the
 * forms of one word alike; what it leaves apart, the embedder's prefixes and n-grams bring together again.
 */
export function stem(word: string): string {
  const cyrillic = /[а-я]/u.test(word);
  const base = cyrillic ? word.replace(RUSSIAN_REFLEXIVE, "") : word;
  const cut = base.replace(cyrillic ? RUSSIAN_ENDING : ENGLISH_ENDING, "");
  if (cut.length >= STEM_LETTERS_MIN) return cyrillic ? cut : cut.replace(DOUBLED, "$1");
  const last = base.replace(/[аеиоуыьюяйse]$/u, "");
  return last.length >= STEM_LETTERS_MIN ? last : base;
}
