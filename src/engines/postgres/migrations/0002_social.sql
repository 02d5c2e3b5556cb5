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

-- Follows whose followee's earlier posts are not in the follower's timeline yet.
create table follow_backfills (
  follower_id text collate "C" not null,
  followee_id text collate "C" not null,
  since timestamptz not null,
  primary key (follower_id, followee_id)
);
create index follow_backfills_since on follow_backfills (since);

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
  idempotency_key text,
  fingerprint bytea,
  -- A deleted post keeps its row, emptied, so that its idempotency key stays used.
  deleted_at timestamptz,
  -- True while a deleted post still has likes or comments to clear away.
  leftovers boolean not null default false,
  unique (user_id, idempotency_key)
) with (fillfactor = 85);
create index posts_of_author on posts (user_id, post_id desc);
create index posts_leftovers on posts (post_id) where leftovers;

create table post_likes (
  post_id bigint not null,
  user_id text collate "C" not null,
  since timestamptz not null,
  primary key (post_id, user_id)
);
create index post_likes_of_user on post_likes (user_id, post_id);

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

-- The ledger: how far the fan-out of a post has come. followers_scanned = delivered + duplicate + inactive.
create table post_fanouts (
  post_id bigint primary key,
  planned_chunks int not null default 0,
  planned boolean not null default false,
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

-- The chunks of fan-outs under way: followers after the end of the chunk before, up to and with up_to (null: to the end).
create table post_fanout_chunks (
  post_id bigint not null,
  chunk int not null,
  up_to text collate "C",
  done boolean not null default false,
  primary key (post_id, chunk)
);

create table user_feed_timeline (
  user_id text collate "C" not null,
  post_id bigint not null,
  primary key (user_id, post_id)
);

-- Entries of a timeline at or below floor are not to be read: the page goes on from the posts themselves.
create table user_feed_floors (
  user_id text collate "C" primary key,
  floor bigint not null
);
