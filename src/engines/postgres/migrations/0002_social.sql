-- Users, the follow graph, posts with likes and comments, the ledger of the fan-out, home timelines.
-- Ids that people choose are compared byte by byte ("C"), so that a range of keys means the same everywhere.
-- No foreign keys between users, graph, posts and timelines: each of the four may live on another engine.

create table users (
  user_id text collate "C" primary key,
  -- Null while the user is being erased.
  handle text,
  name text not null,
  created_at timestamptz not null,
  idempotency_scope text,
  idempotency_key text,
  fingerprint bytea,
  notifications_seen_at timestamptz,
  erasing_at timestamptz,
  unique (idempotency_scope, idempotency_key)
);
create unique index users_handle on users (lower(handle));
create index users_erasing on users (erasing_at) where erasing_at is not null;

create table follows (
  follower_id text collate "C" not null,
  followee_id text collate "C" not null,
  since timestamptz not null,
  primary key (follower_id, followee_id),
  check (follower_id <> followee_id)
);
create unique index follows_followers on follows (followee_id, follower_id);
create index follows_by_time on follows (followee_id, since desc, follower_id);

-- Ended follows whose earlier posts, up to a moment, stay in the timeline.
create table kept_follows (
  follower_id text collate "C" not null,
  followee_id text collate "C" not null,
  until timestamptz not null,
  primary key (follower_id, followee_id)
);
create index kept_follows_followee on kept_follows (followee_id, until);

-- Follows whose followee's earlier posts are not in the follower's timeline yet (done_at null), or have got there lately:
-- those are done again when the timelines' store has lost its last writes.
create table follow_backfills (
  follower_id text collate "C" not null,
  followee_id text collate "C" not null,
  since timestamptz not null,
  done_at timestamptz,
  primary key (follower_id, followee_id)
);
create index follow_backfills_pending on follow_backfills (since) where done_at is null;
create index follow_backfills_done on follow_backfills (done_at) where done_at is not null;
create index follow_backfills_followee on follow_backfills (followee_id);

create table blocks (
  user_id text collate "C" not null,
  other_id text collate "C" not null,
  since timestamptz not null,
  primary key (user_id, other_id),
  check (user_id <> other_id)
);
create index blocks_other on blocks (other_id, user_id);

create table mutes (
  user_id text collate "C" not null,
  other_id text collate "C" not null,
  since timestamptz not null,
  primary key (user_id, other_id),
  check (user_id <> other_id)
);
create index mutes_other on mutes (other_id, user_id);

create table posts (
  post_id bigint primary key,
  user_id text collate "C" not null,
  content jsonb not null,
  visibility text not null check (visibility in ('public', 'followers')),
  -- How it reaches the timelines; fixed when it is published.
  mode text not null check (mode in ('push', 'pull')),
  timestamp timestamptz not null,
  like_count bigint not null default 0 check (like_count >= 0),
  comment_count bigint not null default 0 check (comment_count >= 0),
  -- The post that this one passes on: as a repost when it has no content of its own, else as a quote.
  repost_of bigint,
  repost_count bigint not null default 0 check (repost_count >= 0),
  -- Raised by each edit.
  version int not null default 1,
  edited_at timestamptz,
  -- True when post_mentions may have rows for it.
  mentioning boolean not null default false,
  idempotency_key text,
  fingerprint bytea,
  -- A deleted post keeps its row, emptied, so that its idempotency key stays used.
  deleted_at timestamptz,
  -- True while a deleted post still has likes or comments to clear away.
  leftovers boolean not null default false,
  unique (user_id, idempotency_key)
) with (fillfactor = 85);
create index posts_of_author on posts (user_id, post_id desc);
create index posts_of_outbox on posts (user_id, post_id desc) where mode = 'pull';
-- A user reposts a post once.
create unique index posts_reposted_once on posts (user_id, repost_of)
  where repost_of is not null and content = '{}' and deleted_at is null;
create index posts_reposts on posts (repost_of, post_id) where repost_of is not null;
create index posts_leftovers on posts (post_id) where leftovers;

-- What edited posts said before.
create table post_versions (
  post_id bigint not null,
  version int not null,
  content jsonb not null,
  written_at timestamptz not null,
  replaced_at timestamptz not null,
  primary key (post_id, version)
);

create table post_mentions (
  user_id text collate "C" not null,
  post_id bigint not null
);
create unique index post_mentions_of_user on post_mentions (user_id, post_id desc);
create index post_mentions_of_post on post_mentions (post_id);

-- Public posts by hashtag.
create table post_hashtags (
  tag text collate "C" not null,
  post_id bigint not null,
  primary key (tag, post_id)
);
create index post_hashtags_of_post on post_hashtags (post_id);

create table post_likes (
  post_id bigint not null,
  user_id text collate "C" not null,
  since timestamptz not null,
  -- By user first: a hot post then writes all over this index and at the end of the other.
  primary key (user_id, post_id)
);
create index post_likes_by_time on post_likes (post_id, since desc, user_id);

create table comments (
  comment_id bigint primary key,
  post_id bigint not null,
  user_id text collate "C" not null,
  text text not null,
  timestamp timestamptz not null,
  idempotency_key text,
  fingerprint bytea,
  unique (user_id, idempotency_key)
);
create index comments_of_post on comments (post_id, comment_id);
create index comments_of_user on comments (user_id, comment_id);
create index comments_by_time on comments (post_id, timestamp desc, user_id);

-- How many others did something to a post on a UTC day, for the notifications of its author (user_id). Changed only by the
-- statements that write the rows counted, under the lock of the post. A count of 0 says that all was taken back.
create table post_notices (
  post_id bigint not null,
  kind text collate "C" not null check (kind in ('like', 'comment', 'repost')),
  day date not null,
  user_id text collate "C" not null,
  count bigint not null check (count >= 0),
  latest_at timestamptz not null,
  primary key (post_id, kind, day)
) with (fillfactor = 85);
create index post_notices_by_time on post_notices (user_id, latest_at, post_id, kind);

-- The ledger: how far the fan-out of a post has come. followers_scanned = delivered + duplicate + inactive.
create table post_fanouts (
  post_id bigint primary key,
  -- Raised when the fan-out begins anew, after the timelines' store has lost its last writes.
  round int not null default 0,
  planned_chunks int not null default 0,
  planned boolean not null default false,
  planned_up_to text collate "C",
  done_chunks int not null default 0,
  followers_scanned bigint not null default 0,
  delivered bigint not null default 0,
  duplicate bigint not null default 0,
  inactive bigint not null default 0,
  -- When the sweeper looks at it again; each look doubles the wait.
  sweep_at timestamptz not null,
  sweeps int not null default 0,
  done_at timestamptz,
  check (done_chunks <= planned_chunks),
  check (followers_scanned = delivered + duplicate + inactive)
) with (fillfactor = 85);
create index post_fanouts_pending on post_fanouts (sweep_at) where done_at is null;
create index post_fanouts_done on post_fanouts (done_at) where done_at is not null;

-- The chunks that are not done: followers after a key (null: from the start), up to and with another (null: to the end).
create table post_fanout_chunks (
  post_id bigint not null,
  chunk int not null,
  after text collate "C",
  up_to text collate "C",
  primary key (post_id, chunk)
);

-- Authors who have pull posts, which readers merge in.
create table pull_authors (
  user_id text collate "C" primary key,
  since timestamptz(3) not null default clock_timestamp()
);
create index pull_authors_since on pull_authors (since);

-- What the timelines' store last said it was; one row.
create table timeline_incarnation (
  one boolean primary key default true check (one),
  value text not null,
  confirmed_at timestamptz not null
);

-- The timelines that are kept. Whoever has none here is skipped by the fan-out until he reads again.
create table user_feeds (
  user_id text collate "C" primary key,
  -- The transaction that began it: another for each time that it is built.
  epoch bigint not null,
  ready boolean not null,
  -- Entries at or below are not to be read: the page goes on from the posts themselves.
  floor bigint not null,
  -- The newest `arrived` of what was cut off; 0 when nothing was.
  cut_arrived bigint not null,
  read_at timestamptz not null
) with (fillfactor = 85);
create index user_feeds_read on user_feeds (read_at);

create table user_feed_timeline (
  user_id text collate "C" not null,
  post_id bigint not null,
  -- The transaction that wrote it (xid8 as a number): what a reader could not see was written by one that was not over.
  arrived bigint not null,
  primary key (user_id, post_id)
);
