import { createSocial, type Social } from '../../social/social.ts'
import type { Base } from '../base.ts'

/** The stores of the social model. */
export const SOCIAL_STORES = ['users', 'follows', 'posts', 'timelines', 'queue'] as const

export interface SocialPart {
  readonly social: Social
  startWorkers(): void
}

export async function openSocialPart(base: Base): Promise<SocialPart> {
  const queue = base.lifecycle.own(await base.open('queue'))
  const { clock, logger, metrics, ids } = base
  const deps = {
    users: await base.open('users'),
    follows: await base.open('follows'),
    posts: await base.open('posts'),
    timelines: await base.open('timelines'),
    ...{ queue, ids, clock, logger, metrics },
  }
  const { rankTimeline, streams } = base.options
  const social = base.lifecycle.own(
    createSocial(deps, { pullFollowers: base.config.pullFollowers, rankTimeline, streams }),
  )
  return {
    social,
    startWorkers: () => void base.lifecycle.own(social.startWorkers()),
  }
}
