// What fewer bits cost: `tsx bench/quality/index.ts <text file> [model folder] [windows] [--json]`. Prints nats a token
// over windows of 512 tokens of the text, and what each way to keep weights and cache adds to those of float32. Limits
// are for the embedded model over stories that it was not trained on. Exits with 1 when one is passed.
import { readFileSync } from "node:fs";
import { embeddedModel } from "@fusewire/models/node";
import { measureQuality } from "./measure.ts";

async function main(): Promise<void> {
  const words = process.argv.slice(2).filter((word) => word !== "--json");
  const [text, directory = embeddedModel("tales"), windows = "64"] = words;
  if (text === undefined)
    throw new Error("usage: tsx bench/quality/index.ts <text file> [model folder] [windows] [--json]");
  const rows = await measureQuality(directory, readFileSync(text, "utf8"), Number(windows));
  if (process.argv.includes("--json")) console.log(JSON.stringify({ windows: Number(windows), rows }));
  else
    for (const { name, nats_per_token, added, limit } of rows)
      console.log(
        `${name.padEnd(16)} ${nats_per_token.toFixed(4)} nats a token, ${added < 0 ? "" : "+"}${added.toFixed(4)} (limit ${limit})`,
      );
  if (rows.some(({ added, limit }) => added > limit)) process.exitCode = 1;
}

await main();
