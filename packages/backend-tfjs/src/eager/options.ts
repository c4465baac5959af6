/** Where a browser finds the binaries of the wasm backend: a folder, or a URL for each file. */
export type WasmPaths =
  | string
  | Readonly<
      Partial<
        Record<
          "tfjs-backend-wasm.wasm" | "tfjs-backend-wasm-simd.wasm" | "tfjs-backend-wasm-threaded-simd.wasm",
          string
        >
      >
    >;

export interface EagerOptions {
  /** For the wasm backend in browsers, which unlike Node cannot find the files by themselves. */
  readonly wasmPaths?: WasmPaths;
}
