// What the packages of the workspace publish, as their package.json files say it.

import { readdirSync } from "node:fs";
import { join } from "node:path";

/** A value of `exports` or `imports`: a file, or files by condition. */
type Target = string | { readonly [condition: string]: Target };
type Targets = Readonly<Record<string, Target>>;

export interface Manifest {
  readonly name: string;
  readonly exports?: Targets;
  readonly imports?: Targets;
  readonly bin?: Targets;
  readonly publishConfig?: {
    readonly exports?: Targets;
    readonly imports?: Targets;
    readonly bin?: Targets;
  };
}

const FIELDS = ["exports", "imports", "bin"] as const;

export const packageFolders = (packages: string): string[] =>
  readdirSync(packages).map((name) => join(packages, name));

/** The modules that a user can reach by a name, `./dist/….js`. */
export const publishedFiles = ({ publishConfig = {} }: Manifest): string[] =>
  FIELDS.flatMap((field) => Object.values(publishConfig[field] ?? {}).flatMap(filesOf)).filter((file) =>
    /^\.\/dist\/.*\.js$/.test(file),
  );

const filesOf = (target: Target): string[] =>
  typeof target === "string" ? [target] : Object.values(target).flatMap(filesOf);

/** Names that work in the workspace but would be missing in the published package. Helpers of tests stay here. */
export const unpublished = ({ publishConfig = {}, ...manifest }: Manifest): string[] =>
  FIELDS.flatMap((field) =>
    Object.keys(manifest[field] ?? {}).filter(
      (name) => name !== "./testing" && publishConfig[field]?.[name] === undefined,
    ),
  );
