import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Report } from "./report.ts";

/** One bar a contestant, as SVG, with the value beside it. */
export async function plot({ bench, shown: [figure, title], about, contestants }: Report): Promise<string> {
  const values = Object.entries(contestants).flatMap(([name, figures]) => {
    const value = figures[figure];
    return typeof value === "number" ? [{ name, value, label: `${Number(value.toPrecision(3))}` }] : [];
  });
  const order = values.map(({ name }) => name);
  const y = { field: "name", type: "nominal", sort: order, title: null, axis: { labelLimit: 300 } } as const;
  const x = { field: "value", type: "quantitative", title, scale: { zero: true } } as const;
  const spec: TopLevelSpec = {
    background: "white",
    width: 420,
    padding: 12,
    title: {
      text: about.model === undefined ? `bench ${bench}` : `bench ${bench}: ${about.model}`,
      subtitle: `${about.device}, ${about.device_is}`,
      anchor: "start",
      offset: 12,
    },
    data: { values },
    layer: [
      { mark: { type: "bar", height: { band: 0.7 } }, encoding: { x, y } },
      {
        mark: { type: "text", align: "left", dx: 4 },
        encoding: { x, y, text: { field: "label", type: "nominal" } },
      },
    ],
  };
  return new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}
