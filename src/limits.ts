/**
 * Hard limits of format version 1 and of what this program accepts. Imports nothing.
 * Sizes are in bytes unless the name says otherwise.
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Bounds of a vault's average chunk size: powers of two. */
export const MIN_AVERAGE_CHUNK_BYTES = 64 * KIB;
export const MAX_AVERAGE_CHUNK_BYTES = 16 * MIB;
export const DEFAULT_AVERAGE_CHUNK_BYTES = MIB;

/** No plaintext inside one object is ever longer. */
export const MAX_RAW_BYTES = 64 * MIB;

/** A list whose encoding passes this is cut, sealed and stored as chunks of its own. */
export const MAX_INLINE_LIST_BYTES = 64 * KIB;
/** Average size of such a list chunk. */
export const LIST_CHUNK_AVERAGE_BYTES = 64 * KIB;
/** Lists of lists of lists: 64 KiB^5 bytes of references are more than anyone stores. */
export const MAX_LIST_DEPTH = 5;

/** One durable batch: whichever comes first. */
export const MAX_BATCH_BYTES = 64 * MIB;
export const MAX_BATCH_OBJECTS = 256;
/** Chunks that wait for their batch to be committed: two full batches and a little more. */
export const MAX_UNCOMMITTED = 2 * MAX_BATCH_OBJECTS + 64;

/** Refuse to write when less than this would stay free on the disk. */
export const FREE_SPACE_RESERVE_BYTES = 32 * MIB;

export const MAX_SLOTS = 8;
/** Of a slot, in characters. */
export const MAX_LABEL_LENGTH = 200;
export const MIN_KDF_MEMORY_BYTES = 64 * MIB;
export const MAX_KDF_MEMORY_BYTES = 1024 * MIB;
export const MIN_KDF_PASSES = 2;
export const MAX_KDF_PASSES = 16;

/** JSON files of a home (vault.json, slots): larger ones are refused unread. */
export const MAX_JSON_FILE_BYTES = 64 * KIB;
/** Names, tags and hosts in a manifest, as UTF-8. */
export const MAX_NAME_BYTES = 4096;
export const MAX_TAGS = 64;
/** Name and tags together: with the lists beside them a manifest stays below the smallest vault's largest chunk. */
export const MAX_NAME_AND_TAGS_BYTES = 32 * KIB;
export const MAX_PATH_BYTES = 32 * KIB;

/** Inputs smaller than this are sealed on the calling thread: a worker costs more than it saves. */
export const INLINE_BELOW_BYTES = 4 * MIB;
