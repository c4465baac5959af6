import { testVariants } from "@fusewire/backend-wasm";

// Two threads, whatever the machine has.
postMessage(await testVariants({ threads: 2 }));
