/** For tests alone: an engine beside the interpreter. Needs fast-check. */
export {
  ALL_OR_NONE,
  computeWith,
  expectAgreement,
  expectKernel,
  expectRandomAgreement,
  kernelModule,
  MEDDLING,
  TOLERANCE,
  type Values,
} from "./agreement.ts";
export { expectDisposedRefused } from "./disposal.ts";
