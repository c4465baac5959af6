// Types of the host (a browser or Node) that published declarations name. A user's project may know some of them or
// none: TypeScript's `dom` library is an option, older ones lack WebGPU, `@types/node` is a package. So each package
// publishes a `host.d.ts` in which such a type is the project's own where it has one, and `any` otherwise, and
// declarations import from there.

import { dirname, relative } from "node:path";
import ts from "typescript";

/** The type of instances of a global class, where the project's libraries declare that class. */
const instance = (path: string): string => {
  const inner = path.split(".").reduceRight((type, name) => `{ ${name}: ${type} }`, "{ prototype: infer T }");
  return `typeof globalThis extends ${inner} ? T : any`;
};

const CLASSES = [
  ...[
    "AbortSignal",
    "Blob",
    "CacheStorage",
    "Headers",
    "ReadableStream",
    "Response",
    "URL",
    "WritableStream",
  ],
  ...["FileSystemDirectoryHandle", "FileSystemFileHandle", "StorageManager"],
  ...["GPU", "GPUAdapter", "GPUAdapterInfo", "GPUBindGroup", "GPUBindGroupLayout", "GPUBuffer"],
  ...["GPUCommandEncoder", "GPUComputePipeline", "GPUDevice"],
];

/** Each host type by the name it has in our sources. */
const HOST_TYPES: ReadonlyMap<string, string> = new Map([
  ...CLASSES.map((name) => [name, instance(name)] as const),
  // No class has it as its instances.
  ["BlobPart", "any"],
  ["RequestInit", "typeof globalThis extends { fetch: (url: never, init?: infer T) => unknown } ? T : any"],
]);

const MODULES = ["Memory", "Module"].map((name) => `  type ${name} = ${instance(`WebAssembly.${name}`)};`);

/** The text of `host.d.ts`. */
export const HOST_DECLARATIONS = [
  "// Types of the browser or of Node: the project's own where it has them.",
  ...[...HOST_TYPES].map(([name, type]) => `export type ${name} = ${type};`),
  `export declare namespace WebAssembly {\n${MODULES.join("\n")}\n}`,
  "",
].join("\n");

/** Lets a declaration file import the host types that it names from the `host.d.ts` in its package's `dist`. */
export const importHostTypes: ts.CustomTransformerFactory = (context) => ({
  transformSourceFile(file) {
    const named = hostTypesIn(file);
    if (named.length === 0) return file;
    const { factory } = context;
    const source = file.fileName.replace(/^(.*\/packages\/[^/]+\/src)\/.*$/, "$1/host.js");
    const path = relative(dirname(file.fileName), source);
    const specifiers = named.map((name) =>
      factory.createImportSpecifier(false, undefined, factory.createIdentifier(name)),
    );
    const host = factory.createImportDeclaration(
      undefined,
      factory.createImportClause(
        ts.SyntaxKind.TypeKeyword,
        undefined,
        factory.createNamedImports(specifiers),
      ),
      factory.createStringLiteral(path.startsWith(".") ? path : `./${path}`),
    );
    return factory.updateSourceFile(file, [host, ...file.statements]);
  },
  transformBundle: (bundle) => bundle,
});

/** The host types that a file names and does not declare or import itself. */
function hostTypesIn(file: ts.SourceFile): string[] {
  const [named, own] = [new Set<string>(), new Set<string>()];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) named.add(firstName(node.typeName));
    if (ts.isImportSpecifier(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
      own.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...HOST_TYPES.keys(), "WebAssembly"].filter((name) => named.has(name) && !own.has(name));
}

const firstName = (name: ts.EntityName): string => (ts.isIdentifier(name) ? name.text : firstName(name.left));
