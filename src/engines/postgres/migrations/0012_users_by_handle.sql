-- Handles compared byte by byte, so that one index keeps them unique, finds them, and walks them in order by a prefix.
create unique index users_by_handle on users (lower(handle collate "C"));
drop index users_handle;
