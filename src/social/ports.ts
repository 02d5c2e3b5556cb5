export interface UserStore {}
export interface PostStore {}
export interface FollowStore {}
export interface TimelineStore {}
