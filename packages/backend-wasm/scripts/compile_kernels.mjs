// Compiles kernels/ to dist/kernels/<variant>.wasm, unless that is there and made from the same sources. Plain
// JavaScript, for it runs while the workspace is being installed: `node scripts/compile_kernels.mjs`.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "dist", "kernels");

/** What each variant may use beyond SIMD128 and atomics. */
const VARIANTS = { base: [], relaxed: ["relaxed-simd"] };

const FLAGS = [
  ...["-O3", "--noAssert", "--runtime", "stub"],
  // Shared, since atomics ask for it; the loader clears the flag where memory cannot be shared.
  ...["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
  // Vectors as arguments of exported functions: none is exported to JavaScript.
  ...["--disableWarning", "112"],
];

const require = createRequire(import.meta.url);
const compiler = dirname(require.resolve("assemblyscript/package.json"));

/** A fingerprint of everything that decides what comes out. */
function fingerprint() {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([VARIANTS, FLAGS]));
  hash.update(readFileSync(join(compiler, "package.json")));
  const sources = readdirSync(join(root, "kernels")).sort();
  for (const name of sources) hash.update(name).update(readFileSync(join(root, "kernels", name)));
  return hash.update(readFileSync(join(root, "src", "ids.ts"))).digest("hex");
}

/** Makes sure that the variants are compiled from the sources as they are now. */
export function compileKernels(variants = Object.keys(VARIANTS)) {
  const mark = fingerprint();
  mkdirSync(out, { recursive: true });
  for (const variant of variants) {
    const stamp = join(out, `${variant}.sha256`);
    const current = existsSync(join(out, `${variant}.wasm`)) && existsSync(stamp);
    if (!current || readFileSync(stamp, "utf8") !== mark) compile(variant, mark);
  }
}

function compile(variant, mark) {
  // Under a name of its own until it is whole: several processes may compile at once.
  const own = join(out, `${variant}.${process.pid}`);
  const features = ["simd", "threads", ...VARIANTS[variant]].join(",");
  const entry = join(root, "kernels", "index.ts");
  const asc = join(compiler, "bin", "asc.js");
  try {
    execFileSync(process.execPath, [asc, entry, "-o", `${own}.wasm`, "--enable", features, ...FLAGS], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    });
    writeFileSync(`${own}.sha256`, mark);
    renameSync(`${own}.wasm`, join(out, `${variant}.wasm`));
    renameSync(`${own}.sha256`, join(out, `${variant}.sha256`));
  } finally {
    rmSync(`${own}.wasm`, { force: true });
    rmSync(`${own}.sha256`, { force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) compileKernels();
