#!/usr/bin/env node
import { demo } from "../demo.ts";
import { reporting } from "../errors.ts";
import { runInProcess } from "../node/process_io.ts";

await runInProcess((io) => reporting(io, () => demo(io)));
