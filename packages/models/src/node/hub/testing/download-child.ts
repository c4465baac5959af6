// Downloads one model and exits: tests start it as a process of its own, some to kill it.
import { openHubModel } from "../index.ts";

const [name = "", cacheDir = "", endpoint = ""] = process.argv.slice(2);
const model = await openHubModel(name, {
  cache_dir: cacheDir,
  endpoint,
  token: false,
  progress_callback: ({ status, file, loaded }) => process.stdout.write(`${status} ${file} ${loaded}\n`),
});
await model.download();
