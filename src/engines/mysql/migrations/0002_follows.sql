-- The follow graph.

create table if not exists follows (
  follower_id varchar(64) not null,
  followee_id varchar(64) not null,
  since datetime(6) not null,
  primary key (follower_id, followee_id),
  unique key follows_followers (followee_id, follower_id),
  key follows_by_time (followee_id, since desc, follower_id),
  constraint follows_others check (follower_id <> followee_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- Ended follows whose earlier posts, up to a moment, stay in the timeline.
create table if not exists kept_follows (
  follower_id varchar(64) not null,
  followee_id varchar(64) not null,
  until datetime(6) not null,
  primary key (follower_id, followee_id),
  key kept_follows_followee (followee_id, until)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- Follows whose followee's earlier posts are not in the follower's timeline yet (done_at null), or have got there lately:
-- those are done again when the timelines' store has lost its last writes.
create table if not exists follow_backfills (
  follower_id varchar(64) not null,
  followee_id varchar(64) not null,
  since datetime(6) not null,
  done_at datetime(6),
  primary key (follower_id, followee_id),
  key follow_backfills_due (done_at, since),
  key follow_backfills_followee (followee_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists blocks (
  user_id varchar(64) not null,
  other_id varchar(64) not null,
  since datetime(6) not null,
  primary key (user_id, other_id),
  key blocks_other (other_id, user_id),
  constraint blocks_others check (user_id <> other_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

create table if not exists mutes (
  user_id varchar(64) not null,
  other_id varchar(64) not null,
  since datetime(6) not null,
  primary key (user_id, other_id),
  key mutes_other (other_id, user_id),
  constraint mutes_others check (user_id <> other_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
