export { checkToken, defaultTransport, type HubClient, type Transport } from "./client.ts";
export { notCachedError, UnreachableError } from "./errors.ts";
export {
  decodeTree,
  encodeTree,
  fetchCommit,
  fetchTree,
  fileUrl,
  type HubFile,
  type HubTree,
  isSha1,
  isSha256,
  namesInside,
} from "./listing.ts";
export { checkHubOptions, HUB_OPTIONS, type HubOptions, type HubProgress } from "./options.ts";
export { openRemoteModel, type RemoteSetup } from "./remote.ts";
export {
  assertRepoId,
  assertRevision,
  checkEndpoint,
  DEFAULT_ENDPOINT,
  DEFAULT_REVISION,
  isCommit,
  isRepoId,
} from "./repo.ts";
export { type Answer, readAll, send, transientError, withRetries } from "./request.ts";
export { isReadable, wantedFiles } from "./wanted.ts";
