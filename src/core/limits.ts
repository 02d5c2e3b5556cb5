/**
 * Every limit of Fanfold, in one place. What a caller can run into is answered with a clear 4xx that names the limit.
 * `docs/reference/limits.md` is generated from this file: the comment behind a limit is its description.
 */
export const LIMITS = {
  /** Largest request body, in bytes. */
  bodyBytesMax: 256 * 1024,
  /** Deepest nesting of a JSON value, in levels. */
  jsonDepthMax: 64,
  /** Largest page of a list, in items. */
  pageItemsMax: 100,
  /** Page size when `limit` is not given, in items. */
  pageItemsDefault: 20,
  /** Longest cursor or token of a list, in characters. */
  cursorCharsMax: 2_000,
  /** Requests per minute and API key (set with FANFOLD_RATE_LIMIT). */
  requestsPerMinuteDefault: 60_000,
  /** Longest id chosen by the caller (users, products, customers), in characters. */
  externalIdCharsMax: 64,
  /** Longest `Idempotency-Key`, in characters. */
  idempotencyKeyCharsMax: 255,
  /** How long a finished idempotency key is remembered, in days. */
  idempotencyKeyDays: 30,
  /** How long a running request holds its idempotency key before another may take over, in milliseconds. */
  idempotencyLeaseMs: 60_000,
  /** Longest name of a person, product or category, in characters. */
  nameCharsMax: 200,
  /** Longest handle, in characters. */
  handleCharsMax: 30,
  /** Longest text of a post, in characters. */
  postTextCharsMax: 5_000,
  /** Most edits of one post. */
  postEditsMax: 1_000,
  /** Different handles of a post's text that are looked up as mentions; what comes after them stays plain text. */
  mentionsPerPostMax: 20,
  /** Different hashtags under which a post is listed; what comes after them stays plain text. */
  hashtagsPerPostMax: 20,
  /** Longest hashtag, in characters; a longer one stays plain text. */
  hashtagCharsMax: 50,
  /** Most media of a post. */
  postMediaMax: 10,
  /** Longest URL, in characters. */
  urlCharsMax: 2_048,
  /** People named in one notification, the newest. */
  noticeActorsMax: 3,
  /** New followers of a day are counted up to this in a notification. */
  noticeFollowersMax: 1_000,
  /** Newest people of one notification who are looked at for some whom the reader has not hidden. */
  noticeActorsSearchedMax: 1_000,
  /** Unread notifications are counted up to this. */
  unreadCountMax: 100,
  /** Longest text of a comment, in characters. */
  commentTextCharsMax: 2_000,
  /** Most people one user may follow. */
  followsPerUserMax: 20_000,
  /** People whom a user followed last, whose follows are looked at for suggestions. */
  suggestionFolloweesMax: 100,
  /** Follows of each of them that are looked at. */
  suggestionFanOutMax: 200,
  /** Entries kept in one timeline; older pages continue from the post store. */
  timelineEntriesMax: 1_000,
  /** Newest entries that stay when a timeline with more than the most is cut. */
  timelineEntriesKept: 424,
  /** A timeline that nobody read for this long is dropped, and built again on the next visit, in days. */
  timelineIdleDays: 30,
  /** A post is not shown again when one of so many reposts shown before it, in one walk, passed it on. */
  repostWindow: 20,
  /** Posts that a ranking function of timelines is given at a time. */
  rankCandidates: 100,
  /** Open streams of timelines in one process. */
  streamsMax: 10_000,
  /** Open streams of one user's timeline in one process. */
  streamsPerUserMax: 20,
  /** Posts that a stream sends at a time; when more have come, it says that there is a gap. */
  streamBatchPosts: 100,
  /** Events that wait for a reader of a stream who is too slow; with more he is cut off, in bytes of JSON. */
  streamBufferBytesMax: 1024 * 1024,
  /** How often a process asks which of the streamed timelines have changed, in milliseconds. */
  streamLookMs: 1_000,
  /** How often, about, each of them is looked at even so, in milliseconds. */
  streamFullLookMs: 10_000,
  /** Streamed timelines that one process looks at at the same time. */
  streamLooksMax: 16,
  /** A stream on which nothing was sent for so long sends a comment, in milliseconds. */
  streamHeartbeatMs: 15_000,
  /** How long a client of a stream should wait before it connects again, in milliseconds. */
  streamRetryMs: 2_000,
  /** What a stream that ends has not got rid of by then is dropped, in milliseconds. */
  streamEndMs: 1_000,
  /** Age up to which a process reads the posts of very large authors from memory, in milliseconds. */
  outboxFreshMs: 500,
  /** Posts of one very large author kept in memory. */
  outboxCachedPosts: 256,
  /** Very large authors whose posts are kept in memory. */
  outboxesCached: 20_000,
  /** Writes of the timelines' store up to so long before it was last seen are repeated after it was lost, in milliseconds. */
  timelineLossMs: 5_000,
  /** After the timelines' store failed, one reader at a time tries it again after this; the others are served from the posts. */
  timelineAwayMs: 1_000,
  /** How long finished follow backfills are remembered, for the same purpose, in milliseconds. */
  backfillKeptMs: 3_600_000,
  /** Active followers above whom an author's posts are merged in at reading (set with FANFOLD_PULL_FOLLOWERS). */
  pullFollowersDefault: 100_000,
  /** Timelines that one process builds at the same time. */
  timelineBuildsMax: 4,
  /** Followers of one fan-out chunk. */
  fanoutChunkFollowers: 1_000,
  /** Followers up to which a chunk takes the small lane of the queue. */
  fanoutSmallLaneFollowers: 2_000,
  /** A post that was stored but not enqueued is enqueued after this, in milliseconds; the wait doubles each time. */
  fanoutPendingMs: 2_000,
  /** A post that was enqueued but whose fan-out is not done is enqueued again after this, in milliseconds. */
  fanoutLostMs: 60_000,
  /** Chunks of one post that are planned, and so waiting in the queue, at a time. */
  fanoutPlanChunks: 64,
  /** How long an erased user's id stays taken, so that requests under way leave nothing behind, in milliseconds. */
  eraseSettleMs: 60_000,
  /** Largest amount of money in minor units (10 billion in a currency with cents). */
  amountMinorMax: 1_000_000_000_000n,
  /** Most lines of one order. */
  orderLinesMax: 200,
  /** Most discounts, costs of shipping, or tax rules of one order, each. */
  orderAdjustmentsMax: 20,
  /** Longest message of a gift and longest note of an order, in characters. */
  giftCharsMax: 1_000,
  /** Most different items of one reservation. */
  reservationItemsMax: 100,
  /** How long a reservation is held when the caller does not say, in seconds. */
  reservationSecondsDefault: 900,
  /** Longest time for which a reservation can be held, in seconds. */
  reservationSecondsMax: 24 * 3_600,
  /** Reservations whose units are given back by one statement once their time is over. */
  reservationExpiryMax: 500,
  /** Most currencies of one product besides its own. */
  pricesMax: 20,
  /** Most locations. */
  locationsMax: 1_000,
  /** Largest quantity of one line. */
  quantityMax: 1_000_000,
  /** Largest stock on hand of a product. */
  stockMax: 1_000_000_000,
  /** Longest reason or note, in characters. */
  reasonCharsMax: 500,
  /** Largest `metadata` of an order, in bytes of JSON. */
  metadataBytesMax: 8 * 1024,
  /** Most lines of one imported order. */
  importedLinesMax: 1_000,
  /** Most words of a search for orders. */
  searchWordsMax: 10,
  /** Longest word of a search for orders; of a longer one the beginning counts, in characters. */
  searchWordCharsMax: 64,
  /** Different words under which an order is found; those of its last lines that go beyond are left out. */
  searchWordsPerOrderMax: 200,
  /** Orders placed, or commands appended, in one statement of the group commit. */
  batchItemsMax: 256,
  /** Requests waiting for one group commit before new ones are refused with `overloaded`. */
  batchWaitingMax: 10_000,
  /** Most rows of a report. */
  reportRowsMax: 10_000,
  /** Most products of a list of the best. */
  reportTopMax: 1_000,
  /** Rows of the report that an export reads at a time. */
  reportPageFacts: 5_000,
  /** Months that get a partition of the report ahead of time, besides the present one. */
  reportMonthsAhead: 2,
  /** Orders of one transaction when a month of the report is rebuilt. */
  reportRebuildOrders: 500,
  /** How long the report's tables wait for their readers before they give up being changed, in milliseconds. */
  reportLockMsMax: 500,
  /** How long a statement may run, in milliseconds. */
  statementMsMax: 30_000,
  /** How long a connection to a database may take to come about, in milliseconds. */
  connectMsMax: 10_000,
  /** A statement that goes on for so much longer than it may is given up with its connection, in milliseconds. */
  statementGraceMs: 5_000,
  /** How long a transaction may sit idle, in milliseconds. */
  idleTransactionMsMax: 10_000,
  /** How long a command may take on Redis, in milliseconds. */
  redisCommandMsMax: 5_000,
  /** Edges that one transaction adds to a graph, or changes in it. */
  graphBatchEdges: 2_000,
  /** Tries of a statement on a graph while its server is away. */
  graphAwayTriesMax: 4,
  /** How long a command may take on MongoDB, in milliseconds. */
  mongodbCommandMsMax: 10_000,
  /** How long MongoDB is looked for before an operation fails, in milliseconds. */
  mongodbSelectMsMax: 5_000,
  /** A change of counts on MongoDB that is not complete after so long is completed by another process, in milliseconds. */
  mongodbOperationMs: 15_000,
  /** How often a process looks for such changes, in milliseconds. */
  mongodbSweepMs: 5_000,
  /** How long a request may take on Cassandra, in milliseconds. */
  cassandraRequestMsMax: 10_000,
  /** Requests to Cassandra that one process has under way at the same time. */
  cassandraRequestsMax: 256,
  /** Compare-and-sets of Cassandra, which take four rounds each, that one process has under way at the same time. */
  cassandraSwapsMax: 16,
  /** Timelines that one request to Cassandra looks up. */
  cassandraKeysMax: 20,
  /** Rows of one partition that one request writes to Cassandra. */
  cassandraRowsMax: 64,
  /** How long Cassandra keeps an entry of a timeline, in days; older pages continue from the post store. */
  cassandraEntryDays: 35,
  /** How long Cassandra keeps the order of arrival of late posts, in hours. */
  cassandraArrivalHours: 48,
  /** Cassandra notes the arrival of a post that comes to a timeline so long after it was published, in milliseconds. */
  cassandraLateMs: 15_000,
  /** The clocks of the processes that share timelines on Cassandra differ by at most this, in milliseconds. */
  cassandraClockSkewMs: 5_000,
  /** A post from further in the future than this is kept apart on Cassandra, in milliseconds. */
  cassandraFutureMs: 3_600_000,
  /** Tries of a transaction that lost a race (40001, deadlock). */
  transactionTriesMax: 10,
  /** How long a command re-decides after a version conflict before `write_contention`, in milliseconds. */
  commandMsMax: 10_000,
  /** Events a projection folds in one transaction. */
  projectionBatchEvents: 1_000,
  /** Events of one seal of a log at most. */
  sealEveryEvents: 1_000,
  /** How long an event waits at most for its seal, in milliseconds, while a worker runs. */
  sealEveryMs: 60_000,
  /** An event of an export without a seal is a finding when it was older than this, in milliseconds. */
  unsealedMsMax: 10 * 60_000,
  /** Streams of one shard that a projection sets aside before it stops: so many point to a fault of the program. */
  quarantinedStreamsMax: 1_000,
  /** Messages waiting in one topic of the queue before new ones are refused with `overloaded`. */
  queueDepthMax: 5_000_000,
  /** Messages claimed by one statement. */
  queueClaimMax: 64,
  /** Tries of a message before it becomes a dead letter. */
  queueTriesMax: 12,
  /** First wait after a failed try; doubles with each, with jitter, in milliseconds. */
  queueBackoffMs: 500,
  /** Longest wait between two tries, in milliseconds. */
  queueBackoffMsMax: 15 * 60_000,
  /** How long a claimed message is hidden from other workers, in milliseconds. */
  queueLeaseMs: 60_000,
  /** Largest payload of a message, in bytes of JSON. */
  queuePayloadBytesMax: 64 * 1024,
  /** Events that are published to others at a time, in bytes of JSON, but for one that is larger. */
  relayBatchBytesMax: 1024 * 1024,
  /** Dead letters of one topic and lane that are looked at, the oldest, where a broker can't search them. */
  deadLettersReadMax: 50_000,
  /** Dead letters that one request puts back to work when it says how many, or of which lane. */
  deadLettersRedriveMax: 10_000,
  /** How long RabbitMQ may take to answer a call or to confirm messages, in milliseconds. */
  rabbitmqCallMsMax: 10_000,
  /** How often a connection to RabbitMQ says that it lives; after two of silence it is broken, in milliseconds. */
  rabbitmqHeartbeatMs: 10_000,
  /** How long a process waits until another has read the dead letters, or the topics, in RabbitMQ, in milliseconds. */
  rabbitmqLockMsMax: 30_000,
  /** How long a request may take on Kafka, in milliseconds. */
  kafkaRequestMsMax: 5_000,
  /** How long messages are sent again to Kafka before it counts as failed, in milliseconds. */
  kafkaSendMsMax: 10_000,
  /** A consumer of Kafka that was silent for so long loses its partitions to others, in milliseconds. */
  kafkaSessionMs: 10_000,
  /** How often a consumer of Kafka asks whether its group has changed, in milliseconds. */
  kafkaHeartbeatMs: 1_000,
  /** How long the consumers of a group on Kafka wait for each other to join, in milliseconds. */
  kafkaRebalanceMs: 30_000,
  /** How long work goes on in a partition of Kafka that is to move to another consumer, in milliseconds. */
  kafkaRevokeMs: 30_000,
  /** Messages of one partition of Kafka between the first that is not done and the last that was fetched. */
  kafkaWindowRecords: 4_096,
  /** Messages of one partition of Kafka that are fetched and not done, in bytes. */
  kafkaBufferBytesMax: 2 * 1024 * 1024,
  /** Largest batch of messages for one partition of Kafka, in bytes; brokers take 1 MiB unless told otherwise. */
  kafkaBatchBytesMax: 900_000,
  /** How often handled messages are deleted from Kafka, in milliseconds. */
  kafkaPurgeMs: 60_000,
  /** How long a payment processor may take to answer, in milliseconds. */
  processorMsMax: 20_000,
  /** Most events of one payment. */
  paymentEventsMax: 100_000,
  /** Finished operations that the state of a payment remembers, the newest; older ones are in its events. */
  paymentOperationsKept: 20,
  /** A snapshot of a payment is taken at every so many of its events. */
  snapshotEveryEvents: 50,
  /** Most `metadata` entries of one payment. */
  paymentMetadataMax: 50,
  /** Longest value of a payment's `metadata`, in characters. */
  metadataValueCharsMax: 500,
  /** Deeds per second with which the demo keeps its world moving when nothing else is asked for. */
  demoRateDefault: 3,
  /** The same at most. */
  demoRateMax: 100,
  /** Most rules that name the processors of payments (set with FANFOLD_ROUTES). */
  routingRulesMax: 100,
  /** Longest name of a payment processor, in characters. */
  processorNameCharsMax: 40,
  /** Most processors of one route, and most tokens of one payment method. */
  paymentRouteMax: 10,
  /** Most texts of a dispute's evidence. */
  evidenceTextsMax: 30,
  /** How long the text of a processor's webhook is kept after it came, encrypted, in days. */
  webhookBodyDays: 14,
  /** Longest text of a dispute's evidence, in characters. */
  evidenceCharsMax: 20_000,
  /** Most lines of one settlement file. */
  settlementLinesMax: 5_000_000,
  /** How long the comparison of a settlement file may take, in milliseconds. */
  settlementMsMax: 600_000,
  /** What is so old and in no settlement file counts as missing, in days. */
  settlementGraceDays: 3,
  /** Most webhook endpoints. */
  webhookEndpointsMax: 100,
  /** Most event types that one webhook endpoint names. */
  webhookEventTypesMax: 100,
  /** Webhooks that one process sends to one endpoint at the same time. */
  webhookSendsPerEndpoint: 16,
  /** How long a receiver of webhooks may take to answer, in milliseconds. */
  webhookMsMax: 15_000,
  /** How long a webhook that is being sent is hidden from other processes, in milliseconds. */
  webhookLeaseMs: 60_000,
  /** What is read of a receiver's answer to a webhook, and kept, in bytes. */
  webhookResponseBytes: 1_024,
  /** Tries of one webhook that are kept, the newest. */
  webhookAttemptsKept: 20,
  /** Longest wait that a receiver of webhooks can ask for with Retry-After, in milliseconds. */
  webhookRetryAfterMsMax: 86_400_000,
  /** How long an old webhook secret signs beside the new one, in hours. */
  webhookOldSecretHours: 24,
  /** A webhook endpoint at which every try has failed for so long is disabled, in days. */
  webhookFailingDays: 5,
  /** Most webhooks that one request replays. */
  webhookReplayMax: 10_000,
  /** How long deliveries of webhooks are kept, in days. */
  webhookDeliveryDays: 30,
  /** Looks at what differs between the two engines of a move before it is given up. */
  moveSettleTriesMax: 10,
  /** Relations of one user that a move compares at a time. */
  movePageItems: 500,
  /** Users whose data a move copies at the same time. */
  moveUsersAtOnce: 50,
  /** How long nobody else carries on a move whose mover is not heard of, in milliseconds. */
  moveLeaseMs: 30_000,
  /** A process that has not heard for so long whether a store moves writes nothing to it, in milliseconds. */
  moveUnheardMsMax: 120_000,
  /** How long an engine may take to tell the state of the system something; then it is said to be away, in milliseconds. */
  systemCheckMsMax: 3_000,
  /** How often a process notes its figures, in milliseconds. */
  systemSampleMs: 5_000,
  /** Notes of its figures that a process keeps, the newest. */
  systemSamplesKept: 180,
  /** Times of requests and deliveries in the state of the system are those of so long, in milliseconds. */
  systemTimesMs: 60_000,
  /** A fan-out that is not done after so long is a problem, in seconds. */
  systemBacklogSeconds: 30,
  /** A webhook that has been due for so long is a problem, in seconds. */
  systemWebhooksLateSeconds: 60,
  /** A read model that is behind and has folded nothing for so long is a problem, in milliseconds. */
  systemFoldMs: 30_000,
  /** A read model that is behind by so many events, and not by fewer than {@link LIMITS.systemFoldMs} before, is a problem. */
  systemLagEvents: 10_000,
  /** Payment operations in review are counted up to this in the state of the system. */
  systemReviewsCounted: 20,
  /** Jobs under way at the same time in one process. */
  jobsRunningMax: 2,
  /** Jobs that a process remembers, the newest. */
  jobsKept: 50,
  /** Differences that the result of a job lists of each model. */
  jobFindingsMax: 1_000,
  /** How often a job looks how far the rebuild of a read model is, in milliseconds. */
  jobLookMs: 500,
  /** How long closing a worker waits for what it has begun, in milliseconds. */
  closeMsMax: 8_000,
  /** What takes longer to close is named in the log, in milliseconds. */
  closeSlowMs: 3_000,
  /** How long a shutdown may take before the process ends at once, in milliseconds: some workers close one by one. */
  shutdownMsMax: 20_000,
  /** How long a command that has ended waits for what a driver has left open, in milliseconds. */
  leftOpenMsMax: 2_000,
} as const

export type Limit = keyof typeof LIMITS
