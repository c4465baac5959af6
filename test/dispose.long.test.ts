/** Memory over twenty loads and disposals of a model, in a process of its own. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

test.each([1, 2])("twenty loads and disposals take no more memory than one: %i threads", async (threads) => {
  const script = `
    import { AutoModelForCausalLM } from "./packages/fusewire/src/index.ts";
    const loads = [];
    for (let k = 0; k < 20; k++) {
      const options = { device: "wasm", dtype: "float32", threads: ${threads} };
      const model = await AutoModelForCausalLM.from_pretrained("packages/models/assets/tales", options);
      await model.generate({ input_ids: [[5, 6, 7]] }, { max_new_tokens: 4 });
      const { rss } = process.memoryUsage();
      await model.dispose();
      loads.push({ rss, held: model.runtime.engine.held() });
    }
    console.log(JSON.stringify(loads));
  `;
  const node = ["--import", "tsx", "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: root });
  const loads = JSON.parse(stdout) as { rss: number; held: { bytes: number; tensors: number } }[];
  expect(loads.map(({ held }) => held)).toEqual(loads.map(() => ({ bytes: 0, tensors: 0 })));
  // The first two also load code; later ones hold one more that the collector has not come to.
  const one = Math.max(...loads.slice(0, 2).map(({ rss }) => rss));
  expect(Math.max(...loads.map(({ rss }) => rss)) / one).toBeLessThan(1.1);
});
