import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goldenModel } from "./run.ts";

/** Changes the content of a file; undefined where it is to be left out. */
export type Change = (content: Buffer) => Buffer | string;

/** A copy of a small Llama with one file changed. */
export async function brokenModel(file: string, change: Change): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "fusewire-broken-"));
  await cp(goldenModel("llama"), directory, { recursive: true });
  const path = join(directory, file);
  await writeFile(path, change(await readFile(path)));
  return directory;
}

/** Changes values of a JSON file. */
export const withValues =
  (values: Readonly<Record<string, unknown>>): Change =>
  (content) =>
    JSON.stringify({ ...(JSON.parse(content.toString()) as object), ...values });

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Changes the header of a safetensors file, which keeps its length. */
export const withHeader =
  (change: (header: Record<string, HeaderEntry>) => void): Change =>
  (content) => {
    const length = Number(content.readBigUInt64LE(0));
    const header = JSON.parse(content.toString("utf8", 8, 8 + length)) as Record<string, HeaderEntry>;
    change(header);
    const text = Buffer.from(JSON.stringify(header).padEnd(length));
    if (text.length !== length) throw new Error("the changed header is longer than the old one");
    return Buffer.concat([content.subarray(0, 8), text, content.subarray(8 + length)]);
  };
