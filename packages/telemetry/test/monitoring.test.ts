import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { knownMetrics } from "./exporters.ts";
import { readPromql } from "./promql.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const prometheus = `${root}infra/prometheus`;
const grafana = `${root}infra/grafana`;

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}

interface RuleTests {
  readonly rule_files: readonly string[];
  readonly tests: readonly {
    readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
    readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples?: readonly unknown[] }[];
  }[];
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const namesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith(ending));
const readYaml = (path: string): unknown => parse(readFileSync(path, "utf8"));

const ruleFiles = namesIn(`${prometheus}/rules`, ".yaml");
const rules = ruleFiles.flatMap((name) =>
  (readYaml(`${prometheus}/rules/${name}`) as RuleFile).groups.flatMap((group) => group.rules),
);
const alerts = rules.flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }]));
const dashboards = namesIn(`${grafana}/dashboards`, ".json").map(
  (name) => JSON.parse(readFileSync(`${grafana}/dashboards/${name}`, "utf8")) as Dashboard,
);
const known = knownMetrics();
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));

/** What an expression names that nobody tells: metrics, and labels of metrics that have them not. */
function faultsOf(expression: string): string[] {
  const { selectors, groupedBy } = readPromql(expression);
  const faults: string[] = [];
  // What is recorded has the labels that its rule groups by, which promtool's tests of the alerts show.
  const isOfRecords = selectors.some(({ metric }) => recorded.has(metric));
  const labelsOfAll = new Set(selectors.flatMap(({ metric }) => [...(known.get(metric) ?? [])]));
  for (const { metric, labels } of selectors) {
    const allowed = known.get(metric);
    if (allowed === undefined && !recorded.has(metric)) faults.push(metric);
    for (const label of labels) if (allowed?.has(label) === false) faults.push(`${metric}{${label}}`);
  }
  if (!isOfRecords) faults.push(...groupedBy.filter((label) => !labelsOfAll.has(label)).map((label) => `by ${label}`));
  return faults;
}

describe("readPromql", () => {
  test("finds metrics and labels, and takes no function, keyword, duration or text for one", () => {
    const text = `sum by (le, route) (rate(a_bucket{route!~"/x|y",status="5.."}[5m])) / on(job) max(b:c) > 0.5 and d offset 5m`;
    expect(readPromql(text)).toEqual({
      selectors: [
        { metric: "a_bucket", labels: ["route", "status"] },
        { metric: "b:c", labels: [] },
        { metric: "d", labels: [] },
      ],
      groupedBy: ["le", "route", "job"],
    });
  });
});

describe("the rules of Prometheus", () => {
  test.each(rules.map((rule) => [rule.alert ?? rule.record ?? "", rule] as const))(
    "%s reads metrics and labels that there are",
    (_name, rule) => expect(faultsOf(rule.expr)).toEqual([]),
  );

  test("a metric or a label that nobody tells is found", () => {
    expect(faultsOf("sum by (topic) (engram_outbox_waiting)")).toEqual(["engram_outbox_waiting", "by topic"]);
    expect(faultsOf('engram_outbox_pending{user="1"}')).toEqual(["engram_outbox_pending{user}"]);
  });

  test.each(alerts.map((rule) => [rule.alert, rule] as const))("%s has a severity and a runbook", (_name, rule) => {
    const [page = "", anchor = ""] = (rule.annotations?.["runbook"] ?? "").split("#");
    const headings = [...readFileSync(`${root}${page}`, "utf8").matchAll(/^### (\w+)$/gm)].map(([, heading]) =>
      heading?.toLowerCase(),
    );
    expect(["warning", "critical"]).toContain(rule.labels?.["severity"]);
    expect(headings).toContain(anchor);
  });

  test.each(alerts.map(({ alert }) => alert))("%s is shown firing and not firing", (alert) => {
    const cases = namesIn(`${prometheus}/tests`, ".yaml")
      .flatMap((name) => (readYaml(`${prometheus}/tests/${name}`) as RuleTests).tests)
      .flatMap(({ alert_rule_test: tests = [] }) => tests)
      .filter(({ alertname }) => alertname === alert);
    expect(cases.map(({ exp_alerts: expected }) => expected.length > 0)).toEqual(expect.arrayContaining([true, false]));
  });

  test.each([...recorded])("what %s records is shown", (record) => {
    const shown = namesIn(`${prometheus}/tests`, ".yaml")
      .flatMap((name) => (readYaml(`${prometheus}/tests/${name}`) as RuleTests).tests)
      .flatMap(({ promql_expr_test: tests = [] }) => tests)
      .filter(({ expr }) => readPromql(expr).selectors.some(({ metric }) => metric === record));
    expect(shown.flatMap(({ exp_samples: samples = [] }) => samples)).not.toEqual([]);
  });

  test("each file has its tests", () => {
    const tested = namesIn(`${prometheus}/tests`, ".yaml").flatMap(
      (name) => (readYaml(`${prometheus}/tests/${name}`) as RuleTests).rule_files,
    );
    expect([...new Set(tested)].sort()).toEqual(ruleFiles.map((name) => `../rules/${name}`).sort());
  });
});

describe("the dashboards of Grafana", () => {
  test.each(dashboards.flatMap(({ title, panels }) => panels.map((panel) => [title, panel.title, panel] as const)))(
    "%s, %s reads metrics and labels that there are",
    (_dashboard, _title, { targets }) => {
      expect(targets.length).toBeGreaterThan(0);
      expect(targets.flatMap(({ expr }) => faultsOf(expr))).toEqual([]);
    },
  );

  test("all ask the data source that is provisioned", () => {
    const { datasources } = readYaml(`${grafana}/provisioning/datasources/prometheus.yaml`) as {
      datasources: readonly { uid: string }[];
    };
    const asked = dashboards.flatMap(({ panels }) =>
      panels.flatMap(({ datasource, targets }) => [datasource.uid, ...targets.map((one) => one.datasource.uid)]),
    );
    expect([...new Set(asked)]).toEqual(datasources.map(({ uid }) => uid));
  });

  test("every metric of ours is on one of them", () => {
    const shown = new Set(
      [...dashboards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets)), ...rules].flatMap(({ expr }) =>
        readPromql(expr).selectors.map(({ metric }) => metric.replace(/_(bucket|sum|count)$/, "")),
      ),
    );
    const ours = [...known.keys()]
      .filter((name) => name.startsWith("engram_") && !/^engram_(nodejs|process)_/.test(name))
      .map((name) => name.replace(/_(bucket|sum|count)$/, ""));
    expect([...new Set(ours)].filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe("the compose files", () => {
  interface Compose {
    readonly services: Readonly<
      Record<
        string,
        {
          readonly profiles?: readonly string[];
          readonly ports?: readonly string[];
          readonly volumes?: readonly string[];
        }
      >
    >;
  }
  const { services } = readYaml(`${root}docker-compose.yaml`) as Compose;

  test.each(["prometheus", "grafana"])("%s is of the profile monitoring, and for this machine alone", (name) => {
    expect(services[name]?.profiles).toEqual(["monitoring"]);
    const ports = services[name]?.ports ?? [];
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const volume of services[name]?.volumes ?? [])
      if (volume.startsWith("./")) expect(existsSync(`${root}${volume.split(":")[0]}`)).toBe(true);
  });

  test("every name that Prometheus looks up is a service", () => {
    const exporters = readFileSync(`${root}docker-compose.exporters.yaml`, "utf8");
    const all = { ...services, ...(parse(exporters, { merge: true }) as Compose).services };
    const { scrape_configs: jobs } = readYaml(`${prometheus}/prometheus.yaml`) as {
      scrape_configs: readonly { dns_sd_configs?: readonly { names: readonly string[] }[] }[];
    };
    const names = jobs.flatMap(({ dns_sd_configs: looked = [] }) => looked.flatMap((one) => one.names));
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !Object.hasOwn(all, name))).toEqual([]);
  });
});
