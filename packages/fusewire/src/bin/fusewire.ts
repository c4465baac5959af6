#!/usr/bin/env node
import { main } from "../cli.ts";
import { runInProcess } from "../node/process_io.ts";

await runInProcess((io) => main(process.argv.slice(2), io));
