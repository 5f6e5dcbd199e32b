/** Texts of a context at most so long; the whole is one call away, by its id. */
const CHARACTERS_MAX = 500;

/**
 * A stored text as one line of data in a prompt: whatever stands in it, it is no other line, no end of the block, no mark of a
 * chat template and no id. Said in look-alikes, so that people and models read the same as before.
 */
export function fence(text: string): string {
  const line = text
    .normalize("NFC")
    .toWellFormed()
    // Line breaks and controls; of the formats those stay that join letters and emoji.
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replaceAll(/[\p{Cf}--[\u{200c}\u{200d}]]/gv, "")
    // Tags of every kind: </memories>, <|im_end|>, <<SYS>>, in full width too.
    .replaceAll(/[<＜﹤〈]/gu, "‹")
    .replaceAll(/[>＞﹥〉]/gu, "›")
    // [INST], and what would pass for a citation.
    .replaceAll(/\[(?=\s*\/?\s*(?:INST|mem_|msg_))/giu, "(")
    .replaceAll(/`{3,}/gu, "''")
    .trim();
  return line.length <= CHARACTERS_MAX ? line : `${line.slice(0, CHARACTERS_MAX).toWellFormed().trimEnd()}…`;
}
