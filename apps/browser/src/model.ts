import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threads from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import { AutoModelForCausalLM, AutoTokenizer, type CausalLM, type Device, type Tokenizer } from "fusewire";

export interface Teller {
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
}

// `?device=eager:wasm` and so on: to compare engines.
const device = (new URLSearchParams(location.search).get("device") ?? "auto") as Device;

/** Loads the model that lies beside the page; `onProgress` hears from 0 to 1. */
export async function loadTeller(onProgress: (done: number) => void): Promise<Teller> {
  const address = new URL("tales", document.baseURI).href;
  const [tokenizer, model] = await Promise.all([
    AutoTokenizer.from_pretrained(address),
    AutoModelForCausalLM.from_pretrained(address, {
      device,
      wasm_paths: {
        "tfjs-backend-wasm.wasm": plain,
        "tfjs-backend-wasm-simd.wasm": simd,
        "tfjs-backend-wasm-threaded-simd.wasm": threads,
      },
      progress_callback: (event) => {
        if ("weight" in event) onProgress(event.loaded / event.total);
      },
    }),
  ]);
  return { model, tokenizer };
}
