import type { AdapterFacts } from "@fusewire/backend-tfjs/adapter";
import type { SelfTest } from "@fusewire/passes";
import { adapterName } from "../devices.ts";
import { printable } from "../text/cells.ts";
import { formatBytes, plural } from "../text/units.ts";
import { wrap } from "../text/wrap.ts";
import type { DoctorFacts, Tests, WebGpuTests } from "./examine.ts";

const LABEL = 10;

/** The facts as a page of `width` columns. */
export function toPage(facts: DoctorFacts, width: number): string {
  const { runtime, system, memory, auto, wasm, webgpu, ok } = facts;
  const rows: (readonly [label: string, value: string])[] = [
    ["system", `${runtime}, ${system}`],
    ["memory", `${formatBytes(memory.total)}, ${formatBytes(memory.free)} of it free`],
    ["auto", `takes ${auto.device}: ${auto.reason}`],
    ["wasm", [simdOf(wasm), threadsOf(wasm)].join(", ")],
    ...testRows(wasm.tests),
    ...("refused" in webgpu
      ? [["webgpu", `none: ${webgpu.refused}`] as const]
      : [
          ...webgpu.adapters.flatMap(adapterRows),
          ["", subgroupsOf(webgpu.subgroups)] as const,
          ...testRows(webgpu.tests),
        ]),
    ["verdict", ok ? "every self-test passed" : "a self-test FAILED: do not trust that device"],
  ];
  const indent = " ".repeat(LABEL);
  return rows
    .map(([label, value]) => `${wrap(label.padEnd(LABEL) + printable(value), width, indent)}\n`)
    .join("");
}

const simdOf = ({ simd }: DoctorFacts["wasm"]): string =>
  simd === "relaxed" ? "relaxed SIMD" : "plain SIMD";

const threadsOf = ({ threads, threads_reason }: DoctorFacts["wasm"]): string =>
  threads_reason ?? `${plural(threads, "thread")} over shared memory`;

const adapterRows = (facts: AdapterFacts): (readonly [string, string])[] => [
  ["webgpu", `${adapterName(facts)}${facts.software ? ", software: no GPU" : ""}`],
  ["", `features: ${facts.features.length === 0 ? "none" : [...facts.features].sort().join(", ")}`],
  ["", `limits: ${Object.entries(facts.limits).map(limitOf).join(", ")}`],
];

const subgroupsOf = ({ claimed, width }: WebGpuTests["subgroups"]): string =>
  [
    width > 1 ? `lanes exchange values by ${width}, as tried` : "lanes exchange no values",
    ...(width < Math.min(claimed, 32) ? [`the driver speaks of subgroups of ${claimed}`] : []),
  ].join("; ");

const limitOf = ([name, value]: readonly [string, number]): string =>
  `${name} ${/Size$/.test(name) && /Buffer|Storage/.test(name) ? formatBytes(value) : value}`;

const testRows = (tests: Tests): (readonly [string, string])[] =>
  Object.entries(tests).flatMap(([variant, test]) => [
    ["", `${variant}: ${verdictOf(test)}`],
    ...failuresOf(test).map((failure) => ["", `  ${failure}`] as const),
  ]);

function verdictOf({ results, row_stable, ok }: SelfTest): string {
  const failed = results.filter((result) => !result.ok).length;
  const ended = results.some(({ error }) => error !== undefined);
  const tests = plural(results.length, "kernel test");
  return [
    ok ? `${tests} passed` : `${failed} of ${tests} FAILED`,
    ...(ended ? ["and the rest was not run"] : []),
    ...(row_stable === undefined
      ? []
      : [row_stable ? "rows keep their bits" : "rows do NOT keep their bits"]),
  ].join(", ");
}

const failuresOf = ({ results, unstable }: SelfTest): string[] => [
  ...results
    .filter(({ ok }) => !ok)
    .map(
      ({ kernel, difference, error }) =>
        `${kernel}: ${firstLine(error) ?? `off by ${difference.toPrecision(2)}`}`,
    ),
  ...unstable.map((kernel) => `${kernel}: other bits beside other rows`),
];

/** Drivers go on for pages; `--json` has all of it. */
const firstLine = (text: string | undefined): string | undefined => text?.trim().split("\n")[0];
