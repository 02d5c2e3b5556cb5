import { createSocial, type Social } from '../../social/social.ts'
import type { Base } from '../base.ts'
import { type Moves, openMovesPart } from './moves.ts'

/** The stores of the social model. */
export const SOCIAL_STORES = ['users', 'moves', 'follows', 'posts', 'timelines', 'queue'] as const

export interface SocialPart {
  readonly social: Social
  readonly moves: Moves
  startWorkers(): void
}

export async function openSocialPart(base: Base): Promise<SocialPart> {
  const queue = base.lifecycle.own('the queue', await base.open('queue'))
  const { clock, logger, metrics, ids } = base
  const { follows, timelines, moves } = await openMovesPart(base)
  const deps = {
    users: await base.open('users'),
    follows,
    posts: await base.open('posts'),
    timelines,
    ...{ queue, ids, clock, logger, metrics },
  }
  const { rankTimeline, streams } = base.options
  const social = base.lifecycle.own(
    'the social model',
    createSocial(deps, { pullFollowers: base.config.pullFollowers, rankTimeline, streams }),
  )
  return {
    social,
    moves,
    startWorkers: () => void base.lifecycle.own('the workers of the social model', social.startWorkers()),
  }
}
