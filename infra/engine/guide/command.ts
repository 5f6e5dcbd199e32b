/** One command of the guide, and what became of it. */
export interface GuideCommand {
  /** "2.5": chapter and place in it; "page 63", "operations 15": a line of a page that we ship. */
  readonly id: string;
  /** As the guide has it, to the letter. */
  readonly written: string;
  /** What replaces it, and why; absent where it is right as it is. */
  readonly instead?: { readonly command: string; readonly why: string };
  /** The same with the drill's folders, where they are not those of the guide's chapters. */
  readonly run?: string;
  /** Seen in the output of what is run. */
  readonly shows?: RegExp;
  /** Ends by Ctrl-C alone: it is stopped after some seconds, which is not a failure. */
  readonly isEndless?: true;
  /** What is not run here and why, such as what needs a name of the operator's own. */
  readonly notRun?: string;
  /** Run before, when the one before it has left something to wait for. */
  readonly isAfterStart?: true;
}

/** The guide's own names, as they are called in the drill. */
export interface Names {
  /** Stands for /opt. */
  readonly folder: string;
  readonly domain: string;
  readonly key: string;
  readonly password: string;
  /** The day of the guide's backup. */
  readonly date: string;
}

/** What is run: the replacement, or the command itself, with the drill's names. */
export function toRun(command: GuideCommand, names: Names): string {
  return (command.instead?.command ?? command.run ?? command.written)
    .replaceAll("/opt/", `${names.folder}/`)
    .replaceAll("mem0.yourdomain.com", `mem0.${names.domain}`)
    .replaceAll("YOUR_MEM0_API_KEY", names.key)
    .replaceAll("your_password", names.password)
    .replaceAll("20250518", names.date);
}
