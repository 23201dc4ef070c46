/** The public library: what other programs import. The only barrel. */
export type { ErrorCode } from './errors.js';
export { DisktroError, isDisktroError } from './errors.js';
export type { ChunkOptions, ChunkProgress, ChunkResult } from './ops/chunk.js';
export { chunkDescriptor, chunkFile, chunkStream } from './ops/chunk.js';
export type { DrillFailure, DrillOptions, DrillResult, Sample } from './ops/drill.js';
export { drill } from './ops/drill.js';
export type { FileFilter } from './ops/file-filter.js';
export type { FileInfo, FileSummary, RemoveResult } from './ops/files.js';
export { fileInfo, listFiles, removeFiles } from './ops/files.js';
export type { ForgetGroup, ForgetOptions, GroupPart, Judged } from './ops/forget.js';
export { forgetFiles, planForget } from './ops/forget.js';
export type { GcOptions, GcResult } from './ops/gc.js';
export { collectGarbage } from './ops/gc.js';
export type { Home, HomeOptions } from './ops/home.js';
export { hasVault, openHome } from './ops/home.js';
export type {
  ReadOptions,
  ReassembleOptions,
  ReassembleProgress,
  ReassembleResult,
} from './ops/reassemble.js';
export { reassembleFile, reassembleStream, reassembleToDescriptor } from './ops/reassemble.js';
export type { RebuildOptions, RebuildResult } from './ops/rebuild.js';
export { rebuildCatalog } from './ops/rebuild.js';
export { resolveFileId } from './ops/resolve.js';
export type { KeepRules, Period } from './ops/retention.js';
export type { SlotSummary } from './ops/slots.js';
export { addPasswordSlot, changePassword, listSlots, newRecoveryCode, removeSlot } from './ops/slots.js';
export type { Status } from './ops/status.js';
export { homeStatus } from './ops/status.js';
export type { CreatedVault, Vault } from './ops/vault.js';
export { createVault, openVault } from './ops/vault.js';
export type { VerifyOptions, VerifyResult } from './ops/verify.js';
export { verify } from './ops/verify.js';
