// What may import what. Type-only imports count as well: a type that points up a layer is still a dependency.

/** Packages in layer order, each with the packages it may use. */
const layers = {
  ir: [],
  passes: ["ir"],
  models: ["ir"],
  "backend-tfjs": ["ir", "passes"],
  "backend-wasm": ["ir", "passes"],
  generate: ["ir", "passes", "models"],
  serve: ["ir", "passes", "models", "generate"],
  fusewire: ["ir", "passes", "models", "backend-tfjs", "backend-wasm", "generate", "serve"],
};

const test = "[.]test[.]ts$";
/** Helpers of tests, which other packages' tests may use through the subpath `testing`. */
const testing = "/src/testing/";
const members = Object.keys(layers);
const either = (names) => `(${names.join("|")})`;

/** Everything of ours that a package must not reach: other packages, and the folders that use packages. */
const layerRules = members.map((name) => ({
  name: `layer-${name}`,
  comment: `packages/${name} may import ${layers[name].join(", ") || "no other package"} only`,
  severity: "error",
  from: { path: `^packages/${name}/` },
  to: {
    path: "^(packages|examples|bench|test|apps|scripts)/",
    pathNot: `^packages/${either([name, ...layers[name]])}/`,
  },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...layerRules,
    {
      name: "no-circular-file",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-circular-folder",
      comment:
        "sibling folders depend one way; a folder and the files beside it may use each other, as may tests and their helpers",
      severity: "error",
      scope: "folder",
      from: { path: "^packages/[^/]+/src/.", pathNot: "/src/testing$" },
      to: { circular: true, pathNot: "/src/testing$", viaOnly: { path: "^packages/[^/]+/src/." } },
    },
    {
      name: "no-unknown-package",
      comment: "a new package needs its line in `layers` first",
      severity: "error",
      from: { path: "^packages/", pathNot: `^packages/${either(members)}/` },
      to: {},
    },
    {
      name: "no-deep-import",
      comment: "another package is reached by its public exports, never by a file path",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/", pathNot: "^packages/$1/", dependencyTypes: ["local"] },
    },
    {
      name: "no-node-in-portable-code",
      comment: "browsers run this code: what needs Node belongs in src/node, in fusewire or in a test",
      severity: "error",
      from: {
        path: `^packages/${either(members.filter((name) => name !== "fusewire"))}/src/`,
        pathNot: ["/src/node/", test],
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "no-node-entry-in-portable-code",
      comment: "only through a `#name` of package.json, which gives browsers another file",
      severity: "error",
      from: {
        path: `^packages/${either(members.filter((name) => name !== "fusewire"))}/src/`,
        pathNot: ["/src/node/", test],
      },
      to: { path: "^packages/[^/]+/src/node/", dependencyTypesNot: ["aliased-subpath-import"] },
    },
    {
      name: "no-test-in-code",
      severity: "error",
      from: { pathNot: [test, testing, "^test/"] },
      to: { path: [test, testing] },
    },
    {
      name: "no-unresolved",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-undeclared",
      comment: "a package's code imports only what its package.json lists; tests and builds may use tools",
      severity: "error",
      from: { path: "^packages/", pathNot: [test, testing, "^packages/[^/]+/scripts/"] },
      // Optional peers are listed twice: as peers, and for our own tests as tools.
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["npm-peer"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: ["/dist/", "^test/goldens/"] },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["node", "import", "types", "default"],
    },
  },
};
