/** A metric in an expression of Prometheus, with the labels that it is selected by. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

const KEYWORDS = new Set(["and", "or", "unless", "bool", "offset", "inf", "nan"]);
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const SELECTOR = /(?<!\w)([A-Za-z_:][\w:]*)\s*(\(|\{[^}]*\})?/g;

/**
 * The metrics that an expression reads, and the labels it groups by. No parser (promtool is one): it knows as much of the
 * language as it takes to tell a metric from a function, a label and a duration.
 */
export function readPromql(expression: string): { readonly selectors: Selector[]; readonly groupedBy: string[] } {
  const plain = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\[[^\]]*\]/g, "");
  const groupedBy = [...plain.matchAll(GROUPING)].flatMap(([, labels = ""]) => labels.match(/\w+/g) ?? []);
  const selectors = [...plain.replaceAll(GROUPING, "").matchAll(SELECTOR)]
    .filter(([, name = "", after]) => after !== "(" && !KEYWORDS.has(name.toLowerCase()))
    .map(([, metric = "", after = ""]) => ({
      metric,
      labels: [...after.matchAll(/(\w+)\s*(?:=|!)/g)].map(([, label = ""]) => label),
    }));
  return { selectors, groupedBy };
}
