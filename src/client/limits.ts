/** Times and counts of the client; most can be given to `createClient`. */
export const CLIENT_LIMITS = {
  /** One try of a request, from sending to the end of the answer, in milliseconds. */
  timeoutMs: 30_000,
  /** How often a request is sent again at most. */
  retries: 4,
  /** The first wait before a retry lasts up to this, each further one up to twice as long, in milliseconds. */
  backoffFirstMs: 250,
  backoffMaxMs: 10_000,
  /** A Retry-After that is longer is not waited for: the caller is told instead, in milliseconds. */
  retryAfterMaxMs: 60_000,
  /** What a stream waits before it connects again, unless the server names another time, in milliseconds. */
  streamRetryMs: 2_000,
  streamRetryMaxMs: 30_000,
  /** A stream on which not even a heartbeat came for so long is taken for dead, in milliseconds. */
  streamSilenceMs: 45_000,
  /** One event of a stream, in characters. */
  streamEventCharsMax: 8 * 1024 * 1024,
  /** What is told of an answer that is no problem document, in characters. */
  excerptChars: 200,
} as const
