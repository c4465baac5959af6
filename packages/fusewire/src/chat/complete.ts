import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { commandNames, takesFile } from "./commands.ts";
import { pathOf } from "./files.ts";
import { SETTABLE } from "./set.ts";

/** What the Tab key makes of a line, as Node's readline asks: the ways to go on, and the part that they replace. */
export function complete(line: string): [readonly string[], string] {
  const [, name = "", argument] = /^\/([a-z]*)(?:\s+(.*))?$/s.exec(line) ?? [];
  if (!line.startsWith("/") || line.startsWith("//")) return [[], line];
  if (argument === undefined)
    return [
      commandNames()
        .map((one) => `/${one}`)
        .filter((one) => one.startsWith(line)),
      line,
    ];
  if (name === "set" && !argument.includes(" "))
    return [SETTABLE.filter((one) => one.startsWith(argument)), argument];
  return takesFile(name) ? [filesLike(argument), argument] : [[], line];
}

/** Paths that begin like this one; folders end in a slash. */
function filesLike(path: string): readonly string[] {
  const folder = path.endsWith("/") ? path : dirname(path);
  const start = path.endsWith("/") ? "" : basename(path);
  const shown = path.includes("/") ? (folder.endsWith("/") ? folder : `${folder}/`) : "";
  try {
    return readdirSync(pathOf(shown === "" ? "." : shown), { withFileTypes: true })
      .filter((entry) => entry.name.startsWith(start))
      .map((entry) => `${join(shown, entry.name)}${entry.isDirectory() ? "/" : ""}`)
      .sort();
  } catch {
    return [];
  }
}
