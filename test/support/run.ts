import { execFile } from "node:child_process";

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a program writes, to each stream; one that fails is an error that shows it. */
export const runBoth = (
  program: string,
  args: readonly string[],
  { cwd, env }: RunOptions,
): Promise<{ readonly stdout: string; readonly stderr: string }> =>
  new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error }));
      else resolve({ stdout, stderr });
    });
  });

/** What a program writes to stdout. */
export const run = async (program: string, args: readonly string[], options: RunOptions): Promise<string> =>
  (await runBoth(program, args, options)).stdout;
