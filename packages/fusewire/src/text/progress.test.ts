import { expect, test } from "vitest";
import { createProgress, formatCount } from "./progress.ts";

function recorder(columns?: number) {
  const written: string[] = [];
  return { written, out: { columns, write: (text: string) => written.push(text) } };
}

const file = (
  name: string,
  loaded: number,
  total: number,
  status: "download" | "done" | "wait" | "cached",
) => ({
  file: name,
  loaded,
  total,
  status,
});

test("without a terminal: a line for each tenth of a large file, and one for what has come", () => {
  const { written, out } = recorder();
  const progress = createProgress(out);
  progress.report(file("config.json", 0, 700, "download"));
  progress.report(file("config.json", 700, 700, "done"));
  for (const loaded of [0, 1e6, 50e6, 51e6, 100e6])
    progress.report(file("model.safetensors", loaded, 100e6, "download"));
  progress.report(file("model.safetensors", 100e6, 100e6, "done"));
  progress.report(file("other.json", 5, 5, "cached"));
  progress.report(file("more.safetensors", 0, 5, "wait"));
  progress.report({ weight: "w", loaded: 1, total: 2 });
  progress.end();
  expect(written.join("")).toBe(
    [
      "downloaded config.json, 700 bytes",
      "downloading model.safetensors, 0 % of 100.0 MB",
      "downloading model.safetensors, 50 % of 100.0 MB",
      "downloading model.safetensors, 100 % of 100.0 MB",
      "downloaded model.safetensors, 100.0 MB",
      "another process downloads more.safetensors",
      "",
    ].join("\n"),
  );
});

test("at a terminal: one line within its columns, a few times a second, and no trace at the end", () => {
  const { written, out } = recorder(40);
  let now = 0;
  const progress = createProgress(out, () => now);
  progress.report(file("model-00001-of-00002.safetensors", 1, 10e9, "download"));
  expect(written).toEqual([]);
  now = 400;
  progress.report(file("model-00001-of-00002.safetensors", 5e9, 10e9, "download"));
  progress.report(file("model-00001-of-00002.safetensors", 6e9, 10e9, "download"));
  now = 600;
  progress.report(file("b", 0, 2e9, "download"));
  now = 800;
  progress.report(file("b", 2e9, 2e9, "done"));
  now = 1000;
  progress.report({ weight: "w", loaded: 67e6, total: 134e6 });
  progress.end();
  expect(written).toEqual([
    "\r 50 % of 10.0 GB, downloading model-00…\u001b[K",
    "\r 50 % of 12.0 GB, downloading 2 files\u001b[K",
    "\r 60 % of 10.0 GB, downloading model-00…\u001b[K",
    "\r 50 % of 134 million parameters loaded\u001b[K",
    "\r\u001b[K",
  ]);
});

test("counts as people say them", () => {
  expect([950, 117_056, 3_221_952, 134_515_008, 7_241_732_096].map(formatCount)).toEqual([
    "950",
    "117,056",
    "3.22 million",
    "135 million",
    "7.24 billion",
  ]);
});
