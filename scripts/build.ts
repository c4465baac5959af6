// `pnpm build`: writes what is published, plain ES modules and their types, into each package's dist.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { readableDeclarations } from "./declarations.ts";
import { HOST_DECLARATIONS, importHostTypes } from "./host_types.ts";
import { type Manifest, packageFolders, publishedFiles, unpublished } from "./packages.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = join(root, "packages");

function build(): number {
  const started = performance.now();
  const roots: string[] = [];
  const folders = packageFolders(packages);
  for (const folder of folders) {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    const missing = unpublished(manifest);
    if (missing.length > 0) return fail(`${manifest.name}: publishConfig does not publish ${missing}`);
    const sources = publishedFiles(manifest).map((file) => join(folder, sourceOf(file)));
    const absent = sources.find((file) => !existsSync(file));
    if (absent) return fail(`${manifest.name}: publishConfig names what ${absent} should give`);
    roots.push(...sources);
  }
  const program = ts.createProgram(roots, compilerOptions());
  const problems = ts.getPreEmitDiagnostics(program);
  if (problems.length > 0) return fail(ts.formatDiagnostics(problems, formatHost));
  for (const folder of folders) removeOld(join(folder, "dist"));
  const emitted = program.emit(undefined, write, undefined, false, {
    afterDeclarations: [readableDeclarations, importHostTypes],
  });
  for (const folder of folders) write(join(folder, "dist", "host.d.ts"), HOST_DECLARATIONS);
  if (emitted.diagnostics.length > 0) return fail(ts.formatDiagnostics(emitted.diagnostics, formatHost));
  console.log(`built ${packages} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return 0;
}

/** The workspace's own options, one program for all packages: each file is read and checked once. */
function compilerOptions(): ts.CompilerOptions {
  const file = join(root, "tsconfig.json");
  const read = ts.getParsedCommandLineOfConfigFile(
    file,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  );
  return {
    ...read?.options,
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: packages,
    outDir: packages,
  };
}

/** Only what the compiler writes: other things in dist, such as kernels, come from elsewhere. */
function removeOld(dist: string): void {
  if (!existsSync(dist)) return;
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" }))
    if (/\.(js|d\.ts)$/.test(name)) rmSync(join(dist, name));
}

function write(path: string, text: string): void {
  const file = path.replace(/^(.*\/packages\/[^/]+)\/src\//, "$1/dist/");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    file.endsWith(".js") ? text.replace(WORKER, 'new URL("$1.js", import.meta.url)') : text,
  );
}

/** Files that are named rather than imported: the compiler leaves their endings as they are. */
const WORKER = /new URL\("(\.[^"]*)\.ts", import\.meta\.url\)/g;

const sourceOf = (file: string): string => file.replace("./dist/", "src/").replace(/\.js$/, ".ts");

const formatHost: ts.FormatDiagnosticsHost = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => root,
  getNewLine: () => "\n",
};

function fail(message: string): number {
  console.error(message);
  return 1;
}

process.exitCode = build();
