// The embedded model behind the routes, on a port of this machine.

import { embeddedModel } from "@fusewire/models/node";
import { type AppOptions, type BatcherOptions, createApp, createBatcher } from "@fusewire/serve";
import { listen } from "@fusewire/serve/node";
import { AutoModelForCausalLM, AutoTokenizer } from "fusewire";

export async function serveTales(batch: BatcherOptions = {}, app: Partial<AppOptions> = {}) {
  const folder = embeddedModel("tales");
  const tokenizer = await AutoTokenizer.from_pretrained(folder);
  const model = await AutoModelForCausalLM.from_pretrained(folder, { device: "wasm", threads: 1 });
  const batcher = await createBatcher(model, { slots: 4, max_length: 512, ...batch });
  model.runtime.programs.failOnRecompile(true);
  const served = { id: "tales", created: 0, tokenizer, batcher, defaults: model.generation_config };
  const server = await listen(createApp({ served: () => served, ...app }), {
    port: 0,
    host: "127.0.0.1",
  });
  return {
    ...{ model, tokenizer, batcher, url: server.url },
    async close() {
      server.kill();
      await server.close();
      await batcher.dispose();
      await model.dispose();
    },
  };
}
