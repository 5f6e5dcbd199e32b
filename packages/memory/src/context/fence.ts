/** Texts of a context at most so long; the whole is one call away, by its id. */
const CHARACTERS_MAX = 500;
/** Of a text so much is looked at, invisible signs and white space among it: contents may have 64 KiB. */
const CHARACTERS_READ_MAX = 8_000;

/**
 * A stored text as one line of data in a prompt: whatever stands in it, it is no other line, no end of the block, no mark of a
 * chat template and no id. Said in look-alikes, so that people and models read the same as before.
 */
export function fence(text: string): string {
  const line = text
    .slice(0, CHARACTERS_READ_MAX)
    .normalize("NFC")
    .toWellFormed()
    // Line breaks and controls, and what nobody sees; but for what joins letters and emoji and chooses their form,
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replaceAll(/[[\p{Cf}\p{Default_Ignorable_Code_Point}]--[\p{Join_Control}\u{fe0e}\u{fe0f}]]/gv, "")
    // which in ASCII have nothing to do, and would hide a mark from what follows: keycaps alone have one.
    .replaceAll(/(?<=\p{ASCII})(?!\u{fe0f}\u{20e3})[\p{Join_Control}\u{fe0e}\u{fe0f}]+/gu, "")
    // Tags of every kind: </memories>, <|im_end|>, <<SYS>>, in full width too.
    .replaceAll(/[<＜﹤〈]/gu, "‹")
    .replaceAll(/[>＞﹥〉]/gu, "›")
    // [/TOOL_RESULTS] and its like, [INST] in any case, and what would pass for a citation.
    .replaceAll(/\[([\s/\p{M}\p{Join_Control}]*[A-Z][A-Z_]+\s*)\]/gu, "($1)")
    .replaceAll(/\[(?=[\s/\p{M}\p{Join_Control}]*(?:INST|mem_|msg_))/giu, "(")
    .replaceAll(/`{3,}/gu, "''")
    .trim();
  return line.length <= CHARACTERS_MAX ? line : `${line.slice(0, CHARACTERS_MAX).toWellFormed().trimEnd()}…`;
}
