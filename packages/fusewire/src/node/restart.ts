import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Io } from "../io.ts";

/** Set in a process that was started so. */
const MARK = "FUSEWIRE_RESTARTED";
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** How this process runs its command once more in another; undefined where it is that other one. */
export function restarter(): Io["restart"] {
  if (process.env[MARK] === "1") return undefined;
  return async (environment) => {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: "inherit",
      env: { ...process.env, ...environment, [MARK]: "1" },
    });
    const passOn = (signal: NodeJS.Signals) => void child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, passOn);
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    for (const name of SIGNALS) process.off(name, passOn);
    if (signal === null) return code ?? 1;
    // Whoever started this process learns that way what ended the other.
    process.kill(process.pid, signal);
    return 128 + constants.signals[signal];
  };
}
