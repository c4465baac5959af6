/** Counters, gauges and histograms in the text format that Prometheus reads (exposition format 0.0.4). */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(count: number, labels?: Labels): void;
  text(): string;
}

export interface Histogram {
  observe(value: number): void;
  text(): string;
}

export function counter(name: string, help: string, common: Labels): Counter {
  const counts = new Map<string, number>();
  return {
    add(count, labels = {}) {
      const key = labelText({ ...common, ...labels });
      counts.set(key, (counts.get(key) ?? 0) + count);
    },
    text: () =>
      heading(name, help, "counter") +
      lines(name, counts.size > 0 ? counts : new Map([[labelText(common), 0]])),
  };
}

export const gauge = (name: string, help: string, value: number, labels: Labels): string =>
  heading(name, help, "gauge") + lines(name, new Map([[labelText(labels), value]]));

/** Counts how many values lie at or below each of the rising edges. */
export function histogram(name: string, help: string, edges: readonly number[], labels: Labels): Histogram {
  const below = edges.map(() => 0);
  let sum = 0;
  let count = 0;
  return {
    observe(value) {
      for (const [k, edge] of edges.entries()) if (value <= edge) below[k]! += 1;
      sum += value;
      count += 1;
    },
    text() {
      const bucket = (le: string, value: number): [string, number] => [labelText({ ...labels, le }), value];
      const buckets = new Map([
        ...edges.map((edge, k) => bucket(String(edge), below[k]!)),
        bucket("+Inf", count),
      ]);
      const whole = labelText(labels);
      return `${heading(name, help, "histogram")}${lines(`${name}_bucket`, buckets)}${name}_sum${whole} ${sum}\n${name}_count${whole} ${count}\n`;
    },
  };
}

const heading = (name: string, help: string, type: string): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

const lines = (name: string, values: ReadonlyMap<string, number>): string =>
  [...values].map(([labels, value]) => `${name}${labels} ${value}\n`).join("");

const labelText = (labels: Labels): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/["\\\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`)
    .join(",")}}`;
