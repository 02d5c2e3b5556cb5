/** The social model alone: `import { openSocial } from 'fanfold/social'`. */
import { type Alone, openAlone } from '../app/alone.ts'
import type { FanfoldOptions } from '../app/base.ts'
import { openSocialPart, SOCIAL_STORES } from '../app/parts/social.ts'
import type { Social } from '../social/social.ts'

export type { FanfoldOptions } from '../app/base.ts'
export type * from '../social/schemas.ts'
export type { Social } from '../social/social.ts'
export type { TimelineRequest } from '../social/timelines/feed.ts'
export type { TimelineEvent } from '../social/timelines/news.ts'
export type { RankTimeline } from '../social/timelines/ranking.ts'
export type { TimelineExplanation, TimelinePage } from '../social/timelines/schemas.ts'
export type { StreamRequest, TimelineStream } from '../social/timelines/stream.ts'

/** Opens users, follows, posts and timelines, without the other models. Options and errors as for `createFanfold`. */
export function openSocial(options: FanfoldOptions = {}): Promise<Alone<{ readonly social: Social }>> {
  return openAlone(options, SOCIAL_STORES, async (base) => {
    const { social, startWorkers } = await openSocialPart(base)
    return { model: { social }, startWorkers }
  })
}
