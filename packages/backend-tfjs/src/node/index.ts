export { type AdapterEnvironment, softwareAdapter } from "./software_adapter.ts";
